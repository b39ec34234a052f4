"""`Arrays`: NumPy files. Nothing in them is unpickled."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from specbuild.catalogue.datasets.arrays import Arrays
from specbuild.data.failure import Unusable
from specbuild.data.sources import Source, TensorSource, image_layout
from specbuild.diagnostics.suggest import nearest
from specbuild.network.samples import INPUT

Array = np.ndarray[Any, Any]


def open_arrays(entry: Arrays, path: Path, image: str | None = INPUT) -> Source:
    """The arrays of a `.npz`, or the `.npy` files of a folder (mapped, not read).

    image: the field that holds images where it is bytes of an image's axes.
    """
    if path.is_dir():
        arrays = {field: read_npy(path / name, field) for field, name in entry.fields.items()}
    else:
        arrays = read_npz(path, entry.fields)
    lengths = {}
    for field, array in arrays.items():
        lengths[field] = length_of(array, entry.fields[field])
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{entry.fields[field]} {length:,}" for field, length in lengths.items())
        raise Unusable("SB405", f"the arrays differ in their number of samples: {counts}", field="fields")
    layout = None
    if image in arrays:
        layout = image_layout(arrays[image].shape, arrays[image].dtype.name)
    held = {field: hold(array, entry.fields[field]) for field, array in arrays.items()}
    return TensorSource(held, image=image or INPUT, layout=layout)


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


def unreadable(path: Path, error: Exception, field: str) -> Unusable:
    """SB405 for a file that is not what its name says."""
    text = str(error)
    if not isinstance(error, OSError) and not begins_as_numpy(path):
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


def length_of(array: Array, name: str) -> int:
    """The number of samples of an array that holds numbers."""
    if array.dtype.kind not in "fiub":
        raise Unusable("SB405", f"`{name}` holds {array.dtype}, not numbers", field="fields")
    if array.ndim == 0:
        raise Unusable("SB405", f"`{name}` is one number, without an axis of samples", field="fields")
    return len(array)


MAPPED = ("uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "bool")
"""What torch reads as NumPy stores it."""


def hold(array: Array, name: str) -> torch.Tensor | Array:
    """An array as a source holds it: mapped ones as they are, others as a tensor of finite numbers."""
    if not array.dtype.isnative or array.dtype.name not in MAPPED:
        array = array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
    if isinstance(array, np.memmap):
        return array
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if tensor.is_floating_point():
        finite = torch.isfinite(tensor).flatten(1).all(1) if tensor.dim() > 1 else torch.isfinite(tensor)
        if not finite.all():
            first = int((~finite).nonzero()[0])
            raise Unusable("SB405", f"`{name}` holds NaN or an infinity, first in sample {first}", field="fields")
    return tensor
