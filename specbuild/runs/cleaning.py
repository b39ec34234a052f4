"""Removing runs, and parts of runs, that are no longer needed. Imports no torch.

What would be removed is settled first, and judged again under the run's lock before anything is. A run that is
removed gets a hidden name first, so that under its own name it is whole or not there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from specbuild.errors import RunError
from specbuild.runs import manifest, metrics
from specbuild.runs.files import force_to_disk, json_bytes, write_whole
from specbuild.runs.finding import (
    CHECKPOINTS,
    NAMED,
    OVERRIDES,
    RUN,
    SOURCES,
    SPEC,
    Runs,
    find,
    hidden,
    scan,
)
from specbuild.runs.listing import Listed, look
from specbuild.runs.locking import Lock, Taken

BUSY = "a training writes there"
REMOVED = ".removed"
"""The end of a hidden name: what stands under one is being removed."""
OURS = {
    manifest.NAME, metrics.NAME, RUN, SPEC, OVERRIDES, *SOURCES, *manifest.REQUIRED, "last.safetensors",
    "preprocessing.json", "samples.json", "confusion_matrix.json",
}  # fmt: skip
"""Files that a training writes; a picture and what is in the folders in `OUR_FOLDERS`, too."""
OUR_FOLDERS = (CHECKPOINTS, "tensorboard")

What = Literal["unfinished", "checkpoints", "old", "damaged", "leftover"]
"""Why something is removed: a training that kept nothing, checkpoints of a finished run, a finished run with newer
ones of its name, a run that is not what was written, what a removal that was killed left behind."""


class LeftError(Exception):
    """Why something was left after all."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Something that may be removed."""

    what: What
    path: Path
    """A run; of checkpoints the folder that they are in."""
    bytes: int

    @property
    def run(self) -> Path:
        """The run that it is of."""
        return self.path.parent if self.what == "checkpoints" else self.path


