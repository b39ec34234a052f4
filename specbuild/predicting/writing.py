"""What is written of predictions: arrays, and masks as pictures. Either all of it is there in the end, or nothing."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.predicting.answers import Mask, Values
from specbuild.predicting.given import Array
from specbuild.predicting.prediction import Prediction
from specbuild.runs.files import appear, clear, force_to_disk


class Held(NamedTuple):
    """The rows of one array, in a file that nobody else sees."""

    rows: IO[bytes]
    shape: tuple[int, ...]
    dtype: Any


class ArrayFile:
    """A `.npz` with an array for each output, a row a prediction, and `inputs`, what each was made of.

    The rows are held on disk until the end. Raises `RunError`: SB506 where it cannot be written, SB514 for rows of
    several shapes.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.aside = path, path.with_name(f".{path.name}.new")
        self.held: dict[str, Held] = {}
        self.inputs: list[str] = []

    def add(self, prediction: Prediction) -> None:
        """One more row: masks and pictures as they are told, all else as the network gave it."""
        self.inputs.append(prediction.input)
        for name, output in prediction.outputs.items():
            answer = prediction.answers[name]
            values: Array = output
            if isinstance(answer, Mask):
                values = answer.classes
            elif isinstance(answer, Values):
                values = answer.values
            if name not in self.held:
                self.held[name] = Held(tempfile.TemporaryFile(), values.shape, values.dtype)  # noqa: SIM115
            held = self.held[name]
            if values.shape != held.shape:
                message = f"the outputs are of several shapes, such as {list(held.shape)} and {list(values.shape)}"
                fix = "inputs of one size, or --format json"
                raise RunError([Diagnostic("SB514", message, file=str(self.path), fix=fix)])
            held.rows.write(np.ascontiguousarray(values).tobytes())

    def finish(self) -> None:
        """Put the file where it belongs."""
        count = len(self.inputs)
        try:
            clear(self.aside)
            with zipfile.ZipFile(self.aside, "w") as archive:
                with archive.open("inputs.npy", "w") as file:
                    np.lib.format.write_array(file, np.array(self.inputs, np.str_), allow_pickle=False)
                for name, held in self.held.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                        head = {"descr": held.dtype.str, "fortran_order": False, "shape": (count, *held.shape)}
                        np.lib.format.write_array_header_1_0(file, head)
                        held.rows.seek(0)
                        shutil.copyfileobj(held.rows, file)
            force_to_disk(self.aside)
            os.replace(self.aside, self.path)
        except OSError as error:
            raise unwritable(self.path, error) from None

    def close(self) -> None:
        """Leave nothing else behind."""
        clear(self.aside)
        for held in self.held.values():
            held.rows.close()


class MaskFolder:
    """A folder with a PNG for each mask: the number of the class as the value of a pixel.

    Raises `RunError` (SB506) where it cannot be written, or holds something.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.aside = path, path.with_name(f".{path.name}.new")
        self.names: set[str] = set()
        try:
            if path.exists() and any(path.iterdir()):
                message, fix = "the folder holds something already", "a folder that is not there yet"
                raise RunError([Diagnostic("SB506", message, file=str(path), fix=fix)])
            clear(self.aside)
            self.aside.mkdir(parents=True)
        except OSError as error:
            raise unwritable(path, error) from None

    def add(self, prediction: Prediction) -> str | None:
        """One more; its name in the folder. None where the answer is no mask of two axes."""
        answer = next((each for each in prediction.answers.values() if isinstance(each, Mask)), None)
        if answer is None or answer.classes.ndim != 2:
            return None
        name = self.name_of(prediction)
        try:
            (self.aside / name).write_bytes(png(answer.classes))
        except OSError as error:
            raise unwritable(self.path / name, error) from None
        return name

    def name_of(self, prediction: Prediction) -> str:
        """The input's name with another ending; a number after it where there is one of that name already."""
        place = prediction.place
        stem = Path(place.file).stem.strip("<>") + (f"_{place.number}" if place.unit else "")
        name, k = f"{stem}.png", 1
        while name in self.names:
            k += 1
            name = f"{stem}-{k}.png"
        self.names.add(name)
        return name

    def finish(self) -> None:
        """Give the folder its name."""
        try:
            if self.path.exists():
                self.path.rmdir()
            appear(self.aside, self.path)
        except OSError as error:
            raise unwritable(self.path, error) from None

    def close(self) -> None:
        """Leave nothing else behind."""
        clear(self.aside)


def png(classes: Array) -> bytes:
    """A mask as a PNG in gray, of 8 bits, or of 16 where a number needs them."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(classes.astype(np.uint8 if not classes.size or classes.max() < 256 else np.uint16)).save(
        content, "PNG"
    )
    return content.getvalue()


def unwritable(path: Path, error: OSError) -> RunError:
    """SB506 for a file or folder that the file system refuses."""
    return RunError([Diagnostic("SB506", f"cannot be written: {error.strerror or error}", file=str(path))])
