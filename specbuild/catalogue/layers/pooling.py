"""Pooling by windows that slide over a plane."""

from typing import TYPE_CHECKING, ClassVar, final

from specbuild.catalogue.entry import Bool
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Border, Divisor, Reach
from specbuild.catalogue.rules import Outcome, Violation
from specbuild.catalogue.types import FLOATS, TensorType
from specbuild.catalogue.windows import each, floating, planes, pooled_planes, together, within

POOLED = FLOATS | {"int64", "int32", "int16", "int8", "uint8"}
AVERAGED = FLOATS | {"int64"}


def at_most_half(padding: int | tuple[int, ...], kernel: int | tuple[int, ...], axes: int) -> None:
    """More than half a window of padding would pool nothing else; dilation does not count, as in torch."""
    sizes = each(kernel, axes)
    for added, size in zip(each(padding, axes), sizes, strict=True):
        if added > size // 2:
            raise Violation(
                "SB304",
                f"`padding` must be at most half of kernel_size: {added} is more than half of {size}",
                field="padding",
                fix=f"padding of at most {together(number // 2 for number in sizes)}",
            )


class MaxPool(Layer):
    """The largest value of each window, over any number of axes."""

    axes: ClassVar[int]
    allowed: ClassVar = POOLED
    refused: ClassVar = {
        **Layer.refused,
        "return_indices": "the indices are a second result: naming them, as in `from: pool1.indices`, switches it on",
    }
    results: ClassVar = {"indices": "return_indices"}

    if TYPE_CHECKING:
        kernel_size: int | tuple[int, ...]
        stride: int | tuple[int, ...] | None
        padding: int | tuple[int, ...]
        dilation: int | tuple[int, ...]
        ceil_mode: bool

    def check(self) -> None:
        """The padding is at most half of the window."""
        at_most_half(self.padding, self.kernel_size, self.axes)

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `max_pool`."""
        planes(self.type, input, self.axes)
        floating(self.type, input, self.allowed)
        output = pooled_planes(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)
        return Outcome(output, results={"indices": TensorType(output.shape, "int64")})

    def keeps(self) -> tuple[str, ...]:
        """The gradient goes to where the largest values were."""
        return ("input", "indices")


@final
class MaxPool1d(MaxPool):
    """The largest value of each window: `(N, C, L) → (N, C, L')`.

    `L' = ⌊(L + 2·padding - dilation·(kernel_size - 1) - 1) / stride⌋ + 1`.

    ```yaml
    - {type: MaxPool1d, kernel_size: 3, stride: 2}  # [16, 50] → [16, 24]
    ```
    """

    axes: ClassVar = 1
    allowed: ClassVar = FLOATS  # integers only where the indices are asked for

    kernel_size: Reach | tuple[Reach]
    """Length of the window."""
    stride: Reach | tuple[Reach] | None = None
    """Step of the window; by default its size."""
    padding: Border | tuple[Border] = 0
    """Places of minus infinity added on each side, at most half the window."""
    dilation: Reach | tuple[Reach] = 1
    """Distance between the points of a window."""
    ceil_mode: Bool = False
    """Whether a last window may hang over the end."""


@final
class MaxPool2d(MaxPool):
    """The largest value of each window: `(N, C, H, W) → (N, C, H', W')`.

    `H' = ⌊(H + 2·padding - dilation·(kernel_size - 1) - 1) / stride⌋ + 1`, and W' likewise.

    ```yaml
    - {type: MaxPool2d, kernel_size: 2}  # [32, 9, 9] → [32, 4, 4]
    - {type: MaxPool2d, kernel_size: 3, stride: 2, padding: 1, ceil_mode: true}  # [32, 4, 4] → [32, 3, 3]
    ```
    """

    axes: ClassVar = 2

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


@final
class MaxPool3d(MaxPool):
    """The largest value of each window: `(N, C, D, H, W) → (N, C, D', H', W')`.

    `D' = ⌊(D + 2·padding - dilation·(kernel_size - 1) - 1) / stride⌋ + 1`, and H' and W' likewise.

    ```yaml
    - {type: MaxPool3d, kernel_size: [1, 2, 2]}  # [16, 8, 32, 32] → [16, 8, 16, 16]
    ```
    """

    axes: ClassVar = 3

    kernel_size: Reach | tuple[Reach, Reach, Reach]
    """Depth, height and width of the window."""
    stride: Reach | tuple[Reach, Reach, Reach] | None = None
    """Step of the window; by default its size."""
    padding: Border | tuple[Border, Border, Border] = 0
    """Slices, rows and columns of minus infinity added on each side, at most half the window."""
    dilation: Reach | tuple[Reach, Reach, Reach] = 1
    """Distance between the points of a window."""
    ceil_mode: Bool = False
    """Whether a last window may hang over the end."""


class AvgPool(Layer):
    """The mean of each window, over any number of axes."""

    axes: ClassVar[int]
    allowed: ClassVar = AVERAGED

    if TYPE_CHECKING:
        kernel_size: int | tuple[int, ...]
        stride: int | tuple[int, ...] | None
        padding: int | tuple[int, ...]
        ceil_mode: bool

    def check(self) -> None:
        """The padding is at most half of the window, and nothing is divided by 0."""
        at_most_half(self.padding, self.kernel_size, self.axes)
        if getattr(self, "divisor_override", None) == 0:
            raise Violation(
                "SB304", "`divisor_override` must not be 0: the sum of a window is divided by it",
                field="divisor_override", fix="leave it out to divide by the window's size",
            )  # fmt: skip

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `avg_pool`."""
        planes(self.type, input, self.axes)
        floating(self.type, input, self.allowed)
        if self.axes == 3:
            within(self.type, input, self.kernel_size, self.padding)
        return Outcome(pooled_planes(input, self.kernel_size, self.stride, self.padding, 1, self.ceil_mode))

    def keeps(self) -> tuple[str, ...]:
        """Torch holds it for its sizes alone."""
        return ("input",)


