"""NumPy arrays as inputs: files, or values from Python. Imports no torch."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from specbuild.data.failure import Unusable
from specbuild.data.numpy_files import image_layout, read_npy, unreadable
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.diagnostics.suggest import nearest
from specbuild.predicting.form import Form
from specbuild.predicting.given import Array, Given, Place, Refused
from specbuild.predicting.images import image_rows


def of_file(file: str, form: Form, content: bytes | None = None) -> Iterator[Given | Diagnostic]:
    """The samples of a `.npz` or `.npy`."""
    place = Place(file)
    try:
        if content is None and file.lower().endswith(".npy"):
            arrays: Any = read_npy(Path(file), "input")
        else:
            with open(file, "rb") if content is None else io.BytesIO(content) as opened:
                arrays = np.load(opened, allow_pickle=False)
                if isinstance(arrays, np.lib.npyio.NpzFile):
                    arrays = {name: arrays[name] for name in chosen(place, arrays.files, form).values()}
    except Refused as refused:
        yield refused.diagnostic
        return
    except Unusable as unusable:
        yield place.refused(without_name(unusable.message, file))
        return
    except Exception as error:  # whatever a damaged archive makes zipfile, zlib and numpy raise
        yield place.refused(
            without_name(unreadable(Path(file), error, "", by_numpy=None if content is None else True).message, file)
        )
        return
    yield from of_arrays(place, arrays, form)


def without_name(message: str, file: str) -> str:
    """A message that begins with the file's name, which stands before it already."""
    return message.removeprefix(f"{Path(file)} ")


def chosen(place: Place, known: list[str], form: Form) -> dict[str, str]:
    """Which array feeds which input: that of its name, or the only one; raises `Refused`."""
    inputs = tuple(form.plan.inputs)
    if len(inputs) == 1 and len(known) == 1:
        return {inputs[0]: known[0]}
    for name in inputs:
        if name not in known:
            meant = nearest(name, known)
            message = f"it has no array `{name}`, which the network takes; it has {', '.join(known) or 'none'}"
            raise Refused(place.refused(message, f"call `{meant}` `{name}`" if meant else None))
    return {name: name for name in inputs}


def of_arrays(place: Place, arrays: Array | Mapping[str, Array], form: Form) -> Iterator[Given | Diagnostic]:
    """The samples of arrays, whose first axis counts them."""
    try:
        if isinstance(arrays, Mapping):
            held = {field: arrays[name] for field, name in chosen(place, list(arrays), form).items()}
        elif len(form.plan.inputs) == 1:
            held = {next(iter(form.plan.inputs)): arrays}
        else:
            names = ", ".join(form.plan.inputs)
            raise Refused(
                place.refused(f"it is one array, but the network takes {names}", "a `.npz` with each by name")
            )
        rows = {field: rows_of(place, array, field, form) for field, array in held.items()}
    except Refused as refused:
        yield refused.diagnostic
        return
    counts = {field: len(array) for field, array in held.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{field} {count:,}" for field, count in counts.items())
        yield place.refused(f"the arrays differ in their number of samples: {told}")
        return
    if not next(iter(counts.values())):
        yield place.refused("it has no samples")
        return
    for number, values in enumerate(zip(*rows.values(), strict=True)):
        yield Given(Place(place.file, "sample", number), dict(zip(rows, values, strict=True)))


def rows_of(place: Place, array: Array, field: str, form: Form) -> Iterator[Array]:
    """The samples of one field; raises `Refused` for what holds no numbers, or has no axis of samples."""
    array = np.asanyarray(array)
    if array.dtype.kind not in "fiub":
        raise Refused(place.refused(f"`{field}` holds {array.dtype}, not numbers"))
    if array.ndim == 0:
        raise Refused(place.refused(f"`{field}` is one number, without an axis of samples"))
    wanted = form.plan.inputs[field].shape
    layout = image_layout(array.shape, array.dtype.name) if field == form.image else None
    if layout is None and array.ndim != len(wanted) + 1:
        one = array.ndim == len(wanted) and all(
            not isinstance(size, int) or size == own for own, size in zip(array.shape, wanted, strict=True)
        )
        axes = "has no axis of samples" if one else f"is of {array.ndim} axes"
        shape = f"[N, {', '.join(map(str, wanted))}]"
        message = f"`{field}` {axes}: it is {list(array.shape)}, but the network takes {shape}"
        raise Refused(place.refused(message, "array[None], for one sample" if one else None))
    if 0 in array.shape[1:]:
        raise Refused(place.refused(f"`{field}` is {list(array.shape)}: its samples hold no numbers"))
    taken = "uint8" if layout is not None else plain(array[:0]).dtype.name
    if field == form.image and (wrong := form.of_another_type(taken, array.dtype.name)) is not None:
        raise Refused(place.refused(wrong))
    return map(plain, array) if layout is None else image_rows(array, layout)


def plain(value: Array) -> Array:
    """Floating point as float32, where what is too large becomes an infinity, integers as int64."""
    if value.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.asarray(value, np.float32)
    return np.asarray(value) if value.dtype.kind == "b" else np.asarray(value, np.int64)
