"""What is asked of sizes that are not settled: comparisons with zero, all of several, any of several."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd
from typing import TYPE_CHECKING, Literal, Union

if TYPE_CHECKING:
    from specbuild.catalogue.sizes.expressions import Number, Size

Truth = Union[bool, "Condition"]
Relation = Literal["==", "!=", ">="]


class Unsettled(TypeError):  # noqa: N818
    """A rule that branches on a size which is not settled; it must `require`, `choose` or take the `minimum`."""


class Condition:
    """True at some sizes and false at others, as far as is known. `&`, `|` and `~` join them."""

    __slots__ = ()

    @property
    def text(self) -> str:
        """As a person writes it."""
        raise NotImplementedError

    def sizes(self) -> Iterator[Size]:
        """The sizes that it compares."""
        raise NotImplementedError

    def __bool__(self) -> bool:
        raise Unsettled(f"whether {self} is not settled")

    def __and__(self, other: Truth) -> Truth:
        return all_of(self, other)

    def __or__(self, other: Truth) -> Truth:
        return any_of(self, other)

    __rand__, __ror__ = __and__, __or__

    def __invert__(self) -> Truth:
        raise NotImplementedError

    def __str__(self) -> str:
        return self.text

    def symbols(self) -> frozenset[str]:
        """The names of its symbols."""
        return frozenset().union(*(size.symbols() for size in self.sizes()))


class Compared(Condition):
    """A size against zero."""

    __slots__ = ("relation", "size")

    def __init__(self, size: Size, relation: Relation) -> None:
        self.size, self.relation = size, relation

    @property
    def text(self) -> str:  # noqa: D102
        return comparison_text(self.size, self.relation)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Compared) and self.relation == other.relation and self.size.terms == other.size.terms

    def __hash__(self) -> int:
        return hash((self.size, self.relation))

    def sizes(self) -> Iterator[Size]:  # noqa: D102
        yield self.size

    def __invert__(self) -> Truth:
        if self.relation == ">=":
            return at_least_zero(-self.size - 1)
        return nonzero(self.size) if self.relation == "==" else zero(self.size)


class Several(Condition):
    """All of several, or any of them."""

    __slots__ = ("every", "parts")

    def __init__(self, parts: tuple[Condition, ...], every: bool) -> None:
        self.parts, self.every = parts, every

    @property
    def text(self) -> str:  # noqa: D102
        return f"({(' and ' if self.every else ' or ').join(part.text for part in self.parts)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Several) and self.every == other.every and self.parts == other.parts

    def __hash__(self) -> int:
        return hash((self.parts, self.every))

    def sizes(self) -> Iterator[Size]:  # noqa: D102
        for part in self.parts:
            yield from part.sizes()

    def __invert__(self) -> Truth:
        turned = [~part for part in self.parts]
        return any_of(*turned) if self.every else all_of(*turned)


class Limit(Condition):
    """A condition that is asked at the ends of what is promised alone: every size without an end would break it."""

    __slots__ = ("condition",)

    def __init__(self, condition: Condition) -> None:
        self.condition = condition

    @property
    def text(self) -> str:  # noqa: D102
        return self.condition.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Limit) and self.condition == other.condition

    def __hash__(self) -> int:
        return hash((Limit, self.condition))

    def sizes(self) -> Iterator[Size]:  # noqa: D102
        return self.condition.sizes()


def zero(size: Number) -> Truth:
    """Whether a size is zero."""
    return equality(size, "==")


def nonzero(size: Number) -> Truth:
    """Whether it is not."""
    return equality(size, "!=")


def equality(size: Number, relation: Literal["==", "!="]) -> Truth:
    """Whether a size is, or is not, zero; without common factors, and positive first."""
    if isinstance(size, int):
        return (size == 0) is (relation == "==")
    least, most = size.bounds.range()
    if (least is not None and least > 0) or (most is not None and most < 0):
        return relation == "!="
    numbers = [number for monomial, number in size.terms if monomial]
    common = gcd(*numbers)
    if size.constant % common:
        return relation == "!="
    if numbers[0] < 0:
        common = -common
    return Compared(shrunk(size, common), relation)


def at_least_zero(size: Number) -> Truth:
    """Whether a size is not negative."""
    if isinstance(size, int):
        return size >= 0
    least, most = size.bounds.range()
    if least is not None and least >= 0:
        return True
    if most is not None and most < 0:
        return False
    return Compared(shrunk(size, gcd(*(number for monomial, number in size.terms if monomial))), ">=")


def shrunk(size: Size, by: int) -> Size:
    """A size over a factor that its numbers share, its constant rounded down."""
    if by == 1:
        return size
    from specbuild.catalogue.sizes.expressions import Size, of_dict

    found = of_dict({monomial: number // by for monomial, number in size.terms})
    assert isinstance(found, Size)
    return found


def all_of(*parts: Truth) -> Truth:
    """Whether all hold."""
    return joined(parts, every=True)


def any_of(*parts: Truth) -> Truth:
    """Whether any holds."""
    return joined(parts, every=False)


def joined(parts: tuple[Truth, ...], *, every: bool) -> Truth:
    """All or any of several, what is certain left out, each once."""
    found: dict[Condition, None] = {}
    for part in parts:
        if not isinstance(part, Condition):
            if bool(part) is not every:
                return not every
        elif isinstance(part, Several) and part.every is every:
            found.update(dict.fromkeys(part.parts))
        else:
            found[part] = None
    if not found:
        return every
    return next(iter(found)) if len(found) == 1 else Several(tuple(found), every)


def comparison_text(size: Size, relation: Relation) -> str:
    """As a person writes it: `2*(H//2) = H`, `H ≥ 3`."""
    from specbuild.catalogue.sizes.expressions import Floor, Size, of_dict, same

    if relation != ">=":
        for monomial, number in size.terms:
            if len(monomial) == 1 and isinstance(monomial[0], Floor) and abs(number) == monomial[0].by:
                of = monomial[0].of
                if same(size, (of - monomial[0].by * Size((((monomial[0],), 1),))) * (-1 if number > 0 else 1)):
                    return f"{of} is {'a' if relation == '==' else 'no'} multiple of {monomial[0].by}"
    left = of_dict({monomial: number for monomial, number in size.terms if number > 0 and monomial})
    right = of_dict({monomial: -number for monomial, number in size.terms if number < 0 or not monomial})
    sign = {"==": "=", "!=": "≠", ">=": "≥"}[relation]
    if isinstance(left, int) and left == 0:
        left, right = right, left
        negative = of_dict({monomial: -number for monomial, number in size.terms if monomial})
        return f"{negative} {'≤' if relation == '>=' else sign} {size.constant}"
    return f"{left} {sign} {right}"