@final
class AvgPool1d(AvgPool):
    """The mean of each window: `(N, C, L) → (N, C, L')`.

    `L' = ⌊(L + 2·padding - kernel_size) / stride⌋ + 1`.

    ```yaml
    - {type: AvgPool1d, kernel_size: 2}  # [16, 50] → [16, 25]
    ```
    """

    axes: ClassVar = 1

    kernel_size: Reach | tuple[Reach]
    """Length of the window."""
    stride: Reach | tuple[Reach] | None = None
    """Step of the window; by default its size."""
    padding: Border | tuple[Border] = 0
    """Places of zeros added on each side, at most half the window."""
    ceil_mode: Bool = False
    """Whether a last window may hang over the end."""
    count_include_pad: Bool = True
    """Whether the added zeros count in the mean."""


@final
class AvgPool2d(AvgPool):
    """The mean of each window: `(N, C, H, W) → (N, C, H', W')`.

    `H' = ⌊(H + 2·padding - kernel_size) / stride⌋ + 1`, and W' likewise.

    ```yaml
    - {type: AvgPool2d, kernel_size: 3, stride: 2}  # [32, 9, 9] → [32, 4, 4]
    ```
    """

    axes: ClassVar = 2

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


@final
class AvgPool3d(AvgPool):
    """The mean of each window: `(N, C, D, H, W) → (N, C, D', H', W')`.

    `D' = ⌊(D + 2·padding - kernel_size) / stride⌋ + 1`, and H' and W' likewise.

    ```yaml
    - {type: AvgPool3d, kernel_size: 2, padding: 1, count_include_pad: false}  # [16, 8, 8, 8] → [16, 5, 5, 5]
    ```
    """

    axes: ClassVar = 3
    allowed: ClassVar = frozenset({"float64", "float32", "int64"})

    kernel_size: Reach | tuple[Reach, Reach, Reach]
    """Depth, height and width of the window."""
    stride: Reach | tuple[Reach, Reach, Reach] | None = None
    """Step of the window; by default its size."""
    padding: Border | tuple[Border, Border, Border] = 0
    """Slices, rows and columns of zeros added on each side, at most half the window."""
    ceil_mode: Bool = False
    """Whether a last window may hang over the end."""
    count_include_pad: Bool = True
    """Whether the added zeros count in the mean."""
    divisor_override: Divisor | None = None
    """What the sum is divided by, instead of the window's size; not 0."""
