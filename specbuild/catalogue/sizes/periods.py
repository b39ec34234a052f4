"""How a size goes on: compositions of affine maps and floor divisions repeat, so one period is a proof.

Over the k-th promised size of one symbol, k from 0 on, a size e is `Repeating(start, period, slope)` where
`e(k + period) = e(k) + slope` for every k from `start` on.
"""

from __future__ import annotations

from math import gcd, lcm
from typing import NamedTuple

from specbuild.catalogue.sizes.columns import Columns, Endless
from specbuild.catalogue.sizes.conditions import Compared, Condition, Several
from specbuild.catalogue.sizes.expressions import Atom, Chosen, Floor, Least, Number, Size, Symbol
from specbuild.catalogue.sizes.patience import Patience
from specbuild.catalogue.sizes.promises import Promise
from specbuild.catalogue.sizes.rising import smallest

MOST = 100_000
"""How many sizes one question is asked at, at most."""
RISING_FROM = (0, 200, 2000)
"""From which size on a product is tried to rise; counted from the smallest."""


class Repeating(NamedTuple):
    """From `start` on, each `period` adds `slope`."""

    start: int
    period: int
    slope: int


class Periods:
    """The periods of what is written over one symbol; raises `Endless` for what has none, or too long a one."""

    def __init__(self, name: str, promise: Promise, patience: Patience) -> None:
        self.name, self.promise, self.patience = name, promise, patience
        self.known: dict[str, Repeating] = {}
        self.columns: dict[int, Columns] = {}
        """The first sizes, by how many."""

    def first(self, count: int) -> Columns:
        """The first sizes, at least so many; without the promised end, so that what repeats is seen."""
        if count > MOST:
            raise Endless
        length = 64
        while length < count:
            length *= 4
        if length not in self.columns:
            unending = self.promise._replace(most=None)
            self.columns[length] = Columns({self.name: unending.sizes(length)}, self.patience)
        return self.columns[length]

    def size(self, size: Number) -> Repeating:
        """How a size repeats."""
        total = Repeating(0, 1, 0)
        if isinstance(size, Size):
            for monomial, number in size.terms:
                if len(monomial) > 1:
                    raise Endless
                if monomial:
                    total = self.added(total, self.atom(monomial[0]), number)
        return total

    def added(self, a: Repeating, b: Repeating, times: int = 1) -> Repeating:
        """The first, and a multiple of the second."""
        period = lcm(a.period, b.period)
        if period > MOST:
            raise Endless
        slope = a.slope * (period // a.period) + times * b.slope * (period // b.period)
        return Repeating(max(a.start, b.start), period, slope)

    def atom(self, atom: Atom) -> Repeating:
        """How an atom repeats."""
        found = self.known.get(atom.text)
        if found is None:
            found = self.known[atom.text] = self.repeated(atom)
        return found

    def repeated(self, atom: Atom) -> Repeating:
        """The same where it is not known yet."""
        if isinstance(atom, Symbol):
            return Repeating(0, 1, self.promise.multiple_of)
        if isinstance(atom, Floor):
            start, period, slope = self.size(atom.of)
            times = atom.by // gcd(atom.by, slope)
            return Repeating(start, period * times, slope * times // atom.by)
        if isinstance(atom, Least):
            difference = atom.a - atom.b
            return self.branched(atom.a <= atom.b, atom.a, atom.b, level=self.size(difference).slope == 0)
        if isinstance(atom, Chosen):
            return self.branched(atom.condition, atom.then, atom.otherwise, level=False)
        raise Endless

    def branched(self, condition: Condition | bool, then: Number, otherwise: Number, *, level: bool) -> Repeating:
        """One of two; level: they differ by what repeats, so their slopes are one."""
        if not isinstance(condition, Condition):
            return self.size(then if condition else otherwise)
        start, period = self.condition(condition)
        if period == 1 and not level:
            settled = self.first(start + 1).condition(condition)[start]
            taken = self.size(then if settled else otherwise)
            return taken._replace(start=max(start, taken.start))
        both = self.added(self.size(then), self.size(otherwise), 0)
        difference = self.added(self.size(then), self.size(otherwise), -1)
        if difference.slope:
            raise Endless
        length = lcm(period, both.period)
        return Repeating(max(start, both.start), length, both.slope * (length // both.period))

    def condition(self, condition: Condition) -> tuple[int, int]:
        """From where on a condition repeats, and with what period."""
        if isinstance(condition, Several):
            starts, periods = zip(*map(self.condition, condition.parts), strict=True)
            if lcm(*periods) > MOST:
                raise Endless
            return max(starts), lcm(*periods)
        assert isinstance(condition, Compared)
        try:
            start, period, slope = self.size(condition.size)
        except Endless:
            return self.rising(condition.size), 1
        if slope == 0:
            return start, period
        values = self.first(start + period).size(condition.size)[start : start + period]
        behind = -min(values) if slope > 0 else max(values)
        return start + (max(0, behind) // abs(slope) + 1) * period, 1

    def rising(self, size: Size) -> int:
        """From where on a size without a period stays on one side of zero, as it rises or falls there."""
        for start in RISING_FROM:
            first = {self.name: self.promise.first + start * self.promise.multiple_of}
            value, negative = smallest(size, first, self.patience), smallest(-size, first, self.patience)
            if (value is not None and value > 0) or (negative is not None and negative > 0):
                return start
        raise Endless
