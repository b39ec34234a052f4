"""Where a run goes: a folder of its own, taken before training begins."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.runs.files import force_to_disk

PARTIAL = re.compile(r"\.(\d+)\.partial")


class Place:
    """A run's name, and the hidden folder beside it in which the run is put together.

    Taking the hidden folder is one `mkdir`, which only one process can win; the run appears under
    its name by one rename, so whatever stands under that name is whole.
    """

    def __init__(self, final: Path, partial: Path, numbered: bool, made: list[Path]) -> None:
        self.final, self.partial, self.numbered = final, partial, numbered
        self.made = made
        """The parent folders that had to be made, innermost first."""
        self.settled = False
        """Whether there is nothing more to discard."""

    @classmethod
    def take(cls, name: str, run: Path | None = None) -> Place:
        """Take `run`, or the next free number in `runs/<name>`."""
        try:
            return cls.given(run) if run is not None else cls.next_number(Path("runs") / folder_name(name))
        except OSError as error:
            raise unwritable(error, run or Path("runs")) from None

    @classmethod
    def given(cls, run: Path) -> Place:
        """Take the folder that the user named."""
        if not run.name or run.name == ".." or run.absolute() == Path.cwd():
            raise RunError([occupied(run, "is not a new folder")])
        if os.path.lexists(run) and not run.is_dir():
            raise RunError([occupied(run, "is a file")])
        if run.is_dir() and any(run.iterdir()):
            raise RunError([occupied(run, "is not empty")])
        made = make_parents(run.parent)
        partial = run.with_name(f".{run.name}.partial")
        try:
            partial.mkdir()
        except FileExistsError:
            message = "is being written by another training"
            fix = f"choose another folder; if no training runs, delete {partial}"
            raise RunError([Diagnostic("SB505", message, file=str(run), fix=fix)]) from None
        return cls(run, partial, False, made)

    @classmethod
    def next_number(cls, folder: Path) -> Place:
        """Take the number after the highest one in `folder`."""
        made = make_parents(folder)
        while True:
            number = 1 + max((taken_number(entry) for entry in os.listdir(folder)), default=0)
            final, partial = folder / str(number), folder / f".{number}.partial"
            try:
                partial.mkdir()
            except FileExistsError:
                continue  # another process was faster
            if os.path.lexists(final):  # taken and finished by another between the listing and the mkdir
                partial.rmdir()
                continue
            return cls(final, partial, True, made)

    def appear(self) -> Path:
        """Give the finished folder its name; returns it."""
        try:
            force_to_disk(self.partial)
            while True:
                if self.final.is_dir() and not any(self.final.iterdir()):
                    self.final.rmdir()
                if not os.path.lexists(self.final):
                    self.partial.rename(self.final)
                    break
                if not self.numbered:
                    self.settled = True
                    reason = f"was filled while the training ran; the run is whole in {self.partial}"
                    raise RunError([occupied(self.final, reason)])
                self.final = self.final.with_name(str(int(self.final.name) + 1))
            self.settled = True
            force_to_disk(self.final.parent)
        except OSError as error:
            raise unwritable(error, self.final) from None
        return self.final

    def discard(self) -> None:
        """Leave nothing behind; a run that is whole stays."""
        if self.settled:
            return
        self.settled = True
        shutil.rmtree(self.partial, ignore_errors=True)
        for folder in self.made:
            try:
                folder.rmdir()
            except OSError:
                return  # another run is in it


def taken_number(entry: str) -> int:
    """The number that an entry of `runs/<name>` takes up, 0 for none."""
    partial = PARTIAL.fullmatch(entry)
    text = partial[1] if partial else entry
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def make_parents(folder: Path) -> list[Path]:
    """Make `folder` and what it stands in; returns what had to be made, innermost first."""
    missing = []
    step = folder
    while not step.exists() and step != step.parent:
        missing.append(step)
        step = step.parent
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def folder_name(name: str) -> str:
    """A spec's name as one folder's name, whatever characters it has."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name).lstrip(".")[:100] or "unnamed"


def occupied(run: Path, reason: str) -> Diagnostic:
    """SB505."""
    fix = "a run needs a folder that is new or empty: choose another"
    return Diagnostic("SB505", reason, file=str(run), fix=fix)


def unwritable(error: OSError, path: Path) -> RunError:
    """SB506: the file system refused."""
    where = error.filename if isinstance(error.filename, str) else str(path)
    return RunError([Diagnostic("SB506", f"cannot be written: {error.strerror or error}", file=where)])
