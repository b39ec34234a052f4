"""Arguments that name an axis: as torch counts them, the batch is axis 0."""

from __future__ import annotations

from specbuild.catalogue.rules import Violation, require
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


def inner_axis(dim: int, input: TensorType, what: str) -> int:
    """The index in the shape of axis `dim`, which is not the batch; what: what happens along it, for a message."""
    rank = input.rank
    require(
        rank > 1,
        lambda: Violation(
            "SB306", f"`dim` is {dim}, but {input}, a single number, has no axis but the batch", field="dim"
        ),
    )
    require(
        -rank <= dim < rank and dim % rank != 0,
        lambda: Violation(
            "SB306", f"`dim` is {dim}, but {input} {what} along an axis from 1 to {rank - 1}",
            field="dim", fix="dim: 1",
        ),
    )  # fmt: skip
    return dim % rank - 1


def sample_axis(field: str, dim: int, input: TensorType, why: str, fix: str | None = None) -> int:
    """The index in the shape of an axis that is not the batch, which `why`; fix: another mend than axis 1."""
    rank = input.rank
    require(
        rank > 1,
        lambda: Violation(
            "SB306", f"`{field}` is {dim}, but the input {input}, a single number, has no axis but the batch",
            field=field, fix="leave the layer out",
        ),
    )  # fmt: skip
    require(
        -rank <= dim < rank,
        lambda: Violation(
            "SB306", f"`{field}` is {dim}, but the input {input} has {rank} axes, the batch counted",
            field=field, fix=axes_of(input),
        ),
    )  # fmt: skip
    require(
        dim % rank > 0,
        lambda: Violation(
            "SB306", f"`{field}: {dim}` is the batch, which {why}", field=field, fix=fix or f"{field}: 1"
        ),
    )
    return dim % rank - 1


def axes_of(input: TensorType) -> str:
    """The axes that a layer may take, in words."""
    return f"axes from 1 to {input.rank - 1}" if input.rank > 2 else "axis 1, the only one that is not the batch"


def sample_axes(dim: int | tuple[int, ...], input: TensorType, why: str) -> tuple[int, ...]:
    """The indices in the shape of the axes of a `dim`, one or several, none of them the batch, each named once."""
    if isinstance(dim, int):
        return (sample_axis("dim", dim, input, why),)
    indices = tuple(sample_axis("dim", each, input, why, axes_of(input)) for each in dim)
    once = list(dict.fromkeys(index + 1 for index in indices))
    if len(once) < len(indices):
        raise Violation("SB306", f"`dim` {list(dim)} names an axis twice", field="dim", fix=f"dim: {once}")
    return indices
