"""Photos of all kinds of things, in many classes."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from specbuild.catalogue.datasets.dataset import images
from specbuild.catalogue.datasets.torchvision_set import ImageFileSet
from specbuild.catalogue.entry import Bool, Str
from specbuild.catalogue.samples import SampleType


class ImageNet(ImageFileSet):
    """1.3 million photos in 1,000 classes. https://image-net.org/challenges/LSVRC/2012.

    It cannot be downloaded freely. The three archives are unpacked the first time (which needs scipy), if
    `root` has them; folders of photos without `meta.bin` are an `ImageFolder`.

    ```yaml
    dataset: {type: ImageNet, root: imagenet, split: train}
    ```
    """

    refused: ClassVar = {
        **ImageFileSet.refused,
        "is_valid_file": "a document holds no Python; files are chosen by their endings",
        "allow_empty": "every class of ImageNet has images",
    }

    root: Str
    """The folder that holds `meta.bin` and the folders `train` and `val`, or the archives that they come from."""
    split: Literal["train", "val"] = "train"
    """The 1,281,167 images to train on, or the 50,000 to validate."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of any size, and one of a thousand labels."""
        return images(3, None, None, 1_000)

    def length(self) -> int:
        """Fixed by the set."""
        return {"train": 1_281_167, "val": 50_000}[self.split]


class Imagenette(ImageFileSet):
    """13,394 photos in ten easy classes of ImageNet. https://github.com/fastai/imagenette.

    ```yaml
    dataset: {type: Imagenette, root: data, size: 160px, download: true}
    ```
    """

    root: Str
    """The folder that holds `imagenette2`, `imagenette2-320` or `imagenette2-160`."""
    split: Literal["train", "val"] = "train"
    """The 9,469 images to train on, or the 3,925 to validate."""
    size: Literal["full", "320px", "160px"] = "full"
    """The shorter side of each image."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of any size, and one of ten labels."""
        return images(3, None, None, 10)

    def length(self) -> int:
        """Fixed by the set."""
        return {"train": 9_469, "val": 3_925}[self.split]


class Places365(ImageFileSet):
    """Photos of 365 kinds of places. http://places2.csail.mit.edu.

    ```yaml
    dataset: {type: Places365, root: data, split: val, small: true, download: true}
    ```
    """

    root: Str
    """The folder that holds `categories_places365.txt`, the lists of files, and folders like `data_256_standard`."""
    split: Literal["train-standard", "train-challenge", "val"] = "train-standard"
    """The 1,803,460 or the 8,026,628 images to train on, or the 36,500 to validate; those to test have no
    labels."""
    small: Bool = False
    """Images of 256 x 256, and not of their own sizes."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of 256 x 256 or any size, and one of 365 labels."""
        size = 256 if self.small else None
        return images(3, size, size, 365)

    def length(self) -> int:
        """Fixed by the set."""
        return {"train-standard": 1_803_460, "train-challenge": 8_026_628, "val": 36_500}[self.split]


class SUN397(ImageFileSet):
    """108,754 photos of 397 kinds of scenes. https://vision.princeton.edu/projects/2010/SUN.

    The samples are in the order of the files' names; in torchvision it is that of the file system.

    ```yaml
    dataset: {type: SUN397, root: data, download: true}
    ```
    """

    root: Str
    """The folder that holds `SUN397`."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of any size, and one of 397 labels."""
        return images(3, None, None, 397)

    def length(self) -> int:
        """Fixed by the set."""
        return 108_754


class Country211(ImageFileSet):
    """Photos in 211 countries. https://github.com/openai/CLIP/blob/main/data/country211.md.

    ```yaml
    dataset: {type: Country211, root: data, download: true}
    ```
    """

    root: Str
    """The folder that holds `country211`."""
    split: Literal["train", "valid", "test"] = "train"
    """The 31,650 images to train on, the 10,550 to validate, or the 21,100 to test."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of any size, and one of 211 labels."""
        return images(3, None, None, 211)

    def length(self) -> int:
        """Fixed by the set."""
        return {"train": 31_650, "valid": 10_550, "test": 21_100}[self.split]


class Caltech101(ImageFileSet):
    """8,677 photos in 101 classes. https://data.caltech.edu/records/mzrjq-6wc02.

    ```yaml
    dataset: {type: Caltech101, root: data, download: true}
    ```
    """

    root: Str
    """The folder that holds `caltech101/101_ObjectCategories`."""
    target_type: Literal["category"] = "category"
    """The label of an image. (torchvision has outlines beside, which no loss takes.)"""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of any size, and one of 101 labels."""
        return images(3, None, None, 101)

    def length(self) -> int:
        """Fixed by the set."""
        return 8_677


class Caltech256(ImageFileSet):
    """30,607 photos in 257 classes. https://data.caltech.edu/records/nyy15-4j048.

    ```yaml
    dataset: {type: Caltech256, root: data, download: true}
    ```
    """

    root: Str
    """The folder that holds `caltech256/256_ObjectCategories`."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of any size, and one of 257 labels."""
        return images(3, None, None, 257)

    def length(self) -> int:
        """Fixed by the set."""
        return 30_607
