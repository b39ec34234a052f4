"""Opening what a run directory holds: plain files in it, through no link, and only up to a bound."""

from __future__ import annotations

import os
import re
import stat
from io import BufferedReader
from pathlib import Path

DEPTH = 3
"""A file's path in a run has at most so many parts: `checkpoints/00000050/state.json`."""
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


class NotPlainError(OSError):
    """Where a plain file is wanted there is a link, a folder, a pipe, a device, or a link on the way."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
        """What is not a plain file, or is not a folder: its path in the run."""


def plain(name: str) -> bool:
    """Whether a name is that of a file in the folder, or in one of the folders in it."""
    parts = name.split("/")
    return len(parts) <= DEPTH and all(PLAIN_NAME.fullmatch(part) for part in parts)


def status(folder: Path, name: str) -> os.stat_result:
    """The `lstat` of a plain file in `folder`; raises `NotPlainError`, else an `OSError` of the system's."""
    parts = name.split("/")
    for depth in range(1, len(parts) + 1):
        inner = "/".join(parts[:depth])
        found = os.lstat(folder / inner)
        if not (stat.S_ISREG(found.st_mode) if depth == len(parts) else stat.S_ISDIR(found.st_mode)):
            raise NotPlainError(inner)
    return found


def opened(folder: Path, name: str) -> BufferedReader:
    """Open a plain file of `folder`; never waits, as opening a pipe would."""
    status(folder, name)
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(folder / name, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # exchanged since the `lstat`
        os.close(descriptor)
        raise NotPlainError(name)
    return open(descriptor, "rb")
