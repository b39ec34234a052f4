"""The rows of a CSV or a Parquet file, and what each column holds."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from specbuild.data.failure import Unusable, first_line
from specbuild.diagnostics.suggest import nearest

Numbers = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


class Column(NamedTuple):
    """One column: texts, an empty one being missing, or numbers, NaN being missing."""

    name: str
    texts: Sequence[str] | None
    numbers: Numbers | None = None

    def missing(self) -> Flags:
        """Where there is no value."""
        if self.numbers is not None:
            return np.isnan(self.numbers)
        assert self.texts is not None
        return np.fromiter((not text for text in self.texts), bool, len(self.texts))

    def categories(self) -> list[str]:
        """Each value as text; an empty one is missing."""
        if self.numbers is None:
            return list(self.texts or ())
        return ["" if np.isnan(value) else f"{value:.17g}" for value in self.numbers.tolist()]


class Rows(NamedTuple):
    """A table as it was read, without what it means."""

    path: Path
    columns: Mapping[str, Column]
    places: Sequence[int]
    """The line of each row in a CSV, its number in Parquet; both count from 1."""
    unit: Literal["line", "row"]

    def __len__(self) -> int:
        return len(self.places)

    def place(self, index: int) -> str:
        """Where a row stands, in words."""
        return f"{self.unit} {self.places[index]} of {self.path}"

    def require(self, names: Sequence[str], field: str) -> None:
        """SB405 for a column that is not there."""
        for name in names:
            if name not in self.columns:
                known, meant = list(self.columns), nearest(name, list(self.columns))
                few = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
                raise Unusable(
                    "SB405", f"{self.path} has no column `{name}`; it has {few}", field=field,
                    fix=f"did you mean `{meant}`?" if meant else None,
                )  # fmt: skip

    def kept(self, chosen: Flags) -> Rows:
        """Some of the rows."""
        columns = {
            name: Column(
                name,
                None if held.texts is None else [text for text, keep in zip(held.texts, chosen, strict=True) if keep],
                None if held.numbers is None else held.numbers[chosen],
            )
            for name, held in self.columns.items()
        }
        places = [place for place, keep in zip(self.places, chosen, strict=True) if keep]
        return Rows(self.path, columns, places, self.unit)

    def numbers(self, name: str, field: str) -> Numbers:
        """A column as numbers, NaN where one is missing; SB405 names the place of what is none."""
        column = self.columns[name]
        if column.numbers is not None:
            return column.numbers
        assert column.texts is not None
        whole = all_numbers(column.texts)
        if whole is not None:
            return whole
        found = np.full(len(self), np.nan)
        for index, text in enumerate(column.texts):
            if text:
                value = number(text)
                if value is None or not np.isfinite(value):
                    raise Unusable(
                        "SB405", f"{self.place(index)}: `{name}` is {text}, not a finite number", field=field,
                        fix=f"leave the cell empty, with `missing: mean` or `missing: drop`; or categorical: [{name}]"
                        if field == "features" else None,
                    )  # fmt: skip
                found[index] = value
        return found

    def is_of_numbers(self, name: str, field: str) -> bool:
        """Whether a column holds numbers; SB405 where it holds some and something else as well, or nothing."""
        column = self.columns[name]
        if column.numbers is not None:
            return True
        assert column.texts is not None
        whole = all_numbers(column.texts)
        if whole is not None and not np.isnan(whole).all():
            return True
        told: dict[bool, int] = {}
        for index, text in enumerate(column.texts):
            if text:
                told.setdefault(number(text) is not None, index)
                if len(told) == 2:
                    a, b = told[True], told[False]
                    raise Unusable(
                        "SB405",
                        f"`{name}` holds numbers and other text: {column.texts[a]} on {self.unit} {self.places[a]}, "
                        f"{column.texts[b]} on {self.unit} {self.places[b]} of {self.path}",
                        field=field, fix=f"categorical: [{name}]; or a number in the cell, or nothing",
                    )  # fmt: skip
        if not told:
            raise Unusable("SB405", f"`{name}` of {self.path} has no value at all", field=field)
        return next(iter(told))


def all_numbers(texts: Sequence[str]) -> Numbers | None:
    """All cells as finite numbers, NaN for those that are empty; None where one is something else."""
    try:
        found = np.array([float(text) if text else np.nan for text in texts], np.float64)
    except ValueError:
        return None
    unusual = np.flatnonzero(~np.isfinite(found)).tolist()
    return found if not any(texts[k] for k in unusual) and not any("_" in text for text in texts) else None


def number(text: str) -> float | None:
    """What a cell says as a number; None where it says none."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def read_rows(path: Path, *, delimiter: str = ",", header: bool = True) -> Rows:
    """A CSV, or a `.parquet`. Raises `Unusable` on `path`: SB403 where it is not there, SB405 where it is damaged."""
    if not path.is_file():
        raise Unusable("SB403", f"there is no file {path.absolute()}", field="path", fix="a CSV or a `.parquet` file")
    try:
        rows = read_parquet(path) if path.suffix.lower() == ".parquet" else read_csv(path, delimiter, header)
    except OSError as error:
        raise Unusable("SB405", f"{path} cannot be read: {error.strerror or first_line(error)}", field="path") from None
    if not len(rows):
        raise Unusable("SB412", f"{path} has no rows", field="path")
    return rows


