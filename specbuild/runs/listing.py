"""The runs of a folder: what each came to, told from its manifest and `metrics.jsonl`. Imports no torch.

No file is held against its SHA-256 here; `verifying` does that.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from specbuild.errors import RunError
from specbuild.runs import manifest, metrics
from specbuild.runs.asking import asked_of
from specbuild.runs.finding import CHECKPOINTS, content_of, find, hidden, locked, scan
from specbuild.runs.reading import is_number

Status = Literal["finished", "interrupted", "failed", "running", "unfinished", "damaged"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A run, or a training that has not become one yet, as far as it is known without its weights."""

    path: Path
    status: Status
    """What the manifest says; `running` while a training writes in it, `unfinished` without a manifest,
    `damaged` where what is there is not what the manifest lists."""
    epochs: int
    """Epochs that were finished."""
    asked: int | None
    """Epochs that the document asks for, where it can be read."""
    metric: str | None
    """What the best epoch goes by."""
    best: float | None
    """That metric at the best epoch."""
    written: float
    """When a file of it was last written, in seconds since 1970."""
    bytes: int
    """Those of all its files."""
    faults: tuple[str, ...] = ()
    """What is wrong with it, of a damaged one."""
    files: Mapping[str, int] = field(default_factory=dict)
    """Bytes of each file by its path in the run, hidden ones too."""
    steps: tuple[str, ...] = ()
    """Its checkpoints that are complete, oldest first."""


def listed(folder: Path) -> tuple[Listed, ...]:
    """Every run of a folder, newest last. Raises `RunError` (SB501) where there is no such folder."""
    found = (look(run) for run in find(folder).runs)
    return tuple(sorted(found, key=lambda run: (run.written, run.path)))


def look(run: Path, *, probe: bool = True) -> Listed:
    """One run; probe: whether its lock is asked for, which who holds it need not."""
    try:
        entries = {entry.name: entry.status for entry in scan(run)}
    except OSError as error:
        return Listed(run, "damaged", 0, None, None, None, 0.0, 0, (f"cannot be read: {error.strerror}",))
    shown = [found.st_mtime for name, found in entries.items() if not hidden(name)]
    written = max(shown, default=0.0) or os.lstat(run).st_mtime
    files = {name: found.st_size for name, found in entries.items()}
    faults: list[str] = []
    status: Status = "unfinished"
    if manifest.NAME in entries:
        try:
            content = manifest.read(run)
            status = content["status"]
            faults += differences(entries, content["files"])
        except RunError as error:
            faults += [f"{manifest.NAME} {problem.message.removeprefix(manifest.NAME).lstrip()}"
                       for problem in error.diagnostics]  # fmt: skip
    last, best, problem = ends(run)
    if problem is not None and status != "unfinished":
        faults.append(problem)
    if faults:
        status = "damaged"
    if probe and locked(run):
        status, faults = "running", []
    asked = asked_of(run, best)
    epochs, value = last.get("epoch"), best.get(asked.metric or "")
    return Listed(
        run,
        status,
        epochs if type(epochs) is int else 0,
        asked.epochs,
        asked.metric,
        value if is_number(value) else None,
        written,
        sum(files.values()),
        tuple(faults),
        files,
        checkpoints_in(files),
    )


def differences(entries: Mapping[str, os.stat_result], files: Mapping[str, Any]) -> list[str]:
    """What is not as a manifest lists it, as far as names and sizes tell."""
    faults = []
    for name, entry in files.items():
        found = entries.get(name)
        if found is None:
            faults.append(f"{name} is missing")
        elif not stat.S_ISREG(found.st_mode):
            faults.append(f"{name} is not a plain file")
        elif found.st_size != entry["bytes"]:
            faults.append(f"{name} has {found.st_size:,} bytes, and had {entry['bytes']:,}")
    faults += [
        f"{name} is not in the manifest"
        for name in sorted(entries)
        if name not in files and name != manifest.NAME and not hidden(name)
    ]
    return faults


def ends(run: Path) -> tuple[dict[str, Any], dict[str, Any], str | None]:
    """The last record of a run's metrics, that of its best epoch, and what is wrong with them."""
    raw = content_of(run, metrics.NAME)
    if raw is None:
        return {}, {}, None
    last: dict[str, Any] = {}
    problem = None
    lines = raw.splitlines()
    for number in range(len(lines), 0, -1):
        line = lines[number - 1]
        if last and b'"best": true' not in line:
            continue
        record = record_of(line)
        if record is None:
            problem = f"line {number} of {metrics.NAME} was altered"
        else:
            last = last or record
            if record.get("best") is True:
                return last, record, problem
    return last, {}, problem


def record_of(line: bytes) -> dict[str, Any] | None:
    """The record in a line whose CRC holds, and that has the form of one."""
    try:
        record = json.loads(line)
        del record["crc"]
        whole = metrics.rendered(record).encode() == line and metrics.fault_of(record) is None
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    return record if whole else None


def checkpoints_in(files: Mapping[str, int]) -> tuple[str, ...]:
    """The checkpoints of a run that have a manifest, by their folders' names."""
    parts = (name.split("/") for name in files)
    return tuple(
        sorted(part[1] for part in parts if len(part) == 3 and part[0] == CHECKPOINTS and part[2] == manifest.NAME
               and not part[1].startswith("."))
    )  # fmt: skip
