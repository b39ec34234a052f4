"""Pooling by windows whose places are drawn."""

from typing import TYPE_CHECKING, Annotated, ClassVar, final

from annotated_types import Gt, Lt

from specbuild.catalogue.entry import Float
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Extent, Reach
from specbuild.catalogue.rules import Outcome, Violation, require
from specbuild.catalogue.types import FLOATS, Dim, TensorType
from specbuild.catalogue.windows import AXES, each, floating, planes

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
        for size, kernel, count, axis in zip(
            sizes, each(self.kernel_size, self.axes), counts, AXES[self.axes], strict=True
        ):
            self.fit(size, kernel, count, axis)
            require(
                size - kernel <= EXACT[input.dtype],
                lambda size=size, axis=axis: Violation(
                    "SB303",
                    f"the input's {axis} {size} is too large for {input.dtype}, in which torch places the windows",
                    fix="an input of dtype float32",
                ),
            )
        output = input.with_shape((channels, *counts))
        return Outcome(output, results={"indices": TensorType(output.shape, "int64")})

    def counts(self, sizes: list[Dim]) -> tuple[Dim, ...]:
        """How many windows along each axis."""
        if self.output_size is not None:
            return each(self.output_size, self.axes)
        assert self.output_ratio is not None
        ratios = self.output_ratio if isinstance(self.output_ratio, tuple) else (self.output_ratio,) * self.axes
        return tuple(int(size * ratio) for size, ratio in zip(sizes, ratios, strict=True))

    def fit(self, size: Dim, kernel: int, count: Dim, axis: str) -> None:
        """Require that so many windows fit along an axis."""
        field = "output_size" if self.output_ratio is None else "output_ratio"
        require(
            count >= 1,
            lambda: Violation(
                "SB303", f"`output_ratio` leaves nothing of the input's {axis} {size}",
                field="output_ratio", fix="a larger output_ratio",
            ),
        )  # fmt: skip
        most = size - kernel + 1 - self.spare
        require(
            count <= most,
            lambda: Violation(
                "SB303",
                f"{count} windows of kernel_size {kernel} do not fit into the input's {axis} {size}",
                field=field,
                fix="a smaller kernel_size" if most < 1 else f"at most {most} windows, or a smaller kernel_size",
            ),
        )

    def keeps(self) -> tuple[str, ...]:
        """The gradient goes to where the largest values were."""
        return ("input", "indices")


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
