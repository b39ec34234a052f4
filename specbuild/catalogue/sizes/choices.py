"""Sizes that are one of two, or a rounded multiple."""

from __future__ import annotations

from specbuild.catalogue.sizes.conditions import Condition, Truth
from specbuild.catalogue.sizes.expressions import Chosen, Least, Number, Scaled, Size, same


def least_of(a: Number, b: Number) -> Number:
    """The smaller of two."""
    below: Truth = a <= b
    if below is True:
        return a
    if below is False:
        return b
    return Size((((Least(a, b),), 1),))


def chosen(condition: Condition, then: Number, otherwise: Number) -> Number:
    """One of two, by a condition that is not decided."""
    return then if same(then, otherwise) else Size((((Chosen(condition, then, otherwise),), 1),))


def scaled(size: Number, factor: float) -> Number:
    """`⌊size · factor⌋`, exact where the factor is a fraction that floating point holds whole."""
    over, under = factor.as_integer_ratio()
    if not isinstance(size, Size):
        return int(size * factor)
    if factor > 0 and under <= 2**10 and over <= 2**20:
        return size * over // under
    return Size((((Scaled(size, factor),), 1),))
