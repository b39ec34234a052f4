"""Whether what is asked of sizes holds at every size that is promised, and if not, where."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice, product
from math import prod
from typing import NamedTuple

from specbuild.catalogue.sizes.columns import Columns, Endless
from specbuild.catalogue.sizes.conditions import Compared, Condition, Several, zero
from specbuild.catalogue.sizes.expressions import Number, Size, of_dict
from specbuild.catalogue.sizes.patience import Patience
from specbuild.catalogue.sizes.periods import MOST, Periods
from specbuild.catalogue.sizes.promises import Promise
from specbuild.catalogue.sizes.rising import smallest

MOST_NUMBERS = 3_000_000
"""How many numbers all questions about a document may compute."""
SAMPLED = 1000
"""At how many sizes a question without a period is asked, to see whether it fails."""
FAR = (1, 16, 256, 2**12, 2**16, 2**40)
"""How many periods away a size without an end is looked at, until it is far enough."""


class Holding(NamedTuple):
    """Where a condition in one symbol holds, over the k-th promised size."""

    found: tuple[bool, ...]
    """For k from 0 on, up to where it begins to repeat and one period more; or at every promised size."""
    period: int | None
    """How many of the last repeat without end; None where there are no more sizes."""


class Failing(NamedTuple):
    """A condition that fails at some promised sizes."""

    sizes: Mapping[str, int]
    """Some of them."""
    holding: Holding | None
    """Where it holds, if it is in one symbol and that can be told."""


class Answers:
    """Answers about the symbols of one document; work is shared between the questions."""

    def __init__(self, promises: Mapping[str, Promise]) -> None:
        self.promises = promises
        self.patience = Patience(MOST_NUMBERS)
        self.known: dict[Condition, Holding] = {}
        self.periods = {name: Periods(name, promise, self.patience) for name, promise in promises.items()}

    def holding(self, condition: Condition, name: str) -> Holding:
        """Where a condition in one symbol holds; raises `Endless` where that cannot be told."""
        if condition not in self.known:
            self.known[condition] = self.looked_at(condition, name)
        return self.known[condition]

    def looked_at(self, condition: Condition, name: str) -> Holding:
        """The same where it is not known yet."""
        promise = self.promises[name]
        count = promise.total
        try:
            start, period = self.periods[name].condition(condition)
            found = self.periods[name].first(start + period).condition(condition)[: start + period]
            if count is None or count > start + period:
                return Holding(tuple(found), period)
        except Endless:
            if count is None or count > MOST:
                raise
            found = Columns({name: promise.sizes(count)}, self.patience).condition(condition)
        return Holding(tuple(found[:count]), None)

    def decide(self, condition: Condition) -> bool | Failing:
        """True where it holds at every promised size; raises `Endless` where that cannot be told."""
        names = sorted(condition.symbols())
        if len(names) == 1:
            return self.in_one(condition, names[0])
        if isinstance(condition, Several) and condition.every:
            answers = [self.decide(part) for part in condition.parts]
            return next((answer for answer in answers if answer is not True), True)
        if isinstance(condition, Compared) and condition.relation in ("==", ">="):
            try:
                answer = self.apart(condition, names)
            except Endless:
                return self.in_several(condition, names)
            return answer if answer is True else self.nearer(condition, names, answer)
        return self.in_several(condition, names)

    def in_one(self, condition: Condition, name: str) -> bool | Failing:
        """An answer about one symbol."""
        try:
            holding = self.holding(condition, name)
        except Endless:
            return self.in_several(condition, [name])
        if all(holding.found):
            return True
        return Failing({name: self.promises[name].sizes(len(holding.found))[holding.found.index(False)]}, holding)

    def apart(self, condition: Compared, names: list[str]) -> bool | Failing:
        """An answer about a sum of parts that each have one symbol: they vary each on its own."""
        parts: dict[str, list[tuple[tuple[object, ...], int]]] = {name: [] for name in names}
        for monomial, number in condition.size.terms:
            if monomial:
                symbols = of_dict({monomial: number})
                of = symbols.symbols() if isinstance(symbols, Size) else frozenset()
                if len(of) != 1:
                    raise Endless
                parts[next(iter(of))].append((monomial, number))
        sizes = {name: of_dict(dict(terms)) for name, terms in parts.items()}  # type: ignore[arg-type]
        falling = any(self.falls(size, name) for name, size in sizes.items())
        for far in FAR if falling and condition.relation == ">=" else FAR[:1]:
            lowest, highest = {}, {}
            for name, size in sizes.items():
                lowest[name], highest[name] = self.extremes(size, name, far)
            first = {name: at for name, (_, at) in lowest.items()}
            total = condition.size.constant + sum(value for value, _ in lowest.values())
            if total < 0:
                break
        if condition.relation == ">=":
            if falling and total >= 0:
                raise Endless
            return True if total >= 0 else Failing(first, None)
        if total != 0:
            return Failing(first, None)
        last = {name: at for name, (_, at) in highest.items()}
        return True if all(lowest[name][0] == highest[name][0] for name in names) else Failing(last, None)

    def nearer(self, condition: Condition, names: list[str], failing: bool | Failing) -> bool | Failing:
        """Small sizes at which a condition fails, where there are some; else those that are known."""
        try:
            return self.in_several(condition, names)
        except Endless:
            return failing

    def falls(self, size: Number, name: str) -> bool:
        """Whether a size falls without end."""
        return self.promises[name].total is None and self.periods[name].size(size).slope < 0

    def extremes(self, size: Number, name: str, far: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """The smallest and a larger value of a size, each with where it is; of what falls without end, one far on."""
        promise, periods = self.promises[name], self.periods[name]
        start, period, slope = periods.size(size)
        count = promise.total
        reach = start + 2 * period if count is None else min(count, start + 2 * period)
        at = Promise(promise.least, None, promise.multiple_of).sizes(reach)
        values = list(periods.first(reach).size(size)[:reach])
        if count is not None and count > reach:  # the last period is another end
            if count > MOST:
                raise Endless
            at, values = promise.sizes(count), list(Columns({name: promise.sizes(count)}, self.patience).size(size))
        elif count is None and slope < 0:
            at.append(at[-1] + far * period * promise.multiple_of)
            values.append(values[-1] + far * slope)
        low, high = min(values), max(values)
        return (low, at[values.index(low)]), (high, at[values.index(high)])

    def in_several(self, condition: Condition, names: list[str]) -> bool | Failing:
        """An answer by asking at every promised size, or at the first ones to see whether it fails there."""
        self.patience.spend(0)
        counts = [self.promises[name].total for name in names]
        total = prod(count for count in counts if count is not None)
        whole = None not in counts and total <= MOST
        each = MOST if whole else max(2, round(SAMPLED ** (1 / len(names))))
        grid = list(islice(product(*(self.promises[name].sizes(each) for name in names)), MOST))
        found = Columns({name: [row[i] for row in grid] for i, name in enumerate(names)}, self.patience).condition(
            condition
        )
        if False in found:
            return Failing(dict(zip(names, grid[found.index(False)], strict=True)), None)
        if not whole and not self.rises(condition):
            raise Endless
        return True

    def rises(self, condition: Condition) -> bool:
        """Whether a condition holds because its sizes do not fall below what they are at the smallest sizes."""
        if isinstance(condition, Several):
            return (all if condition.every else any)(self.rises(part) for part in condition.parts)
        if not isinstance(condition, Compared) or condition.relation == "==":
            return False
        first = {name: promise.first for name, promise in self.promises.items()}
        value = smallest(condition.size, first, self.patience)
        if condition.relation == ">=":
            return value is not None and value >= 0
        negative = smallest(-condition.size, first, self.patience)
        return (value is not None and value > 0) or (negative is not None and negative > 0)

    def settled(self, size: Number) -> int | None:
        """The value of a size that is the same at every promised size."""
        if not isinstance(size, Size):
            return size
        first = {name: self.promises[name].first for name in size.symbols()}
        value = Columns({name: [at] for name, at in first.items()}).size(size)[0]
        question = zero(size - value)
        try:
            return (
                value
                if question is True or (isinstance(question, Condition) and self.decide(question) is True)
                else None
            )
        except Endless:
            return None
