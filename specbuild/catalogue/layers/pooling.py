"""Pooling over a plane."""

from typing import ClassVar, final

from specbuild.catalogue.entry import Bool
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Border, Divisor, Extent, Reach, storable
from specbuild.catalogue.rules import Outcome, Violation
from specbuild.catalogue.types import TensorType
from specbuild.catalogue.windows import each, floating, planes, pooled

POOLED = frozenset({"float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8"})
AVERAGED = frozenset({"float64", "float32", "float16", "bfloat16", "int64"})
ADAPTED = frozenset({"float64", "float32", "float16", "bfloat16"})


def at_most_half(padding: int | tuple[int, int], kernel: int | tuple[int, int]) -> None:
    """More than half a window of padding would pool nothing else; dilation does not count, as in torch."""
    for added, size in zip(each(padding, 2), each(kernel, 2), strict=True):
        if added > size // 2:
            raise Violation(
                "SB304",
                f"`padding` must be at most half of kernel_size: {added} is more than half of {size}",
                field="padding",
                fix=f"padding of at most {size // 2}",
            )


@final
class MaxPool2d(Layer):
    """The largest value of each window: `(N, C, H, W) → (N, C, H', W')`.

    `H' = ⌊(H + 2·padding - dilation·(kernel_size - 1) - 1) / stride⌋ + 1`, and W' likewise.

    ```yaml
    - {type: MaxPool2d, kernel_size: 2}  # [32, 9, 9] → [32, 4, 4]
    - {type: MaxPool2d, kernel_size: 3, stride: 2, padding: 1, ceil_mode: true}  # [32, 4, 4] → [32, 3, 3]
    ```
    """

    refused: ClassVar = {
        "return_indices": "the indices are a second result: naming them, as in `from: pool1.indices`, switches it on",
    }
    results: ClassVar = {"indices": "return_indices"}

    kernel_size: Reach | tuple[Reach, Reach]
    """Height and width of the window."""
    stride: Reach | tuple[Reach, Reach] | None = None
    """Step of the window; by default its size."""
    padding: Border | tuple[Border, Border] = 0
    """Rows and columns of minus infinity added on each side, at most half the window."""
    dilation: Reach | tuple[Reach, Reach] = 1
    """Distance between the points of a window."""
    ceil_mode: Bool = False
    """Whether a last window may hang over the end."""

    def check(self) -> None:
        """The padding is at most half of the window."""
        at_most_half(self.padding, self.kernel_size)

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `max_pool2d`."""
        planes("MaxPool2d", input)
        floating("MaxPool2d", input, POOLED)
        kernel = each(self.kernel_size, 2)
        stride = kernel if self.stride is None else each(self.stride, 2)
        padding, dilation = each(self.padding, 2), each(self.dilation, 2)
        channels, height, width = input.shape
        rows = pooled(height, kernel[0], stride[0], padding[0], dilation[0], self.ceil_mode, "height")
        columns = pooled(width, kernel[1], stride[1], padding[1], dilation[1], self.ceil_mode, "width")
        output = input.with_shape((channels, rows, columns))
        return Outcome(output, results={"indices": TensorType(output.shape, "int64")})


@final
class AvgPool2d(Layer):
    """The mean of each window: `(N, C, H, W) → (N, C, H', W')`.

    `H' = ⌊(H + 2·padding - kernel_size) / stride⌋ + 1`, and W' likewise.

    ```yaml
    - {type: AvgPool2d, kernel_size: 3, stride: 2}  # [32, 9, 9] → [32, 4, 4]
    ```
    """

    kernel_size: Reach | tuple[Reach, Reach]
    """Height and width of the window."""
    stride: Reach | tuple[Reach, Reach] | None = None
    """Step of the window; by default its size."""
    padding: Border | tuple[Border, Border] = 0
    """Rows and columns of zeros added on each side, at most half the window."""
    ceil_mode: Bool = False
    """Whether a last window may hang over the end."""
    count_include_pad: Bool = True
    """Whether the added zeros count in the mean."""
    divisor_override: Divisor | None = None
    """What the sum is divided by, instead of the window's size; not 0."""

    def check(self) -> None:
        """The padding is at most half of the window, and nothing is divided by 0."""
        at_most_half(self.padding, self.kernel_size)
        if self.divisor_override == 0:
            raise Violation(
                "SB304", "`divisor_override` must not be 0: the sum of a window is divided by it",
                field="divisor_override", fix="leave it out to divide by the window's size",
            )  # fmt: skip

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `avg_pool2d`."""
        planes("AvgPool2d", input)
        floating("AvgPool2d", input, AVERAGED)
        kernel = each(self.kernel_size, 2)
        stride = kernel if self.stride is None else each(self.stride, 2)
        padding = each(self.padding, 2)
        channels, height, width = input.shape
        rows = pooled(height, kernel[0], stride[0], padding[0], 1, self.ceil_mode, "height")
        columns = pooled(width, kernel[1], stride[1], padding[1], 1, self.ceil_mode, "width")
        return Outcome(input.with_shape((channels, rows, columns)))


@final
class AdaptiveAvgPool2d(Layer):
    """The mean of windows as large as it takes to give `output_size`: `(N, C, H, W) → (N, C, H', W')`.

    ```yaml
    - {type: AdaptiveAvgPool2d, output_size: 1}  # [512, 7, 7] → [512, 1, 1]
    - {type: AdaptiveAvgPool2d, output_size: [4, null]}  # [512, 7, 7] → [512, 4, 7]
    ```
    """

    output_size: Extent | tuple[Extent | None, Extent | None]
    """Height and width of the output; null keeps the input's."""

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `adaptive_avg_pool2d`."""
        planes("AdaptiveAvgPool2d", input)
        floating("AdaptiveAvgPool2d", input, ADAPTED)
        channels, height, width = input.shape
        wanted = self.output_size
        rows, columns = (wanted, wanted) if isinstance(wanted, int) else wanted
        rows = height if rows is None else rows
        columns = width if columns is None else columns
        output = (channels, rows, columns)
        storable(output, "the output", "output_size")
        return Outcome(input.with_shape(output))
