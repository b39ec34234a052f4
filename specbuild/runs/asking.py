"""What the document of a run asks for, read without judging more of it than that takes. Imports no torch."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError, SpecbuildError
from specbuild.language.document import Spec
from specbuild.language.loading import alone, load
from specbuild.language.source import read_source
from specbuild.network.metrics import best_of
from specbuild.runs.finding import OVERRIDES, SOURCES, SPEC, content_of
from specbuild.runs.reading import status


class Asked(NamedTuple):
    """What a document asks for."""

    epochs: int | None = None
    metric: str | None = None


def asked_of(run: Path, record: Mapping[str, Any]) -> Asked:
    """What the document of a run asks for; record: that of an epoch.

    `spec.json` is not judged: that would take most of the time. `best` is always settled in the same way
    from the names in the record, which are in the order of the document.
    """
    raw = content_of(run, SPEC)
    if raw is None:
        try:
            spec = document_of(run)
        except SpecbuildError:
            return Asked()
        return Asked(spec.train.epochs, best_of(spec, val=any(name.startswith("val_") for name in record)).metric)
    try:
        document = json.loads(raw)
        train, loss = document["train"], document.get("loss") or {}
        written, epochs = train.get("best"), train["epochs"]
        losses = () if isinstance(loss, str) or "type" in loss else tuple(loss)
        metric = written["metric"] if written is not None else usual_best(record, losses)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return Asked()
    return Asked(epochs if type(epochs) is int else None, metric if isinstance(metric, str) else None)


def usual_best(record: Mapping[str, Any], outputs: tuple[str, ...]) -> str:
    """What the best epoch goes by where nothing is written, by the names in a record.

    outputs: those that have a loss each, where there are several.
    """
    losses = {"val_loss", *(f"val_{output}_loss" for output in outputs)}
    measured = (name for name in record if name.startswith("val_") and name not in losses)
    return next(measured, "val_loss" if "val_loss" in record else "train_loss")


def document_of(run: Path) -> Spec:
    """The document of a run: as it was resolved, or as it came with what was put over it where none was yet.

    Raises `SpecbuildError`.
    """
    for name in (SPEC, *SOURCES):
        if not os.path.lexists(run / name):
            continue
        try:
            status(run, name)
        except OSError:
            raise RunError([Diagnostic("SB503", f"{name} is not a plain file", file=str(run / name))]) from None
        return load(alone(read_source(run / name)), () if name == SPEC else overrides_of(run))
    raise RunError([Diagnostic("SB502", f"{SPEC} is missing, and so is source.yaml", file=str(run))])


def overrides_of(run: Path) -> list[str]:
    """What was put over the document of a run."""
    raw = content_of(run, OVERRIDES)
    if raw is None and not os.path.lexists(run / OVERRIDES):
        return []
    try:
        found = json.loads(raw or b"")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        file = str(run / OVERRIDES)
        raise RunError([Diagnostic("SB503", f"{OVERRIDES} is not a list of texts", file=file)])
    return found
