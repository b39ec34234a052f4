"""Textures, land from above, traffic signs, words as images, counted things."""

from collections.abc import Mapping
from typing import Annotated, Literal

from annotated_types import Ge, Le

from specbuild.catalogue.datasets.dataset import images
from specbuild.catalogue.datasets.torchvision_set import ImageFileSet
from specbuild.catalogue.entry import Bool, Str
from specbuild.catalogue.samples import SampleType


class DTD(ImageFileSet):
    """5,640 photos of textures, in 47 classes. https://www.robots.ox.ac.uk/~vgg/data/dtd.

    ```yaml
    dataset: {type: DTD, root: data, partition: 1, download: true}
    ```
    """

    root: Str
    """The folder that holds `dtd/dtd`."""
    split: Literal["train", "val", "test"] = "train"
    """A third of the images each, 1,880."""
    partition: Annotated[int, Ge(1), Le(10)] = 1
    """Which of ten ways to divide them."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of any size, and one of 47 labels."""
        return images(3, None, None, 47)

    def length(self) -> int:
        """Fixed by the set."""
        return 1_880


class EuroSAT(ImageFileSet):
    """27,000 satellite images, 3 x 64 x 64, of ten uses of land. https://github.com/phelber/eurosat.

    ```yaml
    dataset: {type: EuroSAT, root: data, download: true}
    ```
    """

    root: Str
    """The folder that holds `eurosat/2750`."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of 64 x 64, and one of ten labels."""
        return images(3, 64, 64, 10)

    def length(self) -> int:
        """Fixed by the set."""
        return 27_000


class GTSRB(ImageFileSet):
    """39,270 photos of traffic signs, in 43 classes. https://benchmark.ini.rub.de.

    ```yaml
    dataset: {type: GTSRB, root: data, download: true}
    ```
    """

    root: Str
    """The folder that holds `gtsrb`."""
    split: Literal["train", "test"] = "train"
    """The 26,640 images to train on, or the 12,630 to test."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of any size, and one of 43 labels."""
        return images(3, None, None, 43)

    def length(self) -> int:
        """Fixed by the set."""
        return {"train": 26_640, "test": 12_630}[self.split]


class RenderedSST2(ImageFileSet):
    """Sentences of film reviews as images, 3 x 448 x 448, negative or positive. https://github.com/openai/CLIP/blob/main/data/rendered-sst2.md.

    ```yaml
    dataset: {type: RenderedSST2, root: data, download: true}
    ```
    """

    root: Str
    """The folder that holds `rendered-sst2`."""
    split: Literal["train", "val", "test"] = "train"
    """The 6,920 images to train on, the 872 to validate, or the 1,821 to test."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of 448 x 448, and one of two labels."""
        return images(3, 448, 448, 2)

    def length(self) -> int:
        """Fixed by the set."""
        return {"train": 6_920, "val": 872, "test": 1_821}[self.split]


class CLEVRClassification(ImageFileSet):
    """Rendered scenes, 3 x 320 x 480; the label is the number of things in them, up to ten.
    https://cs.stanford.edu/people/jcjohns/clevr.

    ```yaml
    dataset: {type: CLEVRClassification, root: data, download: true}
    ```
    """

    root: Str
    """The folder that holds `clevr/CLEVR_v1.0`."""
    split: Literal["train", "val"] = "train"
    """The 70,000 images to train on, or the 15,000 to validate; those to test have no labels."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of 320 x 480, and a number of things from 0 to 10."""
        return images(3, 320, 480, 11)

    def length(self) -> int:
        """Fixed by the set."""
        return {"train": 70_000, "val": 15_000}[self.split]
