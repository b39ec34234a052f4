"""Several tensors as one."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor, nn


class Add(nn.Module):
    """The sum of all inputs, broadcast as torch does."""

    def forward(self, *inputs: Tensor) -> Tensor:
        """`inputs[0] + inputs[1] + ...`."""
        return reduce(torch.add, inputs)


class Multiply(nn.Module):
    """The product of all inputs, broadcast as torch does."""

    def forward(self, *inputs: Tensor) -> Tensor:
        """`inputs[0] * inputs[1] * ...`."""
        return reduce(torch.mul, inputs)


class Concat(nn.Module):
    """All inputs one after the other along `dim`."""

    def __init__(self, dim: int = 1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, *inputs: Tensor) -> Tensor:
        """`torch.cat(inputs, dim)`."""
        return torch.cat(inputs, self.dim)

    def extra_repr(self) -> str:
        """The axis, for `print(model)`."""
        return f"dim={self.dim}"
