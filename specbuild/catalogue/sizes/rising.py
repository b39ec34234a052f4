"""Sizes that never fall while their symbols grow: their smallest value is the one at the smallest sizes.

Each atom is written as its smallest value and a rest that is not negative. Where no product of rests is taken away,
the sum rises with each symbol: `2·H·W - H - W` with H = 8 + h and W = 8 + w is `2·h·w + 15·h + 15·w + 112`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from math import prod

from specbuild.catalogue.sizes.expressions import Atom, Floor, Least, Monomial, Number, Scaled, Size, Symbol
from specbuild.catalogue.sizes.patience import Patience

MOST_FACTORS = 6
"""How many factors a product may have that is written out."""


def smallest(size: Number, first: Mapping[str, int], patience: Patience) -> int | None:
    """The value at the smallest sizes where that is the smallest value from there on; None where it is not known."""
    return Rising(first, patience).size(size)


class Rising:
    """The smallest values of what rises, where the symbols begin at some sizes."""

    def __init__(self, first: Mapping[str, int], patience: Patience) -> None:
        self.first, self.patience = first, patience
        self.known: dict[str, int | None] = {}

    def size(self, size: Number) -> int | None:
        """The smallest value of a size."""
        if not isinstance(size, Size):
            return size
        lowest: dict[Atom, int] = {}
        for atom in size.atoms():
            value = self.atom(atom)
            if value is None:
                return None
            lowest[atom] = value
        rests: dict[Monomial, int] = {}
        for monomial, number in size.terms:
            if len(monomial) > MOST_FACTORS:
                return None
            self.patience.spend(2 ** len(monomial))
            for count in range(len(monomial) + 1):
                for left in combinations(range(len(monomial)), count):
                    rest = tuple([monomial[i] for i in left])
                    taken = prod([lowest[atom] for i, atom in enumerate(monomial) if i not in left])
                    rests[rest] = rests.get(rest, 0) + number * taken
        value = rests.pop((), 0)
        return value if all(number >= 0 for number in rests.values()) else None

    def atom(self, atom: Atom) -> int | None:
        """The smallest value of an atom."""
        if atom.text not in self.known:
            self.known[atom.text] = self.computed(atom)
        return self.known[atom.text]

    def computed(self, atom: Atom) -> int | None:
        """The same where it is not known yet."""
        if isinstance(atom, Symbol):
            return self.first.get(atom.text)
        if isinstance(atom, Floor):
            value = self.size(atom.of)
            return None if value is None else value // atom.by
        if isinstance(atom, Least):
            a, b = self.size(atom.a), self.size(atom.b)
            return None if a is None or b is None else min(a, b)
        if isinstance(atom, Scaled) and atom.times > 0:
            value = self.size(atom.of)
            return None if value is None else int(value * atom.times)
        return None
