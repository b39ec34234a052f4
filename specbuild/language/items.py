"""What an expansion yields: layers and scopes by name, their inputs by position."""

from __future__ import annotations

from typing import Any, NamedTuple

from specbuild.diagnostics.diagnostic import Path

SCOPE = "Sequential"


class Reference(NamedTuple):
    """A value that an item takes: the result of the item at `position`, or the scope's input `-1 - position`."""

    position: int
    result: str | None = None
    """The name of a second result; None is the first."""
    keyword: str | None = None
    """The name under which forward takes it; None is by order."""


INPUT = Reference(-1)
UNKNOWN = Reference(-(1 << 30))
"""Stands for a value whose name was reported, so that nothing is reported of it again."""


class Item(NamedTuple):
    """A layer, or a scope, that has its name; its arguments are plain values."""

    name: str
    type: str
    """A catalogue type, or `Sequential` for whatever nests."""
    written: str
    """The type as the document has it: a block's name, where it is one."""
    arguments: dict[str, Any]
    sources: tuple[Reference, ...]
    children: tuple[Item, ...]
    inputs: tuple[str, ...]
    """What a scope calls its inputs; empty for a layer."""
    path: Path
