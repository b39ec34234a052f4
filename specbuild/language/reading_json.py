"""From JSON to plain values: by the standard library, and by a scanner where something is wrong."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any

from specbuild.language.budgets import MAX_DEPTH, MAX_DIGITS, TOO_MANY, most_nodes
from specbuild.language.faults import Fault
from specbuild.language.json_scanner import LONE_SURROGATE, scan_json

ROUND = bytes(91 if c in b"[{" else 93 if c in b"]}" else c for c in range(256))
"""All brackets as square ones."""
NOT_BRACKETS = bytes(c for c in range(256) if c not in b'[]{}"\\')
STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
DIGITS = bytes(48 if 48 <= c < 58 else 32 for c in range(256))
"""All digits as 0, all else as a space."""


class IrregularError(ValueError):
    """Something that the scanner has to look at."""


def read_json(text: str) -> tuple[Any, list[Fault]]:
    """The document's root and all that is wrong with it."""
    most = most_nodes(len(text))
    if separators(text) >= most and separators(STRING.sub("", text)) >= most:
        return None, [Fault("SB109", TOO_MANY.format(most=most), 0, 1)]
    try:
        return quickly(text), []
    except (ValueError, RecursionError):
        _, faults = scan_json(text)
    if faults:
        return None, faults
    try:
        return decode(text), []  # the quick bounds were too careful
    except (ValueError, RecursionError) as error:
        return None, [Fault("SB104", f"this is not JSON: {error}", 0, 1)]


def quickly(text: str) -> Any:
    """The values of a document in which nothing is unusual; raises `ValueError` or `RecursionError`."""
    data = text.encode()
    if b"\\u" in data and LONE_SURROGATE.search(text):
        raise IrregularError
    if b"0" * (MAX_DIGITS + 1) in data.translate(DIGITS):
        raise IrregularError
    depth = depth_of(data)
    if depth is not None and depth > MAX_DEPTH:
        raise IrregularError
    tree = decode(text)
    if depth is None and depth_of_tree(tree) > MAX_DEPTH:
        raise IrregularError
    return tree


def separators(text: str) -> int:
    """What there is at least one of for each key and value but the first, texts aside."""
    return text.count(",") + text.count(":") + text.count("[") + text.count("{")


def decode(text: str) -> Any:
    """The values; raises `ValueError` for duplicate keys and for what is not finite."""
    return json.loads(text, object_pairs_hook=unique, parse_float=finite, parse_constant=constant)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A dict of pairs with different keys."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise IrregularError
    return made


def finite(text: str) -> float:
    """A float that is a number."""
    value = float(text)
    if not isfinite(value):
        raise IrregularError
    return value


def constant(text: str) -> Any:
    """NaN and the infinities, which JSON does not have."""
    raise IrregularError


def depth_of(data: bytes) -> int | None:
    """How deep the brackets nest, `MAX_DEPTH + 1` for more; None if that cannot be told from them alone.

    A hundred times faster than a walk over the values. It cannot tell where a text holds brackets.
    """
    brackets = data.translate(None, NOT_BRACKETS)
    if b"\\" in brackets:
        return None
    brackets = brackets.replace(b'""', b"")
    if b'"' in brackets:
        return None
    brackets = brackets.translate(ROUND)
    for depth in range(MAX_DEPTH + 1):
        if not brackets:
            return depth
        inner = brackets.replace(b"[]", b"")
        if len(inner) == len(brackets):
            return None
        brackets = inner
    return MAX_DEPTH + 1


def depth_of_tree(tree: Any) -> int:
    """How deep the collections of plain values nest."""
    kinds = (dict, list)
    level = [tree] if tree.__class__ in kinds else []
    depth = 0
    while level:
        depth += 1
        level = [
            value
            for collection in level
            for value in (collection.values() if collection.__class__ is dict else collection)
            if value.__class__ in kinds
        ]
    return depth
