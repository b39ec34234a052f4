"""Image files that are read one at a time by Pillow, with a label or a mask each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from specbuild.data.decoding import Pixels, decoded, reading
from specbuild.data.failure import Unusable
from specbuild.data.sources import Sample, SampleSource
from specbuild.network.samples import INPUT


class FileSource(SampleSource):
    """Image files, each with a target that is known without reading it."""

    images = True
    fields = (INPUT, "target")

    def __init__(
        self,
        files: Sequence[str],
        targets: torch.Tensor,
        *,
        classes: int | None = None,
        names: Sequence[str] | None = None,
        mode: str = "RGB",
    ) -> None:
        """targets: `[N, ...]`. names: of the classes. mode: Pillow's, of the images."""
        self.files, self.targets, self.mode, self.classes = files, targets, mode, classes
        self.class_names = tuple(names) if names is not None else None

    def __len__(self) -> int:
        return len(self.files)

    def labels(self, field: str) -> torch.Tensor | None:
        """The targets of all files, without reading one."""
        return self.targets if field == "target" else None

    def sample(self, index: int) -> Sample:
        """One image and its target; SB405 names the file that Pillow cannot read."""
        return {INPUT: image_of(self.files[index], self.mode), "target": self.targets[index].clone()}


class MaskSource(SampleSource):
    """Image files, each with a file of the classes of its pixels: int64 `[H, W]`."""

    images = True
    fields = (INPUT, "target")
    paired = {"target": "mask"}  # noqa: RUF012  as in the base, it is not changed

    def __init__(
        self,
        files: Sequence[str],
        masks: Sequence[str],
        *,
        classes: int,
        names: Sequence[str] | None = None,
        read: Callable[[str], Pixels] | None = None,
        first: int = 0,
    ) -> None:
        """read: what reads a mask; null is Pillow. first: the number that stands for the first class."""
        self.files, self.masks, self.classes, self.first = files, masks, classes, first
        self.read = read or indexed
        self.class_names = tuple(names) if names is not None else None

    def __len__(self) -> int:
        return len(self.files)

    def sample(self, index: int) -> Sample:
        """One image and the classes of its pixels; SB405 names the file that cannot be read."""
        image, path = image_of(self.files[index], "RGB"), self.masks[index]
        pixels = reading(path, "mask", self.read)
        if pixels.ndim != 2 or pixels.shape != tuple(image.shape[1:]):
            size, other = (" x ".join(map(str, shape)) for shape in (pixels.shape, image.shape[1:]))
            raise Unusable("SB405", f"{path} is {size}, but its image is {other}: {self.files[index]}", field="root")
        return {INPUT: image, "target": torch.from_numpy(pixels.astype(np.int64) - self.first)}


def image_of(path: str, mode: str, field: str = "root") -> torch.Tensor:
    """The image of a file, uint8 `[C, H, W]`; field: the argument that names it, or its folder."""
    return torch.from_numpy(reading(path, "image", lambda path: decoded(path, mode), field))


def indexed(path: str) -> Pixels:
    """The numbers of a file's pixels, of a palette its entries."""
    from PIL import Image

    with Image.open(path) as image:
        return np.array(image)
