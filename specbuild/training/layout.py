"""How the tensors of images lie in memory while a network is trained."""

from __future__ import annotations

import torch

from specbuild.language.document import Spec
from specbuild.network.plan import Plan
from specbuild.network.training import closes_over, layout_misfit

NAMES = {torch.channels_last: "channels_last", torch.contiguous_format: "contiguous_format"}


def memory_format(spec: Spec, plan: Plan, device: torch.device) -> torch.memory_format:
    """What `train.memory_format` says; `auto` is channels last for networks of 2-d convolutions.

    They run up to twice as fast that way. LBFGS takes gradients as views, which such tensors do not have.
    """
    wanted = spec.train.memory_format
    if wanted != "auto":
        return getattr(torch, wanted)  # type: ignore[no-any-return]
    convolves = any(step.type in ("Conv2d", "ConvTranspose2d") for step in plan.layers())
    fits = device.type in ("cpu", "cuda") and layout_misfit(plan) is None and not closes_over(spec)
    return torch.channels_last if convolves and fits else torch.contiguous_format
