"""Sets that torchvision downloads, verifies and reads."""

from abc import ABC
from typing import TYPE_CHECKING

from specbuild.catalogue.datasets.dataset import Dataset


class TorchvisionSet(Dataset, ABC):
    """A set that torchvision downloads, verifies and reads."""

    if TYPE_CHECKING:
        root: str
        train: bool
        download: bool
