"""MNIST and what has its form."""

from collections.abc import Mapping

from specbuild.catalogue.datasets.dataset import images
from specbuild.catalogue.datasets.torchvision_set import TorchvisionSet
from specbuild.catalogue.entry import Bool, Str
from specbuild.catalogue.samples import SampleType


class MNIST(TorchvisionSet):
    """70,000 images of handwritten digits, 1 x 28 x 28, in ten classes. http://yann.lecun.com/exdb/mnist.

    ```yaml
    dataset: {type: MNIST, root: data, train: true, download: true}
    ```
    """

    root: Str
    """The folder that holds `MNIST/raw`."""
    train: Bool = True
    """The 60,000 images to train on, or the 10,000 to test."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """One channel of 28 x 28, and one of ten labels."""
        return images(1, 28, 28, 10)

    def length(self) -> int:
        """Fixed by the set."""
        return 60_000 if self.train else 10_000


class FashionMNIST(TorchvisionSet):
    """70,000 images of clothes, 1 x 28 x 28, in ten classes. https://arxiv.org/abs/1708.07747.

    ```yaml
    dataset: {type: FashionMNIST, root: data, train: true, download: true}
    ```
    """

    root: Str
    """The folder that holds `FashionMNIST/raw`."""
    train: Bool = True
    """The 60,000 images to train on, or the 10,000 to test."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """One channel of 28 x 28, and one of ten labels."""
        return images(1, 28, 28, 10)

    def length(self) -> int:
        """Fixed by the set."""
        return 60_000 if self.train else 10_000


class KMNIST(TorchvisionSet):
    """70,000 images of old Japanese writing, 1 x 28 x 28, in ten classes. http://codh.rois.ac.jp/kmnist.

    ```yaml
    dataset: {type: KMNIST, root: data, train: true, download: true}
    ```
    """

    root: Str
    """The folder that holds `KMNIST/raw`."""
    train: Bool = True
    """The 60,000 images to train on, or the 10,000 to test."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """One channel of 28 x 28, and one of ten labels."""
        return images(1, 28, 28, 10)

    def length(self) -> int:
        """Fixed by the set."""
        return 60_000 if self.train else 10_000
