"""What is removed from a folder of runs, as people and programs read it. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from specbuild.diagnostics.render import printable
from specbuild.network.cost import in_bytes
from specbuild.reports.runs import cell, sentence
from specbuild.runs.cleaning import Cleaning, What

NAMES = 36
"""The column of names is as wide as the longest, up to this."""
REASONS: dict[What, str] = {
    "unfinished": "finished no epoch",
    "checkpoints": "it cannot be resumed then",
    "old": "newer ones of its name stay",
    "damaged": "is not what was written",
    "leftover": "left by a removal that was killed",
}
OPTIONS: dict[What, str] = {
    "unfinished": "--unfinished",
    "checkpoints": "--checkpoints",
    "old": "--keep",
    "damaged": "--damaged",
    "leftover": "any of these",
}

Row = tuple[str, str, str]
"""A path, its size, and why."""


def text(found: Cleaning, *, offered: bool = False) -> str:
    """What is removed, or would be, and what is left; offered: nothing was asked for, and this is what could be."""
    verb = "removed" if found.done else "could be removed" if offered else "would be removed"
    rows = [
        (str(removal.path), in_bytes(removal.bytes),
         f"{OPTIONS[removal.what]}: {REASONS[removal.what]}" if offered else REASONS[removal.what])
        for removal in found.removals
    ]  # fmt: skip
    lines = [f"{verb}:", *table(rows), ""] if rows else []
    if found.left:
        lines += ["left alone:", *table([(str(left.path), "", left.why) for left in found.left]), ""]
    lines += sentence(f"{printable(str(found.folder))}: {'; '.join(ending(found, offered))}")
    return "\n".join(lines)


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Paths, sizes and reasons in columns."""
    column = min(NAMES, max(len(printable(path)) for path, _, _ in rows))
    width = max(len(size) for _, size, _ in rows)
    for path, size, why in rows:
        name = printable(path)
        if len(name) > column:
            yield f"  {name}"
            name = ""
        gap = f"{size.rjust(width)}  " if width else ""
        yield from cell(f"  {name.ljust(column)}  {gap}", printable(why))


def ending(found: Cleaning, offered: bool) -> Iterator[str]:
    """What it comes to."""
    if not found.removals:
        yield "nothing was removed" if found.done else "there is nothing to remove"
        return
    told = f"{found.bytes:,} bytes"
    if found.done:
        yield f"{told} were removed"
    elif offered:
        yield f"{told} could be removed"
        yield "nothing was removed: choose by --unfinished, --checkpoints, --damaged or --keep N"
    else:
        yield f"{told} would be removed"
        yield "nothing was removed: --yes removes it"


def as_json(found: Cleaning) -> dict[str, Any]:
    """All of it, for `json.dumps`."""
    return {
        "folder": str(found.folder),
        "removed": found.done,
        "bytes": found.bytes,
        "removals": [
            {"what": removal.what, "path": str(removal.path), "bytes": removal.bytes} for removal in found.removals
        ],
        "left": [{"path": str(left.path), "why": left.why} for left in found.left],
    }
