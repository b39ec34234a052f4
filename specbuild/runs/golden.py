"""`golden.safetensors`: a fixed input and the model's output for it, which `reload` proves itself against.

Its tensors are `input` and `output`; of several `input.NAME` each, and `output.NAME`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch

from specbuild.catalogue.rules import Storage
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.language.document import Spec
from specbuild.network.inference import infer
from specbuild.network.plan import Plan
from specbuild.runs import reading, weights

NAME = "golden.safetensors"
BATCH = 2
TOLERANCE = 1e-3
"""What the outputs may differ by on another torch, CPU or device, as a part of the largest output."""
CPU = torch.device("cpu")


def plan_for(spec: Spec, plan: Plan) -> Plan:
    """The plan of the fixed input: where sizes are left open, that at the smallest promised ones."""
    return infer(spec.at({})) if plan.dims else plan


def save(model: torch.nn.Module, plan: Plan, path: Path) -> None:
    """Write the fixed input and what `model`, on the CPU and in eval mode, gives for it."""
    given = fixed_inputs(plan)
    weights.save({**given, **outputs_of(model, given.values())}, path)


class Proof(NamedTuple):
    """How near the outputs came to the recorded ones."""

    difference: float
    """The largest, of the output that came nearest to what it may differ by."""
    allowed: float
    """What that output may differ by; 0 where it must be equal bit for bit."""


EXACT = Proof(0.0, 0.0)


def prove(model: torch.nn.Module, plan: Plan, path: Path, same_machine: bool, device: torch.device = CPU) -> Proof:
    """Hold the model's outputs, on the device that it is on, against the recorded ones.

    same_machine: whether torch, CPU capability and threads are those that wrote the file; then the
    outputs must be equal bit for bit on the CPU. Raises `RunError` (SB504) with the difference otherwise.
    """
    inputs, outputs = keys("input", plan.inputs), keys("output", plan.outputs)
    kinds = zip([*inputs, *outputs], [*plan.inputs.values(), *plan.outputs.values()], strict=True)
    tensors = weights.load(path, {key: stored(kind) for key, kind in kinds})
    try:
        # A clone lies where torch's own allocator puts it: kernels may round by alignment.
        actual = outputs_of(model, [tensors[key].clone().to(device) for key in inputs])
    except (RuntimeError, IndexError, ValueError, NotImplementedError) as error:  # as of a token that is none
        said = reading.shown(str(error).partition("\n")[0])
        message = f"the network cannot be run on the recorded input on {device}: {said}"
        raise RunError([Diagnostic("SB504", message, file=str(path))]) from None
    exact = same_machine and device.type == "cpu"
    proofs = [proof(actual[key].cpu(), tensors[key], path, exact) for key in outputs]
    return max(proofs, key=lambda one: (one.difference / one.allowed if one.allowed else 0.0, one.allowed))


def proof(actual: torch.Tensor, wanted: torch.Tensor, path: Path, exact: bool) -> Proof:
    """How near one output came to the recorded one."""
    if exact and same_bits(actual, wanted):
        return EXACT
    allowed = 0.0 if exact or not wanted.numel() else TOLERANCE * wanted.double().abs().max().item()
    if same_bits(actual, wanted):
        return Proof(0.0, allowed)
    found = (actual.double() - wanted.double()).abs().max().item()
    if not found <= allowed:  # NaN is not allowed either
        bound = "must be equal bit for bit" if exact else f"may differ by {allowed:.3g}"
        raise RunError(
            [
                Diagnostic(
                    "SB504",
                    f"the outputs differ from the recorded ones by {found:.3g}; they {bound}",
                    file=str(path),
                )
            ]
        )
    return Proof(found, allowed)


def keys(what: str, names: Iterable[str]) -> list[str]:
    """What the tensors of the inputs, or of the outputs, are called in the file."""
    names = list(names)
    return [what] if len(names) == 1 else [f"{what}.{name}" for name in names]


def fixed_inputs(plan: Plan) -> dict[str, torch.Tensor]:
    """The same batch of each input every time, by its key."""
    generator = torch.Generator().manual_seed(0)
    drawn = [fixed_input(kind, generator) for kind in plan.inputs.values()]
    return dict(zip(keys("input", plan.inputs), drawn, strict=True))


def fixed_input(kind: TensorType, generator: torch.Generator) -> torch.Tensor:
    """A batch of this type."""
    shape = (BATCH, *kind.shape)
    dtype = getattr(torch, kind.dtype)
    if dtype.is_floating_point:
        return torch.randn(shape, generator=generator).to(dtype)
    return torch.randint(0, 2, shape, generator=generator).to(dtype)


def outputs_of(model: torch.nn.Module, given: Iterable[torch.Tensor]) -> dict[str, torch.Tensor]:
    """The model's outputs by their keys, without a graph."""
    assert not model.training
    given = list(given)
    with torch.inference_mode(), exactly(any(tensor.is_cuda for tensor in given)):
        output: torch.Tensor | Mapping[str, torch.Tensor] = model(*given)
    outputs = output if isinstance(output, Mapping) else {"output": output}
    return dict(zip(keys("output", outputs), (each.contiguous() for each in outputs.values()), strict=True))


@contextmanager
def exactly(on_gpu: bool) -> Iterator[None]:
    """A GPU computes float32 as such in here: TensorFloat-32 has 10 bits, as coarse as the tolerance."""
    if not on_gpu:
        yield
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def stored(kind: TensorType) -> Storage:
    """A golden tensor as a file holds it: with the batch axis, where it has one."""
    return Storage((BATCH, *kind.shape) if kind.batched else kind.shape, kind.dtype)


def same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two contiguous tensors hold the same bytes; a NaN equals itself."""
    flat = (tensor.reshape(-1).view(torch.uint8) for tensor in (a, b))
    return a.dtype == b.dtype and torch.equal(*flat)
