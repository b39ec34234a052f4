"""Image files, a folder for each class."""

from __future__ import annotations

from pathlib import Path

import torch

from specbuild.catalogue.datasets.folder import ImageFolder
from specbuild.data.failure import Unusable, first_line
from specbuild.data.opening.image_files import FileSource
from specbuild.data.opening.opener import Openers, placed
from specbuild.data.sources import Source
from specbuild.data.vision import torchvision

FIX = "a folder with a folder of images for each class"


def image_folder(entry: ImageFolder, data_root: Path, image: str | None) -> Source:
    """A folder of images for each class, each read as RGB."""
    root = placed(data_root, entry.root)
    if not root.is_dir():
        raise Unusable("SB403", f"there is no folder {root.absolute()}", field="root", fix=FIX)
    try:
        found = torchvision().datasets.ImageFolder(root, allow_empty=entry.allow_empty)
    except OSError as error:  # torchvision's FileNotFoundError says which class has no image
        raise Unusable(
            "SB403", f"{root.absolute()} is no folder of images: {first_line(error)}", field="root", fix=FIX
        ) from None
    files = [path for path, _ in found.samples]
    return FileSource(files, torch.tensor(found.targets), classes=len(found.classes), names=found.classes)


OPENERS: Openers = {ImageFolder: image_folder}
