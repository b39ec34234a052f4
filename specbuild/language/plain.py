"""From a Python mapping to the plain values that a document is made of."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.budgets import MAX_DEPTH, MAX_DIGITS, MAX_NODES, NOT_FINITE, TOO_DEEP, TOO_MANY

LARGEST_BITS = int(MAX_DIGITS * 3.32)
"""The size of an integer of `MAX_DIGITS` digits."""


def plain(root: Any, name: str) -> tuple[dict[str, Any], list[Diagnostic]]:
    """A copy of a mapping in dicts, lists and scalars, and everything in it that a document cannot hold."""
    if not isinstance(root, Mapping):
        message = f"a document is a mapping of keys to values; this one is of type {type(root).__name__}"
        return {}, [Diagnostic("SB110", message, file=name)]
    return Copier(name).copy(root)


class Copier:
    """One pass over Python values, by a stack of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.faults: list[Diagnostic] = []

    def copy(self, root: Mapping[Any, Any]) -> tuple[dict[str, Any], list[Diagnostic]]:
        """The copy of a mapping."""
        made: dict[str, Any] = {}
        open_: dict[int, None] = {id(root): None}  # the collections that lead here
        stack = [(iter(list(root.items())), made, id(root))]
        paths: list[Path] = [()]
        nodes = 0
        while stack:
            items, target, identity = stack[-1]
            step = next(items, None)
            if step is None:
                stack.pop()
                paths.pop()
                del open_[identity]
                continue
            key, value = step
            nodes += 1
            if nodes > MAX_NODES:
                self.note("SB109", TOO_MANY.format(most=MAX_NODES), ())
                break
            if isinstance(target, dict):
                if not isinstance(key, str):
                    self.note("SB111", f"a key must be a string; got one of type {type(key).__name__}", paths[-1])
                    key = repr(key)
                key = str.__str__(key)
            path = (*paths[-1], key)
            child: Any
            if isinstance(value, Mapping):
                child, inner = {}, list(value.items())
            elif isinstance(value, list | tuple):
                child, inner = [], list(enumerate(value))
            else:
                put(target, key, self.scalar(value, path))
                continue
            put(target, key, child)
            if id(value) in open_:
                self.note("SB109", f"this {kind_of(child)} holds itself", path)
            elif len(stack) == MAX_DEPTH:
                self.note("SB109", TOO_DEEP, path)
            else:
                open_[id(value)] = None
                stack.append((iter(inner), child, id(value)))
                paths.append(path)
        return made, self.faults

    def scalar(self, value: Any, path: Path) -> Any:
        """A scalar as Python's own type."""
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str):
            text = str.__str__(value)
            try:
                text.encode()
            except UnicodeEncodeError:
                self.note("SB102", "a string holds half of a surrogate pair, which is not a character", path)
            return text
        if isinstance(value, int):
            if value.bit_length() > LARGEST_BITS:
                self.note("SB109", f"a number may have {MAX_DIGITS} digits; this one has more", path)
            return int(value)
        if isinstance(value, float):
            if not isfinite(value):
                self.note("SB107", NOT_FINITE.format(written=float(value)), path)
            return float(value)
        self.note(
            "SB111",
            f"a document holds mappings, lists, strings, numbers, booleans and None; got a value of "
            f"type {type(value).__name__}",
            path,
        )
        return None

    def note(self, code: str, message: str, path: Path) -> None:
        """Keep a fault."""
        self.faults.append(Diagnostic(code, message, path, file=self.name))


def put(target: Any, key: Any, value: Any) -> None:
    """Into a mapping under its key, or at the end of a list."""
    if isinstance(target, dict):
        target[key] = value
    else:
        target.append(value)


def kind_of(collection: Any) -> str:
    """What a document calls a collection."""
    return "mapping" if isinstance(collection, dict) else "list"
