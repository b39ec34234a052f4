"""Image files as pixels, by Pillow and NumPy alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from specbuild.data.failure import Unusable, first_line

Pixels: TypeAlias = np.ndarray[Any, Any]
ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Of image files: torchvision's."""


def decoded(source: str | BinaryIO, mode: str) -> Pixels:
    """The image of a file, read in Pillow's `mode`: uint8 `[C, H, W]`. Raises whatever Pillow does."""
    from PIL import Image

    with Image.open(source) as image:
        return channels_first(np.array(image.convert(mode)))


def channels_first(pixels: Pixels) -> Pixels:
    """Pixels as `[C, H, W]`."""
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def reading(path: str, what: str, read: Callable[[str], Pixels], field: str = "root") -> Pixels:
    """What is read from a file, or SB405 with its name."""
    try:
        return read(path)
    except Exception as error:  # Pillow's readers raise OSError, SyntaxError, ValueError, struct.error...
        article = "an" if what == "image" else "a"
        raise Unusable(
            "SB405", f"{path} is not {article} {what} that can be read: {first_line(error)}", field=field
        ) from None


def below(folder: Path) -> Iterator[Path]:
    """The files of a folder and of those in it, in the order of their names."""
    for name, folders, files in os.walk(folder):
        folders.sort()
        yield from (Path(name) / file for file in sorted(files))
