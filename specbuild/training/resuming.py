"""Going on with a training: from which checkpoint, and with what may be another now."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError, RunError
from specbuild.language.document import Spec
from specbuild.language.loading import alone
from specbuild.language.overrides import overridden
from specbuild.language.source import Source, read_bytes
from specbuild.runs import belonging, checkpoints, manifest, metrics, reading, sealing
from specbuild.runs.place import numbers, runs_of, unwritable
from specbuild.runs.recording import OVERRIDES, RUN
from specbuild.runs.verifying import fault_of_lines, of_another

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
    broken: list[Path] = field(default_factory=list)
    """Checkpoints that are not as they were written."""

    @property
    def whole(self) -> bool:
        """Whether nothing was found that is altered or missing."""
        return not self.notes


def newest_run(name: str) -> Path | None:
    """The run of this name with the highest number."""
    folder = runs_of(name)
    taken = numbers(folder) if folder.is_dir() else []
    return folder / str(max(taken)) if taken else None


def is_training(run: Path) -> bool:
    """Whether a folder has a training in it; raises `RunError` (SB506) where nobody can look."""
    try:
        return run.is_dir() and any(os.path.lexists(run / name) for name in (RUN, checkpoints.FOLDER, manifest.NAME))
    except OSError as error:
        raise unwritable(error, run) from None


def document_of(run: Path) -> Source:
    """The document that a run was trained by, with its overrides; raises `RunError` where it is another now."""
    if not is_training(run):
        raise RunError([manifest.not_a_run(run)])
    for ending in ("yaml", "json"):
        file = run / f"source.{ending}"
        if not os.path.lexists(file):
            continue
        vouched, said = vouched_for(run)
        for name in (file.name, OVERRIDES):
            held = altered(run, name, vouched)
            if held is not None:
                problem = Diagnostic("SB503", f"{name} was altered: {held} {said}'s", file=str(run / name), fix=GIVE)
                raise RunError([problem])
        source = alone(read_bytes(reading.read(run, file.name, LIMIT), str(file)))
        try:
            texts = json.loads(reading.read(run, OVERRIDES, LIMIT))
        except (ValueError, RecursionError):
            texts = None
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise RunError([Diagnostic("SB503", f"{OVERRIDES} was altered", file=str(run / OVERRIDES), fix=GIVE)])
        return overridden(source, texts)
    raise RunError([Diagnostic("SB510", "has no source.yaml to go on with", file=str(run), fix=GIVE)])


LIMIT = 2**26
"""Bytes of a document."""
GIVE = "give the SPEC as well"


def vouched_for(run: Path) -> tuple[dict[str, str], str]:
    """The SHA-256 of what was written at the start, by file, and who says so: the run's manifest, or a checkpoint."""
    with suppress(RunError):
        files = own_manifest(run)["files"]
        return {name: files[name]["sha256"] for name in files if "/" not in name}, "the manifest"
    candidates = checkpoints.found(run)
    expected = owner(candidates, identity(run))
    for path in candidates:
        with suppress(RunError):
            content = sealing.read(path)
            own = belonging.fault_of(content, path.name, expected) is None
            if own and sealing.fault(path, belonging.STATE, content) is None:
                state = reading.read_object(path, belonging.STATE, checkpoints.STATE_LIMIT)
                return sources_of(state), "the checkpoint"
    return {}, ""


def sources_of(state: Mapping[str, Any]) -> dict[str, str]:
    """What a checkpoint says of the files that were written at the start."""
    said = state.get("sources")
    files = said.items() if isinstance(said, dict) else ()
    return {name: digest for name, digest in files if name in SOURCES and isinstance(digest, str)}


SOURCES = ("source.yaml", "source.json", OVERRIDES, RUN)


def altered(run: Path, name: str, vouched: Mapping[str, str]) -> str | None:
    """What is wrong with a file of the start; None where nothing is, or nobody can tell."""
    if not vouched:
        return None
    if name not in vouched:
        return "it is none of"
    digest = hashlib.sha256(reading.read(run, name, LIMIT)).hexdigest()
    return None if digest == vouched[name] else "its SHA-256 is not"


