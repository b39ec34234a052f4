"""Sets that torchvision downloads, verifies and reads."""

from abc import ABC
from typing import TYPE_CHECKING, ClassVar

from specbuild.catalogue.datasets.dataset import Dataset

READ_BY_PILLOW = "images are read by Pillow, as RGB"


class TorchvisionSet(Dataset, ABC):
    """A set that lies on the disk as torchvision has it; this base is for those whose images are held in memory."""

    refused: ClassVar = {
        **Dataset.refused,
        "transforms": Dataset.refused["transform"],
        "loader": READ_BY_PILLOW,
    }
    needs: ClassVar[str | None] = None
    """A package that its files are read with, beside those that specbuild needs anyway."""

    if TYPE_CHECKING:
        root: str


class ImageFileSet(TorchvisionSet, ABC):
    """A set of image files, each with a label; they are read one at a time, as RGB."""


class MaskSet(TorchvisionSet, ABC):
    """A set of image files, each with another image that gives the class of each of its pixels."""
