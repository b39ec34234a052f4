"""Padding with a constant."""

from typing import TYPE_CHECKING, ClassVar, final

from specbuild.catalogue.borders import added, bordered
from specbuild.catalogue.elementwise import fits
from specbuild.catalogue.entry import Float
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import SignedBorder, storable
from specbuild.catalogue.rules import Outcome, Violation, require
from specbuild.catalogue.types import TensorType
from specbuild.catalogue.windows import AXES, each


class Padding(Layer):
    """A border of one value around the last axes, of which there may be any number."""

    axes: ClassVar[int]

    if TYPE_CHECKING:
        padding: int | tuple[int, ...]

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `constant_pad_nd`."""
        names = AXES[self.axes]
        require(
            len(input.shape) >= self.axes,
            lambda: Violation(
                "SB302", f"{self.type} takes [..., {', '.join(names)}], but the input is {input}",
                fix=f"an input with at least {len(names)} {'axis' if len(names) == 1 else 'axes'}",
            ),
        )  # fmt: skip
        if max(each(self.padding, 2 * self.axes)) > 0:
            fits("value", getattr(self, "value", 0.0), input)
        kept = len(input.shape) - self.axes
        sizes = map(bordered, input.shape[kept:], added(self.padding, self.axes), names)
        output = (*input.shape[:kept], *sizes)
        storable(output, "the output", "padding")
        return Outcome(input.with_shape(output))


@final
class ConstantPad1d(Padding):
    """A border of one value: `(N, C, L) → (N, C, L')`.

    `L' = L + left + right`.

    ```yaml
    - {type: ConstantPad1d, padding: 1, value: -1}  # [16, 50] → [16, 52]
    ```
    """

    axes: ClassVar = 1

    padding: SignedBorder | tuple[SignedBorder, SignedBorder]
    """What is added: left, right, or one number for all; taken away where negative."""
    value: Float
    """What is added."""


@final
class ConstantPad2d(Padding):
    """A border of one value: `(N, C, H, W) → (N, C, H', W')`.

    `H' = H + top + bottom` and `W' = W + left + right`.

    ```yaml
    - {type: ConstantPad2d, padding: [1, 1, 2, 0], value: 0.5}  # [3, 8, 8] → [3, 10, 10]
    ```
    """

    axes: ClassVar = 2

    padding: SignedBorder | tuple[SignedBorder, SignedBorder, SignedBorder, SignedBorder]
    """What is added: left, right, top, bottom, or one number for all; taken away where negative."""
    value: Float
    """What is added."""


@final
class ConstantPad3d(Padding):
    """A border of one value: `(N, C, D, H, W) → (N, C, D', H', W')`.

    `D' = D + front + back`, `H' = H + top + bottom` and `W' = W + left + right`.

    ```yaml
    - {type: ConstantPad3d, padding: 2, value: 1}  # [16, 4, 8, 8] → [16, 8, 12, 12]
    ```
    """

    axes: ClassVar = 3

    padding: SignedBorder | tuple[SignedBorder, SignedBorder, SignedBorder, SignedBorder, SignedBorder, SignedBorder]
    """What is added: left, right, top, bottom, front, back, or one number for all; taken away where negative."""
    value: Float
    """What is added."""


@final
class ZeroPad1d(Padding):
    """A border of zeros: `(N, C, L) → (N, C, L')`.

    `L' = L + left + right`.

    ```yaml
    - {type: ZeroPad1d, padding: [2, 0]}  # [16, 50] → [16, 52]
    ```
    """

    axes: ClassVar = 1

    padding: SignedBorder | tuple[SignedBorder, SignedBorder]
    """What is added: left, right, or one number for all; taken away where negative."""


@final
class ZeroPad2d(Padding):
    """A border of zeros: `(N, C, H, W) → (N, C, H', W')`.

    `H' = H + top + bottom` and `W' = W + left + right`.

    ```yaml
    - {type: ZeroPad2d, padding: [1, 1, 2, 0]}  # [3, 8, 8] → [3, 10, 10]
    - {type: ZeroPad2d, padding: [0, -2, 0, -2]}  # [3, 8, 8] → [3, 6, 6]
    ```
    """

    axes: ClassVar = 2

    padding: SignedBorder | tuple[SignedBorder, SignedBorder, SignedBorder, SignedBorder]
    """What is added: left, right, top, bottom, or one number for all; taken away where negative."""


@final
class ZeroPad3d(Padding):
    """A border of zeros: `(N, C, D, H, W) → (N, C, D', H', W')`.

    `D' = D + front + back`, `H' = H + top + bottom` and `W' = W + left + right`.

    ```yaml
    - {type: ZeroPad3d, padding: [3, 3, 6, 6, 0, 1]}  # [16, 10, 20, 30] → [16, 11, 32, 36]
    ```
    """

    axes: ClassVar = 3

    padding: SignedBorder | tuple[SignedBorder, SignedBorder, SignedBorder, SignedBorder, SignedBorder, SignedBorder]
    """What is added: left, right, top, bottom, front, back, or one number for all; taken away where negative."""
