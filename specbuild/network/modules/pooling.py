"""Unpooling to a size that the module knows."""

from __future__ import annotations

from torch import Tensor, nn

Sizes = int | tuple[int, ...]


class MaxUnpool1d(nn.MaxUnpool1d):
    """Torch's; `output_size` is an argument of the module, not of its forward."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        output_size: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding)  # type: ignore[arg-type]
        self.output_size = output_size

    def forward(self, input: Tensor, indices: Tensor) -> Tensor:  # type: ignore[override]
        """The values where the indices say, zeros elsewhere."""
        size = None if self.output_size is None else list(self.output_size)
        return super().forward(input, indices, size)

    def extra_repr(self) -> str:
        """The arguments, for `print(model)`."""
        size = "" if self.output_size is None else f", output_size={self.output_size}"
        return super().extra_repr() + size


class MaxUnpool2d(nn.MaxUnpool2d):
    """Torch's; `output_size` is an argument of the module, not of its forward."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        output_size: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding)  # type: ignore[arg-type]
        self.output_size = output_size

    def forward(self, input: Tensor, indices: Tensor) -> Tensor:  # type: ignore[override]
        """The values where the indices say, zeros elsewhere."""
        size = None if self.output_size is None else list(self.output_size)
        return super().forward(input, indices, size)

    def extra_repr(self) -> str:
        """The arguments, for `print(model)`."""
        size = "" if self.output_size is None else f", output_size={self.output_size}"
        return super().extra_repr() + size


class MaxUnpool3d(nn.MaxUnpool3d):
    """Torch's; `output_size` is an argument of the module, not of its forward."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        output_size: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding)  # type: ignore[arg-type]
        self.output_size = output_size

    def forward(self, input: Tensor, indices: Tensor) -> Tensor:  # type: ignore[override]
        """The values where the indices say, zeros elsewhere."""
        size = None if self.output_size is None else list(self.output_size)
        return super().forward(input, indices, size)

    def extra_repr(self) -> str:
        """The arguments, for `print(model)`."""
        size = "" if self.output_size is None else f", output_size={self.output_size}"
        return super().extra_repr() + size
