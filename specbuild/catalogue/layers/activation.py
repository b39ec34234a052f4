"""Activations: each element, or each slice, on its own."""

from __future__ import annotations

from typing import Literal, final

from specbuild.catalogue.entry import Bool, Float, Int
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.rules import Outcome
from specbuild.catalogue.types import FLOATS, TensorType
from specbuild.catalogue.layers.shape import axis
from specbuild.catalogue.windows import floating

NUMBERS = FLOATS | {"int64", "int32", "int16", "int8", "uint8"}


def to_float(input: TensorType) -> TensorType:
    """What torch makes of a function whose values are not integers: floats stay, integers become float32."""
    return input if input.dtype in FLOATS else TensorType(input.shape)


@final
class ReLU(Layer):
    """`max(0, x)`: `(*) → (*)`."""

    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("ReLU", input, NUMBERS)
        return Outcome(input)


@final
class LeakyReLU(Layer):
    """`x` where it is positive, else `negative_slope · x`: `(*) → (*)`."""

    negative_slope: Float = 0.01
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
    """

    alpha: Float = 1.0
    """What the negative side tends to, with the sign turned."""
    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("ELU", input, FLOATS)
        return Outcome(input)


@final
class GELU(Layer):
    """`x · Φ(x)`, Φ the normal distribution: `(*) → (*)`. Hendrycks and Gimpel, 2016 (arXiv:1606.08415)."""

    approximate: Literal["none", "tanh"] = "none"
    """`tanh` computes it by a formula with tanh."""

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("GELU", input, FLOATS)
        return Outcome(input)


@final
class SiLU(Layer):
    """`x · σ(x)`, also called swish: `(*) → (*)`."""

    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("SiLU", input, FLOATS)
        return Outcome(input)


@final
class Sigmoid(Layer):
    """`1 / (1 + exp(-x))`: `(*) → (*)`."""

    def infer(self, input: TensorType) -> Outcome:
        """Integers become float32."""
        return Outcome(to_float(input))


@final
class Tanh(Layer):
    """`tanh(x)`: `(*) → (*)`."""

    def infer(self, input: TensorType) -> Outcome:
        """Integers become float32."""
        return Outcome(to_float(input))


@final
class Softmax(Layer):
    """`exp(xᵢ) / Σⱼ exp(xⱼ)` along an axis: `(*) → (*)`."""

    dim: Int | None = None
    """The axis, the batch counted. Null is torch's own guess: 0 for 1 and 3 axes, else 1."""

    def infer(self, input: TensorType) -> Outcome:
        """The axis has to be there."""
        floating("Softmax", input, FLOATS)
        if self.dim is not None:
            axis("dim", self.dim, input.rank, input)
        return Outcome(input)
