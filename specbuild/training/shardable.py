"""What cannot be trained with a network in parts, `strategy: fsdp`."""

from __future__ import annotations

from inspect import signature
from typing import cast

import torch

from specbuild.catalogue.optimizers import Optimizer
from specbuild.diagnostics.diagnostic import Path
from specbuild.language.document import Spec
from specbuild.network.plan import Plan

WHOLE_WHEN_FUSED = ("SGD", "Adagrad")
"""Optimizers whose fused form torch has not for parameters in parts."""
WHOLE = ("Adafactor", "Rprop")
"""Optimizers that torch has not for parameters in parts: their first step fails."""
DDP = "train.distributed.strategy: ddp"


def unshardable(spec: Spec, plan: Plan) -> tuple[Path, str, str] | None:
    """The first thing that takes the whole network: where it stands, what is wrong with it, and the fix."""
    optimizer = cast(Optimizer, spec.optimizer)
    if optimizer.type in WHOLE_WHEN_FUSED and getattr(optimizer, "fused", None):
        message = f"{optimizer.type} is fused for whole parameters alone, and with strategy fsdp they are in parts"
        return ("optimizer", "fused"), message, "fused: false"
    if plan.tie:
        tied, kept = next(iter(plan.tie.items()))
        message = f"{tied} is tied to {kept}, and with strategy fsdp each layer's parameters are cut into parts alone"
        return ("tie",), message, DDP
    needing: dict[Path, tuple[str, object]] = {
        ("train", "compile"): ("compile", spec.train.compile),
        ("train", "ema"): ("ema", spec.train.ema is not None),
        ("optimizer",): (optimizer.type, getattr(optimizer, "closure", False) or optimizer.type in WHOLE),
    }
    for path, (what, used) in needing.items():
        if used:
            return path, f"{what} needs the whole network, and with strategy fsdp no process has it", DDP
    if spec.train.checkpoint is not None and not can_be_kept():
        message = f"torch {torch.__version__} cannot write checkpoints of a network in parts"
        return ("train", "checkpoint"), message, f"a newer torch, `checkpoint: null`, or {DDP}"
    return None


def can_be_kept() -> bool:
    """Whether this torch writes a network in parts as safetensors files, one a process."""
    try:
        from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageWriter
    except ImportError:
        return False
    return "save_distributed" in signature(HuggingFaceStorageWriter).parameters
