"""Going on with a training: from which checkpoint, and with what may be another now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError, RunError
from specbuild.language.document import Spec
from specbuild.language.overrides import overridden
from specbuild.language.source import Source, read_bytes
from specbuild.runs import checkpoints, manifest, metrics, reading, sealing
from specbuild.runs.place import numbers, runs_of, unwritable
from specbuild.runs.recording import OVERRIDES, RUN

ALLOWED = (
    "name", "train.epochs", "train.max_steps", "train.max_minutes", "train.device", "train.tensorboard",
    "train.checkpoint", "train.early_stopping", "data.cache",
)  # fmt: skip
"""What may be another in a training that goes on."""
LOADING = ("num_workers", "prefetch_factor", "persistent_workers", "pin_memory", "timeout")
"""Of a split's loader."""
ABSENT = object()


@dataclass(slots=True)
class Found:
    """A checkpoint to go on from, and what was found on the way to it."""

    run: Path
    run_id: str
    checkpoint: Path | None
    """None where a training was ended before its first one."""
    state: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """What is altered or missing, and was passed over."""
    status: str | None = None
    """How the run ended, where its manifest says so."""
    reason: str = ""
    listed: tuple[str, ...] = ()
    """The files that its manifest lists."""


def newest_run(name: str) -> Path | None:
    """The run of this name with the highest number."""
    folder = runs_of(name)
    taken = numbers(folder) if folder.is_dir() else []
    return folder / str(max(taken)) if taken else None


def is_training(run: Path) -> bool:
    """Whether a folder has a training in it; raises `RunError` (SB506) where nobody can look."""
    try:
        return run.is_dir() and any((run / name).exists() for name in (RUN, checkpoints.FOLDER, manifest.NAME))
    except OSError as error:
        raise unwritable(error, run) from None


def document_of(run: Path) -> Source:
    """The document that a run was trained by, with its overrides."""
    for ending in ("yaml", "json"):
        file = run / f"source.{ending}"
        if file.exists():
            source = read_bytes(reading.read(run, file.name, LIMIT), str(file))
            try:
                texts = json.loads(reading.read(run, OVERRIDES, LIMIT))
            except (ValueError, RecursionError):
                texts = None
            if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
                raise RunError([Diagnostic("SB503", f"{OVERRIDES} was altered", file=str(run / OVERRIDES))])
            return overridden(source, texts)
    fix = "give the SPEC as well"
    raise RunError([Diagnostic("SB510", "has no source.yaml to go on with", file=str(run), fix=fix)])


LIMIT = 2**26
"""Bytes of a document."""


def find(run: Path) -> Found:
    """The newest checkpoint that is as it was written; raises `RunError` (SB510) where there are some, and none is."""
    found = Found(run, "", None)
    if (run / manifest.NAME).exists():
        hold_manifest(found)
    said = identity(run)
    expected = said or found.run_id or None
    candidates = checkpoints.found(run)
    problems: list[Diagnostic] = []
    for path in candidates:
        try:
            content = checkpoints.verified(path, expected)
            state = checkpoints.read(path)
        except RunError as error:
            problems += error.diagnostics
            what = "; ".join(problem.message for problem in error.diagnostics)
            found.notes.append(f"checkpoint {path.name} was passed over: {what}")
            continue
        found.checkpoint, found.state, found.run_id = path, state, content["run"]
        break
    if found.checkpoint is None and candidates:
        fix = "restore one from a copy, or train again in another folder"
        message = f"has no checkpoint that is whole; {len(candidates)} were looked at"
        raise RunError([*problems, Diagnostic("SB510", message, file=str(run), fix=fix)])
    if said is None:
        found.notes.append(f"{RUN} is missing or was altered: written again")
    found.run_id = found.run_id or said or manifest.new_id()
    found.notes += held_files(found)
    return found


def hold_manifest(found: Found) -> None:
    """How the run ended, and what of it is no longer as it was written."""
    try:
        content = manifest.read(found.run)
    except RunError as error:
        found.notes += [f"{problem.message}: it is written again" for problem in error.diagnostics]
        return
    found.status, found.reason, found.run_id = content["status"], content["reason"], content["id"]
    found.listed = tuple(content["files"])
    for problem in sealing.faults(found.run, content):
        place = Path(problem.file or "").relative_to(found.run).as_posix() if problem.file else ""
        if not place.startswith(f"{checkpoints.FOLDER}/"):
            found.notes.append(f"{problem.message}: it is not needed to go on, and is written again")


def identity(run: Path) -> str | None:
    """The id in `run.json`; None where it cannot be read."""
    try:
        given = reading.read_object(run, RUN, 4096).get("id")
    except RunError:
        return None
    return given if isinstance(given, str) and manifest.ID.fullmatch(given) else None


def held_files(found: Found) -> Iterator[str]:
    """What a checkpoint knows of the files beside it and is not so, where no manifest has held them."""
    if found.listed or not found.state:
        return
    for name, digest in found.state.get("sources", {}).items():
        try:
            same = hashlib.sha256(reading.read(found.run, name, LIMIT)).hexdigest() == digest
        except RunError:
            same = False
        if not same:
            yield f"{name} was altered: it is written again"
    try:
        metrics.read(found.run / metrics.NAME)
    except RunError as error:
        if found.state.get("records") or (found.run / metrics.NAME).exists():
            yield from (f"{problem.message}: it is written again" for problem in error.diagnostics)


def changes(old: Mapping[str, Any], new: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two resolved documents differ: path, old and new value."""
    for key in dict.fromkeys((*old, *new)):
        before, after = old.get(key, ABSENT), new.get(key, ABSENT)
        where = f"{path}.{key}" if path else key
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from changes(before, after, where)
        elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
            pairs = (({str(i): b}, {str(i): a}) for i, (b, a) in enumerate(zip(before, after, strict=True)))
            for one, other in pairs:
                yield from changes(one, other, where)
        elif before != after or type(before) is not type(after):
            yield where, before, after


def allowed(path: str) -> bool:
    """Whether a value may be another in a training that goes on."""
    parts = path.split(".")
    loading = len(parts) == 4 and parts[0] == "data" and parts[2] == "loader" and parts[3] in LOADING
    return loading or any(path == known or path.startswith(f"{known}.") for known in ALLOWED)


def require_same(spec: Spec, found: Found, document: Mapping[str, Any]) -> list[str]:
    """What is another than it was, in words; raises `DataError` (SB509) where that may not be."""
    told: list[str] = []
    problems: list[Diagnostic] = []
    for path, before, after in changes(found.state["document"], document):
        words = f"{path} was {shown(before)} and is {shown(after)}"
        if allowed(path):
            told.append(words)
            continue
        because = None
        if path.startswith("scheduler.") and spec.scheduler is not None:
            because = "it follows from the length of the training, and the steps that were taken went by the old one"
        fix = f"--set {path}={shown(before)}, or a new training"
        place = tuple(int(part) if part.isdecimal() else part for part in path.split("."))
        problems.append(Diagnostic(
            "SB509", f"{words}: a training that goes on cannot change it", place, because=because, fix=fix,
        ))  # fmt: skip
    if problems:
        raise DataError(spec.place(problems))
    return told


def shown(value: Any) -> str:
    """A value in a sentence."""
    if value is ABSENT:
        return "not there"
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
