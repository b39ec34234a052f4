"""Whether each file of a run, or of a training that has not become one yet, is what was written. Imports no torch."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from specbuild.catalogue.rules import NOTHING
from specbuild.errors import RunError
from specbuild.runs import belonging, manifest, metrics, reading, sealing
from specbuild.runs.finding import CHECKPOINTS, NAMED, RUN, content_of, hidden, is_run, locked, scan
from specbuild.runs.listing import record_of

AS_WRITTEN = "as written"
UNHELD = "not held by anything yet"


class Judged(NamedTuple):
    """A file, and what was found of it."""

    name: str
    """Its path in the run."""
    bytes: int | None
    """Those that it has; None for one that is not there."""
    fault: str | None = None
    """What is wrong with it."""
    held: bool = True
    """Whether there is anything that says what was written: a manifest, or the CRC of a line."""

    @property
    def verdict(self) -> str:
        """What was found, in words."""
        return self.fault or (AS_WRITTEN if self.held else UNHELD)


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found."""

    path: Path
    files: tuple[Judged, ...]
    complete: bool
    """Whether there is a manifest of the run: without one, its training has not ended."""
    running: bool
    """Whether a training writes in the folder, so that what was found may be otherwise by now."""

    @property
    def faults(self) -> tuple[Judged, ...]:
        """The files that are not what was written."""
        return tuple(file for file in self.files if file.fault is not None)

    @property
    def unheld(self) -> tuple[Judged, ...]:
        """The files of which nothing says what was written."""
        return tuple(file for file in self.files if file.fault is None and not file.held)


def verification(run: str | os.PathLike[str]) -> Verification:
    """What each file of a run is. Raises `RunError` (SB501) for what is no run."""
    path = Path(run)
    complete = os.path.lexists(path / manifest.NAME)
    if not complete and not is_run(path):
        raise RunError([manifest.not_a_run(path)])
    running = locked(path)
    return Verification(path, tuple(judged(path)), complete, running)


def judged(run: Path) -> list[Judged]:
    """Every file of a run, by name."""
    try:
        sizes = {entry.name: entry.status for entry in scan(run) if not hidden(entry.name)}
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else str(run)
        return [Judged(os.path.relpath(where, run), None, f"cannot be read: {error.strerror}")]
    found: list[Judged] = []
    if manifest.NAME in sizes:
        try:
            content = manifest.read(run)
            if of_another(run, content):
                raise sealing.altered(run / manifest.NAME, "was altered: it is of another run")
        except RunError as error:
            found.append(Judged(manifest.NAME, sizes[manifest.NAME].st_size, error_of(error)))
        else:
            found += by_manifest(run, content, sizes)
            found += [
                Judged(name, None, "missing, and not in the manifest")
                for name in manifest.REQUIRED
                if name not in content["files"] and name not in sizes
            ]
            return sorted(found, key=lambda file: file.name)
    found += without_manifest(run, sizes)
    return sorted(found, key=lambda file: file.name)


def by_manifest(
    folder: Path, content: Mapping[str, Any], sizes: Mapping[str, os.stat_result], inside: str = ""
) -> Iterator[Judged]:
    """What a sealed folder holds, by what its manifest says.

    sizes: of the files there, by their path in the run; inside: the path of the folder in it, with a slash.
    """
    there = {name.removeprefix(inside): found.st_size for name, found in sizes.items() if name.startswith(inside)}
    yield Judged(inside + manifest.NAME, there.get(manifest.NAME))
    for name in content["files"]:
        problem = sealing.fault(folder, name, content)
        told = None if problem is None else wording(problem.message, name)
        yield Judged(inside + name, there.get(name), told)
    for name, size in there.items():
        if name not in content["files"] and name != manifest.NAME:
            yield Judged(inside + name, size, "not in the manifest")


def without_manifest(run: Path, sizes: Mapping[str, os.stat_result]) -> Iterator[Judged]:
    """What is in a run that has no manifest, or one that is worth nothing.

    Each checkpoint has a manifest of its own, and the newest one that is whole knows of what is beside it.
    """
    known = Known()
    names = sorted({split(path)[1] for path in sizes if in_checkpoint(path)}, key=age)
    own = owner(run, names)
    for name in names:
        files = list(of_checkpoint(run, name, sizes, own))
        if all(file.fault is None and file.held for file in files):
            known = known_by(run, name)
        yield from files
    for path, found in sizes.items():
        if path == manifest.NAME or in_checkpoint(path):
            continue
        if split(path)[0] == CHECKPOINTS:
            yield Judged(path, found.st_size, "in the place of checkpoints, and of none")
        elif not stat.S_ISREG(found.st_mode):
            yield Judged(path, found.st_size, "not a plain file")
        elif path == metrics.NAME:
            yield Judged(path, found.st_size, fault_of_lines(run, known.records))
        elif path in known.sources:
            yield Judged(path, found.st_size, fault_of_source(run, path, known.sources[path]))
        elif path == RUN and known.run is not None and identity(run) != known.run:
            yield Judged(path, found.st_size, "altered: its id is not the checkpoint's")
        else:
            yield Judged(path, found.st_size, held=False)
    for path in known.sources:
        if path not in sizes:
            yield Judged(path, None, "missing")
    if known.records and metrics.NAME not in sizes:
        yield Judged(metrics.NAME, None, "missing")


def fault_of_source(run: Path, name: str, digest: str) -> str | None:
    """What is wrong with a file that a checkpoint knows of."""
    try:
        same = sealing.digest(run, name) == digest
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None if same else "altered: its SHA-256 is not the checkpoint's"


