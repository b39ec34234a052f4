"""Images that are none."""

from collections.abc import Mapping

from specbuild.catalogue.datasets.dataset import Dataset, images
from specbuild.catalogue.entry import Int, Size
from specbuild.catalogue.samples import SampleType


class FakeData(Dataset):
    """Random images with random labels, the same at every run: to try a network's speed.

    ```yaml
    dataset: {type: FakeData, size: 512, image_size: [3, 32, 32]}
    ```
    """

    size: Size = 1000
    """The number of samples."""
    image_size: tuple[Size, Size, Size] = (3, 224, 224)
    """Channels, height and width."""
    num_classes: Size = 10
    """The number of classes."""
    random_offset: Int = 0
    """Another number gives other images."""

    def sample(self) -> Mapping[str, SampleType]:
        """An image as asked for, and a label."""
        return images(*self.image_size, self.num_classes)

    def length(self) -> int:
        """As written."""
        return self.size
