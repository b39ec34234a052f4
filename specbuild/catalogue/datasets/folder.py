"""Image files."""

from collections.abc import Mapping
from typing import ClassVar

from specbuild.catalogue.datasets.dataset import Dataset, images
from specbuild.catalogue.datasets.torchvision_set import READ_BY_PILLOW
from specbuild.catalogue.entry import Bool, Str
from specbuild.catalogue.samples import SampleType


class ImageFolder(Dataset):
    """Image files, a folder for each class; the classes are the folders' names in order.

    Every image is read as RGB. Give them one size by `Resize` and `CenterCrop`.

    ```yaml
    dataset: {type: ImageFolder, root: photos/train}
    ```
    """

    refused: ClassVar = {
        **Dataset.refused,
        "loader": READ_BY_PILLOW,
        "is_valid_file": "a document holds no Python; files are chosen by their endings",
    }

    root: Str
    """The folder of the classes' folders."""
    allow_empty: Bool = False
    """Whether a class's folder may hold no image."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of any size, and a label."""
        return images(3, None, None, None)

    def length(self) -> None:
        """Known when the folder is opened."""
        return None
