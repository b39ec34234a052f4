"""Images and what lies over them: found in folders, read together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from specbuild.data.decoding import ENDINGS, Pixels, below, reading
from specbuild.data.failure import Unusable
from specbuild.data.opening.image_files import image_of
from specbuild.data.sources import Sample
from specbuild.network.samples import INPUT

MASKS = ("1", "L", "P", "I", "I;16")
"""Pillow's modes of one number for each pixel."""


def mask_of(path: str, field: str) -> torch.Tensor:
    """The number of a class for each pixel, int64 `[H, W]`: a palette's index, a gray value."""

    def decoded(path: str) -> Pixels:
        from PIL import Image

        with Image.open(path) as image:
            kinds.append(image.mode)
            return np.array(image)

    kinds: list[str] = []
    numbers = reading(path, "mask", decoded, field)
    if kinds[0] not in MASKS:
        raise Unusable(
            "SB405", f"{path} is in colour ({kinds[0]}), but a mask has one number for each pixel", field=field,
            fix="save it in gray or with a palette, the number of the class as the value",
        )  # fmt: skip
    return torch.from_numpy(numbers.astype(np.int64))


def read_pair(image: Path, target: Path, kind: str, mode: str, own: str, scale: int = 1) -> Sample:
    """An image and what lies over it; SB405 where their sizes do not fit. own: the argument of the images' folder."""
    given = image_of(str(image), mode, own)
    over = mask_of(str(target), "targets") if kind == "mask" else image_of(str(target), mode, "targets")
    size, wanted = tuple(over.shape[-2:]), tuple(scale * side for side in given.shape[-2:])
    if size != wanted:
        of = f", and {scale} times that is {wanted[0]} x {wanted[1]}" if scale > 1 else ""
        raise Unusable(
            "SB405", f"{image} is {given.shape[-2]} x {given.shape[-1]}{of}, but {target} is {size[0]} x {size[1]}",
            field="targets",
        )  # fmt: skip
    return {INPUT: given, "target": over}


def image_files(folder: Path, field: str, suffix: str) -> Mapping[str, Path]:
    """The images in a folder and those in it, by name: without the ending, and without `suffix`, which each has."""
    if not folder.is_dir():
        raise Unusable("SB403", f"there is no folder {folder.absolute()}", field=field, fix="a folder of images")
    found: dict[str, Path] = {}
    for path in below(folder):
        if path.suffix.lower() not in ENDINGS or not path.stem.endswith(suffix):
            continue
        name = path.relative_to(folder).with_suffix("").as_posix()
        name = name.removesuffix(suffix)
        if name in found:
            raise Unusable("SB405", f"{found[name]} and {path} have one name: which is meant?", field=field)
        found[name] = path
    if not found:
        ending = f" whose name ends with {suffix}" if suffix else ""
        raise Unusable("SB403", f"there is no image{ending} in {folder.absolute()}", field=field)
    return found
