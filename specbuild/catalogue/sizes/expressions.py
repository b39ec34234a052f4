"""Integers over symbols, in a normal form: sums of whole multiples of products of atoms.

An atom is a symbol, a floor division, the smaller of two, one of two by a condition, or a rounded multiple.
Equal texts are equal atoms, and equal sizes have equal terms, as far as the normal form reaches; what it does not
reach is decided by `deciding`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import gcd, prod
from typing import TYPE_CHECKING, Union

from specbuild.catalogue.sizes.bounds import Bounds, of_atom, of_terms
from specbuild.catalogue.sizes.conditions import at_least_zero, nonzero, zero
from specbuild.catalogue.sizes.patience import counted
from specbuild.catalogue.sizes.writing import factor_text, sum_text

if TYPE_CHECKING:
    from specbuild.catalogue.sizes.conditions import Condition

LONGEST = 2000
"""How many characters an atom may have; a size past that is no longer one that a person reads."""
MOST_TERMS = 1000

Number = Union[int, "Size"]
Truth = Union[bool, "Condition"]


class TooLong(Exception):  # noqa: N818  not an error of the arithmetic: the question is given up
    """A size that would be too long a formula."""


class Atom:
    """What sums and products are made of."""

    __slots__ = ("bounds", "factor", "text")
    text: str
    bounds: Bounds | None
    factor: int
    """What it is known to be a multiple of."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Atom) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def parts(self) -> tuple[Size | int, ...]:
        """The sizes inside it."""
        return ()


class Symbol(Atom):
    """A size that a document names."""

    __slots__ = ("least", "most")

    def __init__(self, name: str, least: int = 1, most: int | None = None, multiple_of: int = 1) -> None:
        self.text, self.least, self.most, self.factor = name, least, most, multiple_of
        self.bounds = of_atom(self)


class Floor(Atom):
    """`⌊of / by⌋`, by a positive integer."""

    __slots__ = ("by", "of", "whole")

    def __init__(self, of: Size, by: int) -> None:
        self.of, self.by = of, by
        self.whole = of.factor % by == 0
        """Whether nothing is rounded off."""
        self.factor = of.factor // by if self.whole else 1
        self.text = limited(f"{factor_text(of)}//{by}")
        self.bounds = of_atom(self)

    def parts(self) -> tuple[Size | int, ...]:  # noqa: D102
        return (self.of,)


class Least(Atom):
    """The smaller of two."""

    __slots__ = ("a", "b")

    def __init__(self, a: Number, b: Number) -> None:
        self.a, self.b = sorted((a, b), key=str)
        self.factor = 1
        self.text = limited(f"min({self.a}, {self.b})")
        self.bounds = of_atom(self)

    def parts(self) -> tuple[Size | int, ...]:  # noqa: D102
        return (self.a, self.b)


class Chosen(Atom):
    """One of two, by a condition on sizes."""

    __slots__ = ("condition", "otherwise", "then")

    def __init__(self, condition: Condition, then: Number, otherwise: Number) -> None:
        self.condition, self.then, self.otherwise = condition, then, otherwise
        self.factor = 1
        self.text = limited(f"({then} if {condition} else {otherwise})")
        self.bounds = of_atom(self)

    def parts(self) -> tuple[Size | int, ...]:  # noqa: D102
        return (self.then, self.otherwise, *self.condition.sizes())


class Scaled(Atom):
    """`⌊of · factor⌋` as floating point has it."""

    __slots__ = ("of", "times")

    def __init__(self, of: Size, factor: float) -> None:
        self.of, self.times, self.factor = of, factor, 1
        self.text = limited(f"int({factor_text(of)}*{factor!r})")
        self.bounds = of_atom(self)

    def parts(self) -> tuple[Size | int, ...]:  # noqa: D102
        return (self.of,)


def limited(text: str) -> str:
    """The text of an atom, unless it is too long."""
    if len(text) > LONGEST:
        raise TooLong
    return text


Monomial = tuple[Atom, ...]
"""A product of atoms, in the order of their texts; empty for 1."""


def rank(monomial: Monomial) -> tuple[int, tuple[str, ...]]:
    """Its place in a sum: products first, the constant last."""
    return -len(monomial), tuple([atom.text for atom in monomial])


def by_rank(term: tuple[Monomial, int]) -> tuple[int, tuple[str, ...]]:
    """The same of a term."""
    return rank(term[0])


