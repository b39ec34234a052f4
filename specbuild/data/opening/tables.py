"""`Table`: rows of a file as features and targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from specbuild.catalogue.datasets.table import Table
from specbuild.data.encoding import one_hot, standardized, well_formed
from specbuild.data.failure import Unusable
from specbuild.data.opening.opener import Openers, placed
from specbuild.data.rows import Numbers, Rows, read_rows
from specbuild.data.sources import Sample, Source, Statistics, TensorSource
from specbuild.network.samples import INPUT

MOST_CATEGORIES = 1000
"""Of one feature: each becomes a number of every sample."""
LARGEST = float(np.finfo(np.float32).max)


class TableSource(Source):
    """The rows of a table; what they are as tensors is learned from those that train keeps."""

    fields = (INPUT, "target")
    learns = True

    def __init__(self, entry: Table, rows: Rows) -> None:
        rows.require(entry.targets, "target")
        rows.require(entry.features or (), "features")
        rows.require(entry.categorical or (), "categorical")
        self.entry, self.features = entry, features_of(entry, rows)
        self.read: dict[str, Numbers] = {}
        """The columns of numbers, as far as they were asked for."""
        self.rows = without_missing(rows, (*self.features, *entry.targets)) if entry.missing == "drop" else rows

    def __len__(self) -> int:
        return len(self.rows)

    def sample(self, index: int) -> Sample:
        """Not before the table is prepared."""
        raise AssertionError("a table is prepared before it is read")

    def labels(self, field: str) -> torch.Tensor | None:
        """The targets of all rows."""
        return self.targets([self.target(name) for name in self.entry.targets])[0] if field == "target" else None

    def learned(self, indices: torch.Tensor) -> Statistics:
        """Mean and deviation of each number, the categories of each other feature; the classes of a target."""
        chosen = indices.numpy()
        features = [self.feature(name, chosen) for name in self.features]
        return {
            "type": "Table",
            "standardize": self.entry.standardize,
            "features": features,
            "targets": [self.target(name) for name in self.entry.targets],
        }

    def is_of_numbers(self, name: str, field: str) -> bool:
        """Whether a column is one of numbers, as the document says, or else as its values do."""
        if self.entry.categorical is not None:
            return name not in self.entry.categorical
        return self.rows.is_of_numbers(name, field)

    def numbers(self, name: str, field: str) -> Numbers:
        """A column as numbers that float32 can hold, read once; NaN where one is missing."""
        if name not in self.read:
            self.read[name] = self.within(name, self.rows.numbers(name, field), field)
        return self.read[name]

    def feature(self, name: str, chosen: np.ndarray[Any, Any]) -> dict[str, Any]:
        """What is learned of one feature."""
        if self.is_of_numbers(name, "features"):
            values = self.numbers(name, "features")
            if self.entry.missing == "fail":
                self.require_all(name, np.isnan(values), "features")
            values = values[chosen]
            values = values[~np.isnan(values)]
            if not len(values):
                raise Unusable("SB405", f"`{name}` has no value in the samples of train", field="features")
            if values.min() == values.max():  # whose deviation may be rounded to something above 0
                return {"column": name, "mean": float(values[0]), "std": 1.0}
            return {"column": name, "mean": float(values.mean()), "std": float(values.std())}
        texts = self.rows.columns[name].categories()
        found = in_order({texts[index] for index in chosen.tolist()} - {""})
        if len(found) > MOST_CATEGORIES:
            raise Unusable(
                "SB405", f"`{name}` has {len(found):,} categories, more than {MOST_CATEGORIES:,}", field="features",
                fix=f"leave {name} out of features",
            )  # fmt: skip
        return {"column": name, "categories": found}

    def target(self, name: str) -> dict[str, Any]:
        """What is learned of one target: its classes, from all rows of train's table."""
        if self.is_of_numbers(name, "target"):
            return {"column": name}
        if len(self.entry.targets) > 1:
            raise Unusable("SB405", f"several targets are numbers, but `{name}` holds text", field="target")
        return {"column": name, "classes": in_order(set(self.rows.columns[name].categories()) - {""})}

    def prepared(self, statistics: Statistics | None) -> PreparedTable:
        """The table as tensors; raises `Unusable` where a value is missing, or is not what train's are."""
        if statistics is None or statistics.get("type") != "Table":
            raise Unusable("SB405", "a table is prepared by what is learned from train, and train is no Table")
        if not well_formed(statistics):
            raise Unusable("SB503", "the run's preprocessing.json is not that of a Table")
        features, targets = statistics["features"], statistics["targets"]
        names = [feature["column"] for feature in features]
        self.require_same(names, [target["column"] for target in targets])
        self.rows.require(names, "features")
        given = [column for feature in features for column in self.columns(feature, statistics["standardize"])]
        target, classes = self.targets(targets)
        tensor = torch.from_numpy(np.stack(given, axis=1).astype(np.float32))
        return PreparedTable(tensor, target, statistics, tuple(feature_names(features)), classes)

    def require_same(self, features: Sequence[str], targets: Sequence[str]) -> None:
        """SB410 for columns that are not train's."""
        for field, own, learned in (
            ("features", self.entry.features, features),
            ("target", self.entry.targets, targets),
        ):
            if own is not None and list(own) != list(learned):
                raise Unusable(
                    "SB410", f"{field} is {', '.join(own)}, but train's is {', '.join(learned)}", field=field,
                    fix=f"{field}: [{', '.join(learned)}]",
                )  # fmt: skip

    def columns(self, feature: Mapping[str, Any], standardize: bool) -> Iterator[np.ndarray[Any, Any]]:
        """One feature as numbers: one, or a 0 or 1 for each category."""
        name = feature["column"]
        if "categories" in feature:
            texts = self.rows.columns[name].categories()
            if self.entry.missing != "mean":
                self.require_all(name, np.array([not text for text in texts]), "features")
            yield from one_hot(texts, feature["categories"])
            return
        values = self.numbers(name, "features")
        fill = self.entry.missing == "mean"
        if not fill:
            self.require_all(name, np.isnan(values), "features")
        yield self.within(name, standardized(values, feature, standardize, fill), "features")

    def targets(self, targets: Sequence[Mapping[str, Any]]) -> tuple[torch.Tensor, tuple[str, ...] | None]:
        """The targets, and the names of their classes where they have any."""
        for target in targets:
            self.require_all(target["column"], self.rows.columns[target["column"]].missing(), "target")
        if "classes" not in targets[0]:
            held = [self.numbers(name, "target") for name in self.entry.targets]
            return torch.from_numpy(np.stack(held, axis=1).astype(np.float32)), None
        (target,) = targets
        codes = {text: code for code, text in enumerate(target["classes"])}
        texts = self.rows.columns[target["column"]].categories()
        for index, text in enumerate(texts):
            if text not in codes:
                raise Unusable(
                    "SB405", f"{self.rows.place(index)}: `{target['column']}` is {text}, a class that train does not "
                    "have", field="target",
                )  # fmt: skip
        return torch.tensor([codes[text] for text in texts]), tuple(codes)

    def require_all(self, name: str, missing: np.ndarray[Any, Any], field: str) -> None:
        """SB405 for the first value that is missing, with how many there are."""
        if missing.any():
            first, count = int(np.flatnonzero(missing)[0]), int(missing.sum())
            more = f"; {count} rows have none" if count > 1 else ""
            raise Unusable(
                "SB405", f"{self.rows.place(first)}: `{name}` is missing{more}", field=field,
                fix="missing: drop, which leaves such rows out" if field == "target"
                else "missing: mean, which takes the column's mean; missing: drop, which leaves such rows out",
            )  # fmt: skip

    def within(self, name: str, values: Numbers, field: str) -> Numbers:
        """SB405 for a number that float32 does not reach."""
        beyond = np.abs(values) > LARGEST
        if beyond.any():
            first = int(np.flatnonzero(beyond)[0])
            raise Unusable(
                "SB405", f"{self.rows.place(first)}: `{name}` is {values[first]:g}, too large for float32", field=field
            )
        return values


