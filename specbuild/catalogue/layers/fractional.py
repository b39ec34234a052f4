"""Pooling by windows whose places are drawn."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, final

from annotated_types import Gt, Lt

from specbuild.catalogue.entry import Float
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Extent, Reach
from specbuild.catalogue.rules import Outcome, Violation, require, scaled
from specbuild.catalogue.types import FLOATS, Dim, TensorType
from specbuild.catalogue.windows import AXES, each, floating, planes, together

Ratio = Annotated[Float, Gt(0), Lt(1)]
EXACT = {"float16": 2**10, "bfloat16": 2**7, "float32": 2**23, "float64": 2**52}
"""Up to which size torch, which reckons places in the input's dtype, keeps every window inside."""


class FractionalMaxPool(Layer):
    """The largest value of windows at random places, over any number of axes."""

    axes: ClassVar[int]
    spare: ClassVar = 0
    """What the input has to have beside the windows, were their steps all 1."""
    refused: ClassVar = {
        **Layer.refused,
        "return_indices": "the indices are a second result: naming them, as in `from: pool1.indices`, switches it on",
        "_random_samples": "the places are drawn anew at every step",
    }
    results: ClassVar = {"indices": "return_indices"}

    if TYPE_CHECKING:
        kernel_size: int | tuple[int, ...]
        output_size: int | tuple[int, ...] | None
        output_ratio: float | tuple[float, ...] | None

    def check(self) -> None:
        """One of `output_size` and `output_ratio` is given."""
        if self.output_size is None and self.output_ratio is None:
            raise Violation(
                "SB304", "the size of the output is not said: neither `output_size` nor `output_ratio` is given",
                fix="output_ratio: 0.5",
            )  # fmt: skip
        if self.output_size is not None and self.output_ratio is not None:
            raise Violation(
                "SB304", "`output_size` and `output_ratio` both say how large the output is",
                field="output_ratio", fix="leave one of them out",
            )  # fmt: skip

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `fractional_max_pool`."""
        planes(self.type, input, self.axes)
        floating(self.type, input, FLOATS)
        channels, *sizes = input.shape
        counts = self.counts(sizes)
        self.fit(sizes, counts)
        for size, kernel, axis in zip(sizes, each(self.kernel_size, self.axes), AXES[self.axes], strict=True):
            require(size - kernel <= EXACT[input.dtype], partial(too_large, size, kernel, axis, input.dtype))
        output = input.with_shape((channels, *counts))
        return Outcome(output, results={"indices": TensorType(output.shape, "int64")})

    def counts(self, sizes: list[Dim]) -> tuple[Dim, ...]:
        """How many windows along each axis."""
        if self.output_size is not None:
            return each(self.output_size, self.axes)
        assert self.output_ratio is not None
        ratios = self.output_ratio if isinstance(self.output_ratio, tuple) else (self.output_ratio,) * self.axes
        counts = tuple(scaled(size, ratio) for size, ratio in zip(sizes, ratios, strict=True))
        for size, ratio, count, axis in zip(sizes, ratios, counts, AXES[self.axes], strict=True):
            require(count >= 1, partial(nothing_left, size, ratio, axis, counts))
        return counts

    def fit(self, sizes: list[Dim], counts: tuple[Dim, ...]) -> None:
        """Require that so many windows fit along each axis."""
        kernels = each(self.kernel_size, self.axes)
        room = [size + 1 - self.spare - kernel for size, kernel in zip(sizes, kernels, strict=True)]

        def clash(axis: int, name: str) -> Violation:
            largest = [kernel + min(0, free - count) for kernel, free, count in zip(kernels, room, counts, strict=True)]
            mends = []
            if min(room) >= 1:
                size = together(map(min, counts, room))
                mends.append(f"output_size: {size}" + (" instead" if self.output_size is None else ""))
            if min(largest) >= 1:
                mends.append(f"kernel_size: {together(largest)}")
            return Violation(
                "SB303",
                f"an output of {name} {counts[axis]} is too large: kernel_size {kernels[axis]} and an input of {name} "
                f"{sizes[axis]} have room for {max(room[axis], 0)}",
                field="output_size" if self.output_ratio is None else "output_ratio",
                fix=", or ".join(mends) or "leave the layer out",
            )

        for axis, name in enumerate(AXES[self.axes]):
            require(counts[axis] <= room[axis], partial(clash, axis, name))

    def keeps(self) -> tuple[str, ...]:
        """The gradient goes to where the largest values were."""
        return ("input", "indices")


def nothing_left(size: Dim, ratio: float, axis: str, counts: tuple[Dim, ...]) -> Violation:
    """A ratio that is too small, with the output's size that comes nearest to it."""
    return Violation(
        "SB303", f"`output_ratio` {ratio:g} leaves nothing of the input's {axis} {size}",
        field="output_ratio", fix=f"output_size: {together(max(1, count) for count in counts)} instead",
    )  # fmt: skip


def too_large(size: Dim, kernel: int, axis: str, dtype: str) -> Violation:
    """An axis that is longer than its places can be told apart."""
    wider = "float32" if dtype != "float32" and size - kernel <= EXACT["float32"] else "float64"
    return Violation(
        "SB303", f"the input's {axis} {size} is too large for {dtype}, in which torch places the windows",
        fix=f"an input of dtype {wider}",
    )  # fmt: skip


@final
class FractionalMaxPool2d(FractionalMaxPool):
    """The largest value of windows whose steps are drawn: `(N, C, H, W) → (N, C, H', W')`.

    Graham, Fractional Max-Pooling (arXiv 1412.6071). The places are drawn in eval mode too.

    ```yaml
    - {type: FractionalMaxPool2d, kernel_size: 2, output_ratio: 0.7}  # [32, 10, 10] → [32, 7, 7]
    - {type: FractionalMaxPool2d, kernel_size: 3, output_size: [5, 6]}  # [32, 10, 10] → [32, 5, 6]
    ```
    """

    axes: ClassVar = 2

    kernel_size: Reach | tuple[Reach, Reach]
    """Height and width of the window."""
    output_size: Extent | tuple[Extent, Extent] | None = None
    """Height and width of the output; this or `output_ratio` is given."""
    output_ratio: Ratio | tuple[Ratio, Ratio] | None = None
    """The output's size as a part of the input's, between 0 and 1."""


@final
class FractionalMaxPool3d(FractionalMaxPool):
    """The largest value of windows whose steps are drawn: `(N, C, D, H, W) → (N, C, D', H', W')`.

    Graham, Fractional Max-Pooling (arXiv 1412.6071). The places are drawn in eval mode too.

    ```yaml
    - {type: FractionalMaxPool3d, kernel_size: 2, output_ratio: 0.5}  # [16, 8, 10, 10] → [16, 4, 5, 5]
    ```
    """

    axes: ClassVar = 3
    spare: ClassVar = 1

    kernel_size: Reach | tuple[Reach, Reach, Reach]
    """Depth, height and width of the window."""
    output_size: Extent | tuple[Extent, Extent, Extent] | None = None
    """Depth, height and width of the output; this or `output_ratio` is given."""
    output_ratio: Ratio | tuple[Ratio, Ratio, Ratio] | None = None
    """The output's size as a part of the input's, between 0 and 1."""
