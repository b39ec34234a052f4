"""Photos with a class for each pixel."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from specbuild.catalogue.datasets.dataset import masked
from specbuild.catalogue.datasets.torchvision_set import MaskSet
from specbuild.catalogue.entry import Bool, Str
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType

VOC_LENGTHS = {
    ("2007", "train"): 209,
    ("2007", "val"): 213,
    ("2007", "trainval"): 422,
    ("2007", "test"): 210,
    ("2012", "train"): 1_464,
    ("2012", "val"): 1_449,
    ("2012", "trainval"): 2_913,
}


class VOCSegmentation(MaskSet):
    """Photos with 20 kinds of things and background. http://host.robots.ox.ac.uk/pascal/VOC.

    Pixels of 255 lie on a border: `loss: {type: CrossEntropyLoss, ignore_index: 255}`.

    ```yaml
    dataset: {type: VOCSegmentation, root: data, image_set: train, download: true}
    ```
    """

    root: Str
    """The folder that holds `VOCdevkit`."""
    year: Literal["2007", "2008", "2009", "2010", "2011", "2012"] = "2012"
    """The year of the challenge, in quotes."""
    image_set: Literal["train", "trainval", "val", "test"] = "train"
    """The images to train on, those to validate, or both; the year 2007 has some to test."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def check(self) -> None:
        """Only one year has images to test."""
        if self.image_set == "test" and self.year != "2007":
            raise Violation(
                "SB410", f"the classes of VOC {self.year}'s test images are kept secret", field="image_set",
                fix='image_set: val, or year: "2007"',
            )  # fmt: skip

    def sample(self) -> Mapping[str, SampleType]:
        """An image, and a class for each pixel."""
        return masked(21)

    def length(self) -> int | None:
        """Fixed by the set, of the years that are used most."""
        return VOC_LENGTHS.get((self.year, self.image_set))


class SBDataset(MaskSet):
    """11,355 more photos of VOC 2012 with the classes of their pixels. http://home.bharathh.info/pubs/codes/SBD/download.html.

    The masks are MATLAB files: reading them needs scipy.

    ```yaml
    dataset: {type: SBDataset, root: data, mode: segmentation, download: true}
    ```
    """

    needs: ClassVar = "scipy"

    root: Str
    """The folder that holds `img`, `cls` and the lists `train.txt`, `val.txt` and `train_noval.txt`."""
    image_set: Literal["train", "val", "train_noval"] = "train"
    """The 8,498 images to train on, the 2,857 to validate, or the 5,623 to train on that VOC 2012 does not
    validate on."""
    mode: Literal["boundaries", "segmentation"] = "boundaries"
    """`segmentation`: a class for each pixel."""
    download: Bool = False
    """Fetch the set from the internet if the folder does not hold it."""

    def check(self) -> None:
        """Boundaries are twenty images at once, which no loss takes."""
        if self.mode != "segmentation":
            raise Violation(
                "SB410", "mode is boundaries unless written, and a network learns classes of pixels",
                field="mode" if "mode" in self.model_fields_set else None, fix="mode: segmentation",
            )  # fmt: skip

    def sample(self) -> Mapping[str, SampleType]:
        """An image, and a class for each pixel."""
        return masked(21)

    def length(self) -> int:
        """Fixed by the set."""
        return {"train": 8_498, "val": 2_857, "train_noval": 5_623}[self.image_set]


class Cityscapes(MaskSet):
    """Streets of German towns, 3 x 1024 x 2048. https://www.cityscapes-dataset.com.

    The classes are the 34 numbers of `labelIds.png`, 0 to 33.

    ```yaml
    dataset: {type: Cityscapes, root: cityscapes, target_type: semantic}
    ```
    """

    root: Str
    """The folder that holds `leftImg8bit` and `gtFine` or `gtCoarse`."""
    split: Literal["train", "train_extra", "val", "test"] = "train"
    """The 2,975 images to train on, the 500 to validate or the 1,525 to test; coarse ones have `train_extra`,
    19,998 images."""
    mode: Literal["fine", "coarse"] = "fine"
    """How fine the outlines are."""
    target_type: Literal["instance", "semantic", "polygon", "color"] = "instance"
    """`semantic`: a class for each pixel."""

    def check(self) -> None:
        """The other targets are no classes of pixels."""
        if self.target_type != "semantic":
            unless = "" if "target_type" in self.model_fields_set else " unless written"
            raise Violation(
                "SB410", f"target_type is {self.target_type}{unless}, and a network learns classes of pixels",
                field=None if unless else "target_type", fix="target_type: semantic",
            )  # fmt: skip
        coarse = {"train", "train_extra", "val"}
        if self.split not in (coarse if self.mode == "coarse" else {"train", "val", "test"}):
            raise Violation(
                "SB410", f"{self.mode} outlines have no `{self.split}`", field="split",
                fix=f"mode: {'fine' if self.mode == 'coarse' else 'coarse'}",
            )  # fmt: skip

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of 1024 x 2048, and a class for each pixel."""
        return {**masked(34), "input": SampleType((3, 1024, 2048), "uint8", image=True)}

    def length(self) -> int:
        """Fixed by the set."""
        return {"train": 2_975, "train_extra": 19_998, "val": 500, "test": 1_525}[self.split]
