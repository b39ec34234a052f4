"""What the forward pass is computed in."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from typing import Literal

import torch
from torch import nn

from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError
from specbuild.language.document import Spec
from specbuild.network.metrics import judged_output, of_labels
from specbuild.network.plan import Plan

Precision = Literal["float32", "bfloat16", "float16"]

CONVOLUTIONS = frozenset({"Conv2d", "Conv3d", "ConvTranspose2d", "ConvTranspose3d"})
ATTENTION = frozenset(
    {
        "MultiheadAttention", "Transformer", "TransformerEncoder", "TransformerEncoderLayer", "TransformerDecoder",
        "TransformerDecoderLayer",
    }
)  # fmt: skip
WORTH = 50e6
"""Multiply-adds of a batch's forward pass from which convolutions are faster in bfloat16 on a CPU: docs/speed.md."""


def settled(spec: Spec, plan: Plan, model: nn.Module, device: torch.device) -> Precision:
    """What `train.precision` comes to on this device; raises `DataError` (SB410) where it cannot be computed in.

    `auto` is bfloat16 where the judged loss is one of labels, the network convolves in two or three dimensions or
    attends, a batch is enough work, the device computes faster in it, and torch has all of its layers in it.
    """
    wanted = spec.train.precision
    if wanted == "float32":
        return "float32"
    if wanted == "auto":
        worth = of_classes(spec) and fast(device) and worth_it(spec, plan, device)
        return "bfloat16" if worth and refusal(plan, model, device, "bfloat16") is None else "float32"
    loss = next((loss.type for loss in spec.losses.values() if loss.type == "BCELoss"), None)
    said = f"torch computes no {loss} in it" if loss and device.type == "cuda" else None
    said = said or refusal(plan, model, device, wanted)
    if said is not None:
        fix = "BCEWithLogitsLoss, or precision: float32" if loss else "precision: float32"
        message = f"precision is {wanted}, which this network cannot be trained in on {device}"
        raise DataError(
            spec.place([Diagnostic("SB410", message, ("train", "precision"), because=said, fix=fix)])
        ) from None
    return wanted


def of_classes(spec: Spec) -> bool:
    """Whether the judged loss is one of labels that takes any numbers for outputs."""
    output = judged_output(spec)
    if output is None:
        return False
    return of_labels(spec, spec.losses[output]) and not any(loss.takes_shares for loss in spec.losses.values())


def worth_it(spec: Spec, plan: Plan, device: torch.device) -> bool:
    """Whether a batch is so much work that the conversions to bfloat16 pay."""
    types = {step.type for step in plan.layers()}
    if types.isdisjoint(CONVOLUTIONS | ATTENTION):
        return False
    if device.type != "cpu":
        return True
    batch = spec.data.train.loader.batch_size if spec.data is not None else 1
    return not types.isdisjoint(CONVOLUTIONS) and plan.macs() * batch >= WORTH  # attention gains nothing there


def fast(device: torch.device) -> bool:
    """Whether a device computes faster in bfloat16 than in float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, name, bool)()) for name in names)


def refusal(plan: Plan, model: nn.Module, device: torch.device, precision: Precision) -> str | None:
    """What torch says against a forward and backward pass in this precision, tried on a copy; None if nothing."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        try:
            tried = deepcopy(model).train()
            with autocast(device, precision):
                given = tried(*(zeros(kind, device) for kind in plan.inputs.values()))
            outputs = given.values() if isinstance(given, dict) else [given]
            learned = [output.float().sum() for output in outputs if output.requires_grad]
            if learned:
                torch.stack(learned).sum().backward()  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            return str(error).partition("\n")[0]
    return None


def zeros(kind: TensorType, device: torch.device) -> torch.Tensor:
    """A batch of an input's type."""
    return torch.zeros((2, *kind.shape), dtype=getattr(torch, kind.dtype), device=device)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """While entered, torch computes in this precision what it can; it can be entered again and again."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, getattr(torch, precision))


def recorded(environment: dict[str, object]) -> Precision:
    """What a run was trained in."""
    known = environment.get("precision")
    return known if known == "bfloat16" or known == "float16" else "float32"
