"""Activations along an axis."""

from typing import final

from specbuild.catalogue.axes import axis, inner_axis
from specbuild.catalogue.entry import Int
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.rules import Outcome, Violation, require
from specbuild.catalogue.types import FLOATS, TensorType
from specbuild.catalogue.windows import floating, planes


def normalized(layer: str, dim: int | None, input: TensorType) -> Outcome:
    """The same type, after a look at the axis."""
    floating(layer, input, FLOATS)
    if dim is not None:
        axis("dim", dim, input.rank, input)
    return Outcome(input)


@final
class Softmax(Layer):
    """`exp(xᵢ) / Σⱼ exp(xⱼ)` along an axis: `(*) → (*)`.

    ```yaml
    - {type: Softmax, dim: 1}  # [10] → [10]
    ```
    """

    dim: Int | None = None
    """The axis, the batch counted. Null is torch's own guess: 0 for 1 and 3 axes, else 1."""

    def keeps(self) -> tuple[str, ...]:
        """The output."""
        return ("output",)

    def infer(self, input: TensorType) -> Outcome:
        """The axis has to be there."""
        return normalized("Softmax", self.dim, input)


@final
class Softmin(Layer):
    """`exp(-xᵢ) / Σⱼ exp(-xⱼ)` along an axis: `(*) → (*)`.

    ```yaml
    - {type: Softmin, dim: 1}  # [10] → [10]
    ```
    """

    dim: Int | None = None
    """The axis, the batch counted. Null is torch's own guess: 0 for 1 and 3 axes, else 1."""

    def keeps(self) -> tuple[str, ...]:
        """The output."""
        return ("output",)

    def infer(self, input: TensorType) -> Outcome:
        """The axis has to be there."""
        return normalized("Softmin", self.dim, input)


@final
class LogSoftmax(Layer):
    """`log(exp(xᵢ) / Σⱼ exp(xⱼ))` along an axis: `(*) → (*)`.

    ```yaml
    - {type: LogSoftmax, dim: 1}  # [10] → [10]
    ```
    """

    dim: Int | None = None
    """The axis, the batch counted. Null is torch's own guess: 0 for 1 and 3 axes, else 1."""

    def keeps(self) -> tuple[str, ...]:
        """The output."""
        return ("output",)

    def infer(self, input: TensorType) -> Outcome:
        """The axis has to be there."""
        return normalized("LogSoftmax", self.dim, input)


@final
class Softmax2d(Layer):
    """`Softmax` over the channels, at each place of a plane: `(N, C, H, W) → (N, C, H, W)`.

    ```yaml
    - Softmax2d  # [21, 8, 8] → [21, 8, 8]
    ```
    """

    def keeps(self) -> tuple[str, ...]:
        """The output."""
        return ("output",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        planes("Softmax2d", input)
        floating("Softmax2d", input, FLOATS)
        return Outcome(input)


@final
class GLU(Layer):
    """`a · σ(b)`, `a` and `b` the halves of the input along an axis: `(*, 2·M, *) → (*, M, *)`.

    Dauphin et al., 2016 (arXiv:1612.08083).

    ```yaml
    - GLU  # [128] → [64]
    - {type: GLU, dim: 1}  # [64, 8, 8] → [32, 8, 8]
    ```
    """

    dim: Int = -1
    """The axis that is halved, the batch counted; not 0, which is the batch."""

    def keeps(self) -> tuple[str, ...]:
        """The input."""
        return ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """One axis is half as long."""
        floating("GLU", input, FLOATS)
        index = inner_axis(self.dim, input, "is halved")
        size = input.shape[index]
        require(
            size % 2 == 0,
            lambda: Violation(
                "SB303", f"GLU halves axis {index + 1} of {input}, but its size {size} is odd",
                field="dim", fix="a layer before it that gives an even size there",
            ),
        )  # fmt: skip
        return Outcome(input.with_shape((*input.shape[:index], size // 2, *input.shape[index + 1 :])))
