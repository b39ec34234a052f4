"""Activations: each element, or each slice, on its own."""

from typing import Literal, final

from specbuild.catalogue.entry import Bool, Int
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.layers.shape import axis
from specbuild.catalogue.limits import Scale
from specbuild.catalogue.rules import Outcome, Violation, require
from specbuild.catalogue.types import FLOATS, TensorType
from specbuild.catalogue.windows import floating

GELU_RANK = 12
"""What oneDNN, which computes GELU on many CPUs, takes."""
NUMBERS = FLOATS | {"int64", "int32", "int16", "int8", "uint8"}


def to_float(input: TensorType) -> TensorType:
    """What torch makes of a function whose values are not integers: floats stay, integers become float32."""
    return input if input.dtype in FLOATS else TensorType(input.shape)


@final
class ReLU(Layer):
    """`max(0, x)`: `(*) → (*)`.

    ```yaml
    - ReLU  # [32, 8, 8] → [32, 8, 8]
    - {type: ReLU, inplace: true}  # [10] → [10]
    ```
    """

    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("ReLU", input, NUMBERS)
        return Outcome(input)


@final
class ReLU6(Layer):
    """`min(max(0, x), 6)`: `(*) → (*)`.

    ```yaml
    - ReLU6  # [32, 8, 8] → [32, 8, 8]
    - {type: ReLU6, inplace: true}  # [10] → [10]
    ```
    """

    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("ReLU6", input, NUMBERS)
        return Outcome(input)


@final
class LeakyReLU(Layer):
    """`x` where it is positive, else `negative_slope · x`: `(*) → (*)`.

    ```yaml
    - {type: LeakyReLU, negative_slope: 0.2}  # [32, 8, 8] → [32, 8, 8]
    ```
    """

    negative_slope: Scale = 0.01
    """The slope on the negative side."""
    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("LeakyReLU", input, FLOATS)
        return Outcome(input)


@final
class ELU(Layer):
    """`x` where it is positive, else `alpha · (exp(x) - 1)`: `(*) → (*)`.

    Clevert, Unterthiner and Hochreiter, 2015 (arXiv:1511.07289).

    ```yaml
    - {type: ELU, alpha: 0.5}  # [64] → [64]
    ```
    """

    alpha: Scale = 1.0
    """What the negative side tends to, with the sign turned."""
    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("ELU", input, FLOATS)
        return Outcome(input)


@final
class GELU(Layer):
    """`x · Φ(x)`, Φ the normal distribution: `(*) → (*)`. Hendrycks and Gimpel, 2016 (arXiv:1606.08415).

    ```yaml
    - {type: GELU, approximate: tanh}  # [16, 64] → [16, 64]
    ```
    """

    approximate: Literal["none", "tanh"] = "none"
    """`tanh` computes it by a formula with tanh."""

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("GELU", input, FLOATS)
        require(
            input.rank <= GELU_RANK,
            lambda: Violation("SB302", f"GELU takes at most {GELU_RANK} axes, the batch counted; got {input.rank}"),
        )
        return Outcome(input)


@final
class SiLU(Layer):
    """`x · σ(x)`, also called swish: `(*) → (*)`. Elfwing et al., 2017 (arXiv:1702.03118).

    ```yaml
    - SiLU  # [32, 8, 8] → [32, 8, 8]
    ```
    """

    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("SiLU", input, FLOATS)
        return Outcome(input)


@final
class Sigmoid(Layer):
    """`1 / (1 + exp(-x))`: `(*) → (*)`.

    ```yaml
    - Sigmoid  # [1] → [1]
    ```
    """

    def infer(self, input: TensorType) -> Outcome:
        """Integers become float32."""
        return Outcome(to_float(input))


@final
class Tanh(Layer):
    """`tanh(x)`: `(*) → (*)`.

    ```yaml
    - Tanh  # [3, 64, 64] → [3, 64, 64]
    ```
    """

    def infer(self, input: TensorType) -> Outcome:
        """Integers become float32."""
        return Outcome(to_float(input))


@final
class Softmax(Layer):
    """`exp(xᵢ) / Σⱼ exp(xⱼ)` along an axis: `(*) → (*)`.

    ```yaml
    - {type: Softmax, dim: 1}  # [10] → [10]
    ```
    """

    dim: Int | None = None
    """The axis, the batch counted. Null is torch's own guess: 0 for 1 and 3 axes, else 1."""

    def infer(self, input: TensorType) -> Outcome:
        """The axis has to be there."""
        floating("Softmax", input, FLOATS)
        if self.dim is not None:
            axis("dim", self.dim, input.rank, input)
        return Outcome(input)
