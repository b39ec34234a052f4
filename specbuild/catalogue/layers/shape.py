"""Layers that only rearrange."""

from math import prod
from typing import ClassVar, final

from specbuild.catalogue.entry import Int
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.rules import Outcome, Violation, require
from specbuild.catalogue.types import TensorType


def axis(field: str, dim: int, rank: int, input: TensorType) -> int:
    """A `dim`, which counts the batch and may count from the end, as an index from 0."""
    require(
        -rank <= dim < rank,
        lambda: Violation(
            "SB306", f"`{field}` is {dim}, but the input {input} has {rank} axes, the batch counted",
            field=field, fix=f"a number from {-rank} to {rank - 1}",
        ),
    )  # fmt: skip
    return dim % rank


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
        start = axis("start_dim", self.start_dim, input.rank, input)
        end = axis("end_dim", self.end_dim, input.rank, input)
        require(
            start <= end,
            lambda: Violation(
                "SB306", f"`start_dim` is axis {start}, which comes after `end_dim`, axis {end}",
                field="start_dim", fix="start_dim: 1" if not input.shape else None,
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
        sizes = self.unflattened_size
        if not sizes or sizes.count(-1) > 1 or any(size < 1 and size != -1 for size in sizes):
            raise Violation(
                "SB304",
                f"`unflattened_size` takes positive sizes, one of which may be -1; got {list(sizes)}",
                field="unflattened_size",
            )

    def infer(self, input: TensorType) -> Outcome:
        """Several axes for one."""
        index = axis("dim", self.dim, input.rank, input)
        require(
            index > 0,
            lambda: Violation(
                "SB306", "`dim: 0` is the batch, which stays one axis", field="dim", fix="dim: 1", value=1
            ),
        )
        size = input.shape[index - 1]
        sizes = self.unflattened_size
        known = prod(number for number in sizes if number != -1)
        if -1 in sizes:
            require(
                size % known == 0,
                lambda: Violation(
                    "SB306",
                    f"`unflattened_size` {list(sizes)} leaves {size} / {known} for -1, which is not whole",
                    field="unflattened_size",
                    fix=f"sizes whose product divides {size}",
                ),
            )
            sizes = tuple(size // known if number == -1 else number for number in sizes)
        else:
            require(
                size == known,
                lambda: Violation(
                    "SB306",
                    f"`unflattened_size` {list(sizes)} makes {known}, but the axis has {size}",
                    field="unflattened_size",
                    fix=f"sizes that multiply to {size}, or -1 for one of them",
                ),
            )
        return Outcome(input.with_shape((*input.shape[: index - 1], *sizes, *input.shape[index:])))
