"""Predictions as a table, JSON or CSV: a line each, kept as text until all is known."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from specbuild.diagnostics.render import columns
from specbuild.predicting.answers import Answer, Choice, Labels, Mask, Numbers, Ranked, Values
from specbuild.predicting.prediction import Prediction

INPUT = "input"
NEXT = "next likeliest"
"""The column that ends where the terminal does."""


class Report:
    """The lines of predictions; only text is kept of each. masks: the file of each, where they are written."""

    def __init__(self, format: str) -> None:
        self.format = format
        self.head: list[str] = []
        self.lines: list[str] = []
        self.rows: list[list[str]] = []

    def add(self, prediction: Prediction, mask: str | None = None) -> None:
        """One more."""
        if self.format == "json":
            told = as_json(prediction) | ({} if mask is None else {"mask": mask})
            self.lines.append(escaped(json.dumps(told, ensure_ascii=False, allow_nan=False)))
            return
        cells = dict(self.cells(prediction)) | ({} if mask is None else {"mask": mask})
        self.head = self.head or [printable(cell) for cell in cells]
        row = [printable(cell) for cell in cells.values()]
        if self.format == "csv":
            self.lines.append(csv_line(row))
        else:
            self.rows.append(row)

    def cells(self, prediction: Prediction) -> Iterator[tuple[str, str]]:
        """The cells of a prediction by their columns."""
        several = len(prediction.answers) > 1
        yield INPUT, str(prediction.input)
        for name, answer in prediction.answers.items():
            found = exact_cells(answer) if self.format == "csv" else short_cells(answer, several)
            yield from ((f"{name}.{column}" if several else column, cell) for column, cell in found)

    def text(self, width: int) -> str:
        """All of it, as it is printed; width: of the terminal, which a table keeps to as far as it can."""
        if self.format == "json":
            return "[\n" + ",\n".join(f"  {line}" for line in self.lines) + "\n]" if self.lines else "[]"
        if self.format == "csv":
            return "\n".join([csv_line(self.head), *self.lines]) if self.lines else ""
        return "\n".join(aligned([self.head, *self.rows], width)) if self.rows else ""


def as_json(prediction: Prediction) -> dict[str, Any]:
    """One object; what each output says is in `outputs` where there are several."""
    told = {name: answer_as_json(answer) for name, answer in prediction.answers.items()}
    place = prediction.place
    head: dict[str, Any] = {INPUT: place.file} | ({place.unit: place.number} if place.unit else {})
    return head | (next(iter(told.values())) if len(told) == 1 else {"outputs": told})


def answer_as_json(answer: Answer) -> dict[str, Any]:
    """What one output says."""
    if isinstance(answer, Choice):
        return {"label": answer.label, "probabilities": [ranked_as_json(each) for each in answer.ranked]}
    if isinstance(answer, Labels):
        return {"labels": list(answer.yes), "probabilities": [ranked_as_json(each) for each in answer.ranked]}
    if isinstance(answer, Numbers):
        return {"values": {name: number(value) for name, value in answer.values.items()}}
    if isinstance(answer, Mask):
        return {"counts": answer.counts}
    return {"shape": list(answer.values.shape), **{name: number(value) for name, value in spread(answer).items()}}


def ranked_as_json(ranked: Ranked) -> dict[str, Any]:
    """A class with its probability, or its score where there is none."""
    if ranked.probability is None:
        return {"label": ranked.label, "score": number(ranked.score)}
    return {"label": ranked.label, "probability": number(ranked.probability)}


def exact_cells(answer: Answer) -> Iterator[tuple[str, str]]:
    """The cells of a CSV: every number as it is."""
    if isinstance(answer, (Choice, Labels)):
        if isinstance(answer, Labels):
            yield "labels", "; ".join(answer.yes)
        for place, each in enumerate(answer.ranked, 1):
            after = f"_{place}" if place > 1 else ""
            kind, value = ("score", each.score) if each.probability is None else ("probability", each.probability)
            yield f"label{after}", each.label
            yield f"{kind}{after}", written(value)
    elif isinstance(answer, Numbers):
        yield from ((name, written(value)) for name, value in answer.values.items())
    elif isinstance(answer, Mask):
        counts = answer.counts
        yield from ((name, str(counts.get(name, 0))) for name in answer.names)
    else:
        yield "shape", "x".join(map(str, answer.values.shape))
        yield from ((name, written(value)) for name, value in spread(answer).items())


def short_cells(answer: Answer, several: bool) -> Iterator[tuple[str, str]]:
    """The cells of a table."""
    if isinstance(answer, Choice):
        first, *others = answer.ranked
        yield "label", first.label
        yield ("score" if first.probability is None else "probability"), short(first)
        if others and not several:
            yield NEXT, "  ".join(f"{each.label} {short(each)}" for each in others)
    elif isinstance(answer, Labels):
        yield "labels", ", ".join(answer.yes) or "-"
        if not several:
            yield NEXT, "  ".join(f"{each.label} {short(each)}" for each in answer.ranked)
    elif isinstance(answer, Numbers):
        yield from ((name, f"{value:.6g}") for name, value in answer.values.items())
    elif isinstance(answer, Mask):
        total = answer.classes.size
        shares = (f"{name} {count:,} ({count / total:.0%})" for name, count in answer.counts.items())
        yield "positions of each class", "  ".join(shares)
    else:
        yield "shape", " x ".join(map(str, answer.values.shape))
        yield from ((name, f"{value:.4g}") for name, value in spread(answer).items())


def short(ranked: Ranked) -> str:
    """A probability in four digits."""
    return f"{ranked.score:.4g}" if ranked.probability is None else f"{ranked.probability:.4f}"


def spread(answer: Values) -> Mapping[str, float]:
    """What an array's values are, in three numbers."""
    values = answer.values
    if not values.size:
        return {}
    return {"min": float(values.min()), "mean": float(values.mean(dtype=np.float64)), "max": float(values.max())}


def number(value: float) -> float | None:
    """A number of float32 in as few digits as say it; None for what JSON has no word for."""
    return float(str(np.float32(value))) if np.isfinite(value) else None


def written(value: float) -> str:
    """A number in a CSV."""
    return str(np.float32(value))


def printable(cell: str) -> str:
    """A cell without what steers a terminal: names of files and classes come from anywhere."""
    return cell if cell.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in cell)


def escaped(text: str) -> str:
    """JSON in which everything can be printed."""
    return text if text.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def csv_line(cells: Sequence[str]) -> str:
    """A line of a CSV."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def aligned(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Rows under their heads: numbers to the right, and the last column only as far as the width has room."""
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    right = [all(is_number(row[k]) for row in rows[1:]) for k in range(len(widths))]
    right[0] = False
    room = max(20, width - sum(each + 2 for each in widths[:-1]))
    for row in rows:
        cells = [fitting(cell, room) if k and k == len(row) - 1 else cell for k, cell in enumerate(row)]
        yield "  ".join(padded(*kind) for kind in zip(cells, widths, right, strict=True)).rstrip()


def padded(cell: str, width: int, right: bool) -> str:
    """A cell in its column."""
    space = " " * (width - columns(cell))
    return space + cell if right else cell + space


def fitting(cell: str, room: int) -> str:
    """As many of a cell's parts, which two blanks divide, as there is room for."""
    if columns(cell) <= room:
        return cell
    parts = cell.split("  ")
    while len(parts) > 1 and columns("  ".join(parts)) > room - 3:
        parts.pop()
    return "  ".join(parts) + "  …"


def is_number(text: str) -> bool:
    """Whether a cell is to be aligned to the right."""
    try:
        float(text)
    except ValueError:
        return False
    return True
