"""Activations that bend smoothly from nothing to the input."""

from typing import Literal, final

from specbuild.catalogue.elementwise import copied
from specbuild.catalogue.entry import Bool
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Scale
from specbuild.catalogue.rules import Outcome, Violation, require
from specbuild.catalogue.types import FLOATS, TensorType
from specbuild.catalogue.windows import floating

GELU_RANK = 12
"""What oneDNN, which computes GELU on many CPUs, takes."""


@final
class GELU(Layer):
    """`x · Φ(x)`, Φ the normal distribution: `(*) → (*)`. Hendrycks and Gimpel, 2016 (arXiv:1606.08415).

    ```yaml
    - {type: GELU, approximate: tanh}  # [16, 64] → [16, 64]
    ```
    """

    approximate: Literal["none", "tanh"] = "none"
    """`tanh` computes it by a formula with tanh."""

    def keeps(self) -> tuple[str, ...]:
        """The input."""
        return ("input",)

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

    def keeps(self) -> tuple[str, ...]:
        """The input, of which torch makes a copy before it overwrites it."""
        return () if self.inplace else ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("SiLU", input, FLOATS)
        return Outcome(input, saved=copied(input) if self.inplace else 0)


@final
class Mish(Layer):
    """`x · tanh(log(1 + exp(x)))`: `(*) → (*)`. Misra, 2019 (arXiv:1908.08681).

    ```yaml
    - Mish  # [32, 8, 8] → [32, 8, 8]
    ```
    """

    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def keeps(self) -> tuple[str, ...]:
        """The input, of which torch makes a copy before it overwrites it."""
        return () if self.inplace else ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("Mish", input, FLOATS)
        return Outcome(input, saved=copied(input) if self.inplace else 0)


@final
class Hardswish(Layer):
    """`x · min(max(0, x + 3), 6) / 6`: `(*) → (*)`. Howard et al., 2019 (arXiv:1905.02244).

    ```yaml
    - {type: Hardswish, inplace: true}  # [32, 8, 8] → [32, 8, 8]
    ```
    """

    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def keeps(self) -> tuple[str, ...]:
        """The input, of which torch makes a copy before it overwrites it."""
        return () if self.inplace else ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("Hardswish", input, FLOATS)
        return Outcome(input, saved=copied(input) if self.inplace else 0)


@final
class Softplus(Layer):
    """`log(1 + exp(beta · x)) / beta`, and `x` where `beta · x` is above `threshold`: `(*) → (*)`.

    ```yaml
    - {type: Softplus, beta: 2}  # [1] → [1]
    ```
    """

    beta: Scale = 1.0
    """How sharp the bend is."""
    threshold: Scale = 20.0
    """From where on it is taken as straight, so that `exp` does not overflow."""

    def keeps(self) -> tuple[str, ...]:
        """The input."""
        return ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("Softplus", input, FLOATS)
        return Outcome(input)
