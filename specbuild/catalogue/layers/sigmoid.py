"""Activations that squash all numbers into an interval."""

from typing import ClassVar, final

from specbuild.catalogue.elementwise import NUMBERS, copied, fits, to_float
from specbuild.catalogue.entry import Bool
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Scale
from specbuild.catalogue.rules import Outcome, Violation
from specbuild.catalogue.types import FLOATS, TensorType
from specbuild.catalogue.windows import floating


@final
class Sigmoid(Layer):
    """`1 / (1 + exp(-x))`: `(*) → (*)`.

    ```yaml
    - Sigmoid  # [1] → [1]
    ```
    """

    def keeps(self) -> tuple[str, ...]:
        """The output: the slope is `y · (1 - y)`."""
        return ("output",)

    def infer(self, input: TensorType) -> Outcome:
        """Integers become float32."""
        return Outcome(to_float(input))


@final
class LogSigmoid(Layer):
    """`-log(1 + exp(-x))`: `(*) → (*)`.

    ```yaml
    - LogSigmoid  # [1] → [1]
    ```
    """

    def keeps(self) -> tuple[str, ...]:
        """The input, beside `exp(-|x|)`."""
        return ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("LogSigmoid", input, FLOATS)
        return Outcome(input, saved=copied(input))


@final
class Hardsigmoid(Layer):
    """`min(max(0, x + 3), 6) / 6`: `(*) → (*)`. Howard et al., 2019 (arXiv:1905.02244).

    ```yaml
    - Hardsigmoid  # [32, 1, 1] → [32, 1, 1]
    ```
    """

    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def keeps(self) -> tuple[str, ...]:
        """The input, of which torch makes a copy before it overwrites it."""
        return () if self.inplace else ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("Hardsigmoid", input, FLOATS)
        return Outcome(input, saved=copied(input) if self.inplace else 0)


@final
class Tanh(Layer):
    """`tanh(x)`: `(*) → (*)`.

    ```yaml
    - Tanh  # [3, 64, 64] → [3, 64, 64]
    ```
    """

    def keeps(self) -> tuple[str, ...]:
        """The output: the slope is `1 - y²`."""
        return ("output",)

    def infer(self, input: TensorType) -> Outcome:
        """Integers become float32."""
        return Outcome(to_float(input))


@final
class Hardtanh(Layer):
    """`min(max(min_val, x), max_val)`: `(*) → (*)`.

    ```yaml
    - {type: Hardtanh, min_val: 0, max_val: 1}  # [32, 8, 8] → [32, 8, 8]
    ```
    """

    refused: ClassVar = {
        "min_value": "torch has deprecated it for `min_val`",
        "max_value": "torch has deprecated it for `max_val`",
    }

    min_val: Scale = -1.0
    """What smaller numbers become."""
    max_val: Scale = 1.0
    """What larger numbers become."""
    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def check(self) -> None:
        """Something lies between."""
        if self.max_val <= self.min_val:
            raise Violation(
                "SB304", f"`max_val` must be above `min_val`: {self.max_val:g} is not above {self.min_val:g}",
                field="max_val", fix=f"max_val above {self.min_val:g}",
            )  # fmt: skip

    def keeps(self) -> tuple[str, ...]:
        """The input, of which torch makes a copy before it overwrites it."""
        return () if self.inplace else ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values; between integers, which the bounds become, too."""
        floating("Hardtanh", input, NUMBERS)
        for field in ("min_val", "max_val"):
            fits(field, getattr(self, field), input, truncated=input.dtype not in FLOATS)
        return Outcome(input, saved=copied(input) if self.inplace else 0)


@final
class Softsign(Layer):
    """`x / (1 + |x|)`: `(*) → (*)`.

    ```yaml
    - Softsign  # [64] → [64]
    ```
    """

    def keeps(self) -> tuple[str, ...]:
        """The input, beside `1 + |x|`."""
        return ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """Integers become float32."""
        floating("Softsign", input, NUMBERS)
        return Outcome(to_float(input), saved=copied(input))
