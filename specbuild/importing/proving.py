"""The proof of an import: the spec's network holds the model's weights, and gives the same outputs.

Bit for bit, where torch runs both; within a tolerance, where other kernels ran the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.network.compile import build
from specbuild.network.plan import Plan

if TYPE_CHECKING:
    from specbuild.importing.finishing import Original

MOST_TOLD = 10
"""Keys that are told of a difference."""


RELATIVE, ABSOLUTE = 1e-3, 1e-5
"""How far a number may be off where other kernels than torch's made it."""


class Trial(NamedTuple):
    """One forward pass of the model."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]

    @property
    def batch(self) -> int:
        """The number of samples."""
        return len(next(iter(self.inputs.values())))


class Proof(NamedTuple):
    """The network of a spec with the model's weights, in eval mode, and what was found of its outputs."""

    network: nn.Sequential
    words: str


def prove(plan: Plan, original: Original) -> Proof:
    """The network of a plan with the model's weights. Raises `RunError` (SB516) where it is another."""
    network = build(plan).eval()
    problems = differences(original.state, network.state_dict())
    if problems:
        raise RunError([Diagnostic("SB516", f"the keys are not the model's: {problem}") for problem in problems])
    network.load_state_dict(dict(original.state))
    alike, most, exact = near if original.near else same, 0.0, True
    trials = [Trial(original.inputs, original.outputs), *original.more]
    for number, (inputs, outputs) in enumerate(trials):
        with torch.no_grad():
            result = network(*inputs.values())
        given = list(result.values()) if isinstance(result, dict) else [result]
        for (name, wanted), found in zip(outputs.items(), given, strict=True):
            if not alike(wanted, found):
                if number == 0:
                    raise RunError([unequal(network, original, name, wanted, found)])
                samples = trials[number].batch
                message = (
                    f"the output `{name}` goes by the size of the batch: on {samples} samples {distance(wanted, found)}"
                )
                raise RunError([Diagnostic("SB516", message, fix="let forward treat each sample alone")])
            exact = exact and same(wanted, found)
            most = max(most, (wanted.double() - found.double()).abs().nan_to_num().max().item())
    batches = " and ".join(str(trial.batch) for trial in trials)
    on = f"on a batch of {batches}" if len(trials) == 1 else f"on batches of {batches}"
    words = "bit-equal" if exact else f"differ by at most {most:.2g}"
    return Proof(network, f"outputs {words} {on}" + ("" if exact else f", within rtol {RELATIVE:g}, atol {ABSOLUTE:g}"))


def near(wanted: Tensor, found: Tensor) -> bool:
    """Whether two tensors are within the tolerance, which is smaller where all numbers are small."""
    if wanted.dtype != found.dtype or wanted.shape != found.shape:
        return False
    finite = wanted[wanted.isfinite()].abs().double()
    absolute = min(ABSOLUTE, RELATIVE * finite.max().item()) if finite.numel() else ABSOLUTE
    return torch.allclose(found, wanted, rtol=RELATIVE, atol=absolute, equal_nan=True)


def same(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors are bit-equal; NaN equals NaN."""
    return a.dtype == b.dtype and a.shape == b.shape and bool(((a == b) | ((a != a) & (b != b))).all())


def differences(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> Sequence[str]:
    """Keys that are missing, too many, or of another shape or dtype; in words."""
    words = [f"`{key}` is in the model alone" for key in wanted if key not in found]
    words += [f"`{key}` is in the spec alone" for key in found if key not in wanted]
    for key in wanted:
        if key in found and (wanted[key].shape, wanted[key].dtype) != (found[key].shape, found[key].dtype):
            words.append(
                f"`{key}` is {list(wanted[key].shape)} {wanted[key].dtype} in the model, "
                f"{list(found[key].shape)} {found[key].dtype} in the spec"
            )
    more = [f"and {len(words) - MOST_TOLD} more"] if len(words) > MOST_TOLD else []
    return [*words[:MOST_TOLD], *more]


def unequal(network: nn.Module, original: Original, name: str, wanted: Tensor, found: Tensor) -> Diagnostic:
    """SB516 with the first layer whose output differs, and by how much."""
    recorded = original.watch() if original.watch is not None else {}
    for path, tensor in watched(network, original.inputs).items():
        if path and path in recorded and not (near if original.near else same)(recorded[path], tensor):
            message = f"{path}: {distance(recorded[path], tensor)}; it is the first layer that differs"
            return Diagnostic("SB516", message)
    return Diagnostic("SB516", f"the output `{name}`: {distance(wanted, found)}, and no named layer's output does")


def distance(wanted: Tensor, found: Tensor) -> str:
    """How far two tensors are apart, in words."""
    if wanted.shape != found.shape or wanted.dtype != found.dtype:
        return f"the model gives {list(wanted.shape)} {wanted.dtype}, the spec {list(found.shape)} {found.dtype}"
    most = (wanted.double() - found.double()).abs().max().item()
    return f"the spec's output differs from the model's by up to {most:.3g}"


def watched(network: nn.Module, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The first output of each module that gives a tensor, in the order that they end."""
    found: dict[str, Tensor] = {}
    handles = []
    for path, module in network.named_modules():

        def keep(_: nn.Module, __: object, output: object, path: str = path) -> None:
            if isinstance(output, Tensor):
                found.setdefault(path, output.clone())

        handles.append(module.register_forward_hook(keep))
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            network(*inputs.values())
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return found