def find(run: Path) -> Found:
    """The newest checkpoint that is as it was written; raises `RunError` (SB510) where there are some, and none is.

    Every checkpoint is looked at, so that each that is damaged is named.
    """
    found = Found(run, "", None)
    place = run / checkpoints.FOLDER
    if os.path.lexists(place) and (place.is_symlink() or not place.is_dir()):
        fix = "move it elsewhere, and restore the folder from a copy"
        raise RunError([Diagnostic("SB503", f"{checkpoints.FOLDER} is not a plain folder", file=str(place), fix=fix)])
    faults: dict[str, list[Diagnostic]] = {}
    if os.path.lexists(run / manifest.NAME):
        faults = hold_manifest(found)
    said = identity(run)
    candidates = checkpoints.found(run)
    expected = found.run_id or owner(candidates, said)
    problems: list[Diagnostic] = []
    for path in candidates:
        try:
            content = checkpoints.verified(path, expected)
            if path.name in faults:
                raise RunError(faults.pop(path.name))
            if found.checkpoint is None:
                state = checkpoints.read(path)
                if not isinstance(state.get("document"), dict) or not isinstance(state["document"].get("train"), dict):
                    message = f"{belonging.STATE} is not what a training writes: it has no document"
                    raise RunError([Diagnostic("SB503", message, file=str(path / belonging.STATE))])
                found.state = state
                found.checkpoint, found.run_id = path, content["run"]
        except RunError as error:
            problems += error.diagnostics
            what = "; ".join(problem.message for problem in error.diagnostics)
            found.notes.append(f"checkpoint {path.name} was passed over: {what}")
            found.broken.append(path)
            faults.pop(path.name, None)
    for name, missing in faults.items():
        found.notes.append(f"checkpoint {name}: {'; '.join(problem.message for problem in missing)}")
    if found.checkpoint is None and (candidates or any(name.startswith(checkpoints.FOLDER) for name in found.listed)):
        wrong = None if found.listed else fault_of_lines(run)
        if wrong is not None:
            problems.append(Diagnostic("SB503", f"{metrics.NAME}: {wrong}", file=str(run / metrics.NAME)))
        fix = "restore one from a copy, or train again in another folder"
        message = f"has no checkpoint that is whole; {len(candidates)} were looked at"
        raise RunError([*problems, Diagnostic("SB510", message, file=str(run), fix=fix)])
    if place.is_dir() and not found.listed:
        strays = (path.name for path in sorted(place.iterdir()) if path not in candidates and path.name[0] != ".")
        found.notes += [f"{checkpoints.FOLDER}/{reading.shown(name)} is of no checkpoint" for name in strays]
    hold_identity(found, said)
    found.notes += held_files(found)
    return found


def hold_manifest(found: Found) -> dict[str, list[Diagnostic]]:
    """How the run ended, and what of it is no longer as it was written; of checkpoints by their names."""
    try:
        content = own_manifest(found.run)
    except RunError as error:
        found.notes += [f"{named(problem)}: it is written again" for problem in error.diagnostics]
        return {}
    found.status, found.reason, found.run_id = content["status"], reading.shown(content["reason"]), content["id"]
    found.listed = tuple(content["files"])
    faults: dict[str, list[Diagnostic]] = {}
    for problem in sealing.faults(found.run, content):
        place = Path(problem.file or "").relative_to(found.run).parts if problem.file else ()
        if len(place) > 1 and place[0] == checkpoints.FOLDER:
            faults.setdefault(place[1], []).append(problem)
        elif "/".join(place) in found.listed:
            found.notes.append(f"{problem.message}: it is not needed to go on, and is written again")
        else:
            found.notes.append(f"{problem.message}: it is not needed to go on")
    return faults


def own_manifest(run: Path) -> dict[str, Any]:
    """What the manifest of a run says; raises `RunError`, also for that of another run."""
    content = manifest.read(run)
    if of_another(run, content):
        raise sealing.altered(run / manifest.NAME, "was altered: it is of another run")
    return content


def named(problem: Diagnostic) -> str:
    """What is wrong, with the file's name in it."""
    name = Path(problem.file or "").name
    return problem.message if name in problem.message else f"{name} {problem.message}"


