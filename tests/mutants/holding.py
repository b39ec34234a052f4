"""What is held of every changed document: where its errors stand, how many they are, and that torch agrees."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import specbuild
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import SpecbuildError
from specbuild.language.source import read_text
from tests.mutants.changing import Mutant, Path, Range, is_layer
from tests.mutants.judging import Judge
from tests.mutants.reaching import Reach

MOST_ERRORS = 3
OWN_SECTIONS = ("specbuild", "name", "metrics", "train", "init", "ignore")
OWN_KEYS = (
    "name",
    "root",
    "download",
    "loader",
    "scale",
    "split",
    "dataset",
    "interval",
    "groups",
    "params",
    "class_dim",
)
"""What torch has no word for: the language's own."""
ON_PURPOSE = ("SB309", "SB206", "SB207", "SB218")
"""Refused although torch would run it: what is overwritten and read again, names, an `init` of nothing."""


class Held(NamedTuple):
    """One changed document beside specbuild and torch."""

    mutant: Mutant
    errors: tuple[Diagnostic, ...]
    verdict: str
    """torch's: `runs`, `refuses`, or `has no opinion`."""
    faults: tuple[str, ...]


def hold(mutant: Mutant, reach: Reach, judge: Judge) -> Held:
    """Check a changed document, and hold what is said of it."""
    errors = tuple(found for found in specbuild.check(mutant.text) if found.severity == "error")
    faults = list(misplaced(errors, mutant, reach))
    if len(errors) > MOST_ERRORS:
        faults.append(f"{len(errors)} errors for one change")
    verdict = "has no opinion"
    if torch_has_an_opinion(mutant):
        tree = tree_of(mutant.text)
        on_purpose = all(found.code in ON_PURPOSE for found in errors)
        runs = tree is not None and judge.accepts(tree)
        if runs == bool(errors) and tree is not None and not (runs and on_purpose):
            runs = judge.accepts(tree, exact=True)
        verdict = "runs" if runs else "refuses"
        if runs and errors and not on_purpose:
            faults.append("torch runs it")
        elif not runs and not errors:
            faults.append("torch refuses it")
    return Held(mutant, errors, verdict, tuple(faults))


def tree_of(text: str) -> dict[str, Any] | None:
    """The document as plain values; None where it is none."""
    try:
        return read_text(text).tree
    except SpecbuildError:
        return None


def misplaced(errors: Sequence[Diagnostic], mutant: Mutant, reach: Reach) -> list[str]:
    """Errors that stand neither in what was changed nor in what it breaks."""
    if not errors:
        return []
    allowed = reach.allowed(mutant)
    starts = [0, *(found.end() for found in re.finditer("\n", mutant.text))]
    faults = []
    for error in errors:
        if error.span is None:
            if mutant.kind != "drop a key" or len(mutant.path) > 1:
                faults.append(f"{error} has no place")
            continue
        at = Range(
            starts[error.span.line - 1] + error.span.column - 1,
            starts[error.span.end_line - 1] + error.span.end_column - 1,
        )
        if not any(range.start <= at.end and at.start <= range.end for range in allowed):
            faults.append(f"{error} stands elsewhere")
    return faults


def torch_has_an_opinion(mutant: Mutant) -> bool:
    """Whether the change is to something that torch knows; by what was changed, not by what is said of it."""
    path = mutant.path
    if path[0] in OWN_SECTIONS or any(part in OWN_KEYS for part in path) or path[0] == "data":
        return False
    return not (mutant.kind == "misspell a key" and not of_torch(path))


def of_torch(path: Path) -> bool:
    """Whether a key is an argument of torch's, and not a word of the language."""
    word = path[-1]
    if path[0] in ("optimizer", "scheduler", "loss"):
        return word != "type"
    return any(is_layer(path[:length]) for length in range(len(path))) and word not in (
        "type", "from", "when", "repeat", "names", "layers",
    )  # fmt: skip
