"""Where a run goes: a folder of its own, taken before training begins and locked while it lasts."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.runs import locking
from specbuild.runs.files import force_to_disk
from specbuild.runs.locking import Lock, Taken
from specbuild.runs.manifest import NAME as MANIFEST

RUNS = Path("runs")


class Place:
    """A run's folder, which no other training writes into.

    It is no run before its manifest is there, which is written last.
    """

    def __init__(self, folder: Path, lock: Lock, *, new: bool, made: list[Path] | None = None) -> None:
        """new: whether it had to be made. made: the parent folders that had to be, innermost first."""
        self.folder, self.lock, self.new = folder, lock, new
        self.made = made or []

    @classmethod
    def take(cls, name: str, run: Path | None = None) -> Place:
        """Take `run`, or the next free number in `runs/<name>`; raises `RunError` (SB505, SB506)."""
        try:
            return cls.given(run) if run is not None else cls.next_number(runs_of(name))
        except OSError as error:
            raise unwritable(error, run or RUNS) from None

    @classmethod
    def given(cls, run: Path) -> Place:
        """Take the folder that the user named."""
        if not run.name or run.name == ".." or run.absolute() == Path.cwd():
            raise RunError([occupied(run, "is not a new folder")])
        if os.path.lexists(run) and not run.is_dir():
            raise RunError([occupied(run, "is a file")])
        made = make_parents(run.parent)
        try:
            run.mkdir()
            new = True
        except FileExistsError:
            require_free(run)
            new = False
        except OSError:
            unmake(made)
            raise
        lock = locked_new(run, made) if new else locked(run)
        if not new and names(run):  # filled between the look and the lock
            lock.release()
            require_free(run)
        return cls(run, lock, new=new, made=made)

    @classmethod
    def next_number(cls, folder: Path) -> Place:
        """Take the number after the highest one in `folder`."""
        made = make_parents(folder)
        while True:
            run = folder / str(1 + max(numbers(folder), default=0))
            try:
                run.mkdir()
            except FileExistsError:
                continue  # another process was faster
            except OSError:
                unmake(made)
                raise
            return cls(run, locked_new(run, made), new=True, made=made)

    @classmethod
    def again(cls, run: Path) -> Place:
        """Take a folder that has a training in it already."""
        try:
            return cls(run, locked(run), new=False)
        except OSError as error:
            raise unwritable(error, run) from None

    def settle(self) -> Path:
        """Let go of the folder, which stays; returns it."""
        self.lock.release()
        return self.folder

    def discard(self) -> None:
        """Leave nothing behind."""
        for path in visible(self.folder):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(OSError):
                    path.unlink()
        self.lock.release()
        if self.new:
            unmake([self.folder, *self.made])


def visible(folder: Path) -> list[Path]:
    """What is in a folder but for its lock."""
    return [path for path in folder.iterdir() if path.name != locking.NAME]


def names(folder: Path) -> set[str]:
    """What is in a folder but for its lock, and but for what a killed process had begun to write beside its place."""
    return {path.name for path in visible(folder) if not (path.name.startswith(".") and path.name.endswith(".new"))}


def require_free(run: Path) -> None:
    """SB505 for a folder that has something in it."""
    there = names(run)
    if not there:
        return
    if MANIFEST not in there and there & {"run.json", "source.yaml", "source.json", "checkpoints"}:
        locked(run).release()  # says so where it is being written
        fix = f"`--resume --run {run}` goes on with it; another folder begins anew"
        raise RunError([Diagnostic("SB505", "has a training that was not finished", file=str(run), fix=fix)])
    raise RunError([occupied(run, "is not empty")])


def locked(run: Path) -> Lock:
    """The lock of a folder; raises `RunError` (SB505) where another training has it."""
    try:
        return Lock(run)
    except Taken as taken:
        message = f"is being written by another training: {taken}"
        raise RunError([Diagnostic("SB505", message, file=str(run), fix="wait for it, or choose another")]) from None


def locked_new(run: Path, made: list[Path]) -> Lock:
    """The lock of a folder that was just made; where there can be none, the folder goes again."""
    try:
        force_to_disk(run.parent)
        return locked(run)
    except OSError:
        with suppress(OSError):
            run.joinpath(locking.NAME).unlink(missing_ok=True)
        unmake([run, *made])
        raise


def runs_of(name: str) -> Path:
    """The folder of all runs of a spec's name."""
    return RUNS / folder_name(name)


def numbers(folder: Path) -> list[int]:
    """The numbers that are taken in `runs/<name>`."""
    taken = [entry for entry in os.listdir(folder) if entry.isascii() and entry.isdecimal() and len(entry) < 10]
    return [int(entry) for entry in taken]


def make_parents(folder: Path) -> list[Path]:
    """Make `folder` and what it stands in; returns what had to be made, innermost first."""
    missing = []
    step = folder
    while not step.exists() and step != step.parent:
        missing.append(step)
        step = step.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        unmake(missing)
        raise
    return missing


def unmake(made: list[Path]) -> None:
    """Remove folders that were made, innermost first, unless something is in them."""
    for folder in made:
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return  # another run is in it


def folder_name(name: str) -> str:
    """A spec's name as one folder's name, whatever characters it has."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name).lstrip(".")[:100] or "unnamed"


def occupied(run: Path, reason: str) -> Diagnostic:
    """SB505."""
    fix = "a run needs a folder that is new or empty: choose another"
    return Diagnostic("SB505", reason, file=str(run), fix=fix)


def unwritable(error: OSError, path: Path, why: str | None = None) -> RunError:
    """SB506: the file system refused. why: what it said, where there is more to say."""
    where = error.filename if isinstance(error.filename, str) else str(path)
    return RunError([Diagnostic("SB506", f"cannot be written: {why or error.strerror or error}", file=where)])
