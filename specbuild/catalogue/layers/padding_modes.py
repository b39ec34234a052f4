"""Padding with what the input holds."""

from typing import TYPE_CHECKING, ClassVar, final

from specbuild.catalogue.borders import Border, added, bordered, left, nothing_left, remaining
from specbuild.catalogue.elementwise import NUMBERS
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import SignedBorder, storable
from specbuild.catalogue.rules import Outcome, Violation, require
from specbuild.catalogue.types import ITEM_BYTES, Dim, TensorType
from specbuild.catalogue.windows import AXES, floating, planes


class PaddingMode(Layer):
    """A border made of the input, around any number of axes."""

    axes: ClassVar[int]
    allowed: ClassVar = NUMBERS

    if TYPE_CHECKING:
        padding: int | tuple[int, ...]

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `pad` in this mode."""
        planes(self.type, input, self.axes)
        floating(self.type, input, self.allowed)
        borders = enumerate(added(self.padding, self.axes), 1)
        output = (input.shape[0], *(self.extended(input, place, border) for place, border in borders))
        storable(output, "the output", "padding")
        return Outcome(input.with_shape(output))

    def extended(self, input: TensorType, place: int, border: Border) -> Dim:
        """The size of one axis with its border."""
        return remaining(input.shape[place], border, AXES[self.axes][place - 1])

    def smallest(self, input: TensorType, size: Dim) -> Dim:
        """The smallest of the sizes that the padding of one axis has to suit: of all, if it is one number."""
        return min(input.shape[1:]) if isinstance(self.padding, int) else size

    def keeps(self) -> tuple[str, ...]:
        """Torch holds it for its sizes alone."""
        return ("input",)


class ReflectionPad(PaddingMode):
    """The input mirrored at its edges, around any number of axes."""

    def extended(self, input: TensorType, place: int, border: Border) -> Dim:
        """A reflection is of what is there, the edge not counted."""
        size, axis = input.shape[place], AXES[self.axes][place - 1]
        require(
            max(border) < size,
            lambda: Violation(
                "SB303", f"a reflection adds less than the input's {axis} {size}, but padding is {max(border)}",
                field="padding", fix=f"padding of at most {self.smallest(input, size) - 1}, "
                f"or {self.type.replace('Reflec', 'Replica')}",
            ),
        )  # fmt: skip
        return remaining(size, border, axis)


class ReplicationPad(PaddingMode):
    """The input's edges repeated, around any number of axes."""


class CircularPad(PaddingMode):
    """The input from its other end, around any number of axes."""

    allowed: ClassVar = frozenset(ITEM_BYTES)

    def extended(self, input: TensorType, place: int, border: Border) -> Dim:
        """What is added has to be there: torch forgets what was taken away, and adds uninitialized memory."""
        size, axis = input.shape[place], AXES[self.axes][place - 1]
        output = bordered(size, border, axis)
        rest = left(size, border)
        require(rest >= 1, lambda: nothing_left(size, border, axis))
        other = f", or {self.type.replace('Circular', 'Replication')}" if input.dtype in NUMBERS else ""

        def taken() -> str:
            return f" of which {rest} {'is' if rest == 1 else 'are'} left," if min(border) < 0 else ""

        require(
            max(border) <= rest,
            lambda: Violation(
                "SB303",
                f"circular padding adds at most the input's {axis} {size},{taken()} but padding is {max(border)}",
                field="padding", fix=f"padding of at most {self.smallest(input, rest)}{other}",
            ),
        )  # fmt: skip
        return output

    def keeps(self) -> tuple[str, ...]:
        """The gradient is added up where each value came from."""
        return ()


@final
class ReflectionPad1d(ReflectionPad):
    """The input mirrored at its edges, which are not repeated: `(N, C, L) → (N, C, L')`.

    `L' = L + left + right`.

    ```yaml
    - {type: ReflectionPad1d, padding: 2}  # [16, 50] → [16, 54]
    ```
    """

    axes: ClassVar = 1

    padding: SignedBorder | tuple[SignedBorder, SignedBorder]
    """What is added: left, right, or one number for all; taken away where negative."""


@final
class ReflectionPad2d(ReflectionPad):
    """The input mirrored at its edges, which are not repeated: `(N, C, H, W) → (N, C, H', W')`.

    `H' = H + top + bottom` and `W' = W + left + right`.

    ```yaml
    - {type: ReflectionPad2d, padding: [1, 1, 2, 0]}  # [3, 8, 8] → [3, 10, 10]
    ```
    """

    axes: ClassVar = 2

    padding: SignedBorder | tuple[SignedBorder, SignedBorder, SignedBorder, SignedBorder]
    """What is added: left, right, top, bottom, or one number for all; taken away where negative."""