class Known(NamedTuple):
    """What a checkpoint knows of the run that it is in."""

    run: str | None = None
    """The run's id."""
    sources: Mapping[str, str] = NOTHING
    """The SHA-256 of what was written at the start, by file."""
    records: Sequence[Any] = ()
    """What was measured until then, an epoch each."""


def known_by(run: Path, checkpoint: str) -> Known:
    """What a whole checkpoint knows."""
    folder = run / CHECKPOINTS / checkpoint
    try:
        state = json.loads(content_of(folder, "state.json") or b"{}")
        sources, records = state.get("sources", {}), state.get("records", [])
        own = sealing.read(folder).get("run")
    except (ValueError, RecursionError, AttributeError, RunError):
        return Known()
    texts = isinstance(sources, dict) and all(isinstance(digest, str) for digest in sources.values())
    return Known(
        own if isinstance(own, str) else None,
        {name: sources[name] for name in sources if reading.plain(name)} if texts else NOTHING,
        records if isinstance(records, list) else (),
    )


def split(path: str) -> list[str]:
    """The parts of a path in a run."""
    return path.split("/")


def in_checkpoint(path: str) -> bool:
    """Whether a path is that of a file of a checkpoint."""
    parts = split(path)
    return len(parts) > 2 and parts[0] == CHECKPOINTS


def age(checkpoint: str) -> tuple[int, int]:
    """What checkpoints are ordered by, the oldest first: finished epochs, then steps."""
    found = NAMED.fullmatch(checkpoint)
    return (int(found[1]), int(found[2])) if found else (-1, -1)


def of_another(run: Path, content: Mapping[str, Any]) -> bool:
    """Whether the manifest of a run is that of another: `run.json` and a checkpoint agree on another id."""
    own = identity(run)
    if own in (None, content["id"]):
        return False
    try:
        names = os.listdir(run / CHECKPOINTS)
    except OSError:
        return False
    return any(owner_of(run, name) == own for name in names if NAMED.fullmatch(name))


def owner(run: Path, names: Iterable[str]) -> str | None:
    """The id of the run that checkpoints must be of: that of `run.json`, unless none of them is of that."""
    own = identity(run)
    found = [said for said in (owner_of(run, name) for name in names) if said is not None]
    return own if own in found or not found else found[-1]


def owner_of(run: Path, name: str) -> str | None:
    """The id of the run that a checkpoint is of, where its manifest is its own."""
    try:
        content = sealing.read(run / CHECKPOINTS / name)
    except RunError:
        return None
    return None if belonging.fault_of(content, name) else content["run"]


def of_checkpoint(
    run: Path, name: str, sizes: Mapping[str, os.stat_result], run_id: str | None = None
) -> Iterator[Judged]:
    """What is in a checkpoint, by its own manifest; run_id: of the run that it must be of."""
    inside = f"{CHECKPOINTS}/{name}/"
    file = inside + manifest.NAME
    try:
        content = sealing.read(run / CHECKPOINTS / name)
        told = belonging.fault_of(content, name, run_id)
        if told is not None:
            raise sealing.altered(run / file, f"was altered: it {told}")
    except RunError as error:
        there = sizes.get(file)
        yield Judged(file, there and there.st_size, "missing" if there is None else error_of(error))
        for path, found in sizes.items():
            if path.startswith(inside) and path != file:
                yield Judged(path, found.st_size, held=False)
    else:
        yield from by_manifest(run / CHECKPOINTS / name, content, sizes, inside)


def identity(run: Path) -> str | None:
    """The id in `run.json`."""
    try:
        found = json.loads(content_of(run, RUN) or b"")
    except (ValueError, RecursionError):
        return None
    own = found.get("id") if isinstance(found, dict) else None
    return own if isinstance(own, str) else None


def fault_of_lines(run: Path, known: Sequence[Any] = ()) -> str | None:
    """What is wrong with the lines of `metrics.jsonl`: each has a CRC, and they are of the epochs from 1.

    known: the records of the first epochs, as a checkpoint has them.
    """
    raw = content_of(run, metrics.NAME)
    if raw is None:
        return "cannot be read"
    wrong = []
    lines = raw.split(b"\n")
    if not lines[-1]:
        del lines[-1]
    for number, line in enumerate(lines, start=1):
        record = record_of(line)
        if record is None:
            wrong.append(f"line {number} does not have its CRC")
        elif record.get("epoch") != number:
            wrong.append(f"line {number} is of epoch {record.get('epoch')}")
        elif number <= len(known) and record != known[number - 1]:
            wrong.append(f"line {number} is not what the checkpoint has")
    if len(lines) < len(known):
        wrong.append(f"it has {len(lines)} of {len(known)} lines")
    if not wrong and raw and not raw.endswith(b"\n"):
        wrong.append("its last line has no end")
    if not wrong:
        return None
    return f"altered: {wrong[0]}" + (f", and {len(wrong) - 1} more" if len(wrong) > 1 else "")


def error_of(error: RunError) -> str:
    """What is wrong with a manifest."""
    return "; ".join(wording(problem.message, manifest.NAME) for problem in error.diagnostics)


def wording(message: str, name: str) -> str:
    """What is wrong with a file, without its name: `altered: it has 3 bytes, and had 5`."""
    told = message.removeprefix(f"{name} ")
    for verb in ("was ", "is "):
        told = told.removeprefix(verb)
    return told
