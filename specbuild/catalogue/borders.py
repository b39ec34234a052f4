"""The arithmetic of borders that are added to the last axes, or taken away."""

from __future__ import annotations

from specbuild.catalogue.rules import Violation, require
from specbuild.catalogue.types import Dim
from specbuild.catalogue.windows import each

Border = tuple[int, int]
"""What is added before and after an axis."""


def added(padding: int | tuple[int, ...], axes: int) -> list[Border]:
    """The border of each axis; torch writes the last axis first."""
    flat = each(padding, 2 * axes)
    return [(flat[2 * i], flat[2 * i + 1]) for i in reversed(range(axes))]


def left(size: Dim, border: Border) -> Dim:
    """What of an axis is still there after the negative part of its border."""
    return size + min(border[0], 0) + min(border[1], 0)


def bordered(size: Dim, border: Border, axis: str) -> Dim:
    """The size with its border, where that takes away no more than there is."""
    require(left(size, border) >= 0, lambda: nothing_left(size, border, axis))
    return remaining(size, border, axis)


def remaining(size: Dim, border: Border, axis: str) -> Dim:
    """The size with its border, where something is left."""
    require(size + sum(border) >= 1, lambda: nothing_left(size, border, axis))
    return size + sum(border)


def nothing_left(size: Dim, border: Border, axis: str) -> Violation:
    """A border that takes away too much."""
    taken = " and ".join(str(-number) for number in border if number < 0)
    return Violation(
        "SB303", f"`padding` takes {taken} away from the input's {axis} {size}, which leaves nothing",
        field="padding", fix=f"take away less than {size} in all",
    )  # fmt: skip
