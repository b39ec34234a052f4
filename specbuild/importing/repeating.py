"""`repeat`: a scope whose children are one layer, or block, again and again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from specbuild.catalogue.layers import LAYERS
from specbuild.importing.graph import SCOPE
from specbuild.importing.writtens import (
    ABSENT,
    INPUTS,
    arguments,
    default,
    effective_names,
    equal,
    is_expression,
    sources,
)
from specbuild.language.variables import is_variable

FEWEST = 3
"""Children that are worth a `repeat`, if they are layers; of a block one is enough."""


def repeated(entry: Mapping[str, Any], blocks: Mapping[str, Any]) -> dict[str, Any] | None:
    """`type`, `repeat` and arguments for a scope; None where its children are no repeat."""
    children: Sequence[dict[str, Any]] = entry["layers"]
    kinds = {child["type"] for child in children}
    if len(kinds) != 1 or INPUTS in entry:
        return None
    (kind,) = kinds
    if (len(children) < FEWEST and kind not in blocks) or kind == SCOPE or any("repeat" in child for child in children):
        return None
    if kind in LAYERS and (LAYERS[kind].needs != 1 or LAYERS[kind].takes is None):
        return None
    if blocks.get(kind, {}).get("inputs"):
        return None
    called = effective_names(children)
    straight = all(source == [before] for source, before in zip(sources(children), ["input", *called], strict=False))
    naming = names_of(called)
    if not straight or naming is None or any("name" not in child for child in children):
        return None
    found: dict[str, Any] = {}
    rows: list[dict[str, Any]] = [{} for _ in children]
    for key in dict.fromkeys(key for child in children for key in arguments(child)):
        values = [child.get(key, ABSENT) for child in children]
        values = [default(kind, key, blocks) if value is ABSENT else value for value in values]
        if any(value is ABSENT for value in values):
            return None
        said = in_words(values)
        if said is None:
            if any(is_expression(value) for value in values) or not is_variable(key, (), []):
                return None
            for row, value in zip(rows, values, strict=True):
                row[key] = value
            said = f"${{{key}}}"
        if not equal(said, default(kind, key, blocks)):
            found[key] = said
    repeat: Any = rows if rows[0] else len(children)
    naming_key = {"names": naming} if naming else {}
    return {"type": kind, "repeat": repeat, **naming_key, **found}


def names_of(called: Sequence[str]) -> str | None:
    """The `names` of children that are numbered; empty for 0, 1, 2, and None for others."""
    parts = [re.fullmatch(r"(.*?)(0|[1-9][0-9]*)", name) for name in called]
    if any(part is None for part in parts):
        return None
    prefixes = {part[1] for part in parts if part is not None}
    numbers = [int(part[2]) for part in parts if part is not None]
    if len(prefixes) != 1 or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        return None
    (prefix,) = prefixes
    if numbers[0] == 0:
        return "" if not prefix else f"{prefix}${{i}}"
    return f"{prefix}${{i + {numbers[0]}}}"


def in_words(values: Sequence[Any]) -> Any:
    """One value, or an expression in `i`, for the values of the children; None where there is no simple one."""
    first, *rest = values
    if all(equal(value, first) for value in rest):
        return first
    if is_expression(values):
        return None
    if all(equal(value, rest[0]) for value in rest) and not isinstance(first, (list, dict, str)):
        if isinstance(first, bool):
            return "${i == 0}" if first else "${i > 0}"
        if not isinstance(rest[0], (list, dict, str, bool)):
            return f"${{{first} if i == 0 else {rest[0]}}}"
    if len(values) > 2 and all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        step = values[1] - values[0]
        if step > 0 and list(values) == [first + step * index for index in range(len(values))]:
            times = "i" if step == 1 else f"{step} * i"
            return f"${{{first} + {times}}}" if first else f"${{{times}}}"
    return None
