"""Edits of a document's text: only the characters of the value, or of the key, are changed.

Comments, layout and the quotes around everything else stay as they are, byte for byte.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple

from specbuild.diagnostics.diagnostic import Edit, Path
from specbuild.language.positions import Place
from specbuild.language.scalars import BadNumberError, resolve

ANCHOR = re.compile(r"&([^\s,\[\]{}]+)\s*")
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.+/-]*")
"""A text that YAML takes as it stands in any place."""


class Change(NamedTuple):
    """What stands from `start` up to `end` gives way to `text`."""

    start: int
    end: int
    text: str


def applied(text: str, changes: Iterable[Change]) -> str:
    """The text with all changes made; of two that overlap, the first one."""
    parts, position = [], 0
    for change in sorted(set(changes)):
        if change.start >= position:
            parts += [text[position : change.start], change.text]
            position = change.end
    return "".join([*parts, text[position:]])


def change_of(text: str, is_yaml: bool, root: Place, edit: Edit) -> Change | None:
    """What an edit changes; None where it has no place of its own: where it is not written, or an alias shares it."""
    way = way_to(root, edit.path)
    if way is None or (is_yaml and any(is_shared(text, place) for place in way[:-1])):
        return None
    place, siblings = way[-1], way[-2].children if len(way) > 1 else None
    if is_yaml and edit.target == "value" and text.startswith("*", place.start):
        return None  # an alias: what it stands for is written elsewhere
    if edit.target == "key":
        start, end = place.key_start, place.key_end
        if start < 0 or not isinstance(siblings, dict) or edit.value in siblings:
            return None
    else:
        start, end = place.start, place.end
    if not is_yaml:
        return Change(start, end, unquoted(text[start:end], edit.value) or json.dumps(edit.value, ensure_ascii=False))
    anchor = ANCHOR.match(text, start, end)
    if anchor is not None:
        if is_shared(text, place):
            return None
        start = min(anchor.end(), end)
    old = text[start:end]
    if old[:1] in ("|", ">", "!") or (edit.target == "value" and not is_simple(old, place)):
        return None
    new = unquoted(old, edit.value) or as_yaml(edit.value, old[:1] if old[:1] in ("'", '"') else "")
    follows = start == end and text[start - 1 : start] in (":", "-", "?", ",")
    return Change(start, end, f" {new}" if follows else new)


def way_to(root: Place, path: Path) -> list[Place] | None:
    """The places from the root to a path; None where it is not written."""
    way = [root]
    for part in path:
        children = way[-1].children
        if isinstance(children, dict) and part in children:
            way.append(children[str(part)])
        elif isinstance(children, list) and isinstance(part, int) and 0 <= part < len(children):
            way.append(children[part])
        else:
            return None
    return way


def is_shared(text: str, place: Place) -> bool:
    """Whether what stands at a place has others that stand for it, or is itself an alias."""
    anchor = ANCHOR.match(text, place.start)
    return text.startswith("*", place.start) or (anchor is not None and f"*{anchor[1]}" in text)


def is_simple(old: str, place: Place) -> bool:
    """Whether a value can give way whole: a scalar, or a collection in brackets that has no comments."""
    return place.children is None or (old[:1] in ("[", "{") and not set("#&") & set(old))


def unquoted(old: str, value: Any) -> str | None:
    """A quoted number as it was spelt; None where JSON and YAML would not read that as the same number."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and old[:1] in ("'", '"'):
        with suppress(ValueError):
            return old[1:-1] if json.loads(old[1:-1]) == value else None
    return None


def as_yaml(value: Any, quote: str = "") -> str:
    """A value as YAML writes it on one line; a string in quotes, if they are given or it needs them."""
    if isinstance(value, str):
        if quote == "'" and value.isprintable():
            doubled = value.replace("'", "''")
            return f"'{doubled}'"
        return value if not quote and is_plain(value) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(as_yaml, value))}]"
    return json.dumps(value)


def is_plain(value: str) -> bool:
    """Whether a string needs no quotes."""
    try:
        return PLAIN.fullmatch(value) is not None and resolve(value) == value
    except BadNumberError:
        return False
