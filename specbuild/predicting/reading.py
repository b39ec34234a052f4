"""From what is named, or handed over, to the inputs in it, one after the other. Imports no torch."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from specbuild.data.decoding import ENDINGS, below
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.predicting import arrays, images, tables, texts
from specbuild.predicting.form import Form, Kind
from specbuild.predicting.given import Given, Place, Refused

STDIN, ARRAY = "<stdin>", "<array>"
NUMPY = (".npz", ".npy")
FOUND: Mapping[Kind, tuple[str, ...]] = {
    "images": ENDINGS,
    "table": (".csv", ".parquet"),
    "text": (".txt",),
    "arrays": NUMPY,
}
"""The endings of what is looked for in a folder."""
Read: TypeAlias = Iterator[Given | Diagnostic]
Inputs: TypeAlias = Any
"""A path or an array, several of them, or a mapping of arrays by the names of the inputs."""


def inputs_of(inputs: Inputs, form: Form, stdin: Callable[[], bytes] | None = None) -> Read:
    """Every input, in order: what was read, or SB513 for what cannot be. stdin: what reads it, for `-`."""
    alone = isinstance(inputs, (str, bytes, os.PathLike, Mapping)) or is_array(inputs)
    alone = alone or not isinstance(inputs, Iterable)  # what is none of all that is told below
    for each in (inputs,) if alone else inputs:
        if isinstance(each, Mapping):
            yield from arrays.of_arrays(Place(ARRAY), {name: as_array(value) for name, value in each.items()}, form)
        elif is_array(each):
            yield from arrays.of_arrays(Place(ARRAY), as_array(each), form)
        elif not isinstance(each, (str, os.PathLike)):
            raise TypeError(f"an input is a path, an array, a tensor or a dict of them, not a {type(each).__name__}")
        elif each == "-" and stdin is not None:
            yield from of_file(STDIN, form, stdin())
        else:
            yield from of_path(os.path.expanduser(os.fspath(each)), form)


def is_array(value: Any) -> bool:
    """Whether a value is an array or a tensor: torch may not be there to ask."""
    return hasattr(value, "__array__") or hasattr(value, "detach")


def as_array(value: Any) -> Any:
    """An array of NumPy's."""
    import numpy as np

    if not hasattr(value, "detach"):
        return np.asarray(value)
    value = value.detach().cpu()
    return (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()  # NumPy has no bfloat16


def is_input(path: Path, inputs: Iterable[str], form: Form) -> bool:
    """Whether a file is one of those that are read."""
    if not path.is_file():
        return False
    for each in map(Path, map(os.path.expanduser, inputs)):
        if each.is_dir():
            if path.suffix.lower() in FOUND[form.kind] and path.resolve().is_relative_to(each.resolve()):
                return True
        elif each.exists() and each.samefile(path):
            return True
    return False


def of_path(path: str, form: Form) -> Read:
    """The inputs of a file, or of all fitting ones of a folder and those in it."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        yield Place(path).refused("there is no such file or folder" if missing else f"{error.strerror}")
        return
    except ValueError:
        yield Place(repr(path)).refused("it is no path")
        return
    if stat.S_ISDIR(mode):
        yield from of_folder(path, form)
    elif not stat.S_ISREG(mode):
        yield Place(path).refused("it is neither a file nor a folder")
    elif not os.path.getsize(path):
        yield Place(path).refused("it is empty")
    else:
        yield from of_file(path, form)


def of_folder(path: str, form: Form) -> Read:
    """The files of a folder that end as they should, in the order of their names."""
    endings, found = FOUND[form.kind], False
    for file in below(Path(path)):
        if file.suffix.lower() in endings:
            found = True
            yield from of_path(str(file), form)
    if not found:
        what = {"images": "image", "table": "table", "text": "text"}.get(form.kind, "array")
        yield Place(path).refused(f"there is no {what} in the folder, a file that ends with {' '.join(endings)}")


def of_file(file: str, form: Form, content: bytes | None = None) -> Read:
    """The inputs of a file; content: what standard input held."""
    if content is not None and not content:
        yield Place(file).refused("it is empty")
    elif file.lower().endswith(NUMPY) or (content or b"").startswith((b"PK\x03\x04", b"\x93NUMPY")):
        yield from arrays.of_file(file, form, content)
    elif form.kind == "table":
        yield from tables.table(file, form, content)
    elif form.kind == "text":
        yield from texts.texts(file, form, content)
    elif form.kind == "images" and len(form.plan.inputs) == 1:
        try:
            yield images.image(Place(file), form, content)
        except Refused as refused:
            yield refused.diagnostic
    else:
        names = ", ".join(f"`{name}`" for name in form.plan.inputs)
        many = "an array of each: " if len(form.plan.inputs) > 1 else "an array called "
        yield Place(file).refused(f"the network takes arrays, not files of this kind: a .npz with {many}{names}")
