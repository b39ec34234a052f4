"""Reading what a run directory holds: plain files in it, through no link, and only up to a bound.

A run may come from anywhere, and whoever forges one can forge its manifest too, so a file's form is held
as well: what is read is of the types that specbuild writes, or an SB503.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError

DEPTH = 3
"""A file's path in a run has at most so many parts: `checkpoints/00000050/state.json`."""
MIB = 2**20
LIMITS = {
    "environment.json": MIB,
    "overrides.json": MIB,
    "metrics.jsonl": 64 * MIB,
    "preprocessing.json": 64 * MIB,
    "samples.json": 64 * MIB,
}
"""The most bytes of each file; an epoch takes about 250, a category of a table 20. The document has the bound that the
language sets, the weights that which the network does."""
FIX = "restore it from a copy, or train again"
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


def read(folder: Path, name: str, most: int | None = None) -> bytes:
    """The content of a file of `folder`; raises `RunError` where it is missing, not plain, or too large.

    most: bytes; by default the name's own bound.
    """
    most = LIMITS[name] if most is None else most
    path = folder / name
    if not plain(name):
        raise wrong(folder, f"{shown(name)} is not a plain name")
    try:
        with opened(folder, name) as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(most + 1) if size <= most else b""
    except FileNotFoundError:
        raise RunError([Diagnostic("SB502", f"{name} is missing", file=str(path), fix=FIX)]) from None
    except NotPlainError as error:
        what = "file" if error.what == name else "folder"
        raise wrong(folder / error.what, f"{error.what} is not a plain {what}") from None
    except OSError as error:
        raise wrong(path, f"{name} cannot be read: {error.strerror}") from None
    if max(size, len(data)) > most:
        raise wrong(path, f"{name} has {max(size, len(data)):,} bytes; at most {most:,} are read")
    return data


def read_object(folder: Path, name: str, most: int | None = None) -> dict[str, Any]:
    """The JSON object in a file of `folder`; raises `RunError` as `read` does, and where it is none."""
    data = read(folder, name, most)
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise wrong(folder / name, f"{name} is not a JSON object")
    return content


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number that a float can hold; true is none."""
    return isinstance(value, float) or (type(value) is int and abs(value) < 2**63)


def is_text(value: Any) -> bool:
    """Whether a JSON value is a short text on one line, without what steers a terminal."""
    return isinstance(value, str) and len(value) <= 1000 and value.isprintable()


def shown(name: str) -> str:
    """A name as it can be printed."""
    return name if is_text(name) else json.dumps(name)[:100]


def is_names(value: Any) -> bool:
    """Whether a JSON value is a mapping of identifiers to the names of modules."""
    return isinstance(value, Mapping) and all(
        name.isidentifier() and isinstance(module, str) and all(part.isidentifier() for part in module.split("."))
        for name, module in value.items()
    )


def wrong(path: Path, message: str) -> RunError:
    """SB503 for one file."""
    return RunError([Diagnostic("SB503", message, file=str(path), fix=FIX)])
