"""What a file of weights holds, by its header: no tensor is read, and torch is not imported."""

from __future__ import annotations

import json
import os
import stat
import struct
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

from specbuild.catalogue.rules import Storage
from specbuild.errors import RunError
from specbuild.runs import manifest, sealing
from specbuild.runs.reading import shown

MODEL = "model.safetensors"
"""A run's best weights."""
MOST = 2**26
"""The most bytes of a header: a million tensors' or so."""
PICKLED = (b"PK\x03\x04", b"\x80\x02\x8a\n")
"""How torch's files of pickles begin, the new ones and those of old."""
DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}


class Unreadable(Exception):  # noqa: N818  what is wrong, for whoever knows where the file is named
    """A file of weights cannot be used."""

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.message, self.fix = message, fix


def opened(path: Path) -> BufferedReader:
    """Open a plain file, by way of links too; never waits, as opening a pipe would. Raises `OSError`."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is not a plain file")
    return open(descriptor, "rb")


def header_of(path: Path) -> dict[str, Storage]:
    """The tensors of a safetensors file; raises `Unreadable`."""
    try:
        with opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            begin = file.read(8)
            length = struct.unpack("<Q", begin)[0] if len(begin) == 8 else 0
            text = file.read(length) if 2 <= length <= min(size - 8, MOST) else b""
    except FileNotFoundError:
        raise Unreadable("there is no such file") from None
    except OSError as error:
        raise Unreadable(f"it cannot be read: {error.strerror or error}") from None
    if begin.startswith(PICKLED):
        fix = f"`specbuild import {path} --output FILE.safetensors` makes one of it"
        raise Unreadable("it is one of torch's pickled files, and no safetensors", fix)
    if not text:
        raise Unreadable("it is no safetensors file: it has no header")
    try:
        written = json.loads(text)
        found = {str(name): storage(entry) for name, entry in written.items() if name != "__metadata__"}
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        raise Unreadable("it is no safetensors file: its header is no list of tensors") from None
    return found


def storage(entry: Mapping[str, Any]) -> Storage:
    """A tensor as a header has it; raises `ValueError`."""
    shape, dtype = entry["shape"], entry["dtype"]
    if not isinstance(shape, list) or any(type(one) is not int or one < 0 for one in shape):
        raise ValueError(shape)
    if not isinstance(dtype, str):
        raise TypeError(dtype)
    return Storage(tuple(shape), DTYPES.get(dtype, shown(dtype)))


def weights_in(run: Path, *, verified: bool) -> Path:
    """The file of a run's best weights; raises `Unreadable`.

    verified: whether its SHA-256 is held against the manifest, or only what the manifest itself has.
    """
    try:
        content = manifest.read(run)
    except RunError as error:
        problem = error.diagnostics[0]
        raise Unreadable(problem.message, problem.fix) from None
    if MODEL not in content["files"]:
        raise Unreadable(f"its manifest lists no {MODEL}")
    fault = sealing.fault(run, MODEL, content) if verified else None
    if fault is not None:
        raise Unreadable(fault.message, fault.fix)
    return run / MODEL
