"""Layers that take a part of an axis, or its mean."""

from typing import ClassVar, final

from specbuild.catalogue.axes import sample_axes, sample_axis
from specbuild.catalogue.entry import Bool, Int, Size
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.rules import Outcome, Violation, require
from specbuild.catalogue.types import FLOATS, Dim, TensorType
from specbuild.catalogue.windows import floating

UNCUT = "is not cut"


@final
class Select(Layer):
    """One entry of an axis: `(N, L, C) → (N, C)`.

    ```yaml
    - {type: Select, dim: 1, index: 0}  # [197, 768] → [768]
    - {type: Select, dim: 1, index: -1}  # [100, 64] → [64]
    ```
    """

    shares: ClassVar = True

    dim: Int
    """The axis, the batch counted; not 0, which is the batch."""
    index: Int
    """Which entry, counted from 0, or from -1 backwards."""

    def infer(self, input: TensorType) -> Outcome:
        """As `torch.select`."""
        axis = sample_axis("dim", self.dim, input, UNCUT)
        size = input.shape[axis]
        require(-size <= self.index, lambda: absent(self.index, axis, input))
        require(self.index < size, lambda: absent(self.index, axis, input))
        return Outcome(input.with_shape((*input.shape[:axis], *input.shape[axis + 1 :])))


def absent(index: int, axis: int, input: TensorType) -> Violation:
    """SB306 for an entry that is not there."""
    size = input.shape[axis]
    return Violation(
        "SB306", f"`index` is {index}, but axis {axis + 1} of the input {input} has size {size}",
        field="index", fix=f"a number from {-size} to {size - 1}",
    )  # fmt: skip


@final
class Narrow(Layer):
    """Entries of an axis that follow each other: `(N, L, C) → (N, length, C)`.

    ```yaml
    - {type: Narrow, dim: 1, start: 1, length: 196}  # [197, 768] → [196, 768]
    - {type: Narrow, dim: -1, start: -10, length: 10}  # [8, 100] → [8, 10]
    ```
    """

    shares: ClassVar = True

    dim: Int
    """The axis, the batch counted; not 0, which is the batch."""
    start: Int
    """The first entry, counted from 0, or from -1 backwards."""
    length: Size
    """How many entries."""

    def infer(self, input: TensorType) -> Outcome:
        """As `torch.narrow`."""
        axis = sample_axis("dim", self.dim, input, UNCUT)
        size = input.shape[axis]
        first = self.start if self.start >= 0 else size + self.start
        require(first >= 0, lambda: beyond(self.start, self.length, axis, input))
        require(first + self.length <= size, lambda: beyond(self.start, self.length, axis, input))
        return Outcome(input.with_shape((*input.shape[:axis], self.length, *input.shape[axis + 1 :])))


def beyond(start: int, length: int, axis: int, input: TensorType) -> Violation:
    """SB306 for entries that are not there; the mend keeps the start where it can."""
    size: Dim = input.shape[axis]
    left = size - start if start >= 0 else -start
    possible = 0 < left <= size
    return Violation(
        "SB306",
        f"`start: {start}` and `length: {length}` reach past the ends of axis {axis + 1} of the input {input}, "
        f"which has size {size}",
        field="length" if possible else "start",
        fix=f"length of at most {left}" if possible else f"start from {-size} to {size - 1}",
    )


@final
class Mean(Layer):
    """The mean along an axis, or several: `(N, L, C) → (N, C)`.

    ```yaml
    - {type: Mean, dim: 1}  # [196, 768] → [768]
    - {type: Mean, dim: [2, 3], keepdim: true}  # [512, 7, 7] → [512, 1, 1]
    ```
    """

    dim: Int | tuple[Int, ...]
    """The axis, or axes, the batch counted; none of them 0, which is the batch."""
    keepdim: Bool = False
    """Whether the axes stay, with size 1."""

    def check(self) -> None:
        """At least one axis; torch takes none for all, the batch with them."""
        if self.dim == ():
            raise Violation(
                "SB304", "`dim` names at least one axis; got [], which torch takes for all, and the batch with them",
                field="dim", fix="dim: 1",
            )  # fmt: skip

    def infer(self, input: TensorType) -> Outcome:
        """As `torch.mean`."""
        floating("Mean", input, FLOATS)
        gone = sample_axes(self.dim, input, "is not averaged")
        if self.keepdim:
            return Outcome(input.with_shape(tuple(1 if i in gone else size for i, size in enumerate(input.shape))))
        return Outcome(input.with_shape(tuple(size for i, size in enumerate(input.shape) if i not in gone)))