def read_csv(path: Path, delimiter: str, header: bool) -> Rows:
    """A CSV: a line that names the columns where `header` says so, and a value of each column in every other."""
    return parsed_csv(path.read_bytes(), path, delimiter, header)


def parsed_csv(raw: bytes, path: Path, delimiter: str, header: bool) -> Rows:
    """The bytes of a CSV; path: what it is called."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Unusable("SB405", f"line {line} of {path} is not UTF-8: {error.reason}", field="path") from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: list[list[str]] = []
    places: list[int] = []
    names: list[str] = []
    try:
        for values in reader:
            if not values:  # an empty line
                continue
            if not names:
                names = values if header else [str(k) for k in range(len(values))]
                if header:
                    require_distinct(names, path)
                    continue
            if len(values) != len(names):
                raise Unusable(
                    "SB405", f"line {reader.line_num} of {path} has {len(values)} values, but there are {len(names)} "
                    f"columns: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}", field="path",
                    fix="quote a value that holds the delimiter" if len(values) > len(names) else None,
                )  # fmt: skip
            lines.append(values)
            places.append(reader.line_num)
    except csv.Error as error:
        raise Unusable("SB405", f"line {reader.line_num} of {path} is no CSV: {error}", field="path") from None
    columns = zip(*lines, strict=True) if lines else ((),) * len(names)
    held = {name: Column(name, list(values)) for name, values in zip(names, columns, strict=True)}
    return Rows(path, held, places, "line")


def read_parquet(path: Path) -> Rows:
    """A Parquet file; SB405 where pyarrow is not installed."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise Unusable(
            "SB405", f"{path} is Parquet, which pyarrow reads, and that is not installed", field="path",
            fix="pip install 'specbuild[parquet]', or write the table as CSV",
        ) from None  # fmt: skip
    try:
        with path.open("rb") as file:
            table = parquet.read_table(file)
    except pyarrow.ArrowException as error:
        raise Unusable("SB405", f"{path} cannot be read: {first_line(error)}", field="path") from None
    require_distinct(table.column_names, path)
    held = dict(parquet_columns(table, path))
    return Rows(path, held, range(1, table.num_rows + 1), "row")


def parquet_columns(table: Any, path: Path) -> Iterator[tuple[str, Column]]:
    """The columns that hold numbers, yes and no, or text; others cannot be named."""
    from pyarrow import types

    for name in table.column_names:
        values = table.column(name).combine_chunks()
        if types.is_dictionary(values.type):
            values = values.dictionary_decode()
        kind = values.type
        if types.is_string(kind) or types.is_large_string(kind):
            yield name, Column(name, [value or "" for value in values.to_pylist()])
        elif types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind):
            null = np.asarray(values.is_null())
            numbers = np.array([0.0 if value is None else value for value in values.to_pylist()], np.float64)
            if not np.isfinite(numbers).all():
                row = int(np.flatnonzero(~np.isfinite(numbers))[0]) + 1
                raise Unusable("SB405", f"row {row} of {path}: `{name}` is {numbers[row - 1]}, not a finite number")
            numbers[null] = np.nan
            yield name, Column(name, None, numbers)


def require_distinct(names: Sequence[str], path: Path) -> None:
    """SB405 for a column whose name another one has."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise Unusable("SB405", f"{path} has more than one column `{twice[0]}`", field="path")