@final
class ReflectionPad3d(ReflectionPad):
    """The input mirrored at its edges, which are not repeated: `(N, C, D, H, W) → (N, C, D', H', W')`.

    `D' = D + front + back`, `H' = H + top + bottom` and `W' = W + left + right`.

    ```yaml
    - {type: ReflectionPad3d, padding: 1}  # [16, 4, 8, 8] → [16, 6, 10, 10]
    ```
    """

    axes: ClassVar = 3

    padding: SignedBorder | tuple[SignedBorder, SignedBorder, SignedBorder, SignedBorder, SignedBorder, SignedBorder]
    """What is added: left, right, top, bottom, front, back, or one number for all; taken away where negative."""


@final
class ReplicationPad1d(ReplicationPad):
    """The input's edges repeated: `(N, C, L) → (N, C, L')`.

    `L' = L + left + right`.

    ```yaml
    - {type: ReplicationPad1d, padding: [3, 1]}  # [16, 50] → [16, 54]
    ```
    """

    axes: ClassVar = 1

    padding: SignedBorder | tuple[SignedBorder, SignedBorder]
    """What is added: left, right, or one number for all; taken away where negative."""


@final
class ReplicationPad2d(ReplicationPad):
    """The input's edges repeated: `(N, C, H, W) → (N, C, H', W')`.

    `H' = H + top + bottom` and `W' = W + left + right`.

    ```yaml
    - {type: ReplicationPad2d, padding: 2}  # [3, 8, 8] → [3, 12, 12]
    ```
    """

    axes: ClassVar = 2

    padding: SignedBorder | tuple[SignedBorder, SignedBorder, SignedBorder, SignedBorder]
    """What is added: left, right, top, bottom, or one number for all; taken away where negative."""


@final
class ReplicationPad3d(ReplicationPad):
    """The input's edges repeated: `(N, C, D, H, W) → (N, C, D', H', W')`.

    `D' = D + front + back`, `H' = H + top + bottom` and `W' = W + left + right`.

    ```yaml
    - {type: ReplicationPad3d, padding: [1, 1, 1, 1, 0, 0]}  # [16, 4, 8, 8] → [16, 4, 10, 10]
    ```
    """

    axes: ClassVar = 3

    padding: SignedBorder | tuple[SignedBorder, SignedBorder, SignedBorder, SignedBorder, SignedBorder, SignedBorder]
    """What is added: left, right, top, bottom, front, back, or one number for all; taken away where negative."""


@final
class CircularPad1d(CircularPad):
    """The input continued from its other end: `(N, C, L) → (N, C, L')`.

    `L' = L + left + right`.

    ```yaml
    - {type: CircularPad1d, padding: [3, 1]}  # [16, 50] → [16, 54]
    ```
    """

    axes: ClassVar = 1

    padding: SignedBorder | tuple[SignedBorder, SignedBorder]
    """What is added: left, right, or one number for all; taken away where negative."""


@final
class CircularPad2d(CircularPad):
    """The input continued from its other end: `(N, C, H, W) → (N, C, H', W')`.

    `H' = H + top + bottom` and `W' = W + left + right`.

    ```yaml
    - {type: CircularPad2d, padding: [1, 1, 0, 0]}  # [3, 8, 8] → [3, 8, 10]
    ```
    """

    axes: ClassVar = 2

    padding: SignedBorder | tuple[SignedBorder, SignedBorder, SignedBorder, SignedBorder]
    """What is added: left, right, top, bottom, or one number for all; taken away where negative."""


@final
class CircularPad3d(CircularPad):
    """The input continued from its other end: `(N, C, D, H, W) → (N, C, D', H', W')`.

    `D' = D + front + back`, `H' = H + top + bottom` and `W' = W + left + right`.

    ```yaml
    - {type: CircularPad3d, padding: 1}  # [16, 4, 8, 8] → [16, 6, 10, 10]
    ```
    """

    axes: ClassVar = 3

    padding: SignedBorder | tuple[SignedBorder, SignedBorder, SignedBorder, SignedBorder, SignedBorder, SignedBorder]
    """What is added: left, right, top, bottom, front, back, or one number for all; taken away where negative."""
