"""Where each value of a document is written: a second scan of the text, made only when a place is wanted."""

from __future__ import annotations

from typing import Any

from specbuild.diagnostics.diagnostic import Path, Target


class Place:
    """The stretch of text of a value and of the key it stands under, and the places inside of it."""

    __slots__ = ("children", "end", "key_end", "key_start", "start")

    def __init__(self, start: int, end: int, key_start: int, key_end: int, children: Any = None) -> None:
        self.start, self.end = start, end
        self.key_start, self.key_end = key_start, key_end
        self.children: dict[str, Place] | list[Place] | None = children


def find(root: Place, path: Path, target: Target = "value") -> tuple[int, int, bool]:
    """The stretch of text at a path, and whether the path is written.

    For one that is not it is what a reader would look at: the `type` of the innermost collection on the
    way that is written, or that collection itself.
    """
    here = root
    for part in path:
        children = here.children
        if isinstance(children, dict) and part in children:
            here = children[str(part)]
        elif isinstance(children, list) and isinstance(part, int) and 0 <= part < len(children):
            here = children[part]
        else:
            kind = children.get("type") if isinstance(children, dict) else None
            if kind is not None and kind.children is None:
                here = kind
            return here.start, here.end, False
    if target == "key" and here.key_start >= 0:
        return here.key_start, here.key_end, True
    return here.start, here.end, True


def scalars(root: Place) -> list[tuple[int, int]]:
    """The stretches of text of all keys and single values, in order."""
    found: list[tuple[int, int]] = []
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        place = waiting.pop()
        children = place.children
        if place.key_start >= 0:
            found.append((place.key_start, place.key_end))
        if children is None:
            found.append((place.start, place.end))
        elif id(children) not in seen:  # aliases share those of their anchor
            seen.add(id(children))
            waiting += children.values() if isinstance(children, dict) else children
    return sorted(found)
