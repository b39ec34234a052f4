"""Positions along an axis."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Positions(nn.Module):
    """0, 1, ... along an axis of the input, for each sample."""

    def __init__(self, dim: int = 1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """An integer tensor of `(N, input.shape[dim])`; in memory of its own, which a layer may overwrite."""
        return torch.arange(input.shape[self.dim], device=input.device).repeat(input.shape[0], 1)

    def extra_repr(self) -> str:
        """The axis, for `print(model)`."""
        return f"dim={self.dim}"
