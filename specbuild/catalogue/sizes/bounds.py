"""What is known of a size at once: a linear form in the symbols, give or take.

`⌊e / n⌋` is `(e - r) / n` with r from 0 to n - 1, so `2·⌊H / 2⌋ - H` is found to lie from -1 to 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from specbuild.catalogue.sizes.expressions import Atom, Monomial, Symbol

Rational = Fraction | int


class Bounds(NamedTuple):
    """`Σ weights · symbol + [low, high]`; None is unbounded."""

    weights: Mapping[str, tuple[Rational, Symbol]]
    low: Rational | None
    high: Rational | None

    def range(self) -> tuple[int | None, int | None]:
        """The smallest and the largest integer that it may be; None is unbounded."""
        low, high = self.low, self.high
        for weight, symbol in self.weights.values():
            at_least, at_most = (symbol.least, symbol.most) if weight > 0 else (symbol.most, symbol.least)
            low = None if low is None or at_least is None else low + weight * at_least
            high = None if high is None or at_most is None else high + weight * at_most
        return None if low is None else ceil(low), None if high is None else floor(high)


def of_atom(atom: Atom) -> Bounds:
    """The bounds of an atom, from those of what is in it."""
    from specbuild.catalogue.sizes import expressions

    if isinstance(atom, expressions.Symbol):
        return Bounds({atom.text: (1, atom)}, 0, 0)
    if isinstance(atom, expressions.Floor):
        inner = atom.of.bounds
        by = atom.by
        return Bounds(
            {name: (Fraction(weight, by), symbol) for name, (weight, symbol) in inner.weights.items()},
            None if inner.low is None else Fraction(inner.low - (by - 1), by),
            None if inner.high is None else Fraction(inner.high, by),
        )
    sides: Sequence[int | expressions.Size] = ()
    if isinstance(atom, expressions.Chosen):
        sides = (atom.then, atom.otherwise)
    elif isinstance(atom, expressions.Least):
        sides = (atom.a, atom.b)
    ranges = [(side, side) if isinstance(side, int) else side.bounds.range() for side in sides]
    forms = [Bounds({}, side, side) if isinstance(side, int) else side.bounds for side in sides]
    if forms and forms[0].weights == forms[1].weights:
        lows, highs = [form.low for form in forms], [form.high for form in forms]
        return Bounds(forms[0].weights, lowest(lows), highest(highs))
    if isinstance(atom, expressions.Scaled):
        low, high = (None if end is None else int(end * atom.times) for end in atom.of.bounds.range())
        return Bounds({}, low, high) if atom.times >= 0 else Bounds({}, high, low)
    return Bounds({}, lowest([low for low, _ in ranges]), highest([high for _, high in ranges]))


def lowest(numbers: Sequence[Rational | None]) -> Rational | None:
    """The smallest; None where one is unbounded."""
    known = [number for number in numbers if number is not None]
    return min(known) if known and len(known) == len(numbers) else None


def highest(numbers: Sequence[Rational | None]) -> Rational | None:
    """The largest; None where one is unbounded."""
    known = [number for number in numbers if number is not None]
    return max(known) if known and len(known) == len(numbers) else None


def of_terms(terms: Sequence[tuple[Monomial, int]]) -> Bounds:
    """The bounds of a sum."""
    weights: dict[str, tuple[Rational, Symbol]] = {}
    low: Rational | None = 0
    high: Rational | None = 0
    for monomial, number in terms:
        one = of_monomial(monomial)
        for name, (weight, symbol) in one.weights.items():
            total = weight * number + (weights[name][0] if name in weights else 0)
            weights[name] = (total, symbol)
        at_least, at_most = (one.low, one.high) if number > 0 else (one.high, one.low)
        low = None if low is None or at_least is None else low + number * at_least
        high = None if high is None or at_most is None else high + number * at_most
    return Bounds({name: pair for name, pair in weights.items() if pair[0]}, low, high)


def of_monomial(monomial: Monomial) -> Bounds:
    """The bounds of a product: of what is not negative, from the smallest to the largest."""
    if not monomial:
        return Bounds({}, 1, 1)
    if len(monomial) == 1:
        assert monomial[0].bounds is not None
        return monomial[0].bounds
    low, high = 1, 1
    for atom in monomial:
        assert atom.bounds is not None
        at_least, at_most = atom.bounds.range()
        if at_least is None or at_least < 0:
            return Bounds({}, None, None)
        low *= at_least
        high = None if high is None or at_most is None else high * at_most  # type: ignore[assignment]
    return Bounds({}, low, high)
