"""NumPy's files, and what their arrays hold. Nothing in them is unpickled."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from specbuild.data.failure import Unusable
from specbuild.diagnostics.suggest import nearest

Array = np.ndarray[Any, Any]
Layout = Literal["NHW", "NHWC", "NCHW"]
CHANNELS = (1, 3, 4)
"""Of an image: gray, colour, colour with transparency."""


def image_layout(shape: Sequence[int], dtype: str) -> Layout | None:
    """The axes of an array that holds images of bytes; None for one that does not."""
    if dtype != "uint8":
        return None
    if len(shape) == 3:
        return "NHW"
    if len(shape) == 4 and shape[3] in CHANNELS:
        return "NHWC"
    return "NCHW" if len(shape) == 4 and shape[1] in CHANNELS else None


def read_npz(path: Path, fields: Mapping[str, str]) -> dict[str, Array]:
    """The named arrays of a `.npz`."""
    require_there(path, "path", "a `.npz` file, or a folder of `.npy` files")
    try:
        with path.open("rb") as file:  # np.load leaves a file that it opened open where it fails
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise Unusable(
                    "SB405", f"{path} holds one array and no names", field="path",
                    fix=f"path: {path.parent}, and {path.name} in `fields`",
                )  # fmt: skip
            for name in fields.values():
                if name not in archive.files:
                    raise missing_array(path, name, archive.files)
            arrays = {field: archive[name] for field, name in fields.items()}
    except Unusable:
        raise
    except Exception as error:  # whatever a damaged archive makes zipfile, zlib and numpy raise
        raise unreadable(path, error, "path") from None
    for field, array in arrays.items():
        if not isinstance(array, np.ndarray):  # NumPy gives what is no array of its own as bytes
            raise Unusable("SB405", f"`{fields[field]}` of {path} is not an array of NumPy's", field="fields")
    return arrays


def missing_array(path: Path, name: str, known: list[str]) -> Unusable:
    """A name that the archive lacks."""
    meant = nearest(name, known)
    return Unusable(
        "SB405", f"{path} has no array `{name}`; it has {', '.join(known)}", field="fields",
        fix=f"did you mean `{meant}`?" if meant else None,
    )  # fmt: skip


def read_npy(path: Path, field: str) -> Array:
    """A `.npy` file, mapped into memory."""
    require_there(path, "fields", "a `.npy` file")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # whatever a damaged file makes numpy raise
        raise unreadable(path, error, "fields") from None
    if not isinstance(array, np.ndarray):
        raise Unusable("SB405", f"{path}, the field `{field}`, is an archive, not one array", field="fields")
    return array


def require_there(path: Path, field: str, what: str) -> None:
    """SB403 for a file that is not there."""
    if not path.is_file():
        raise Unusable("SB403", f"there is no file {path.absolute()}", field=field, fix=what)


def unreadable(path: Path, error: Exception, field: str, *, by_numpy: bool | None = None) -> Unusable:
    """SB405 for a file that is not what its name says; by_numpy: whether it begins so, where it was read already."""
    text = str(error)
    if not isinstance(error, OSError) and not (begins_as_numpy(path) if by_numpy is None else by_numpy):
        text = "it is no file of NumPy's (and nothing is unpickled)"
    elif "Python objects" in text or "Object arrays" in text:  # NumPy's words, for a `.npy` and in a `.npz`
        text = "it holds Python objects, which are never unpickled"
    elif isinstance(error, zipfile.BadZipFile) or "not a zip file" in text:
        text = "it is damaged, or not a `.npz` file"
    reason = text.splitlines()[0] if text else type(error).__name__
    return Unusable("SB405", f"{path} cannot be read: {reason}", field=field)


def begins_as_numpy(path: Path) -> bool:
    """Whether a file begins as a `.npz` or `.npy` does; NumPy takes all others for pickles."""
    try:
        with path.open("rb") as file:
            return file.read(6).startswith((b"PK", b"\x93NUMPY"))
    except OSError:
        return False
