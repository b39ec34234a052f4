"""Where runs are, and what files are in one. Imports no torch."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.runs import locking, manifest, metrics
from specbuild.runs.reading import opened

SPEC, OVERRIDES = "spec.json", "overrides.json"
SOURCES = ("source.yaml", "source.json")
CHECKPOINTS = "checkpoints"
LOCK = locking.NAME
RUN = "run.json"
LIMIT = 2**28
"""Bytes; a file that is larger is not read."""
BESIDE_MANIFEST = {SPEC, metrics.NAME, *SOURCES, "model.safetensors", "environment.json"}
BESIDE_SOURCE = {OVERRIDES, RUN, metrics.NAME, CHECKPOINTS}
NAMED = re.compile(r"(\d{4,10})-(\d{8,16})")
"""A checkpoint, by its finished epochs and its steps."""


class Runs(NamedTuple):
    """What a folder holds."""

    folder: Path
    runs: tuple[Path, ...]
    links: tuple[Path, ...] = ()
    """Links, which are not followed."""
    around: tuple[Path, ...] = ()
    """The folders that were looked through for runs."""


def find(folder: Path) -> Runs:
    """The runs of a folder: itself, those in it, and those in the folders in it. Links in it are not followed."""
    if not folder.is_dir():
        message = "is a file; runs are in a folder" if folder.exists() else "there is no such folder"
        fix = "give the folder that holds the runs; `specbuild train` makes them in runs/NAME"
        raise RunError([Diagnostic("SB501", message, file=str(folder), fix=fix)])
    if is_run(folder):
        return Runs(folder, (folder,))
    runs: list[Path] = []
    links: list[Path] = []
    around = [folder]
    try:
        for path in folders_in(folder, links):
            if is_run(path):
                runs.append(path)
            else:
                around.append(path)
                runs += [inner for inner in folders_in(path, links) if is_run(inner)]
    except OSError as error:
        raise unreadable(error, folder) from None
    return Runs(folder, tuple(runs), tuple(links), tuple(around))


def folders_in(folder: Path, links: list[Path]) -> list[Path]:
    """The folders in a folder that are not hidden; links to folders are put aside."""
    found = []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith("."):
                continue
            if entry.is_symlink():
                links.append(folder / entry.name)
            elif entry.is_dir():
                found.append(folder / entry.name)
    return found


def is_run(folder: Path) -> bool:
    """Whether a training wrote in this folder, by the names in it."""
    try:
        names = set(os.listdir(folder))
    except OSError:
        return False
    if manifest.NAME in names and names & BESIDE_MANIFEST:
        return True
    if LOCK in names or {RUN, CHECKPOINTS} <= names:
        return True
    return bool(names.intersection(SOURCES) and names & BESIDE_SOURCE)


class Entry(NamedTuple):
    """A file, or what is there in the place of one."""

    name: str
    """Its path in the run."""
    status: os.stat_result


def scan(folder: Path, inside: str = "") -> Iterator[Entry]:
    """Whatever is in a folder and in the folders in it, but the folders themselves; no link is followed.

    What goes away meanwhile, as a training's old checkpoints do, is passed over.
    """
    with os.scandir(folder / inside) as entries:
        found = list(entries)
    for entry in found:
        name = f"{inside}{entry.name}"
        with suppress(FileNotFoundError):
            if entry.is_dir(follow_symlinks=False):
                yield from scan(folder, f"{name}/")
            else:
                yield Entry(name, entry.stat(follow_symlinks=False))


def hidden(name: str) -> bool:
    """Whether a path in a run has a part with a leading dot: what such files hold is not the run's."""
    return name.startswith(".") or "/." in name


def locked(run: Path) -> bool:
    """Whether a training writes in this folder: it holds the lock, which is asked for and let go at once."""
    try:
        import fcntl
    except ImportError:  # only POSIX has it
        return False
    try:
        descriptor = os.open(run / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False  # a file system without locks
    finally:
        os.close(descriptor)  # lets it go, too


def content_of(run: Path, name: str) -> bytes | None:
    """What is in a plain file of a run that is not too large; None for anything else."""
    try:
        with opened(run, name) as file:
            raw = file.read(LIMIT + 1)
    except OSError:
        return None
    return raw if len(raw) <= LIMIT else None


def unreadable(error: OSError, path: Path) -> RunError:
    """SB501: the file system refused."""
    where = error.filename if isinstance(error.filename, str) else str(path)
    return RunError([Diagnostic("SB501", f"cannot be read: {error.strerror or error}", file=where)])
