"""Values of two documents side by side."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from specbuild.catalogue.entry import Entry, Section

ABSENT = "absent"
"""Stands for a value that one of two documents does not have."""

Values = tuple[Any, Any]
"""Old and new."""


def changes(path: str, old: Any, new: Any) -> Iterator[tuple[str, Values]]:
    """Where two values differ, by paths; entries of one type by their arguments."""
    if isinstance(old, Entry) and isinstance(new, Entry) and type(old) is type(new):
        for name in old.__class__.model_fields:
            yield from changes(f"{path}.{name}", getattr(old, name), getattr(new, name))
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from changes(f"{path}.{key}", old.get(key, ABSENT), new.get(key, ABSENT))
    elif isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)) and of_same_types(old, new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from changes(f"{path}[{index}]", one, other)
    elif one_form(old) != one_form(new):
        yield path, (short(old), short(new))


def of_same_types(old: list[Any] | tuple[Any, ...], new: list[Any] | tuple[Any, ...]) -> bool:
    """Whether two lists are entries of the same types in the same order."""
    return len(old) == len(new) and all(
        isinstance(one, Entry) and type(one) is type(other) for one, other in zip(old, new, strict=True)
    )


def one_form(value: object) -> Hashable:
    """Lists as tuples, and `[3, 3]` as 3, which means the same."""
    if isinstance(value, (list, tuple)):
        items = tuple([one_form(item) for item in value])
        numbers = all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in items)
        return items[0] if len(items) > 1 and numbers and len(set(items)) == 1 else items
    if isinstance(value, dict):
        return tuple([(key, one_form(item)) for key, item in value.items()])
    return value


def short(value: Any) -> Any:
    """A value as one writes it: an entry with what is not its default, by its name alone where that is all."""
    if isinstance(value, Entry):
        fields = value.__class__.model_fields
        written = {name: short(given) for name in fields if (given := getattr(value, name)) != fields[name].default}
        if isinstance(value, Section):
            return written
        return {"type": value.type, **written} if written else value.type
    if isinstance(value, (list, tuple)):
        return [short(item) for item in value]
    if isinstance(value, dict):
        return {key: short(item) for key, item in value.items()}
    return value
