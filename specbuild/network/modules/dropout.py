"""Dropout that torch.nn lacks."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class StochasticDepth(nn.Module):
    """Samples zeroed whole in training, each by itself or all at once; as `torchvision.ops.StochasticDepth`."""

    def __init__(self, p: float, mode: str) -> None:
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, input: Tensor) -> Tensor:
        """`input`, or in training `input * noise / (1 - p)`."""
        if not self.training or self.p == 0:
            return input
        survival = 1.0 - self.p
        noise = torch.empty(
            [input.shape[0] if self.mode == "row" else 1, *[1] * (input.ndim - 1)],
            dtype=input.dtype, device=input.device,
        ).bernoulli_(survival)  # fmt: skip
        if survival > 0:
            noise.div_(survival)
        return input * noise

    def extra_repr(self) -> str:
        """The arguments, for `print(model)`."""
        return f"p={self.p}, mode={self.mode}"