@dataclass(frozen=True, slots=True)
class Left:
    """Something that is left alone."""

    path: Path
    why: str
    refused: bool = False
    """Whether the file system refused."""


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What may be removed from a folder, or was."""

    folder: Path
    removals: tuple[Removal, ...]
    left: tuple[Left, ...]
    """What was asked for, and is not removed."""
    done: bool = False
    """Whether it is removed."""

    @property
    def bytes(self) -> int:
        """Those of all that may be removed, or was."""
        return sum(removal.bytes for removal in self.removals)


def cleaning(
    folder: Path,
    *,
    unfinished: bool = False,
    checkpoints: bool = False,
    keep: int | None = None,
    damaged: bool = False,
) -> Cleaning:
    """What of a folder is asked to be removed; removes nothing.

    keep: of each name, how many finished runs stay; those with the highest numbers do.
    Raises `RunError` (SB501) where there is no such folder.
    """
    found = find(folder)
    if found.runs == (folder,):
        if folder.is_symlink():
            return Cleaning(folder, (), (Left(folder, "is a link"),))
        found = find(folder.resolve())  # `.` has no name to be moved aside by
    runs = [look(path) for path in found.runs]
    old = {run.path for run in beyond(runs, keep)} if keep is not None else set()
    removals: list[Removal] = []
    left = [Left(link, "is a link") for link in found.links]
    for run in runs:
        if run.path in old:
            what: What | None = "old"
        elif unfinished and run.status == "unfinished" and kept_nothing(run):
            what = "unfinished"
        elif damaged and run.status == "damaged" and not only_checkpoints_left(run):
            what = "damaged"
        else:
            what = None
        if what is not None:
            why = foreign_in(run)
            if why is None:
                removals.append(Removal(what, run.path, run.bytes))
            else:
                left.append(Left(run.path, why))
        elif checkpoints and has_checkpoints(run) and (run.status == "finished" or only_checkpoints_left(run)):
            removals.append(Removal("checkpoints", run.path / CHECKPOINTS, bytes_of_checkpoints(run)))
        elif run.status == "running":
            left.append(Left(run.path, BUSY))
        elif only_checkpoints_left(run):
            left.append(Left(run.path, "has checkpoints that its manifest does not list: --checkpoints removes them"))
        elif run.status == "damaged":
            left.append(Left(run.path, "is damaged: --damaged removes it"))
    removals += leftovers(found)
    return Cleaning(folder, tuple(removals), tuple(left))


def carried_out(planned: Cleaning) -> Cleaning:
    """Remove what was settled; what has become otherwise since, or cannot be removed, is left and said."""
    removed: list[Removal] = []
    left = list(planned.left)
    for removal in planned.removals:
        try:
            remove(removal)
        except LeftError as failure:
            left.append(Left(removal.path, str(failure)))
        except OSError as error:
            left.append(Left(removal.path, f"cannot be removed: {error.strerror or error}", refused=True))
        except RunError as error:
            left.append(Left(removal.path, error.diagnostics[0].message, refused=True))
        else:
            removed.append(removal)
    return replace(planned, removals=tuple(removed), left=tuple(left), done=True)


def remove(removal: Removal) -> None:
    """Remove one thing, under the lock of its run."""
    if removal.what == "leftover":
        shutil.rmtree(removal.path)
        return
    run = removal.run
    if run.is_symlink():
        raise LeftError("is a link")
    with held(run) as lock:
        now = look(run, probe=False)
        still: dict[What, Callable[[], bool]] = {
            "unfinished": lambda: now.status == "unfinished" and kept_nothing(now),
            "damaged": lambda: now.status == "damaged",
            "old": lambda: now.status == "finished",
            "checkpoints": lambda: now.status == "finished" or only_checkpoints_left(now),
        }
        if not still[removal.what]():
            raise LeftError("is no longer what it was")
        if removal.what == "checkpoints":
            forget_checkpoints(run)
            discard(run / CHECKPOINTS)
        else:
            if (why := foreign_in(now)) is not None:
                raise LeftError(why)
            discard(run, lock)


@contextmanager
def held(run: Path) -> Iterator[Lock]:
    """Hold the lock of a run, so that no training begins to write in it."""
    try:
        lock = Lock(run)
    except Taken:
        raise LeftError(BUSY) from None
    try:
        yield lock
    finally:
        lock.release()


def forget_checkpoints(run: Path) -> None:
    """Write the manifest anew without the checkpoints; what it says of every other file stays as it is.

    Killed after this, the run has files that its manifest does not list; cleaning it again removes them.
    """
    content = manifest.read(run)
    files = {name: entry for name, entry in content["files"].items() if not name.startswith(f"{CHECKPOINTS}/")}
    if len(files) == len(content["files"]):
        return
    content = {**content, "files": files}
    write_whole(run / manifest.NAME, json_bytes({**content, "sha256": manifest.own_digest(content)}))
    force_to_disk(run)


def discard(folder: Path, lock: Lock | None = None) -> None:
    """Give a folder a hidden name, then remove it; no link in it is followed. lock: that of the folder itself."""
    aside = folder.with_name(f".{folder.name}{REMOVED}")
    if os.path.lexists(aside):
        shutil.rmtree(aside)
    os.rename(folder, aside)
    if lock is not None:  # another run may stand under the name by now, with a lock of its own
        lock.path = aside / lock.path.name
    force_to_disk(folder.parent)
    shutil.rmtree(aside)


def beyond(runs: Iterable[Listed], keep: int) -> Iterator[Listed]:
    """The finished runs of each name that have `keep` finished ones with higher numbers."""
    names: dict[Path, list[Listed]] = {}
    for run in runs:
        if run.status == "finished" and run.path.name.isascii() and run.path.name.isdecimal():
            names.setdefault(run.path.parent, []).append(run)
    for several in names.values():
        several.sort(key=lambda run: int(run.path.name), reverse=True)
        yield from several[keep:]


def kept_nothing(run: Listed) -> bool:
    """Whether a training finished no epoch and left no checkpoint but that of its start, before the first step."""
    names = {name.split("/")[1] for name in run.files if name.startswith(f"{CHECKPOINTS}/") and not hidden(name)}
    starts = (found is not None and int(found[2]) == 0 for found in map(NAMED.fullmatch, names))
    return not run.files.get(metrics.NAME) and all(starts)


def only_checkpoints_left(run: Listed) -> bool:
    """Whether nothing is wrong with a run but that it has checkpoints which its manifest does not list.

    A removal of checkpoints that was killed leaves this.
    """
    told = " is not in the manifest"
    return run.status == "damaged" and all(
        fault.startswith(f"{CHECKPOINTS}/") and fault.endswith(told) for fault in run.faults
    )


def has_checkpoints(run: Listed) -> bool:
    """Whether there is a folder of checkpoints, which is no link."""
    folder = run.path / CHECKPOINTS
    return folder.is_dir() and not folder.is_symlink()


def bytes_of_checkpoints(run: Listed) -> int:
    """What the checkpoints take."""
    return sum(size for name, size in run.files.items() if name.startswith(f"{CHECKPOINTS}/"))


def foreign_in(run: Listed) -> str | None:
    """Why a folder is not removed as a whole: it has a file that is neither in its manifest nor of a known name."""
    if not run.files:
        return "cannot be read"
    try:
        listed = manifest.read(run.path)["files"]
    except RunError:
        listed = {}
    for name in sorted(run.files):
        top, _, inner = name.partition("/")
        known = name in OURS or (inner and top in OUR_FOLDERS) or (not inner and name.endswith(".png"))
        if name not in listed and not known and not hidden(name):
            return f"holds {name}, which no training wrote"
    return None


def leftovers(found: Runs) -> Iterator[Removal]:
    """What removals that were killed left behind, under hidden names."""
    for folder in (*found.around, *found.runs):
        try:
            with os.scandir(folder) as entries:
                names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
            for name in names:
                if name.startswith(".") and name.endswith(REMOVED):
                    size = sum(entry.status.st_size for entry in scan(folder / name))
                    yield Removal("leftover", folder / name, size)
        except OSError:
            continue  # what cannot be read was said where it is listed
