"""Pooling by windows as large as it takes to give an output of a wanted size."""

from typing import TYPE_CHECKING, ClassVar, final

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Extent, storable
from specbuild.catalogue.rules import Outcome
from specbuild.catalogue.types import FLOATS, TensorType
from specbuild.catalogue.windows import floating, planes


class AdaptivePool(Layer):
    """Pooling to an output size, over any number of axes."""

    axes: ClassVar[int]

    if TYPE_CHECKING:
        output_size: int | tuple[int | None, ...]

    def pooled(self, input: TensorType) -> TensorType:
        """The output; null keeps the input's size."""
        planes(self.type, input, self.axes)
        floating(self.type, input, FLOATS)
        channels, *sizes = input.shape
        wanted = (self.output_size,) * self.axes if isinstance(self.output_size, int) else self.output_size
        kept = (size if want is None else want for want, size in zip(wanted, sizes, strict=True))
        output = (channels, *kept)
        storable(output, "the output", "output_size")
        return input.with_shape(output)


class AdaptiveAvgPool(AdaptivePool):
    """The mean of windows, over any number of axes."""

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `adaptive_avg_pool`."""
        return Outcome(self.pooled(input))

    def keeps(self) -> tuple[str, ...]:
        """Its sizes alone are looked at; a single value is a `mean`, which needs nothing."""
        wanted = {self.output_size} if isinstance(self.output_size, int) else {*self.output_size}
        return () if wanted == {1} else ("input",)


class AdaptiveMaxPool(AdaptivePool):
    """The largest value of windows, over any number of axes."""

    refused: ClassVar = {
        **Layer.refused,
        "return_indices": "the indices are a second result: naming them, as in `from: pool1.indices`, switches it on",
    }
    results: ClassVar = {"indices": "return_indices"}

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `adaptive_max_pool`."""
        output = self.pooled(input)
        return Outcome(output, results={"indices": TensorType(output.shape, "int64")})

    def keeps(self) -> tuple[str, ...]:
        """The gradient goes to where the largest values were."""
        return ("input", "indices")


@final
class AdaptiveAvgPool1d(AdaptiveAvgPool):
    """The mean of windows as large as it takes to give `output_size`: `(N, C, L) → (N, C, L')`.

    ```yaml
    - {type: AdaptiveAvgPool1d, output_size: 1}  # [64, 50] → [64, 1]
    ```
    """

    axes: ClassVar = 1

    output_size: Extent | tuple[Extent]
    """Length of the output."""


@final
class AdaptiveAvgPool2d(AdaptiveAvgPool):
    """The mean of windows as large as it takes to give `output_size`: `(N, C, H, W) → (N, C, H', W')`.

    ```yaml
    - {type: AdaptiveAvgPool2d, output_size: 1}  # [512, 7, 7] → [512, 1, 1]
    - {type: AdaptiveAvgPool2d, output_size: [4, null]}  # [512, 7, 7] → [512, 4, 7]
    ```
    """

    axes: ClassVar = 2

    output_size: Extent | tuple[Extent | None, Extent | None]
    """Height and width of the output; null keeps the input's."""


@final
class AdaptiveAvgPool3d(AdaptiveAvgPool):
    """The mean of windows as large as it takes to give `output_size`: `(N, C, D, H, W) → (N, C, D', H', W')`.

    ```yaml
    - {type: AdaptiveAvgPool3d, output_size: [null, 1, 1]}  # [64, 8, 7, 7] → [64, 8, 1, 1]
    ```
    """

    axes: ClassVar = 3

    output_size: Extent | tuple[Extent | None, Extent | None, Extent | None]
    """Depth, height and width of the output; null keeps the input's."""


@final
class AdaptiveMaxPool1d(AdaptiveMaxPool):
    """The largest value of windows as large as it takes to give `output_size`: `(N, C, L) → (N, C, L')`.

    ```yaml
    - {type: AdaptiveMaxPool1d, output_size: 10}  # [64, 50] → [64, 10]
    ```
    """

    axes: ClassVar = 1

    output_size: Extent | tuple[Extent]
    """Length of the output."""


@final
class AdaptiveMaxPool2d(AdaptiveMaxPool):
    """The largest value of windows as large as it takes to give `output_size`: `(N, C, H, W) → (N, C, H', W')`.

    ```yaml
    - {type: AdaptiveMaxPool2d, output_size: [5, 7]}  # [64, 8, 9] → [64, 5, 7]
    ```
    """

    axes: ClassVar = 2

    output_size: Extent | tuple[Extent | None, Extent | None]
    """Height and width of the output; null keeps the input's."""


@final
class AdaptiveMaxPool3d(AdaptiveMaxPool):
    """The largest value of windows as large as it takes to give `output_size`: `(N, C, D, H, W) → (N, C, D', H', W')`.

    ```yaml
    - {type: AdaptiveMaxPool3d, output_size: [7, null, null]}  # [64, 10, 9, 8] → [64, 7, 9, 8]
    ```
    """

    axes: ClassVar = 3

    output_size: Extent | tuple[Extent | None, Extent | None, Extent | None]
    """Depth, height and width of the output; null keeps the input's."""
