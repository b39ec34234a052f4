"""Whether each file of a run, or of a training that has not become one yet, is what was written. Imports no torch."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from specbuild.errors import RunError
from specbuild.runs import manifest, metrics, sealing
from specbuild.runs.finding import CHECKPOINTS, content_of, hidden, is_run, locked, scan
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
    """What is in a run that has no manifest, or one that is worth nothing."""
    checkpoints = dict.fromkeys("/".join(parts[:2]) for parts in map(split, sizes) if in_checkpoint(parts))
    for checkpoint in checkpoints:
        yield from of_checkpoint(run, checkpoint, sizes)
    for name, found in sizes.items():
        if name == manifest.NAME or in_checkpoint(split(name)):
            continue
        if not stat.S_ISREG(found.st_mode):
            yield Judged(name, found.st_size, "not a plain file")
        elif name == metrics.NAME:
            yield Judged(name, found.st_size, fault_of_lines(run))
        else:
            yield Judged(name, found.st_size, held=False)


def split(name: str) -> list[str]:
    """The parts of a path in a run."""
    return name.split("/")


def in_checkpoint(parts: list[str]) -> bool:
    """Whether a path is that of a file of a checkpoint."""
    return len(parts) > 2 and parts[0] == CHECKPOINTS


def of_checkpoint(run: Path, checkpoint: str, sizes: Mapping[str, os.stat_result]) -> Iterator[Judged]:
    """What is in a checkpoint, by its own manifest; checkpoint: its path in the run."""
    file = f"{checkpoint}/{manifest.NAME}"
    try:
        content = of_no_run(sealing.read(run / checkpoint), run / file)
    except RunError as error:
        there = sizes.get(file)
        yield Judged(file, there and there.st_size, "missing" if there is None else error_of(error))
        for name, found in sizes.items():
            if name.startswith(f"{checkpoint}/") and name != file:
                yield Judged(name, found.st_size, held=False)
    else:
        yield from by_manifest(run / checkpoint, content, sizes, f"{checkpoint}/")


def of_no_run(content: dict[str, Any], file: Path) -> dict[str, Any]:
    """The content of a checkpoint's manifest; one of a run is in the wrong place."""
    if "specbuild_run" in content:
        raise sealing.altered(file, "was altered: it is the manifest of a run")
    return content


def fault_of_lines(run: Path) -> str | None:
    """What is wrong with the lines of `metrics.jsonl`: each has a CRC, and they are of the epochs from 1."""
    raw = content_of(run, metrics.NAME)
    if raw is None:
        return "cannot be read"
    wrong = []
    for number, line in enumerate(raw.splitlines(), start=1):
        record = record_of(line)
        if record is None:
            wrong.append(f"line {number} does not have its CRC")
        elif record.get("epoch") != number:
            wrong.append(f"line {number} is of epoch {record.get('epoch')}")
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
