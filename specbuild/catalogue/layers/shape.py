"""Layers that only count the elements of a sample in other axes."""

from functools import partial
from math import prod
from typing import ClassVar, final

from specbuild.catalogue.axes import axis
from specbuild.catalogue.entry import Int
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.rules import Outcome, Violation, require
from specbuild.catalogue.types import Dim, Shape, TensorType


@final
class Flatten(Layer):
    """The axes from `start_dim` to `end_dim` as one: `(N, C, H, W) → (N, C·H·W)`.

    ```yaml
    - Flatten  # [64, 4, 4] → [1024]
    - {type: Flatten, start_dim: 2}  # [64, 4, 4] → [64, 16]
    ```
    """

    shares: ClassVar = True

    start_dim: Int = 1
    """The first axis, the batch counted."""
    end_dim: Int = -1
    """The last axis."""

    def infer(self, input: TensorType) -> Outcome:
        """One axis for several; the batch stays."""
        for field, dim in (("start_dim", self.start_dim), ("end_dim", self.end_dim)):
            require(input.rank > 1 or dim in (0, -1), partial(no_axes, field, dim, input))
        start = axis("start_dim", self.start_dim, input.rank, input)
        end = axis("end_dim", self.end_dim, input.rank, input)
        require(
            start <= end,
            lambda: Violation(
                "SB306", f"`start_dim` is axis {start}, which comes after `end_dim`, axis {end}",
                field="start_dim", fix=f"start_dim of at most {end}" if end > 0 else "end_dim: -1",
            ),
        )  # fmt: skip
        require(
            start > 0 or end == 0,
            lambda: Violation(
                "SB306", "`start_dim: 0` would merge the samples of a batch into one",
                field="start_dim", fix="start_dim: 1", value=1,
            ),
        )  # fmt: skip
        if end == 0:
            return Outcome(input)
        first, last = start - 1, end
        shape = input.shape
        return Outcome(input.with_shape((*shape[:first], prod(shape[first:last]), *shape[last:])))


def no_axes(field: str, dim: int, input: TensorType) -> Violation:
    """SB306 for an axis of a single number."""
    return Violation(
        "SB306", f"`{field}` is {dim}, but the input {input}, a single number, has no axis but the batch",
        field=field, fix="leave the layer out",
    )  # fmt: skip


def countable(field: str, sizes: tuple[int, ...], least: int = 0) -> None:
    """At least so many sizes, of which at most one is -1, and all others are positive."""
    if len(sizes) < least or sizes.count(-1) > 1 or any(size < 1 and size != -1 for size in sizes):
        raise Violation(
            "SB304", f"`{field}` takes positive sizes, one of which may be -1; got {list(sizes)}", field=field
        )


def filled(field: str, sizes: tuple[int, ...], size: Dim, what: str) -> Shape:
    """The sizes with what is left for -1; size: their product, which is that of `what`."""
    known = prod(number for number in sizes if number != -1)
    if -1 in sizes:
        require(
            size % known == 0,
            lambda: Violation(
                "SB306",
                f"`{field}` {list(sizes)} leaves {size} / {known} for -1, which is not whole",
                field=field,
                fix=f"sizes whose product divides {size}",
            ),
        )
        return tuple(size // known if number == -1 else number for number in sizes)
    require(
        size == known,
        lambda: Violation(
            "SB306",
            f"`{field}` {list(sizes)} makes {known}, but {what} has {size}",
            field=field,
            fix=f"sizes that multiply to {size}, or -1 for one of them",
        ),
    )
    return sizes


@final
class Unflatten(Layer):
    """One axis as several: `(N, C·H·W) → (N, C, H, W)`.

    ```yaml
    - {type: Unflatten, dim: 1, unflattened_size: [16, 4, -1]}  # [256] → [16, 4, 4]
    ```
    """

    shares: ClassVar = True

    dim: Int
    """The axis, the batch counted."""
    unflattened_size: tuple[Int, ...]
    """The sizes that it becomes; one may be -1 and is what is left."""

    def check(self) -> None:
        """At least one size, at most one -1, all others positive."""
        countable("unflattened_size", self.unflattened_size, 1)

    def infer(self, input: TensorType) -> Outcome:
        """Several axes for one."""
        index = axis("dim", self.dim, input.rank, input)
        require(
            index > 0,
            lambda: Violation(
                "SB306", "`dim: 0` is the batch, which stays one axis", field="dim", fix="dim: 1", value=1
            ),
        )
        sizes = filled("unflattened_size", self.unflattened_size, input.shape[index - 1], "the axis")
        return Outcome(input.with_shape((*input.shape[: index - 1], *sizes, *input.shape[index:])))


@final
class Reshape(Layer):
    """Each sample in another shape of as many elements: `(N, *) → (N, *shape)`.

    ```yaml
    - {type: Reshape, shape: [16, -1]}  # [64, 4, 4] → [16, 64]
    ```
    """

    shares: ClassVar = True

    shape: tuple[Int, ...]
    """The sizes of a sample, without the batch; one may be -1 and is what is left."""

    def check(self) -> None:
        """At most one -1, all others positive."""
        countable("shape", self.shape)

    def infer(self, input: TensorType) -> Outcome:
        """The batch stays."""
        return Outcome(input.with_shape(filled("shape", self.shape, input.size, f"the input {input}")))
