"""Data sets: torchvision's names, arguments and defaults; `Digits` and `Arrays` are specbuild's own.

`transform` and `target_transform` are written in `transforms`. A data set yields named fields; image
sets yield `input` and `target`. Relative paths are relative to the working directory.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, final

from annotated_types import MinLen

from specbuild.catalogue.entry import Bool, Entry, Int, Size, Str
from specbuild.catalogue.samples import SampleType

IN_TRANSFORMS = "written in `transforms`, beside `dataset`"
LABEL = SampleType((), "int64")


class Dataset(Entry, ABC):
    """A data set: where it is, and what one sample of it is, as far as that is known without opening it."""

    refused: ClassVar = {
        "transform": IN_TRANSFORMS,
        "target_transform": "labels are taken as they are",
    }

    @abstractmethod
    def sample(self) -> Mapping[str, SampleType] | None:
        """The fields of a sample before its transforms; None if even their names are not known."""

    @abstractmethod
    def length(self) -> int | None:
        """The number of samples; None if that takes opening it."""


def _images(channels: int | None, height: int | None, width: int | None, classes: int | None) -> dict[str, SampleType]:
    return {
        "input": SampleType((channels, height, width), "uint8", image=True),
        "target": LABEL._replace(classes=classes),
    }


@final
class Digits(Dataset):
    """1,797 real images of handwritten digits, 1 x 8 x 8, in ten classes; shipped with specbuild.

    From the UCI set "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak (CC BY
    4.0). Sorted by class, every fifth image is for the test: 1,437 to train on and 360 to test.

    ```yaml
    dataset: {type: Digits, train: true}
    ```
    """

    train: Bool = True
    """The 1,437 images to train on, or the 360 to test."""

    def sample(self) -> Mapping[str, SampleType]:
        """One channel of 8 x 8, and one of ten labels."""
        return _images(1, 8, 8, 10)

    def length(self) -> int:
        """Fixed by the split."""
        return 1437 if self.train else 360


class TorchvisionSet(Dataset, ABC):
    """A set that torchvision downloads, verifies and reads."""

    if TYPE_CHECKING:
        root: str
        train: bool
        download: bool


@final
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
        return _images(1, 28, 28, 10)

    def length(self) -> int:
        """Fixed by the set."""
        return 60_000 if self.train else 10_000


@final
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
        return _images(1, 28, 28, 10)

    def length(self) -> int:
        """Fixed by the set."""
        return 60_000 if self.train else 10_000


@final
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
        return _images(3, 32, 32, 10)

    def length(self) -> int:
        """Fixed by the set."""
        return 50_000 if self.train else 10_000


@final
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
        return _images(3, 32, 32, 100)

    def length(self) -> int:
        """Fixed by the set."""
        return 50_000 if self.train else 10_000


@final
class ImageFolder(Dataset):
    """Image files, a folder for each class; the classes are the folders' names in order.

    Every image is read as RGB. Give them one size by `Resize` and `CenterCrop`.

    ```yaml
    dataset: {type: ImageFolder, root: photos/train}
    ```
    """

    refused: ClassVar = {
        **Dataset.refused,
        "loader": "images are read by Pillow, as RGB",
        "is_valid_file": "a document holds no Python; files are chosen by their endings",
    }

    root: Str
    """The folder of the classes' folders."""
    allow_empty: Bool = False
    """Whether a class's folder may hold no image."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of any size, and a label."""
        return _images(3, None, None, None)

    def length(self) -> None:
        """Known when the folder is opened."""
        return None


@final
class Arrays(Dataset):
    """NumPy arrays, the first axis of each counting the samples.

    An `input` of uint8 `[N, H, W]`, `[N, H, W, C]` or `[N, C, H, W]`, with 1, 3 or 4 channels, holds
    images, and comes as `[C, H, W]`. All other integers come as int64, floating point as float32.

    ```yaml
    dataset: {type: Arrays, path: cifar10.npz, fields: {input: x_train, target: y_train}}
    ```
    """

    path: Str
    """A `.npz` file, or a folder of `.npy` files."""
    fields: Annotated[dict[Str, Str], MinLen(1)]
    """For each field of a sample its array: a name in the `.npz`, or a `.npy` file of the folder."""

    def sample(self) -> Mapping[str, SampleType]:
        """The fields' names; all else is known when the file is opened."""
        return {name: SampleType() for name in self.fields}

    def length(self) -> None:
        """Known when the file is opened."""
        return None


@final
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
        return _images(*self.image_size, self.num_classes)

    def length(self) -> int:
        """As written."""
        return self.size


DATASETS: dict[str, type[Dataset]] = {
    dataset.__name__: dataset
    for dataset in (Digits, MNIST, FashionMNIST, CIFAR10, CIFAR100, ImageFolder, Arrays, FakeData)
}
"""Every data set, by the name that a document uses."""
