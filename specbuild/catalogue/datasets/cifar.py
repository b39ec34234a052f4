"""CIFAR: small images in colour."""

from collections.abc import Mapping

from specbuild.catalogue.datasets.dataset import images
from specbuild.catalogue.datasets.torchvision_set import TorchvisionSet
from specbuild.catalogue.entry import Bool, Str
from specbuild.catalogue.samples import SampleType


class CIFAR10(TorchvisionSet):
    """60,000 colour images, 3 x 32 x 32, in ten classes. https://www.cs.toronto.edu/~kriz/cifar.html.

    ```yaml
    dataset: {type: CIFAR10, root: data, train: true, download: true}
    ```
    """

    root: Str
    """The folder that holds `cifar-10-batches-py`."""
    train: Bool = True
    """The 50,000 images to train on, or the 10,000 to test."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of 32 x 32, and one of ten labels."""
        return images(3, 32, 32, 10)

    def length(self) -> int:
        """Fixed by the set."""
        return 50_000 if self.train else 10_000


class CIFAR100(TorchvisionSet):
    """60,000 colour images, 3 x 32 x 32, in a hundred classes. https://www.cs.toronto.edu/~kriz/cifar.html.

    ```yaml
    dataset: {type: CIFAR100, root: data, train: true, download: true}
    ```
    """

    root: Str
    """The folder that holds `cifar-100-python`."""
    train: Bool = True
    """The 50,000 images to train on, or the 10,000 to test."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of 32 x 32, and one of a hundred labels."""
        return images(3, 32, 32, 100)

    def length(self) -> int:
        """Fixed by the set."""
        return 50_000 if self.train else 10_000
