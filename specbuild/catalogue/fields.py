"""The fields of an entry: what values each takes, by its annotation.

Pydantic's rules for the annotations that a catalogue needs: strict numbers with their bounds, strings, tuples
(written as lists), literals, unions, mappings, and other entries. Pydantic itself, which takes longer to import
than a document to judge, makes the JSON Schema of the same annotations, and is what the tests hold these rules to.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin


class Missing:
    """No value: a field without a default, or what a type does not take."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()
Take = Callable[[Any], Any]
"""What a value becomes; `MISSING` where the type does not take it."""


class Field(NamedTuple):
    """One argument of an entry."""

    annotation: Any
    """Its type, without the constraints that stand beside it."""
    metadata: tuple[Any, ...] = ()
    """The constraints."""
    default: Any = MISSING

    def is_required(self) -> bool:
        """Whether it has to be written."""
        return self.default is MISSING

    @property
    def annotated(self) -> Any:
        """The type with its constraints."""
        return Annotated[self.annotation, *self.metadata] if self.metadata else self.annotation


class Fault(NamedTuple):
    """One argument that an entry does not take."""

    field: str
    kind: Literal["missing", "unknown", "wrong"]
    item: int | None = None
    """Of a list the only item that is wrong."""


class Misfit(ValueError):  # noqa: N818  what is wrong with the arguments of an entry, for the parser to explain
    """Arguments that an entry does not take."""

    def __init__(self, entry: str, faults: Sequence[Fault]) -> None:
        super().__init__(f"{entry}: {', '.join(f'{fault.field} is {fault.kind}' for fault in faults)}")
        self.faults = tuple(faults)


def field_of(annotation: Any, default: Any) -> Field:
    """The field of an annotation `T` or `Annotated[T, constraint, ...]`."""
    if get_origin(annotation) is Annotated:
        annotation, *metadata = get_args(annotation)
        return Field(annotation, tuple(metadata), default)
    return Field(annotation, (), default)


def taker(annotation: Any, metadata: Sequence[Any] = ()) -> Take:
    """What takes the values of a type."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return taker(parts[0], (*parts[1:], *metadata))
    if origin in (Union, UnionType):
        return first_of([taker(part) for part in parts])
    if origin is Literal:
        return one_of(parts)
    if origin is tuple:
        return items(parts, metadata)
    if origin is dict:
        return pairs(taker(parts[0]), taker(parts[1]), metadata)
    if annotation is Any:
        return lambda value: value
    return SIMPLE[annotation](metadata) if annotation in SIMPLE else instance_of(annotation)


def whole(metadata: Sequence[Any]) -> Take:
    """Integers; no bool is one."""
    inside = within(metadata)
    return lambda value: value if type(value) is int and inside(value) else MISSING


def number(metadata: Sequence[Any]) -> Take:
    """Finite numbers, as floats; no bool is one."""
    inside = within(metadata)

    def take(value: Any) -> Any:
        if type(value) is int:
            try:
                value = float(value)
            except OverflowError:
                return MISSING
        return value if type(value) is float and math.isfinite(value) and inside(value) else MISSING

    return take


SIMPLE: Mapping[Any, Callable[[Sequence[Any]], Take]] = {
    int: whole,
    float: number,
    str: lambda metadata: lambda value: value if isinstance(value, str) else MISSING,
    bool: lambda metadata: lambda value: value if type(value) is bool else MISSING,
    NoneType: lambda metadata: lambda value: None if value is None else MISSING,
}


def within(metadata: Sequence[Any]) -> Callable[[Any], bool]:
    """Whether a number keeps to its bounds."""
    bounds = [
        (holds, getattr(item, name)) for item in metadata for name, holds in COMPARISONS.items() if hasattr(item, name)
    ]
    return lambda value: all(holds(value, bound) for holds, bound in bounds)


COMPARISONS = {"ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt}
"""By the names that the constraints of `annotated_types` have for their bounds."""


def long_enough(metadata: Sequence[Any]) -> Callable[[Any], bool]:
    """Whether a list or a mapping keeps to the bounds of its length."""
    least = max((getattr(item, "min_length", None) or 0 for item in metadata), default=0)
    most = min((getattr(item, "max_length", None) or math.inf for item in metadata), default=math.inf)
    return lambda value: least <= len(value) <= most


def first_of(takes: Sequence[Take]) -> Take:
    """What any of several types takes."""

    def take(value: Any) -> Any:
        for one in takes:
            taken = one(value)
            if taken is not MISSING:
                return taken
        return MISSING

    return take


def one_of(values: Sequence[Any]) -> Take:
    """One of several values; 1 is neither true nor 1.0."""
    known = {(type(value), value) for value in values}

    def take(value: Any) -> Any:
        return value if isinstance(value, (str, int)) and (type(value), value) in known else MISSING

    return take


def items(parts: Sequence[Any], metadata: Sequence[Any]) -> Take:
    """Lists, as tuples: of one type, or of one for each place."""
    takes = places(parts)
    enough = long_enough(metadata)

    def take(value: Any) -> Any:
        if not isinstance(value, (list, tuple)) or not enough(value) or not fits(parts, value):
            return MISSING
        taken = tuple([one(item) for one, item in zip(takes(value), value, strict=True)])
        return MISSING if any(item is MISSING for item in taken) else taken

    return take


def places(parts: Sequence[Any]) -> Callable[[Sequence[Any]], Sequence[Take]]:
    """What takes each item of a list."""
    if parts[-1] is ...:
        one = taker(parts[0])
        return lambda value: [one] * len(value)
    each = [taker(part) for part in parts]
    return lambda value: each


def fits(parts: Sequence[Any], value: Sequence[Any]) -> bool:
    """Whether a list has as many items as its type says."""
    return parts[-1] is ... or len(value) == len(parts)


def pairs(keys: Take, values: Take, metadata: Sequence[Any]) -> Take:
    """Mappings."""
    enough = long_enough(metadata)

    def take(value: Any) -> Any:
        if not isinstance(value, dict) or not enough(value):
            return MISSING
        taken = {keys(key): values(item) for key, item in value.items()}
        return MISSING if MISSING in taken or any(item is MISSING for item in taken.values()) else taken

    return take


def instance_of(kind: type) -> Take:
    """Other entries."""
    return lambda value: value if isinstance(value, kind) else MISSING


def wrong_item(annotation: Any, value: Any) -> int | None:
    """The index of the only item for which a list is not taken, where there is only one."""
    if not isinstance(value, (list, tuple)):
        return None
    wrong: set[int] = set()
    for parts in lists(annotation):
        if fits(parts, value):
            takes = places(parts)(value)
            wrong |= {index for index, (one, item) in enumerate(zip(takes, value, strict=True)) if one(item) is MISSING}
    return wrong.pop() if len(wrong) == 1 else None


def lists(annotation: Any) -> Iterator[tuple[Any, ...]]:
    """What the items of each list are that a type takes."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        yield parts
    elif origin is Annotated:
        yield from lists(parts[0])
    elif origin in (Union, UnionType):
        for part in parts:
            yield from lists(part)