class PreparedTable(TensorSource):
    """A table as tensors."""

    def __init__(
        self,
        given: torch.Tensor,
        target: torch.Tensor,
        statistics: Statistics,
        features: tuple[str, ...],
        classes: tuple[str, ...] | None,
    ) -> None:
        super().__init__({INPUT: given, "target": target}, classes=None if classes is None else len(classes))
        self.statistics, self.feature_names, self.class_names = statistics, features, classes


def features_of(entry: Table, rows: Rows) -> tuple[str, ...]:
    """The columns to predict from."""
    found = entry.features or tuple(name for name in rows.columns if name not in entry.targets)
    if not found:
        raise Unusable("SB405", f"{rows.path} has no column but the target", field="path")
    return found


def without_missing(rows: Rows, names: Sequence[str]) -> Rows:
    """The rows that have all values of some columns; SB412 where none has."""
    whole = ~np.logical_or.reduce([rows.columns[name].missing() for name in names])
    if not whole.any():
        raise Unusable("SB412", f"no row of {rows.path} has all values", field="missing")
    return rows if whole.all() else rows.kept(whole)


def in_order(texts: set[str]) -> list[str]:
    """Numbers by their size, else texts by their letters."""
    try:
        return sorted(texts, key=lambda text: (float(text), text))
    except ValueError:
        return sorted(texts)


def feature_names(features: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What each number of an input is called."""
    for feature in features:
        name = feature["column"]
        yield from (f"{name}={text}" for text in feature["categories"]) if "categories" in feature else (name,)


def table(entry: Table, root: Path, image: str | None) -> Source:
    """The rows of a CSV or Parquet file."""
    path = placed(root, entry.path)
    return TableSource(entry, read_rows(path, delimiter=entry.delimiter, header=entry.header))


OPENERS: Openers = {Table: table}
