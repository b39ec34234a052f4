"""Texts as inputs: each line of a file, or of a column of a CSV. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from specbuild.catalogue.datasets.text import Text
from specbuild.data.failure import Unusable
from specbuild.data.rows import parsed_csv
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.predicting.form import Form
from specbuild.predicting.given import Given, Place


def texts(file: str, form: Form, content: bytes | None = None) -> Iterator[Given | Diagnostic]:
    """The lines of a file, or of a CSV's column `input`, as the numbers of their characters or bytes."""
    place = Place(file)
    try:
        raw = Path(file).read_bytes() if content is None else content
    except OSError as error:
        yield place.refused(f"it cannot be read: {error.strerror}")
        return
    try:
        lines = column(raw, file, form) if file.lower().endswith(".csv") else split(raw)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        yield place.refused(f"line {line} is not UTF-8: {error.reason}")
        return
    except Unusable as unusable:
        yield place.refused(unusable.message.replace(f" of {Path(file)}", "").removeprefix(f"{Path(file)} "))
        return
    numbers = numbering(form)
    found = False
    for line, text in lines:
        found = True
        yield given(Place(file, "line", line), text, form, numbers)
    if not found:
        yield place.refused("it has no text")


def split(raw: bytes) -> list[tuple[int, str]]:
    """The lines that hold a text, by their number."""
    lines = raw.decode("utf-8-sig").split("\n")
    return [(k, text) for k, line in enumerate(lines, 1) if (text := line.removesuffix("\r"))]


def column(raw: bytes, file: str, form: Form) -> list[tuple[int, str]]:
    """The texts of a CSV: of the column that is called as the network's input, or of the only one."""
    rows = parsed_csv(raw, Path(file), ",", True)
    name = next(iter(rows.columns)) if len(rows.columns) == 1 else form.image
    rows.require((name,), "input")
    return list(zip(rows.places, rows.columns[name].categories(), strict=True))


def numbering(form: Form) -> dict[str, int] | None:
    """The number of each character; None where bytes are their own. Raises `RunError` (SB514) for a run without."""
    entry = form.dataset
    assert isinstance(entry, Text)
    if entry.unit == "bytes":
        return None
    vocabulary = (form.preprocessing or {}).get("vocabulary")
    if not isinstance(vocabulary, str) or not vocabulary:
        raise RunError([Diagnostic("SB514", "it does not have the vocabulary of the training", file=form.file)])
    return {character: number for number, character in enumerate(vocabulary)}


def given(place: Place, text: str, form: Form, numbers: dict[str, int] | None) -> Given | Diagnostic:
    """The last window of a text."""
    if not text:
        return place.refused("it has no text")
    (size,) = form.plan.inputs[form.image].shape
    if numbers is None:
        tokens = list(text.encode())
    else:
        strange = next((character for character in text if character not in numbers), None)
        if strange is not None:
            return place.refused(f"{strange!r} is not in the vocabulary of the training")
        tokens = [numbers[character] for character in text]
    kept = tokens[-size:] if isinstance(size, int) else tokens
    return Given(place, {form.image: np.array(kept, np.int64)})
