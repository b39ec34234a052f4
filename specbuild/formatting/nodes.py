"""A YAML document with its comments, as a formatter sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(slots=True)
class Comment:
    """A comment, from its `#` to the end of the line."""

    text: str
    column: int
    """From 0, as it was written."""
    apart: bool = False
    """Whether an empty line stands before it."""


@dataclass(slots=True)
class Node:
    """A value, or a key."""

    kind: Literal["scalar", "alias", "mapping", "sequence"]
    start: int
    end: int
    """The stretch of text; of a collection without brackets, `end` means nothing."""
    value: str = ""
    """Of a scalar what it says, of an alias its name."""
    style: str = ""
    """The quote of a scalar, or `|` or `>`; empty for a plain one."""
    anchor: str | None = None
    flow: bool = False
    """Whether a collection stands in brackets."""
    entries: list[Entry] = field(default_factory=list)
    column: int = 0
    """Of a collection without brackets, where its first entry begins."""
    foot: list[Comment] = field(default_factory=list)
    """The comments after the last entry."""
    raw: bool = False
    """Whether there are comments within the brackets: then the text stays as it is."""

    def walk(self) -> list[Node]:
        """The node and all below."""
        found, waiting = [], [self]
        while waiting:
            node = waiting.pop()
            found.append(node)
            for entry in node.entries:
                waiting.append(entry.value)
                if entry.key is not None:
                    waiting.append(entry.key)
        return found

    @property
    def commented(self) -> bool:
        """Whether there is a comment anywhere below."""
        return any(
            node.raw or node.foot or any(entry.before or entry.beside for entry in node.entries) for node in self.walk()
        )


@dataclass(slots=True)
class Entry:
    """An item of a sequence, or a key with its value."""

    key: Node | None
    value: Node
    before: list[Comment] = field(default_factory=list)
    """The comments on lines of their own above it."""
    beside: list[Comment] = field(default_factory=list)
    """The comments after it on its line."""
    apart: bool = False
    """Whether an empty line stands before it, below its comments."""
