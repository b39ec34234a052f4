"""Rectifiers: what is positive passes, the rest is bent."""

from typing import final

from specbuild.catalogue.elementwise import NUMBERS, copied, fits, forward_only
from specbuild.catalogue.entry import Bool
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Extent, Scale
from specbuild.catalogue.rules import Outcome, Storage, Violation, require
from specbuild.catalogue.types import FLOATS, TensorType
from specbuild.catalogue.windows import floating


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

    def keeps(self) -> tuple[str, ...]:
        """The output tells where the input was positive."""
        return ("output",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("ReLU", input, NUMBERS)
        return Outcome(input)


@final
class ReLU6(Layer):
    """`min(max(0, x), 6)`: `(*) → (*)`. Howard et al., 2017 (arXiv:1704.04861).

    ```yaml
    - ReLU6  # [32, 8, 8] → [32, 8, 8]
    - {type: ReLU6, inplace: true}  # [10] → [10]
    ```
    """

    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def keeps(self) -> tuple[str, ...]:
        """The input, of which torch makes a copy before it overwrites it."""
        return () if self.inplace else ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("ReLU6", input, NUMBERS)
        return Outcome(input, saved=copied(input) if self.inplace else 0)


@final
class LeakyReLU(Layer):
    """`x` where it is positive, else `negative_slope · x`: `(*) → (*)`.

    Maas, Hannun and Ng, 2013, "Rectifier nonlinearities improve neural network acoustic models".

    ```yaml
    - {type: LeakyReLU, negative_slope: 0.2}  # [32, 8, 8] → [32, 8, 8]
    ```
    """

    negative_slope: Scale = 0.01
    """The slope on the negative side."""
    inplace: Bool = False
    """Whether the input's memory is overwritten; then the slope is not negative."""

    def check(self) -> None:
        """Backward tells the sides apart by the sign of what is kept."""
        if self.inplace:
            forward_only(self.negative_slope, "negative_slope")

    def keeps(self) -> tuple[str, ...]:
        """Input or output: both have the same sign."""
        return ("output",) if self.inplace else ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("LeakyReLU", input, FLOATS)
        return Outcome(input)


@final
class PReLU(Layer):
    """`x` where it is positive, else `weight · x`, the weight learned: `(N, C, *) → (N, C, *)`.

    He et al., 2015 (arXiv:1502.01852).

    ```yaml
    - PReLU  # [32, 8, 8] → [32, 8, 8]
    - {type: PReLU, num_parameters: 32}  # [32, 8, 8] → [32, 8, 8]
    ```
    """

    num_parameters: Extent = 1
    """How many slopes are learned: 1 for all channels, or one for each."""
    init: Scale = 0.25
    """What the slopes begin with."""

    def keeps(self) -> tuple[str, ...]:
        """The input."""
        return ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values; channels are the axis after the batch."""
        floating("PReLU", input)
        if self.num_parameters > 1 and input.shape:
            channels = input.shape[0]
            require(
                self.num_parameters == channels,
                lambda: Violation(
                    "SB301", f"num_parameters is {self.num_parameters}, but the input has {channels} channels",
                    field="num_parameters", fix=f"num_parameters: {channels}, or 1 for a slope that all share",
                    value=channels,
                ),
            )  # fmt: skip
        elif self.num_parameters > 1:
            raise Violation(
                "SB301", f"num_parameters is {self.num_parameters}, but the input {input} has no channels",
                field="num_parameters", fix="num_parameters: 1", value=1,
            )  # fmt: skip
        return Outcome(input, parameters={"weight": Storage((self.num_parameters,))})


@final
class RReLU(Layer):
    """`x` where it is positive, else `a · x`: `(*) → (*)`. Xu et al., 2015 (arXiv:1505.00853).

    In training `a` is drawn for each element between `lower` and `upper`, in eval mode it is their mean.

    ```yaml
    - {type: RReLU, lower: 0.1, upper: 0.3}  # [32, 8, 8] → [32, 8, 8]
    ```
    """

    lower: Scale = 1.0 / 8
    """The smallest slope."""
    upper: Scale = 1.0 / 3
    """The largest slope."""
    inplace: Bool = False
    """Whether the input's memory is overwritten; then the mean slope is not negative."""

    def check(self) -> None:
        """The bounds are in order, and backward tells the sides apart."""
        if self.lower > self.upper:
            raise Violation(
                "SB304", f"`lower` must be at most `upper`: {self.lower:g} is more than {self.upper:g}",
                field="lower", fix=f"lower of at most {self.upper:g}",
            )  # fmt: skip
        if self.inplace:
            forward_only((self.lower + self.upper) / 2, "the mean slope")

    def keeps(self) -> tuple[str, ...]:
        """Input or output, beside the slopes."""
        return ("output",) if self.inplace else ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values; a slope is drawn for each."""
        floating("RReLU", input, FLOATS - {"float16"})
        return Outcome(input, saved=copied(input))


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
    """Whether the input's memory is overwritten; then `alpha` is not negative."""

    def check(self) -> None:
        """Backward tells the sides apart by the sign of what is kept."""
        if self.inplace:
            forward_only(self.alpha, "alpha")

    def keeps(self) -> tuple[str, ...]:
        """Input or output: both have the same sign."""
        return ("output",) if self.inplace else ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("ELU", input, FLOATS)
        return Outcome(input)


@final
class SELU(Layer):
    """`scale · x` where it is positive, else `scale · α · (exp(x) - 1)`: `(*) → (*)`.

    With scale 1.0507 and α 1.6733 it keeps mean 0 and variance 1. Klambauer et al., 2017 (arXiv:1706.02515).

    ```yaml
    - SELU  # [64] → [64]
    ```
    """

    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def keeps(self) -> tuple[str, ...]:
        """Input or output: both have the same sign."""
        return ("output",) if self.inplace else ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("SELU", input, FLOATS)
        return Outcome(input)


@final
class CELU(Layer):
    """`x` where it is positive, else `alpha · (exp(x / alpha) - 1)`: `(*) → (*)`. Barron, 2017 (arXiv:1704.07483).

    ```yaml
    - {type: CELU, alpha: 0.5}  # [64] → [64]
    ```
    """

    alpha: Scale = 1.0
    """What the negative side tends to, with the sign turned; not 0."""
    inplace: Bool = False
    """Whether the input's memory is overwritten; then `alpha` is not negative."""

    def check(self) -> None:
        """Nothing is divided by 0, and backward tells the sides apart."""
        if self.alpha == 0:
            raise Violation(
                "SB304", "`alpha` must not be 0: the input is divided by it",
                field="alpha", fix="type: ReLU, which it tends to as `alpha` tends to 0",
            )  # fmt: skip
        if self.inplace:
            forward_only(self.alpha, "alpha")

    def keeps(self) -> tuple[str, ...]:
        """Input or output: both have the same sign."""
        return ("output",) if self.inplace else ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        floating("CELU", input, FLOATS)
        return Outcome(input)


@final
class Threshold(Layer):
    """`x` where it is above `threshold`, else `value`: `(*) → (*)`.

    ```yaml
    - {type: Threshold, threshold: 0.1, value: 0}  # [32, 8, 8] → [32, 8, 8]
    ```
    """

    threshold: Scale
    """What has to be passed."""
    value: Scale
    """What stands for all that does not pass it."""
    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def keeps(self) -> tuple[str, ...]:
        """The input, of which torch makes a copy before it overwrites it."""
        return () if self.inplace else ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values; integers are compared as such."""
        floating("Threshold", input, NUMBERS)
        if input.dtype not in FLOATS:
            fits("threshold", self.threshold, input)
        fits("value", self.value, input)
        return Outcome(input, saved=copied(input) if self.inplace else 0)
