"""The features of a table as numbers, by what was learned from train's rows; NumPy alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from specbuild.data.rows import Numbers


def one_hot(texts: Sequence[str], categories: Sequence[str]) -> Iterator[np.ndarray[Any, Any]]:
    """A 0 or 1 for each category; all are 0 for a text that is none of them."""
    codes = {text: code for code, text in enumerate(categories)}
    code = np.array([codes.get(text, -1) for text in texts])
    yield from (np.equal(code, k).astype(np.float32) for k in range(len(codes)))


def standardized(values: Numbers, feature: Mapping[str, Any], standardize: bool, fill: bool) -> Numbers:
    """Numbers less train's mean, divided by its deviation; fill: take the mean where one is missing."""
    if fill:
        values = np.where(np.isnan(values), feature["mean"], values)
    return (values - feature["mean"]) / feature["std"] if standardize else values


def well_formed(statistics: Mapping[str, Any]) -> bool:
    """Whether what a run kept of a table is what is learned of one: files can be altered."""

    def column(entry: Any, *kinds: tuple[str, type]) -> bool:
        return isinstance(entry, dict) and all(
            isinstance(entry.get(name), kind) for name, kind in (("column", str), *kinds)
        )

    def texts(entry: Mapping[str, Any], name: str) -> bool:
        return isinstance(entry[name], list) and all(isinstance(text, str) for text in entry[name])

    features, targets = statistics.get("features"), statistics.get("targets")
    return (
        isinstance(statistics.get("standardize"), bool)
        and isinstance(features, list)
        and isinstance(targets, list)
        and bool(features and targets)
        and all(
            (column(each) and "categories" in each and texts(each, "categories"))
            or column(each, ("mean", float), ("std", float))
            for each in features
        )
        and all(column(each) and ("classes" not in each or texts(each, "classes")) for each in targets)
    )
