"""What an export gives, held against what the network gives; and where the two begin to differ."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from specbuild.exporting.trials import Trial
from specbuild.network.plan import Plan
from specbuild.runs.golden import exactly, same_bits

Tensors = Mapping[str, Tensor]
Runner = Callable[[Tensors], Tensors]
"""Inputs by name to outputs by name."""


class Tolerance(NamedTuple):
    """How far a number may be off: `absolute + relative · |wanted|`."""

    relative: float
    absolute: float

    def __str__(self) -> str:
        return f"rtol {self.relative:g}, atol {self.absolute:g}" if self != EXACT else "equal bit for bit"


EXACT = Tolerance(0.0, 0.0)
NEAR = Tolerance(1e-3, 1e-5)
"""Of other kernels than torch's."""


class Parity(NamedTuple):
    """How near an export comes to the network."""

    largest: float
    """The largest difference of two numbers."""
    tried: int
    """On how many batches."""
    exact: bool
    """Whether all bits are equal."""
    tolerance: Tolerance
    note: str = ""
    """What else is to be said of the file."""

    def __str__(self) -> str:
        batches = f"on {self.tried} batches"
        if self.exact:
            return f"outputs equal bit for bit {batches}"
        return f"outputs differ by at most {self.largest:.2g} {batches}, within {self.tolerance}"


class Unequal(Exception):  # noqa: N818  it is caught, never shown
    """An output of an export is not the network's."""

    def __init__(self, output: str, words: str, trial: Trial) -> None:
        super().__init__(f"{output} {words}, on {trial.words}")
        self.output = output
        self.words = words
        self.trial = trial


def outputs_of(model: nn.Module, plan: Plan, inputs: Tensors) -> dict[str, Tensor]:
    """What the network gives, by the names of the outputs."""
    with torch.inference_mode(), exactly(any(tensor.is_cuda for tensor in inputs.values())):
        return named(model(*inputs.values()), plan)


def named(output: Any, plan: Plan) -> dict[str, Tensor]:
    """A network's output by the names in the document."""
    outputs = output if isinstance(output, Mapping) else dict(zip(plan.outputs, [output], strict=True))
    return {name: tensor.contiguous() for name, tensor in outputs.items()}


def require(model: nn.Module, plan: Plan, run: Runner, trials: Iterable[Trial], allowed: Tolerance) -> Parity:
    """Hold an export against the network on each trial; raises `Unequal` for the first output that is too far off."""
    largest, exact, count = 0.0, True, 0
    for trial in trials:
        wanted, found = seeded(lambda inputs: outputs_of(model, plan, inputs), trial), seeded(run, trial)
        for name, tensor in wanted.items():
            if name not in found:
                raise Unequal(name, "is missing", trial)
            words = misfit(found[name], tensor, allowed)
            if words is not None:
                raise Unequal(name, words, trial)
            exact = exact and same_bits(found[name].contiguous(), tensor)
            largest = max(largest, difference(found[name], tensor))
        count += 1
    return Parity(largest, count, exact, allowed)


def seeded(run: Runner, trial: Trial) -> Tensors:
    """The outputs of a trial, what is drawn in it begun anew; and what torch warns of is not for the user."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        return run({name: tensor.clone() for name, tensor in trial.inputs.items()})  # a layer may overwrite its input


def misfit(found: Tensor, wanted: Tensor, allowed: Tolerance) -> str | None:
    """What is wrong with an output, in words; None if nothing is. A NaN equals a NaN."""
    if (found.shape, found.dtype) != (wanted.shape, wanted.dtype):
        return f"is {list(found.shape)} {kind(found)}, not {list(wanted.shape)} {kind(wanted)}"
    if allowed == EXACT:
        if same_bits(found.contiguous(), wanted.contiguous()):
            return None
        return f"differs by {difference(found, wanted):.3g}, where it must be equal bit for bit"
    off = ~torch.isclose(found.double(), wanted.double(), allowed.relative, allowed.absolute, equal_nan=True)
    if not off.any():
        return None
    share = f"{int(off.sum()):,} of {off.numel():,} numbers"
    return f"differs by {difference(found, wanted):.3g} ({share} by more than {allowed})"


def difference(found: Tensor, wanted: Tensor) -> float:
    """The largest; infinite where one of the two is no number."""
    if not wanted.numel():
        return 0.0
    a, b = found.double(), wanted.double()
    apart = torch.where((a == b) | (a.isnan() & b.isnan()), 0.0, (a - b).abs())
    return apart.nan_to_num(nan=float("inf")).max().item()


def kind(tensor: Tensor) -> str:
    """A dtype as documents write it."""
    return str(tensor.dtype).removeprefix("torch.")


class Probed(nn.Module):
    """A network that gives what each of its layers gives, by the layer's name, in the order they run."""

    def __init__(self, model: nn.Module, plan: Plan) -> None:
        super().__init__()
        self.model = model
        self.names = [step.name for step in plan.layers() if step.layer is not None and step.layer.takes != ()]

    def forward(self, *inputs: Tensor) -> dict[str, Tensor]:
        """`{conv1: ..., relu1: ...}`."""
        with probes(self.model, self.names) as found:
            self.model(*inputs)
        return found


@contextmanager
def probes(model: nn.Module, names: Iterable[str]) -> Iterator[dict[str, Tensor]]:
    """A mapping that is filled with what the modules of these names give; of a tuple, the first."""
    found: dict[str, Tensor] = {}
    handles = []
    for name in names:

        def keep(module: nn.Module, arguments: Any, output: Any, name: str = name) -> None:
            found[name] = (output[0] if isinstance(output, tuple) else output).clone()  # a layer may overwrite it

        handles.append(model.get_submodule(name).register_forward_hook(keep))
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def first_difference(wanted: Tensors, found: Tensors, allowed: Tolerance) -> tuple[str, str] | None:
    """The first layer that is too far off, and by how much; both by layer, in the order they run.

    What an export computes without a layer's name is not looked at.
    """
    for name, tensor in wanted.items():
        if name in found and (words := misfit(found[name], tensor, allowed)) is not None:
            return name, words
    return None
