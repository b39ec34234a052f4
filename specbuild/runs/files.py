"""Files that are either whole or not there. Every byte of a run goes to disk by way of this module."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

CHUNK = 1 << 24
"""Bytes that are written at once."""


class Written(NamedTuple):
    """A file as it was written."""

    sha256: str
    bytes: int


def write_new(path: Path, content: bytes) -> Written:
    """Write a file that nobody reads yet, and force it to disk."""
    digest = hashlib.sha256()
    view = memoryview(content)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o666)
    try:
        for start in range(0, len(view), CHUNK):
            part = view[start : start + CHUNK]
            digest.update(part)
            while part:
                part = part[os.write(descriptor, part) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return Written(digest.hexdigest(), len(view))


def write_whole(path: Path, content: bytes) -> Written:
    """Write beside `path`, force to disk, rename: a reader sees the old file or the new, never a half."""
    beside = path.with_name(f".{path.name}.new")
    clear(beside)  # what a process that was killed left; and a pipe would be waited for
    try:
        written = write_new(beside, content)
        os.replace(beside, path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
    return written


@contextmanager
def aside(path: Path, *others: str) -> Iterator[Path]:
    """A folder for `path`, and files beside it, to be written in under their own names and judged.

    If the block ends well they are forced to disk and moved to where they belong, `path` last; else none appears.
    """
    folder = path.with_name(f".{path.name}.new")
    clear(folder)
    folder.mkdir()
    try:
        yield folder
        for name in (*others, path.name):
            force_to_disk(folder / name)
        for name in (*others, path.name):
            os.replace(folder / name, path.with_name(name))
        force_to_disk(path.parent)
    finally:
        clear(folder)


def append(path: Path, content: bytes) -> None:
    """Add to a file, all of it or nothing."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags, 0o666)
    try:
        size = os.fstat(descriptor).st_size
        try:
            part = memoryview(content)
            while part:
                part = part[os.write(descriptor, part) :]
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def force_to_disk(path: Path) -> None:
    """Force a file's content, or a folder's list of names, to disk."""
    if path.is_dir() and os.name != "posix":
        return  # only POSIX can open a folder
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def appear(aside: Path, path: Path) -> None:
    """Give a folder that was put together aside its name, for good."""
    force_to_disk(aside)
    os.rename(aside, path)
    force_to_disk(path.parent)


def remove(folder: Path) -> None:
    """Take a folder away, or what is in its place: at once by its name, then what is in it. No link is followed."""
    hidden = folder.with_name(f".{folder.name}.old")
    clear(hidden)
    os.rename(folder, hidden)
    clear(hidden)


def clear(path: Path) -> None:
    """Take away whatever is there, as far as that can be."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def full(error: OSError) -> bool:
    """Whether it is space that is missing."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def json_bytes(value: Any) -> bytes:
    """JSON as a run directory holds it: indented, in the order given, one trailing newline."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
