"""Faces."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from specbuild.catalogue.datasets.dataset import images
from specbuild.catalogue.datasets.torchvision_set import ImageFileSet
from specbuild.catalogue.entry import Bool, Str
from specbuild.catalogue.samples import SampleType


class CelebA(ImageFileSet):
    """202,599 faces, 3 x 218 x 178, with 40 attributes each. https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html.

    `attr` is for `BCEWithLogitsLoss`. The labels of `identity` count from 0 here, and from 1 in torchvision.

    ```yaml
    dataset: {type: CelebA, root: data, target_type: attr}
    ```
    """

    root: Str
    """The folder that holds `celeba`."""
    split: Literal["train", "valid", "test", "all"] = "train"
    """The 162,770 images to train on, the 19,867 to validate, the 19,962 to test, or all."""
    target_type: Literal["attr", "identity"] = "attr"
    """40 numbers, 1 for each attribute that the face has, else 0; or one of 10,177 people."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of 218 x 178, and 40 numbers or a label."""
        sample = images(3, 218, 178, 10_177)
        if self.target_type == "attr":
            sample["target"] = SampleType((40,), "float32")
        return sample

    def length(self) -> int:
        """Fixed by the set."""
        return {"train": 162_770, "valid": 19_867, "test": 19_962, "all": 202_599}[self.split]


class LFWPeople(ImageFileSet):
    """13,233 faces of 5,749 people, 3 x 250 x 250. http://vis-www.cs.umass.edu/lfw.

    ```yaml
    dataset: {type: LFWPeople, root: data, split: train}
    ```
    """

    refused: ClassVar = {
        **ImageFileSet.refused,
        "download": "its site is gone; put the archive, unpacked beside it, and the lists into `root`",
    }

    root: Str
    """The folder that holds `lfw-py`."""
    split: Literal["10fold", "train", "test"] = "10fold"
    """All ten parts, those to train on, or those to test, in which other people are."""
    image_set: Literal["original", "funneled", "deepfunneled"] = "funneled"
    """How the faces were aligned."""

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of 250 x 250, and one of 5,749 labels."""
        return images(3, 250, 250, 5_749)

    def length(self) -> int:
        """Fixed by the set."""
        return {"10fold": 13_233, "train": 9_525, "test": 3_708}[self.split]
