"""The rows of a table as inputs, prepared as those that the network was trained on. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from specbuild.catalogue.datasets.table import Table
from specbuild.data.encoding import one_hot, standardized, well_formed
from specbuild.data.failure import Unusable
from specbuild.data.rows import Column, Numbers, Rows, number, parsed_csv, read_rows
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.diagnostics.suggest import nearest
from specbuild.errors import RunError
from specbuild.predicting.form import Form
from specbuild.predicting.given import Array, Given, Place

LARGEST = float(np.finfo(np.float32).max)
Problems = dict[int, tuple[str, str | None]]
"""What is wrong with a row, and the mend, by its index."""


def table(file: str, form: Form, content: bytes | None = None) -> Iterator[Given | Diagnostic]:
    """The rows of a CSV or a `.parquet`; each that cannot be used is told with its line."""
    entry, place, learned = form.dataset, Place(file), form.preprocessing
    assert isinstance(entry, Table)
    if learned is None or learned.get("type") != "Table" or not well_formed(learned):
        raise RunError([Diagnostic("SB514", "it does not have what was learned of the table", file=form.file)])
    try:
        if content is not None:
            rows = parsed_csv(content, Path(file), entry.delimiter, entry.header)
        else:
            rows = read_rows(Path(file), delimiter=entry.delimiter, header=entry.header)
    except Unusable as unusable:
        message = unusable.message.replace(f" of {Path(file)}", "").removeprefix(f"{Path(file)} ")
        yield place.refused(message, unusable.fix)
        return
    features = learned["features"]
    missing = [feature["column"] for feature in features if feature["column"] not in rows.columns]
    if missing:
        yield place.refused(*without(missing, rows))
        return
    problems: Problems = {}
    columns = [
        each
        for feature in features
        for each in encoded(feature, rows.columns[feature["column"]], learned["standardize"], entry.missing, problems)
    ]
    given = np.stack(columns, axis=1).astype(np.float32)
    for index in range(len(rows)):
        spot = Place(file, rows.unit, rows.places[index])
        if index in problems:
            yield spot.refused(*problems[index])
        else:
            yield Given(spot, {form.image: given[index]})


def without(missing: list[str], rows: Rows) -> tuple[str, str | None]:
    """Columns that are not there, in words."""
    known = list(rows.columns)
    few = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
    names = ", ".join(f"`{name}`" for name in missing[:12]) + (", ..." if len(missing) > 12 else "")
    meant = nearest(missing[0], known)
    what = "column" if len(missing) == 1 else "columns"
    return f"it has no {what} {names}, which the network takes; it has {few}", meant and f"is `{meant}` meant?"


def encoded(
    feature: Mapping[str, Any], column: Column, standardize: bool, policy: str, problems: Problems
) -> Iterator[Array]:
    """One feature as numbers; a row whose value cannot be used is added to `problems`, and has some number."""
    name, fill = feature["column"], policy == "mean"
    missing = column.missing()
    if not fill:
        for index in np.flatnonzero(missing).tolist():
            problems.setdefault(index, (f"`{name}` is missing", None))
    if "categories" in feature:
        texts, categories = column.categories(), feature["categories"]
        known = {*categories, ""}
        for index, text in enumerate(texts):
            if text not in known:
                meant = nearest(text, categories)
                few = ", ".join(categories[:8]) + (", ..." if len(categories) > 8 else "")
                fix = f"did you mean {meant}?" if meant else f"one of {few}"
                problems.setdefault(index, (f"`{name}` is {text}, a category that the training did not have", fix))
        yield from one_hot(texts, categories)
        return
    values = standardized(numbers(name, column, problems), feature, standardize, fill)
    beyond = np.flatnonzero(np.abs(values) > LARGEST).tolist()
    for index in beyond:
        problems.setdefault(index, (f"`{name}` is too large for float32", None))
    values[beyond] = 0
    yield values


def numbers(name: str, column: Column, problems: Problems) -> Numbers:
    """A column as numbers, NaN where one is missing or is none."""
    if column.numbers is not None:
        return column.numbers
    found = np.full(len(column.texts or ()), np.nan)
    for index, text in enumerate(column.texts or ()):
        value = number(text) if text else None
        if value is not None and np.isfinite(value):
            found[index] = value
        elif text:
            problems.setdefault(index, (f"`{name}` is {text}, not a finite number", None))
    return found