class Size:
    """An integer that is not settled. Computes as an int does; a comparison of two is a condition."""

    __slots__ = ("_bounds", "_hash", "terms")
    terms: tuple[tuple[Monomial, int], ...]

    def __init__(self, terms: tuple[tuple[Monomial, int], ...]) -> None:
        """Of terms in order; use `symbol` and arithmetic."""
        self.terms = terms
        self._hash = hash(terms)
        self._bounds: Bounds | None = None

    @property
    def bounds(self) -> Bounds:
        """What is known of it without looking closer."""
        if self._bounds is None:
            self._bounds = of_terms(self.terms)
        return self._bounds

    @property
    def constant(self) -> int:
        """The part without atoms."""
        monomial, number = self.terms[-1]
        return 0 if monomial else number

    @property
    def factor(self) -> int:
        """What it is known to be a multiple of."""
        return gcd(*(number * prod(atom.factor for atom in monomial) for monomial, number in self.terms))

    def atoms(self) -> Iterator[Atom]:
        """The atoms of its terms."""
        for monomial, _ in self.terms:
            yield from monomial

    def symbols(self) -> frozenset[str]:
        """The names of its symbols."""
        found: set[str] = set()
        stack: list[Size | int] = [self]
        seen: set[str] = set()
        while stack:
            size = stack.pop()
            if isinstance(size, Size):
                for atom in size.atoms():
                    if isinstance(atom, Symbol):
                        found.add(atom.text)
                    elif atom.text not in seen:
                        seen.add(atom.text)
                        stack += atom.parts()
        return frozenset(found)

    def __hash__(self) -> int:
        return self._hash

    def shifted(self, by: int) -> Size:
        """The same and a constant."""
        if by == 0:
            return self
        counted(len(self.terms))
        constant = self.constant
        terms = self.terms[:-1] if constant else self.terms
        return Size((*terms, ((), constant + by)) if constant + by else terms)

    def times(self, by: int) -> Number:
        """A multiple; its terms are in the same order, unless one of them cancels."""
        if by in (0, 1):
            return self if by else 0
        for monomial, _ in self.terms:
            for atom in monomial:
                if isinstance(atom, Floor) and atom.whole:
                    return summed((self, by))
        counted(len(self.terms))
        return Size(tuple([(monomial, by * number) for monomial, number in self.terms]))

    def __add__(self, other: Number) -> Number:
        if not isinstance(other, (int, Size)):
            return NotImplemented
        return self.shifted(other) if isinstance(other, int) else summed((self, 1), (other, 1))

    __radd__ = __add__

    def __sub__(self, other: Number) -> Number:
        if not isinstance(other, (int, Size)):
            return NotImplemented
        return self.shifted(-other) if isinstance(other, int) else summed((self, 1), (other, -1))

    def __rsub__(self, other: int) -> Number:
        return -self + other

    def __neg__(self) -> Number:
        return self.times(-1)

    def __pos__(self) -> Number:
        return self

    def __mul__(self, other: Number) -> Number:
        if isinstance(other, int):
            return self.times(int(other))
        if not isinstance(other, Size):
            return NotImplemented
        if len(self.terms) * len(other.terms) > 2 * MOST_TERMS:  # at most half of them are alike
            raise TooLong
        found: dict[Monomial, int] = {}
        if len(self.terms) * len(other.terms) > MOST_TERMS:
            raise TooLong
        for one, a in self.terms:
            for two, b in other.terms:
                both = tuple(sorted((*one, *two), key=lambda atom: atom.text))
                found[both] = found.get(both, 0) + a * b
        return of_dict(found)

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> Number:
        return prod([self] * exponent) if isinstance(exponent, int) else NotImplemented

    def __floordiv__(self, by: int) -> Number:
        if not isinstance(by, int) or by == 0:
            return NotImplemented
        return divided(self, by) if by > 0 else divided(-self, -by)

    def __mod__(self, by: int) -> Number:
        if not isinstance(by, int) or by == 0:
            return NotImplemented
        return self - self // by * by

    def __eq__(self, other: object) -> Truth:  # type: ignore[override]
        return zero(self - other) if isinstance(other, (int, Size)) else NotImplemented

    def __ne__(self, other: object) -> Truth:  # type: ignore[override]
        return nonzero(self - other) if isinstance(other, (int, Size)) else NotImplemented

    def __ge__(self, other: Number) -> Truth:
        return at_least_zero(self - other) if isinstance(other, (int, Size)) else NotImplemented

    def __gt__(self, other: Number) -> Truth:
        return at_least_zero(self - other - 1) if isinstance(other, (int, Size)) else NotImplemented

    def __le__(self, other: Number) -> Truth:
        return at_least_zero(other - self) if isinstance(other, (int, Size)) else NotImplemented

    def __lt__(self, other: Number) -> Truth:
        return at_least_zero(other - self - 1) if isinstance(other, (int, Size)) else NotImplemented

    def __bool__(self) -> bool:
        return bool(nonzero(self))

    def __str__(self) -> str:
        return sum_text(self)

    __repr__ = __str__

    def __format__(self, how: str) -> str:
        return str(self)  # a number's thousands and digits are not a formula's


