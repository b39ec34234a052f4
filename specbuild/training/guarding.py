"""Numbers that are no longer finite: in which step, and in which layer they were first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import nn

from specbuild.catalogue.losses import Loss
from specbuild.network.plan import Plan
from specbuild.training.objective import Judged


class NotFinite(Exception):  # noqa: N818  it says what was found
    """Something that became infinite or not a number."""

    def __init__(self, what: str, value: float, number: int = 0) -> None:
        super().__init__(what)
        self.what, self.value = what, value
        self.number = number
        """The batch of the epoch, from 1."""
        self.batch: Mapping[str, torch.Tensor] = {}
        """The last batch that was seen."""

    @property
    def found(self) -> str:
        """What it became."""
        return "not a number" if math.isnan(self.value) else "infinite"


class Watch:
    """Looks at losses and gradients' norms as they come.

    On the CPU each is looked at, before the step that it would spoil. On other devices that would wait for the device
    in each step: there they are kept, and looked at together now and then.
    """

    def __init__(self, device: torch.device) -> None:
        self.at_once = device.type == "cpu"
        self.scaled = False
        """Whether gradients may be infinite, the scale of the loss being searched for."""
        self.losses: list[torch.Tensor] = []
        self.norms: list[torch.Tensor] = []
        self.seen = 0
        """Batches that were looked at."""

    def begin(self, seen: int = 0) -> None:
        """A new epoch; seen: batches of it that were looked at before."""
        self.losses, self.norms, self.seen = [], [], seen

    def loss(self, total: torch.Tensor) -> None:
        """Look at the loss of a batch; raises `NotFinite`."""
        if not self.at_once:
            self.losses.append(total.detach())
        elif not math.isfinite(value := total.item()):
            raise NotFinite("the loss", value)

    def norm(self, norm: torch.Tensor) -> None:
        """Look at the norm of the gradients of a step; raises `NotFinite`."""
        if self.scaled:
            return
        if not self.at_once:
            self.norms.append(norm)
        elif not math.isfinite(value := norm.item()):
            raise NotFinite("a gradient", value)

    def look(self, number: int) -> None:
        """Look at what was kept, up to the batch `number`; raises `NotFinite` for the first that is not finite."""
        losses, norms, seen = self.losses, self.norms, self.seen
        self.losses, self.norms, self.seen = [], [], number
        for what, kept in (("the loss", losses), ("a gradient", norms)):
            if not kept:
                continue
            values = torch.stack(kept).tolist()
            every = (number - seen) / len(kept)  # batches a step, for the norms
            for index, value in enumerate(values):
                if not math.isfinite(value):
                    raise NotFinite(what, value, seen + max(1, round((index + 1) * every)))


class Culprit(NamedTuple):
    """Where numbers were first not finite."""

    layer: str | None
    words: str
    fix: str | None = None
    """What to do where it is the data that has it; None where it came about in the network."""


UNKNOWN = Culprit(None, "no process has the whole network, to look for the layer")


def culprit(model: nn.Module, plan: Plan, given: list[torch.Tensor], judged: Judged | None = None) -> Culprit:
    """What of a network is first not finite: an input, a gradient, a weight, or a layer's output for `given`.

    model: with the gradients of the last step still there.
    """
    if not all(finite(tensor) for tensor in given):
        return Culprit(None, "the input has numbers that are not finite", "data and transforms that give numbers")
    weights = dict(model.named_parameters())
    for words, tensors in (
        ("the gradient of {} was the first not to be finite", {n: p.grad for n, p in weights.items()}),
        ("the weights in {} are not finite", weights),
    ):
        bad = [name for name, tensor in tensors.items() if tensor is not None and not finite(tensor)]
        if bad:
            # gradients flow backwards: the last one has it from no other
            name = bad[-1] if "gradient" in words else bad[0]
            return Culprit(name.rpartition(".")[0] or name, words.format(name))
    return first_output(model, plan, given)


def unlabelled(losses: Iterable[Loss], batch: Mapping[str, torch.Tensor]) -> Culprit | None:
    """The labels, where a loss ignores all of a batch."""
    for loss in losses:
        if loss.ignored is not None and bool((batch[loss.target] == loss.ignored).all()):
            words = f"all labels of the batch are {loss.ignored}, which the loss ignores: the mean of none is no number"
            return Culprit(None, words, "a larger batch_size, or reduction: sum")
    return None


def first_output(model: nn.Module, plan: Plan, given: list[torch.Tensor]) -> Culprit:
    """The first layer whose output is not finite."""
    found: list[str] = []

    def watching(name: str) -> Any:
        def hook(module: nn.Module, inputs: object, output: Any) -> None:
            results = output if isinstance(output, (tuple, list)) else (output,)
            if not found and not all(finite(result) for result in tensors_in(results)):
                found.append(name)

        return hook

    modules = dict(model.named_modules())
    hooks = [
        modules[step.name].register_forward_hook(watching(step.name)) for step in plan.layers() if step.name in modules
    ]
    try:
        with torch.no_grad():
            model(*given)
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        return Culprit(None, "what the network gives is finite: the loss of it is not")
    return Culprit(found[0], f"the output of {found[0]} is the first that is not finite")


def tensors_in(results: Iterable[Any]) -> list[torch.Tensor]:
    """The tensors among a layer's results."""
    return [result for result in results if isinstance(result, torch.Tensor)]


def finite(tensor: torch.Tensor) -> bool:
    """Whether all numbers of a tensor are."""
    return bool(torch.isfinite(tensor.coalesce().values() if tensor.is_sparse else tensor).all())
