"""Photos of one kind of thing, in classes that are alike."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from specbuild.catalogue.datasets.dataset import images, masked
from specbuild.catalogue.datasets.torchvision_set import ImageFileSet
from specbuild.catalogue.entry import Bool, Str
from specbuild.catalogue.samples import SampleType


class Food101(ImageFileSet):
    """101,000 photos of food, in 101 classes. https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101.

    ```yaml
    dataset: {type: Food101, root: data, download: true}
    ```
    """

    root: Str
    """The folder that holds `food-101`."""
    split: Literal["train", "test"] = "train"
    """The 75,750 images to train on, or the 25,250 to test."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of any size, and one of 101 labels."""
        return images(3, None, None, 101)

    def length(self) -> int:
        """Fixed by the set."""
        return {"train": 75_750, "test": 25_250}[self.split]


class Flowers102(ImageFileSet):
    """8,189 photos of flowers, in 102 classes. https://www.robots.ox.ac.uk/~vgg/data/flowers/102.

    Its lists are MATLAB's: reading them needs scipy.

    ```yaml
    dataset: {type: Flowers102, root: data, download: true}
    ```
    """

    needs: ClassVar = "scipy"

    root: Str
    """The folder that holds `flowers-102`."""
    split: Literal["train", "val", "test"] = "train"
    """The 1,020 images to train on, the 1,020 to validate, or the 6,149 to test."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of any size, and one of 102 labels."""
        return images(3, None, None, 102)

    def length(self) -> int:
        """Fixed by the set."""
        return {"train": 1_020, "val": 1_020, "test": 6_149}[self.split]


class FGVCAircraft(ImageFileSet):
    """10,000 photos of aircraft. https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft.

    ```yaml
    dataset: {type: FGVCAircraft, root: data, annotation_level: family}
    ```
    """

    refused: ClassVar = {
        **ImageFileSet.refused,
        "download": "torchvision cannot verify what it fetches; put the unpacked archive into `root`",
    }

    root: Str
    """The folder that holds `fgvc-aircraft-2013b`."""
    split: Literal["train", "val", "trainval", "test"] = "trainval"
    """The 3,334 images to train on, the 3,333 to validate, both, or the 3,333 to test."""
    annotation_level: Literal["variant", "family", "manufacturer"] = "variant"
    """What the labels tell apart: 100 variants, 70 families or 30 manufacturers."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of any size, and a label."""
        classes = {"variant": 100, "family": 70, "manufacturer": 30}[self.annotation_level]
        return images(3, None, None, classes)

    def length(self) -> int:
        """Fixed by the set."""
        return {"train": 3_334, "val": 3_333, "trainval": 6_667, "test": 3_333}[self.split]


class OxfordIIITPet(ImageFileSet):
    """7,349 photos of cats and dogs. https://www.robots.ox.ac.uk/~vgg/data/pets.

    The classes of `segmentation` (the animal, what is around it, its border) count from 0 here, and from 1
    in torchvision.

    ```yaml
    dataset: {type: OxfordIIITPet, root: data, target_types: segmentation, download: true}
    ```
    """

    root: Str
    """The folder that holds `oxford-iiit-pet`."""
    split: Literal["trainval", "test"] = "trainval"
    """The 3,680 images to train on, or the 3,669 to test."""
    target_types: Literal["category", "binary-category", "segmentation"] = "category"
    """The breed, one of 37; cat or dog; or the class of each pixel, one of three."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of any size, and a label or a class for each pixel."""
        if self.target_types == "segmentation":
            return masked(3)
        return images(3, None, None, 37 if self.target_types == "category" else 2)

    def length(self) -> int:
        """Fixed by the set."""
        return {"trainval": 3_680, "test": 3_669}[self.split]
