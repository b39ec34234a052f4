"""`Arrays`: NumPy files. Nothing in them is unpickled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from specbuild.catalogue.datasets.arrays import Arrays
from specbuild.data.failure import Unusable
from specbuild.data.numpy_files import Array, image_layout, read_npy, read_npz
from specbuild.data.sources import Source, TensorSource
from specbuild.network.samples import INPUT


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
