"""`golden.safetensors`: a fixed input and the model's output for it, which `reload` proves itself against."""

from __future__ import annotations

from pathlib import Path

import torch

from specbuild.catalogue.rules import Storage
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.network.plan import Plan
from specbuild.runs import weights

NAME = "golden.safetensors"
BATCH = 2
TOLERANCE = 1e-3
"""What the outputs may differ by on another torch or CPU, as a part of the largest output."""


def save(model: torch.nn.Module, plan: Plan, path: Path) -> None:
    """Write the fixed input and what `model`, on the CPU and in eval mode, gives for it."""
    given = fixed_input(plan.input)
    weights.save({"input": given, "output": output_of(model, given)}, path)


def prove(model: torch.nn.Module, plan: Plan, path: Path, same_machine: bool) -> float:
    """Hold the model's output against the recorded one; returns the largest difference.

    same_machine: whether torch, CPU capability and threads are those that wrote the file; then the
    outputs must be equal bit for bit. Raises `RunError` (SB504) with the difference otherwise.
    """
    tensors = weights.load(path, {"input": stored(plan.input), "output": stored(plan.output)})
    # A clone lies where torch's own allocator puts it: kernels may round by alignment.
    actual, wanted = output_of(model, tensors["input"].clone()), tensors["output"]
    if same_bits(actual, wanted):
        return 0.0
    difference = (actual.double() - wanted.double()).abs().max().item()
    allowed = 0.0 if same_machine else TOLERANCE * wanted.double().abs().max().item()
    if not difference <= allowed:  # NaN is not allowed either
        bound = "must be equal bit for bit" if same_machine else f"may differ by {allowed:.3g}"
        raise RunError(
            [
                Diagnostic(
                    "SB504",
                    f"the outputs differ from the recorded ones by {difference:.3g}; they {bound}",
                    file=str(path),
                )
            ]
        )
    return difference


def fixed_input(kind: TensorType) -> torch.Tensor:
    """The same batch of this type every time."""
    generator = torch.Generator().manual_seed(0)
    shape = (BATCH, *kind.shape)
    dtype = getattr(torch, kind.dtype)
    if dtype.is_floating_point:
        return torch.randn(shape, generator=generator).to(dtype)
    return torch.randint(0, 2, shape, generator=generator).to(dtype)


def output_of(model: torch.nn.Module, given: torch.Tensor) -> torch.Tensor:
    """The model's output, without a graph."""
    assert not model.training
    with torch.inference_mode():
        output: torch.Tensor = model(given)
    return output.contiguous()


def stored(kind: TensorType) -> Storage:
    """A golden tensor as a file holds it: with the batch axis."""
    return Storage((BATCH, *kind.shape), kind.dtype)


def same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two contiguous tensors hold the same bytes; a NaN equals itself."""
    flat = (tensor.reshape(-1).view(torch.uint8) for tensor in (a, b))
    return a.dtype == b.dtype and torch.equal(*flat)
