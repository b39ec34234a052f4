"""Sizes and conditions at many settled sizes at once, each part computed once for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specbuild.catalogue.sizes.conditions import Compared, Condition, Several
from specbuild.catalogue.sizes.expressions import Atom, Chosen, Floor, Least, Number, Scaled, Size
from specbuild.catalogue.sizes.patience import Patience


class Endless(Exception):  # noqa: N818  an answer: it cannot be told by looking at finitely many sizes
    """No period, too long a one, or more to look at than there is patience for."""


class Columns:
    """The values of sizes where each symbol runs through a list; all lists are as long."""

    def __init__(self, symbols: Mapping[str, Sequence[int]], patience: Patience | None = None) -> None:
        self.symbols, self.patience = symbols, patience
        self.length = len(next(iter(symbols.values())))
        self.known: dict[str, Sequence[int]] = dict(symbols)
        """By the text of an atom."""

    def size(self, size: Number) -> Sequence[int]:
        """The values of a size."""
        if not isinstance(size, Size):
            return [size] * self.length
        if self.patience is not None:
            self.patience.spend(self.length * len(size.terms))
        total = [size.constant] * self.length
        for monomial, number in size.terms:
            if not monomial:
                continue
            column = self.atom(monomial[0])
            for atom in monomial[1:]:
                column = [a * b for a, b in zip(column, self.atom(atom), strict=True)]
            if number == 1:
                total = [a + b for a, b in zip(total, column, strict=True)]
            else:
                total = [a + number * b for a, b in zip(total, column, strict=True)]
        return total

    def atom(self, atom: Atom) -> Sequence[int]:
        """The values of an atom."""
        found = self.known.get(atom.text)
        if found is None:
            found = self.known[atom.text] = self.computed(atom)
        return found

    def computed(self, atom: Atom) -> Sequence[int]:
        """The same where it is not known yet."""
        if isinstance(atom, Floor):
            by = atom.by
            return [value // by for value in self.size(atom.of)]
        if isinstance(atom, Least):
            return [min(pair) for pair in zip(self.size(atom.a), self.size(atom.b), strict=True)]
        if isinstance(atom, Chosen):
            sides = zip(self.condition(atom.condition), self.size(atom.then), self.size(atom.otherwise), strict=True)
            return [then if holds else otherwise for holds, then, otherwise in sides]
        assert isinstance(atom, Scaled), f"{atom.text} has no size here"
        return [int(value * atom.times) for value in self.size(atom.of)]

    def condition(self, condition: Condition) -> Sequence[bool]:
        """Where a condition holds."""
        if isinstance(condition, Compared):
            values = self.size(condition.size)
            if condition.relation == "==":
                return [value == 0 for value in values]
            if condition.relation == "!=":
                return [value != 0 for value in values]
            return [value >= 0 for value in values]
        assert isinstance(condition, Several)
        parts = [self.condition(part) for part in condition.parts]
        joined = all if condition.every else any
        return [joined(each) for each in zip(*parts, strict=True)]


def value_at(size: Number, sizes: Mapping[str, int]) -> int:
    """A size where each symbol has one."""
    return Columns({name: [value] for name, value in sizes.items()}).size(size)[0] if isinstance(size, Size) else size


def holds_at(condition: Condition | bool, sizes: Mapping[str, int]) -> bool:
    """Whether a condition holds where each symbol has a size."""
    if not isinstance(condition, Condition):
        return bool(condition)
    return Columns({name: [value] for name, value in sizes.items()}).condition(condition)[0]