def symbol(name: str, least: int = 1, most: int | None = None, multiple_of: int = 1) -> Number:
    """A size that a document names; promised to be from `least` to `most`, both multiples of a number as it is."""
    return least if least == most else Size((((Symbol(name, least, most, multiple_of),), 1),))


def of_dict(found: Mapping[Monomial, int]) -> Number:
    """The sum of terms; an int where no atom is left. What nothing is rounded off of is written in lowest terms."""
    counted(len(found))
    terms = [term for term in found.items() if term[1]]
    for monomial, number in terms:
        for atom in monomial:
            if isinstance(atom, Floor) and atom.whole and gcd(number, atom.by) > 1:
                return lowest_terms(found)
    if not terms:
        return 0
    if len(terms) == 1:
        return Size(tuple(terms)) if terms[0][0] else terms[0][1]
    terms.sort(key=by_rank)
    if len(terms) > MOST_TERMS:
        raise TooLong
    return Size(tuple(terms))


def lowest_terms(found: Mapping[Monomial, int]) -> Number:
    """The same where `4·(H // 8)` is to be `H // 2`."""
    total: Number = 0
    for monomial, number in found.items():
        at = next(
            (i for i, atom in enumerate(monomial)
             if isinstance(atom, Floor) and atom.whole and gcd(number, atom.by) > 1), None,
        )  # fmt: skip
        if at is None or not number:
            total = total + (Size(((monomial, number),)) if number and monomial else number)
            continue
        floor = monomial[at]
        assert isinstance(floor, Floor)
        common = gcd(number, floor.by)
        rest = (*monomial[:at], *monomial[at + 1 :])
        less = divided(floor.of, floor.by // common) * (number // common)
        total = total + (less * Size(((rest, 1),)) if rest else less)
    return total


def summed(*parts: tuple[Number, int]) -> Number:
    """A sum of multiples."""
    found: dict[Monomial, int] = {}
    for size, times in parts:
        if isinstance(size, Size):
            for monomial, number in size.terms:
                found[monomial] = found.get(monomial, 0) + times * number
        else:
            found[()] = found.get((), 0) + times * int(size)
    return of_dict(found)


def divided(size: Number, by: int) -> Number:
    """`⌊size / by⌋`, whole parts taken out, factors cancelled, a division inside made one with it."""
    if not isinstance(size, Size):
        return size // by
    whole: dict[Monomial, int] = {}
    rest: dict[Monomial, int] = {}
    for monomial, number in size.terms:
        whole[monomial], rest[monomial] = divmod(number, by)
    constant = rest.pop((), 0)
    shared = gcd(by, *(n * prod(atom.factor for atom in monomial) for monomial, n in rest.items()))
    constant = constant // shared * shared  # nothing else reaches between two multiples
    common = gcd(by, *rest.values())
    by, constant = by // common, constant // common
    inner = of_dict({**{monomial: number // common for monomial, number in rest.items()}, (): constant})
    return of_dict(whole) + quotient(inner, by)


def quotient(size: Number, by: int) -> Number:
    """The same of what has no whole part and no common factor."""
    if not isinstance(size, Size):
        return size // by
    if by == 1:
        return size
    least, most = size.bounds.range()
    if least is not None and most is not None and least // by == most // by:
        return int(least // by)
    floors = [(m[0], n) for m, n in size.terms if len(m) == 1 and isinstance(m[0], Floor)]
    if len(floors) == 1 and floors[0][1] == 1:
        (floor, _) = floors[0]
        assert isinstance(floor, Floor)
        others = size - Size((((floor,), 1),))
        return divided(floor.of + others * floor.by, floor.by * by)
    return Size((((Floor(size, by),), 1),))


def same(a: Number, b: Number) -> bool:
    """Whether two have one normal form."""
    if isinstance(a, Size) and isinstance(b, Size):
        return a.terms == b.terms
    return isinstance(a, int) and isinstance(b, int) and a == b
