"""Normalization that torch.nn lacks, or that it refuses on some layouts of memory."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm


class LayerNorm2d(nn.LayerNorm):
    """LayerNorm over the channels of `(N, C, H, W)`, point by point."""

    def forward(self, input: Tensor) -> Tensor:
        """`layer_norm` with the channels last."""
        last = input.permute(0, 2, 3, 1)
        return layer_norm(last, self.normalized_shape, self.weight, self.bias, self.eps).permute(0, 3, 1, 2)


class LocalResponseNorm(nn.LocalResponseNorm):
    """torch's, for volumes in any layout: it views their planes as one axis, which not every layout allows."""

    def forward(self, input: Tensor) -> Tensor:
        """`local_response_norm`."""
        return super().forward(input.contiguous() if input.dim() > 4 else input)


class Affine(nn.Module):
    """`x · scale + shift`, each a constant or one for each channel; the `state_dict` does not hold them."""

    scale: Tensor
    shift: Tensor

    def __init__(self, scale: float | Sequence[float] = 1.0, shift: float | Sequence[float] = 0.0) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32).reshape(-1), persistent=False)
        self.register_buffer("shift", torch.tensor(shift, dtype=torch.float32).reshape(-1), persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        """Along axis 1."""
        shape = (-1, *[1] * (input.dim() - 2))
        return input * self.scale.view(shape) + self.shift.view(shape)

    def extra_repr(self) -> str:
        """The constants, for `print(model)`."""
        return f"scale={self.scale.tolist()}, shift={self.shift.tolist()}"
