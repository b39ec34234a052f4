"""One training at a time in a run directory: a lock that the system lets go of when its holder dies."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NAME = ".lock"


HELD: set[int] = set()
"""The descriptors of this process's locks."""


def let_go() -> None:
    """In a process that was forked off: the lock is its parent's, and ends with that."""
    for descriptor in HELD:
        with suppress(OSError):
            os.close(descriptor)
    HELD.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=let_go)


class Taken(Exception):  # noqa: N818  it says what was found
    """Another process holds the lock; its text says which."""


class Lock:
    """The lock of a run directory, held until `release`."""

    def __init__(self, folder: Path) -> None:
        """Raises `Taken`, or `OSError` where there cannot be a lock."""
        self.path = folder / NAME
        while True:
            self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
            try:
                if fcntl is not None:
                    fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(self.descriptor, 200).decode(errors="replace").strip()
                os.close(self.descriptor)
                raise Taken(holder or "another process") from None
            except OSError:
                os.close(self.descriptor)
                raise
            if self.is_there():
                break
            os.close(self.descriptor)  # its holder has just finished, and taken it away
        HELD.add(self.descriptor)
        with suppress(OSError):  # on a full disk: only the name of its holder is missing then
            os.ftruncate(self.descriptor, 0)
            os.write(self.descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())

    def is_there(self) -> bool:
        """Whether the file that is locked is the one that others find."""
        try:
            return os.path.samestat(os.fstat(self.descriptor), os.stat(self.path))
        except OSError:
            return False

    def release(self) -> None:
        """Let go, and take the file away."""
        if self.descriptor not in HELD:
            return
        HELD.remove(self.descriptor)
        with suppress(OSError):
            self.path.unlink()
        os.close(self.descriptor)
