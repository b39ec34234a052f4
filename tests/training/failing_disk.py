"""A disk that fails: every operation of a training in its folder is counted, and some of them are refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

NAMED = ("open", "mkdir", "rename", "replace", "unlink", "rmdir")
OPENED = ("write", "fsync", "ftruncate")


class Disk:
    """Stands between `os` and a folder.

    refuse: of an operation's number, counted from 0, and its name: the errno that it is refused with, or None.
    """

    def __init__(self, folder: Path, refuse: Callable[[int, str], int | None]) -> None:
        self.folder, self.refuse = folder.absolute(), refuse
        self.done: list[str] = []
        self.refused = 0
        self.descriptors: set[int] = set()
        self.before: Callable[[], None] = lambda: None
        """Is called before each operation, outside of what is counted."""
        self.looking = False

    def inside(self, name: Any, dir_fd: int | None) -> bool:
        if isinstance(name, int):
            return name in self.descriptors
        if dir_fd is not None and dir_fd in self.descriptors:
            return True
        path = os.path.abspath(os.fspath(name))
        return f"{path}/".startswith(f"{self.folder}/")

    def count(self, operation: str, where: Any) -> None:
        if self.looking:
            return
        self.looking = True
        try:
            self.before()
        finally:
            self.looking = False
        number = len(self.done)
        self.done.append(f"{operation} {os.path.basename(where) if isinstance(where, str | os.PathLike) else ''}")
        errno = self.refuse(number, operation)
        if errno is not None:
            self.refused += 1
            raise OSError(errno, os.strerror(errno), *([os.fspath(where)] if not isinstance(where, int) else []))

    @contextmanager
    def mounted(self) -> Iterator[Disk]:
        """Every operation below goes through it."""
        real = {name: getattr(os, name) for name in (*NAMED, *OPENED, "close")}

        def named(name: str) -> Callable[..., Any]:
            def call(path: Any, *args: Any, **kwargs: Any) -> Any:
                ours = self.inside(path, kwargs.get("dir_fd"))
                reading = name == "open" and args and args[0] & (os.O_WRONLY | os.O_RDWR) == 0
                if ours and not reading:
                    self.count(name, path)
                result = real[name](path, *args, **kwargs)
                if ours and name == "open":
                    self.descriptors.add(result)
                return result

            return call

        def opened(name: str) -> Callable[..., Any]:
            def call(descriptor: int, *args: Any) -> Any:
                if descriptor in self.descriptors:
                    if name == "write":  # a half of it goes, and then it is refused
                        half = len(args[0]) // 2
                        real[name](descriptor, args[0][:half])
                        self.count(name, descriptor)
                        return half + real[name](descriptor, args[0][half:])
                    self.count(name, descriptor)
                return real[name](descriptor, *args)

            return call

        def close(descriptor: int) -> None:
            self.descriptors.discard(descriptor)
            real["close"](descriptor)

        calls = {name: named(name) for name in NAMED} | {name: opened(name) for name in OPENED} | {"close": close}
        with patch.multiple(os, **calls):
            yield self
