"""Shrinkage: small numbers become 0."""

from typing import final

from specbuild.catalogue.elementwise import NUMBERS, copied, fits, to_float
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Magnitude, Scale
from specbuild.catalogue.rules import Outcome
from specbuild.catalogue.types import FLOATS, TensorType
from specbuild.catalogue.windows import floating


@final
class Hardshrink(Layer):
    """`x` where `|x| > lambd`, else 0: `(*) → (*)`.

    ```yaml
    - {type: Hardshrink, lambd: 0.1}  # [64] → [64]
    ```
    """

    lambd: Scale = 0.5
    """How far from 0 numbers have to be."""

    def keeps(self) -> tuple[str, ...]:
        """The input."""
        return ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("Hardshrink", input, FLOATS)
        fits("lambd", self.lambd, input)
        return Outcome(input)


@final
class Softshrink(Layer):
    """`x` moved by `lambd` towards 0, and 0 where `|x| <= lambd`: `(*) → (*)`.

    ```yaml
    - {type: Softshrink, lambd: 0.1}  # [64] → [64]
    ```
    """

    lambd: Magnitude = 0.5
    """How far numbers are moved, from 0 on."""

    def keeps(self) -> tuple[str, ...]:
        """The input."""
        return ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("Softshrink", input, FLOATS)
        fits("lambd", self.lambd, input)
        return Outcome(input)


@final
class Tanhshrink(Layer):
    """`x - tanh(x)`: `(*) → (*)`.

    ```yaml
    - Tanhshrink  # [64] → [64]
    ```
    """

    def infer(self, input: TensorType) -> Outcome:
        """Integers become float32; backward needs `tanh(x)`, which is neither input nor output."""
        floating("Tanhshrink", input, NUMBERS)
        return Outcome(to_float(input), saved=copied(input))
