"""Runs side by side, as people and programs read them. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from string import ascii_uppercase
from typing import Any

from specbuild.diagnostics.render import printable
from specbuild.reports import difference
from specbuild.reports.difference import WIDTH, worded
from specbuild.reports.runs import NONE, cell, figure, sentence
from specbuild.runs.comparing import Compared, Comparison

GAP = 2
TITLE = "at the best epoch"

Column = tuple[str, ...]
"""A heading, and a cell a row."""


def text(found: Comparison) -> str:
    """The runs with a letter each; what differs in their documents, their results, and what they were made with."""
    names = [letter(index) for index in range(len(found.runs))]
    lines: list[str] = []
    for name, run in zip(names, found.runs, strict=True):
        lines += sentence(f"{name}  {printable(str(run.path))}, {run.status}")
    for name, changes in zip(names[1:], found.differences, strict=True):
        lines += ["", difference.text(changes, names[0], name)]
    lines += ["", *table(found, names), "", *environments(found, names)]
    return "\n".join(lines)


def letter(index: int) -> str:
    """A, B, ..., Z, A1, B1, ...: what a run is called in the tables."""
    turn, place = divmod(index, len(ascii_uppercase))
    return f"{ascii_uppercase[place]}{turn or ''}"


def table(found: Comparison, names: Sequence[str]) -> Iterator[str]:
    """What was measured, a column a run, and beside each what it has more than the first; cut to 80 columns."""
    measured = found.measured
    rows: Column = (TITLE, *measured, "epoch", "epochs", "seconds")
    first = cells(found.runs[0], measured)
    pairs: list[tuple[Column, ...]] = [(column(names[0], first),)]
    for name, run in zip(names[1:], found.runs[1:], strict=True):
        values = cells(run, measured)
        more = [None if a is None or b is None else b - a for a, b in zip(first, values, strict=True)]
        pairs.append((column(name, values), column(f"{name} − {names[0]}", more, signed=True)))
    room = WIDTH - max(map(len, rows))
    while pairs:
        taken: list[Column] = []
        while pairs and (not taken or width([*taken, *pairs[0]]) <= room):
            taken += pairs.pop(0)
        yield from side_by_side(rows, taken)
        if pairs:
            yield ""


def cells(run: Compared, measured: Sequence[str]) -> list[float | None]:
    """A run's values: what was measured, the best epoch's number, the epochs, the seconds."""
    number = run.best.get("epoch")
    return [
        *(run.measured.get(name) for name in measured),
        number if isinstance(number, int) else None,
        run.epochs,
        float(run.seconds),
    ]


def column(heading: str, values: Sequence[float | None], *, signed: bool = False) -> Column:
    """Values as text; signed: with a plus before what is more."""
    *others, seconds = values
    told = [NONE if value is None else figure(value) for value in others]
    told.append(NONE if seconds is None else f"{round(seconds, 1) + 0.0:.1f}")
    if signed:
        marks = ["+" if value is not None and value > 0 else "" for value in values]
        told = [mark + cell for mark, cell in zip(marks, told, strict=True)]
    return heading, *told


def width(columns: Sequence[Column]) -> int:
    """What columns take, each with the gap before it."""
    return sum(max(map(len, column)) + GAP for column in columns)


def side_by_side(rows: Column, columns: Sequence[Column]) -> Iterator[str]:
    """Names on the left, numbers on the right of their columns."""
    left = max(map(len, rows))
    widths = [max(map(len, column)) for column in columns]
    for number, name in enumerate(rows):
        cells = (column[number].rjust(width + GAP) for column, width in zip(columns, widths, strict=True))
        yield printable(name).ljust(left) + "".join(cells)


def environments(found: Comparison, names: Sequence[str]) -> Iterator[str]:
    """What they were made with, where it differs."""
    without = [name for name, run in zip(names, found.runs, strict=True) if not run.environment]
    if changed := found.environments:
        yield "made with"
        column = max(len(printable(name)) for name in changed)
        for key, values in changed.items():
            told = [
                f"{name} {printable(worded(value))}"
                for name, value, run in zip(names, values, found.runs, strict=True)
                if run.environment
            ]
            yield from cell(f"  {printable(key).ljust(column)}  ", ", ".join(told))
    elif len(names) - len(without) > 1:
        yield "made with the same versions, on the same device, in the same precision"
    if without:
        yield f"{', '.join(without)}: nothing is written yet of what it is made with"


def as_json(found: Comparison) -> dict[str, Any]:
    """All of it, for `json.dumps`: differences are from the first run to each other one."""
    first, *others = found.runs
    return {
        "runs": [
            {
                "run": str(run.path),
                "status": run.status,
                "epochs": run.epochs,
                "seconds": run.seconds,
                "best": {"epoch": run.best.get("epoch"), **run.measured} if run.best else None,
                "environment": dict(run.environment) or None,
            }
            for run in found.runs
        ],
        "differences": [
            {
                "from": str(first.path),
                "to": str(run.path),
                "spec": difference.as_json(changes),
                "metrics": {
                    name: run.measured[name] - first.measured[name]
                    for name in found.measured
                    if name in run.measured and name in first.measured
                },
            }
            for run, changes in zip(others, found.differences, strict=True)
        ],
        "environment": {name: list(values) for name, values in found.environments.items()},
    }
