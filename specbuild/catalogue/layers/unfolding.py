"""Windows of a plane laid out as columns, and back."""

from math import prod
from typing import final

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Border, Extent, Reach, storable
from specbuild.catalogue.rules import Outcome, Violation, require
from specbuild.catalogue.types import FLOATS, TensorType
from specbuild.catalogue.windows import AXES, each, floating, planes, slide, too_large

FOLDED = FLOATS | {"bool"}


@final
class Fold(Layer):
    """Windows, one a column, added up where they overlap: `(N, C·∏kernel_size, L) → (N, C, H, W)`.

    L is the number of windows that `output_size` has room for:
    `L = ∏ (⌊(output_size + 2·padding - dilation·(kernel_size - 1) - 1) / stride⌋ + 1)` over both axes.

    ```yaml
    - {type: Fold, output_size: [4, 5], kernel_size: 2}  # [12, 12] → [3, 4, 5]
    ```
    """

    output_size: Extent | tuple[Extent, Extent]
    """Height and width of the output."""
    kernel_size: Reach | tuple[Reach, Reach]
    """Height and width of a window."""
    dilation: Reach | tuple[Reach, Reach] = 1
    """Distance between the points of a window."""
    padding: Border | tuple[Border, Border] = 0
    """Rows and columns taken away on each side of the output."""
    stride: Reach | tuple[Reach, Reach] = 1
    """Step of the window."""

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `fold`."""
        require(
            len(input.shape) == 2,
            lambda: Violation(
                "SB302", f"Fold takes [channels x kernel, windows], but the input is {input}",
                fix="what Unfold gives" + (", or Flatten with start_dim: 2 before it" if len(input.shape) > 2 else ""),
            ),
        )  # fmt: skip
        floating("Fold", input, FOLDED)
        columns, given = input.shape
        sizes, kernel, stride = each(self.output_size, 2), each(self.kernel_size, 2), each(self.stride, 2)
        padding, dilation = each(self.padding, 2), each(self.dilation, 2)
        window = prod(kernel)
        require(
            columns % window == 0,
            lambda: Violation(
                "SB303", f"a window has {kernel[0]} x {kernel[1]} points, but the input's {columns} rows "
                f"are no multiple of {window}",
                field="kernel_size", fix=f"a kernel_size whose product divides {columns}",
            ),
        )  # fmt: skip
        counts = [room(*each_axis) for each_axis in zip(sizes, kernel, stride, padding, dilation, AXES[2], strict=True)]
        require(
            given == prod(counts),
            lambda: Violation(
                "SB303", f"`output_size` [{sizes[0]}, {sizes[1]}] has {counts[0]} x {counts[1]} windows, "
                f"but the input has {given}",
                field="output_size", fix=f"an output_size with {given} windows, or an input of [{columns}, "
                f"{prod(counts)}]",
            ),
        )  # fmt: skip
        output = (columns // window, *sizes)
        storable(output, "the output", "output_size")
        return Outcome(input.with_shape(output))


def room(size: int, kernel: int, stride: int, padding: int, dilation: int, axis: str) -> int:
    """How many windows an axis of the output has."""
    padded, span = size + 2 * padding, dilation * (kernel - 1) + 1
    if padded < span:
        raise too_large(kernel, dilation, padded, axis, f"an output_size of at least {span - 2 * padding}", "output")
    return (padded - span) // stride + 1


@final
class Unfold(Layer):
    """Each window of a plane as a column: `(N, C, H, W) → (N, C·∏kernel_size, L)`.

    `L = ∏ (⌊(size + 2·padding - dilation·(kernel_size - 1) - 1) / stride⌋ + 1)` over height and width.

    ```yaml
    - {type: Unfold, kernel_size: [2, 3]}  # [5, 3, 4] → [30, 4]
    - {type: Unfold, kernel_size: 16, stride: 16}  # [3, 224, 224] → [768, 196]
    ```
    """

    kernel_size: Reach | tuple[Reach, Reach]
    """Height and width of a window."""
    dilation: Reach | tuple[Reach, Reach] = 1
    """Distance between the points of a window."""
    padding: Border | tuple[Border, Border] = 0
    """Rows and columns of zeros added on each side."""
    stride: Reach | tuple[Reach, Reach] = 1
    """Step of the window."""

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `unfold`."""
        planes("Unfold", input)
        floating("Unfold", input, FOLDED)
        channels, *sizes = input.shape
        added = [(number, number) for number in each(self.padding, 2)]
        windows = prod(slide(sizes, self.kernel_size, self.stride, added, self.dilation))
        output = (channels * prod(each(self.kernel_size, 2)), windows)
        storable(output, "the output", "kernel_size")
        return Outcome(input.with_shape(output))
