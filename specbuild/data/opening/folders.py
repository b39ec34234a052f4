"""Image files in folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from specbuild.catalogue.datasets.folder import ImageFolder
from specbuild.data.failure import Unusable
from specbuild.data.opening.opener import Openers, first_line, placed
from specbuild.data.sources import Sample, SampleSource, Source
from specbuild.data.vision import torchvision
from specbuild.network.samples import INPUT


class FolderSource(SampleSource):
    """Image files, a folder for each class; each read as RGB."""

    images = True
    fields = (INPUT, "target")

    def __init__(self, entry: ImageFolder, root: Path) -> None:
        if not root.is_dir():
            raise Unusable(
                "SB403", f"there is no folder {root.absolute()}", field="root",
                fix="a folder with a folder of images for each class",
            )  # fmt: skip
        try:
            opened = torchvision().datasets.ImageFolder(root, allow_empty=entry.allow_empty)
        except OSError as error:  # torchvision's FileNotFoundError says which class has no image
            raise Unusable(
                "SB403", f"{root.absolute()} is no folder of images: {first_line(error)}", field="root",
                fix="a folder with a folder of images for each class",
            ) from None  # fmt: skip
        self.files: list[tuple[str, int]] = opened.samples
        self.classes = len(opened.classes)

    def __len__(self) -> int:
        return len(self.files)

    def labels(self, field: str) -> torch.Tensor | None:
        """The classes of all files, without reading one."""
        return torch.tensor([label for _, label in self.files]) if field == "target" else super().labels(field)

    def sample(self, index: int) -> Sample:
        """One image and its class; SB405 names the file that Pillow cannot read."""
        from PIL import Image

        path, label = self.files[index]
        try:
            with Image.open(path) as image:
                pixels = np.array(image.convert("RGB"))
        except Exception as error:  # Pillow's readers raise OSError, SyntaxError, ValueError, struct.error...
            raise Unusable(
                "SB405", f"{path} is not an image that can be read: {first_line(error)}", field="root"
            ) from None
        return {INPUT: torch.from_numpy(pixels).permute(2, 0, 1).contiguous(), "target": torch.tensor(label)}


def image_folder(entry: ImageFolder, root: Path, image: str | None) -> Source:
    """A folder of images for each class."""
    return FolderSource(entry, placed(root, entry.root))


OPENERS: Openers = {ImageFolder: image_folder}
