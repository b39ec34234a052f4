"""Runs as people and programs read them: what a folder holds, what each file of a run is. Imports no torch."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from specbuild.diagnostics.render import printable
from specbuild.network.cost import in_bytes
from specbuild.reports.difference import WIDTH
from specbuild.runs.listing import Listed
from specbuild.runs.verifying import Verification

NONE = "-"
"""What stands where nothing is known."""
NAMES = 40
"""The column of file names is as wide as the longest, up to this."""


def listing(folder: Path, runs: Sequence[Listed], now: datetime) -> str:
    """A table of runs, then what is wrong with the damaged ones; now: dates of this year are written without it."""
    if not runs:
        return f"{printable(str(folder))}: no runs"
    head = ("run", "status", "epochs", "best", "written", "size")
    table = [head, *(cells(folder, run, now) for run in runs)]
    widths = [max(len(row[column]) for row in table) for column in range(1, len(head))]
    room = max(WIDTH - sum(widths) - 2 * len(widths), len(head[0]))
    column = min(room, max(len(row[0]) for row in table))
    lines = []
    for name, *others in table:
        left, right = others[:-1], others[-1]
        parts = [text.ljust(width) for text, width in zip(left, widths, strict=False)]
        rest = "  ".join([*parts, right.rjust(widths[-1])])
        if len(name) > column:
            lines.append(name)
            name = ""
        lines.append(f"{name.ljust(column)}  {rest}".rstrip())
    for run in runs:
        if run.faults:
            more = f", and {len(run.faults) - 1} more" if len(run.faults) > 1 else ""
            lines += ["", *sentence(f"{name_in(folder, run.path)}: {printable(run.faults[0])}{more}")]
    return "\n".join(lines)


def cells(folder: Path, run: Listed, now: datetime) -> tuple[str, ...]:
    """A run's row."""
    epochs = f"{run.epochs}/{NONE if run.asked is None else run.asked}"
    best = NONE if run.metric is None or run.best is None else f"{printable(run.metric)} {figure(run.best)}"
    written = moment(run.written)
    day = NONE if written is None else f"{written:%m-%d %H:%M}" if written.year == now.year else f"{written:%Y-%m-%d}"
    return name_in(folder, run.path), run.status, epochs, best, day, in_bytes(run.bytes)


def moment(written: float) -> datetime | None:
    """When a file was written, here; None for a time beyond the calendar."""
    try:
        return datetime.fromtimestamp(written).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def figure(value: float) -> str:
    """A number with four decimals; one that is very small or very large with three digits."""
    if isinstance(value, int):
        return str(value)
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.3g}"


def name_in(folder: Path, path: Path) -> str:
    """What a run is called in a folder; the folder itself by its own name."""
    return printable(str(folder) if path == folder else os.path.relpath(path, folder))


def sentence(text: str) -> list[str]:
    """A text in lines of 80, all but the first indented; a path that is longer is not cut."""
    return textwrap.wrap(text, WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def cell(head: str, text: str) -> list[str]:
    """A text beside its head, further lines below it."""
    lines = textwrap.wrap(text, max(WIDTH - len(head), 16), break_on_hyphens=False) or [""]
    return [((" " * len(head) if number else head) + line).rstrip() for number, line in enumerate(lines)]


def listing_json(folder: Path, runs: Sequence[Listed]) -> dict[str, Any]:
    """All of it, for `json.dumps`; times are ISO 8601."""
    return {"folder": str(folder), "runs": [run_json(run) for run in runs]}


def run_json(run: Listed) -> dict[str, Any]:
    """One run."""
    written = moment(run.written)
    best = None if run.metric is None else {"metric": run.metric, "value": run.best}
    return {
        "run": str(run.path),
        "status": run.status,
        "epochs": run.epochs,
        "epochs_asked": run.asked,
        "best": best,
        "written": None if written is None else written.isoformat(timespec="seconds"),
        "bytes": run.bytes,
        "checkpoints": len(run.steps),
        "faults": list(run.faults),
    }


def verified(found: Verification) -> str:
    """A line a file, those of a folder below its name, and what they come to."""
    rows = []
    for file in found.files:
        folder, _, name = printable(file.name).rpartition("/")
        size = "" if file.bytes is None else f"{file.bytes:,}"
        rows.append((folder, f"  {name}" if folder else name, size, printable(file.verdict)))
    column = min(NAMES, max(len(name) for _, name, _, _ in rows))
    width = max(len(size) for _, _, size, _ in rows)
    lines: list[str] = []
    before = ""
    for folder, name, size, verdict in rows:
        if folder != before and folder:
            lines.append(f"{folder}/")
        before = folder
        if len(name) > column:
            lines.append(name)
            name = ""
        lines += cell(f"{name.ljust(column)}  {size.rjust(width)}  ", verdict)
    return "\n".join([*lines, "", *summed(found)])


def summed(found: Verification) -> Iterator[str]:
    """What all files come to."""
    count, faults, unheld = len(found.files), len(found.faults), len(found.unheld)
    files = f"{count} file{'s' if count != 1 else ''}"
    parts = []
    if faults:
        parts.append(f"{faults} of {files} {'is' if faults == 1 else 'are'} not what was written")
    held = count - faults - unheld
    if held == count:
        parts.append(f"{files}, {'all ' if count > 1 else ''}as written")
    elif held:
        parts.append(f"{held} {'is' if held == 1 else 'are'} as written")
    if unheld:
        parts.append(f"{unheld} {'is' if unheld == 1 else 'are'} not held by anything yet")
    if found.running:
        parts.append("a training writes there at this moment")
    elif not found.complete:
        parts.append("the training has not ended: there is no manifest")
    yield from sentence(f"{printable(str(found.path))}: {'; '.join(parts)}")


def verified_json(found: Verification) -> dict[str, Any]:
    """All of it, for `json.dumps`."""
    return {
        "run": str(found.path),
        "as_written": not found.faults and not found.unheld,
        "complete": found.complete,
        "running": found.running,
        "files": [
            {"name": file.name, "bytes": file.bytes, "verdict": file.verdict, "fault": file.fault, "held": file.held}
            for file in found.files
        ],
    }