def owner(candidates: Sequence[Path], said: str | None) -> str | None:
    """The id that checkpoints must have, where no manifest says it: that of `run.json`, if one of them has it.

    Raises `RunError` (SB510) where all have another: which file is the wrong one nobody can tell.
    """
    owners = []
    for path in candidates:
        with suppress(RunError):
            content = sealing.read(path)
            if belonging.fault_of(content, path.name) is None:
                owners.append(content["run"])
    if said is None or said in owners or not owners:
        return said or next(iter(owners), None)
    message = f"{RUN} has the id {said}, and no checkpoint is of that run: {owners[0]} is that of {candidates[0].name}"
    fix = f"if the checkpoints are this run's, remove {RUN}; else restore them from a copy"
    raise RunError([Diagnostic("SB510", message, file=str(candidates[0].parent.parent / RUN), fix=fix)])


def hold_identity(found: Found, said: str | None) -> None:
    """Settle the run's id, and say so where `run.json` does not have it."""
    if said is None:
        words = "is missing" if not os.path.lexists(found.run / RUN) else "was altered"
        if RUN not in found.listed:
            found.notes.append(f"{RUN} {words}: it is written again")
    found.run_id = found.run_id or said or manifest.new_id()


def identity(run: Path) -> str | None:
    """The id in `run.json`; None where it cannot be read."""
    try:
        given = reading.read_object(run, RUN, 4096).get("id")
    except RunError:
        return None
    return given if isinstance(given, str) and manifest.ID.fullmatch(given) else None


def held_files(found: Found) -> Iterator[str]:
    """What a checkpoint knows of the files beside it and is not so, where no manifest has held them."""
    if found.listed or found.checkpoint is None:
        return
    vouched = sources_of(found.state)
    for name in vouched:
        if any(note.startswith(f"{name} ") for note in found.notes):
            continue
        try:
            wrong = altered(found.run, name, vouched)
        except RunError as error:
            wrong = error.diagnostics[0].message
        if wrong is not None:
            yield f"{name} was altered: it is written again"
    records = found.state.get("records")
    known = records if isinstance(records, list) else []
    if known or os.path.lexists(found.run / metrics.NAME):
        wrong = fault_of_lines(found.run, known)
        if wrong is not None:
            yield f"{metrics.NAME}: {wrong}; it is written again"


def changes(old: Mapping[str, Any], new: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two resolved documents differ: path, old and new value."""
    for key in dict.fromkeys((*old, *new)):
        before, after = old.get(key, ABSENT), new.get(key, ABSENT)
        where = f"{path}.{key}" if path else key
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            if before.get("type") != after.get("type"):  # another thing altogether
                yield f"{where}.type", before.get("type", ABSENT), after.get("type", ABSENT)
            else:
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
        words = f"{reading.shown(path)} was {shown(before)} and is {shown(after)}"
        if allowed(path):
            told.append(words)
            continue
        because = None
        fix = as_before(path, before)
        _, _, field = path.partition("scheduler.")
        if spec.scheduler is not None and field and getattr(spec.scheduler, field, None) is None:
            because = "it follows from the length of the training, and the steps that were taken went by the old one"
            was, now = found.state["document"]["train"], document["train"]
            lengths = (name for name in ("epochs", "max_steps") if was.get(name) != now[name])
            fix = ", ".join((*(f"--set train.{name}={shown(was.get(name))}" for name in lengths), "or a new training"))
        place = tuple(int(part) if part.isdecimal() else part for part in path.split("."))
        problems.append(Diagnostic(
            "SB509", f"{words}: a training that goes on cannot change it", place, because=because, fix=fix,
        ))  # fmt: skip
    if problems:
        raise DataError(spec.place(problems))
    return told


def as_before(path: str, before: Any) -> str:
    """How a value is made what it was, where a line of text can."""
    written = shown(before)
    if before is ABSENT or written.endswith("...") or isinstance(before, (list, Mapping)) or path.endswith(".type"):
        return "the document that it began with, or a new training"
    place = "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in path.split(".")).removeprefix(".")
    return f"--set {place}={written}, or a new training"


def shown(value: Any) -> str:
    """A value in a sentence."""
    if value is ABSENT:
        return "not there"
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
