"""Runs side by side: what was told otherwise, and what came of it. Imports no torch."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError, SpecbuildError
from specbuild.network.difference import Difference, difference
from specbuild.network.inference import infer
from specbuild.runs import manifest, metrics
from specbuild.runs.asking import document_of
from specbuild.runs.finding import content_of, is_run
from specbuild.runs.listing import Status, look, record_of
from specbuild.runs.reading import is_number

ENVIRONMENT = "environment.json"
PREFIXES = ("train_", "val_")


@dataclass(frozen=True, slots=True)
class Compared:
    """A run, as it stands beside others."""

    path: Path
    status: Status
    epochs: int
    """Epochs that were finished."""
    seconds: float
    """What they took."""
    best: Mapping[str, Any]
    """What was measured in the best epoch, with `epoch`, its number; empty where there is none yet."""
    environment: Mapping[str, Any]
    """What it was made with; empty where that is not written yet."""

    @property
    def measured(self) -> dict[str, float]:
        """The losses and metrics of the best epoch."""
        return {name: value for name, value in self.best.items() if name.startswith(PREFIXES) and is_number(value)}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs, and what differs from the first to each of the others."""

    runs: tuple[Compared, ...]
    differences: tuple[Difference, ...]
    """Of the documents: from the first to the second, from the first to the third, and so on."""

    @property
    def measured(self) -> tuple[str, ...]:
        """The losses and metrics that any of them has."""
        return tuple(dict.fromkeys(name for run in self.runs for name in run.measured))

    @property
    def environments(self) -> dict[str, tuple[Any, ...]]:
        """What they were made with, a value a run, where that is not the same for all that say it."""
        names = dict.fromkeys(name for run in self.runs for name in run.environment)
        values = {name: tuple(run.environment.get(name) for run in self.runs) for name in names}
        written = {name: [run.environment.get(name) for run in self.runs if run.environment] for name in names}
        return {name: values[name] for name in names if any(value != written[name][0] for value in written[name])}


def comparison(runs: Sequence[str | os.PathLike[str]]) -> Comparison:
    """Two runs or more. Raises `RunError` for what is no run, `SpecError` for documents that cannot be read."""
    paths = [Path(run) for run in runs]
    problems: list[Diagnostic] = []
    documents = []
    for path in paths:
        try:
            if not is_run(path):
                raise RunError([manifest.not_a_run(path)])
            spec = document_of(path)
            documents.append((spec, infer(spec)))
        except SpecbuildError as error:
            problems += error.diagnostics
    if problems:
        raise RunError(problems)
    first, *others = documents
    return Comparison(tuple(compared(path) for path in paths), tuple(difference(*first, *other) for other in others))


def compared(run: Path) -> Compared:
    """One of the runs."""
    lines = (content_of(run, metrics.NAME) or b"").splitlines()
    records = [record for line in lines if (record := record_of(line)) is not None]
    best: dict[str, Any] = next((record for record in reversed(records) if record.get("best") is True), {})
    seconds = sum(record["seconds"] for record in records if is_number(record.get("seconds")))
    found = look(run)
    return Compared(run, found.status, found.epochs, seconds, best, environment(run))


def environment(run: Path) -> dict[str, Any]:
    """What a run was made with; empty where that is not written, or is no JSON object."""
    try:
        found = json.loads(content_of(run, ENVIRONMENT) or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
