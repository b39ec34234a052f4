"""Distances between two inputs."""

from typing import ClassVar, final

from specbuild.catalogue.axes import axis, inner_axis
from specbuild.catalogue.broadcasting import broadcast, promoted
from specbuild.catalogue.elementwise import NUMBERS, copied, to_float
from specbuild.catalogue.entry import Bool, Int
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Magnitude, Scale
from specbuild.catalogue.rules import Outcome, Violation, require
from specbuild.catalogue.types import FLOATS, TensorType
from specbuild.catalogue.windows import floating


@final
class CosineSimilarity(Layer):
    """`x₁ · x₂ / (max(‖x₁‖, eps) · max(‖x₂‖, eps))` along an axis: `(N, *, D, *), (N, *, D, *) → (N, *, *)`.

    The inputs are broadcast as torch does.

    ```yaml
    - {type: CosineSimilarity, from: [a, b]}  # [128], [128] → []
    - {type: CosineSimilarity, from: [queries, keys], dim: -1}  # [5, 1, 64], [1, 7, 64] → [5, 7]
    ```
    """

    takes: ClassVar = ("x1", "x2")
    needs: ClassVar = 2
    broadcasts: ClassVar = True

    dim: Int = 1
    """The axis, the batch counted; not 0, which is the batch."""
    eps: Magnitude = 1e-8
    """The smallest length that is divided by, from 0 on."""

    def keeps(self) -> tuple[str, ...]:
        """Both inputs, beside their lengths and what is left of them at length 1."""
        return ("x1", "x2")

    def infer(self, x1: TensorType, x2: TensorType) -> Outcome:
        """Without the axis."""
        common = broadcast(x1, x2)._replace(dtype=promoted(x1.dtype, x2.dtype))  # a single number is stretched first
        floating("CosineSimilarity", common, FLOATS)
        if common.batched:
            index = inner_axis(self.dim, common, "is compared")
        else:
            index = axis("dim", self.dim, common.rank, common)
        output = common.with_shape((*common.shape[:index], *common.shape[index + 1 :]))
        return Outcome(output, saved=4 * copied(output) + 2 * copied(common))


@final
class PairwiseDistance(Layer):
    """`‖x₁ - x₂ + eps‖ₚ` along the last axis: `(N, *, D), (N, *, D) → (N, *)`.

    The inputs are broadcast as torch does.

    ```yaml
    - {type: PairwiseDistance, from: [a, b]}  # [128], [128] → []
    - {type: PairwiseDistance, from: [a, b], p: 1, keepdim: true}  # [128], [128] → [1]
    ```
    """

    takes: ClassVar = ("x1", "x2")
    needs: ClassVar = 2
    broadcasts: ClassVar = True

    p: Scale = 2.0
    """Of which norm."""
    eps: Scale = 1e-6
    """What is added to each difference, so that none is 0."""
    keepdim: Bool = False
    """Whether the last axis stays, with size 1."""

    def keeps(self) -> tuple[str, ...]:
        """The output, beside the differences."""
        return ("output",)

    def infer(self, x1: TensorType, x2: TensorType) -> Outcome:
        """Without the last axis, or with 1 for it."""
        for input in (x1, x2):
            floating("PairwiseDistance", input, NUMBERS)
        common = to_float(broadcast(x1, x2))
        require(
            len(common.shape) >= 1,
            lambda: Violation(
                "SB302",
                f"PairwiseDistance takes [..., features], but the inputs are {x1} and {x2}, single numbers",
                fix="inputs with at least one axis: [1]",
            ),
        )
        output = common.with_shape((*common.shape[:-1], 1) if self.keepdim else common.shape[:-1])
        return Outcome(output, saved=copied(common))
