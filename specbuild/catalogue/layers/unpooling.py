"""The way back from a max pooling, by its indices."""

from typing import TYPE_CHECKING, ClassVar, final

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Extent, Reach, SignedBorder, storable
from specbuild.catalogue.rules import Outcome, Violation, alike, require
from specbuild.catalogue.types import FLOATS, Dim, TensorType
from specbuild.catalogue.windows import AXES, each, floating, leaves, planes


class MaxUnpool(Layer):
    """Values back to where they were, over any number of axes."""

    axes: ClassVar[int]
    takes: ClassVar = ("input", "indices")
    needs: ClassVar = 2

    if TYPE_CHECKING:
        kernel_size: int | tuple[int, ...]
        stride: int | tuple[int, ...] | None
        padding: int | tuple[int, ...]
        output_size: tuple[int, ...] | None

    def infer(self, input: TensorType, indices: TensorType) -> Outcome:
        """As torch's `max_unpool`; that the indices lie in the output is seen when it runs."""
        planes(self.type, input, self.axes)
        floating(self.type, input, FLOATS)
        require(
            indices.dtype == "int64",
            lambda: Violation(
                "SB305", f"{self.type} takes int64 as its indices, but they are {indices.dtype}",
                field="from", fix="the second result of a pooling, as in `from: [x, pool1.indices]`",
            ),
        )  # fmt: skip
        require(
            alike(input.shape, indices.shape),
            lambda: Violation(
                "SB308", f"an index is needed for each value: the input is {input}, the indices are {indices}",
                field="from", fix="an input of the shape that the pooling gave",
            ),
        )  # fmt: skip
        channels, *sizes = input.shape
        kernel = each(self.kernel_size, self.axes)
        stride = kernel if self.stride is None else each(self.stride, self.axes)
        padding = each(self.padding, self.axes)
        natural = [(sizes[i] - 1) * stride[i] + kernel[i] - 2 * padding[i] for i in range(self.axes)]
        if self.output_size is None:
            leaves(natural, self.padding)
        else:
            for each_axis in zip(self.output_size, natural, stride, AXES[self.axes], strict=True):
                near(*each_axis)
        output = (channels, *(natural if self.output_size is None else self.output_size))
        storable(output, "the output", "stride")
        return Outcome(input.with_shape(output))

    def keeps(self) -> tuple[str, ...]:
        """The gradient comes from where the values went."""
        return ("indices",)


def near(wanted: int, natural: Dim, stride: int, axis: str) -> None:
    """Require an axis to be as long as one may have been of which a pooling made what there is."""
    require(
        (natural - stride < wanted) & (wanted < natural + stride),
        lambda: off(wanted, natural - stride + 1, natural + stride - 1, axis),
    )


def off(wanted: int, least: Dim, most: Dim, axis: str) -> Violation:
    """An output size from which no pooling came."""
    if most < 1:
        return Violation(
            "SB303", f"the output's {axis} would be at most {most}: the padding takes all of it away",
            field="padding", fix="a smaller padding, or a larger kernel_size",
        )  # fmt: skip
    without = ", or leave it out" if least + most >= 2 else ""
    return Violation(
        "SB303", f"`output_size` has {axis} {wanted}, but this input was pooled from {max(least, 1)} to {most}",
        field="output_size", fix=f"the size of what was pooled{without}",
    )  # fmt: skip


@final
class MaxUnpool1d(MaxUnpool):
    """Values back to where a MaxPool1d took them, zeros elsewhere: `(N, C, L) → (N, C, L')`.

    `L' = (L - 1)·stride - 2·padding + kernel_size`; where the pooling cut a rest off, `output_size` says it.

    ```yaml
    - {type: MaxUnpool1d, kernel_size: 2, from: [x, indices]}  # [16, 25], [16, 25] int64 → [16, 50]
    ```
    """

    axes: ClassVar = 1

    kernel_size: Reach | tuple[Reach]
    """Length of the pooling's window."""
    stride: Reach | tuple[Reach] | None = None
    """Step of the pooling's window; by default its size."""
    padding: SignedBorder | tuple[SignedBorder] = 0
    """What the pooling added on each side."""
    output_size: tuple[Extent] | None = None
    """Length of what was pooled, by less than `stride` off the formula."""


@final
class MaxUnpool2d(MaxUnpool):
    """Values back to where a MaxPool2d took them, zeros elsewhere: `(N, C, H, W) → (N, C, H', W')`.

    `H' = (H - 1)·stride - 2·padding + kernel_size`, and W' likewise; where the pooling cut a rest off,
    `output_size` says it. In a network it is `from: [x, pool1.indices]`.

    ```yaml
    - {type: MaxUnpool2d, kernel_size: 2, from: [x, indices]}  # [32, 4, 4], [32, 4, 4] int64 → [32, 8, 8]
    - {type: MaxUnpool2d, kernel_size: 2, output_size: [9, 9], from: [x, i]}  # [8, 4, 4], [8, 4, 4] int64 → [8, 9, 9]
    ```
    """

    axes: ClassVar = 2

    kernel_size: Reach | tuple[Reach, Reach]
    """Height and width of the pooling's window."""
    stride: Reach | tuple[Reach, Reach] | None = None
    """Step of the pooling's window; by default its size."""
    padding: SignedBorder | tuple[SignedBorder, SignedBorder] = 0
    """What the pooling added on each side."""
    output_size: tuple[Extent, Extent] | None = None
    """Height and width of what was pooled, by less than `stride` off the formula."""


@final
class MaxUnpool3d(MaxUnpool):
    """Values back to where a MaxPool3d took them, zeros elsewhere: `(N, C, D, H, W) → (N, C, D', H', W')`.

    `D' = (D - 1)·stride - 2·padding + kernel_size`, and H' and W' likewise; where the pooling cut a rest off,
    `output_size` says it.

    ```yaml
    - {type: MaxUnpool3d, kernel_size: 2, from: [x, i]}  # [8, 2, 3, 4], [8, 2, 3, 4] int64 → [8, 4, 6, 8]
    ```
    """

    axes: ClassVar = 3

    kernel_size: Reach | tuple[Reach, Reach, Reach]
    """Depth, height and width of the pooling's window."""
    stride: Reach | tuple[Reach, Reach, Reach] | None = None
    """Step of the pooling's window; by default its size."""
    padding: SignedBorder | tuple[SignedBorder, SignedBorder, SignedBorder] = 0
    """What the pooling added on each side."""
    output_size: tuple[Extent, Extent, Extent] | None = None
    """Depth, height and width of what was pooled, by less than `stride` off the formula."""
