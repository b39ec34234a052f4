"""Unpooling to a size that the module knows."""

from __future__ import annotations

from torch import Tensor, nn

Sizes = int | tuple[int, ...]


class ToSize(nn.Module):
    """Of torch's unpooling: `output_size` is an argument of the module, not of its forward."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        output_size: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.output_size = output_size

    def forward(self, input: Tensor, indices: Tensor) -> Tensor:
        """The values where the indices say, zeros elsewhere."""
        size = None if self.output_size is None else list(self.output_size)
        return super().forward(input, indices, size)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """The arguments, for `print(model)`."""
        size = "" if self.output_size is None else f", output_size={self.output_size}"
        return super().extra_repr() + size


class MaxUnpool1d(ToSize, nn.MaxUnpool1d):  # type: ignore[misc]
    """`nn.MaxUnpool1d` to a size that it knows."""


class MaxUnpool2d(ToSize, nn.MaxUnpool2d):  # type: ignore[misc]
    """`nn.MaxUnpool2d` to a size that it knows."""


class MaxUnpool3d(ToSize, nn.MaxUnpool3d):  # type: ignore[misc]
    """`nn.MaxUnpool3d` to a size that it knows."""
