"""Functions of torch that reshape, rearrange and cut, as modules."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Reshape(nn.Module):
    """Each sample in another shape."""

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, input: Tensor) -> Tensor:
        """`torch.reshape(input, (N, *shape))`."""
        return torch.reshape(input, (input.shape[0], *self.shape))

    def extra_repr(self) -> str:
        """The arguments, for `print(model)`."""
        return f"shape={self.shape}"


class Permute(nn.Module):
    """The axes in another order."""

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        self.dims = tuple(dims)

    def forward(self, input: Tensor) -> Tensor:
        """`torch.permute(input, dims)`."""
        return torch.permute(input, self.dims)

    def extra_repr(self) -> str:
        """The arguments, for `print(model)`."""
        return f"dims={self.dims}"


class Transpose(nn.Module):
    """Two axes exchanged."""

    def __init__(self, dim0: int, dim1: int) -> None:
        super().__init__()
        self.dim0, self.dim1 = dim0, dim1

    def forward(self, input: Tensor) -> Tensor:
        """`torch.transpose(input, dim0, dim1)`."""
        return torch.transpose(input, self.dim0, self.dim1)

    def extra_repr(self) -> str:
        """The arguments, for `print(model)`."""
        return f"dim0={self.dim0}, dim1={self.dim1}"


class Squeeze(nn.Module):
    """Axes of size 1 taken away."""

    def __init__(self, dim: int | tuple[int, ...]) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """`torch.squeeze(input, dim)`."""
        return torch.squeeze(input, self.dim)

    def extra_repr(self) -> str:
        """The arguments, for `print(model)`."""
        return f"dim={self.dim}"


class Unsqueeze(nn.Module):
    """An axis of size 1 put in."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """`torch.unsqueeze(input, dim)`."""
        return torch.unsqueeze(input, self.dim)

    def extra_repr(self) -> str:
        """The arguments, for `print(model)`."""
        return f"dim={self.dim}"


class Select(nn.Module):
    """One entry of an axis."""

    def __init__(self, dim: int, index: int) -> None:
        super().__init__()
        self.dim, self.index = dim, index

    def forward(self, input: Tensor) -> Tensor:
        """`torch.select(input, dim, index)`."""
        return torch.select(input, self.dim, self.index)

    def extra_repr(self) -> str:
        """The arguments, for `print(model)`."""
        return f"dim={self.dim}, index={self.index}"


class Narrow(nn.Module):
    """Entries of an axis that follow each other."""

    def __init__(self, dim: int, start: int, length: int) -> None:
        super().__init__()
        self.dim, self.start, self.length = dim, start, length

    def forward(self, input: Tensor) -> Tensor:
        """`torch.narrow(input, dim, start, length)`."""
        return torch.narrow(input, self.dim, self.start, self.length)

    def extra_repr(self) -> str:
        """The arguments, for `print(model)`."""
        return f"dim={self.dim}, start={self.start}, length={self.length}"


class Mean(nn.Module):
    """The mean along axes."""

    def __init__(self, dim: int | tuple[int, ...], keepdim: bool = False) -> None:
        super().__init__()
        self.dim, self.keepdim = dim, keepdim

    def forward(self, input: Tensor) -> Tensor:
        """`torch.mean(input, dim, keepdim)`."""
        return torch.mean(input, self.dim, self.keepdim)

    def extra_repr(self) -> str:
        """The arguments, for `print(model)`."""
        return f"dim={self.dim}, keepdim={self.keepdim}"
