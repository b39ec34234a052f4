"""LSUN: many photos of few kinds of places."""

from collections.abc import Mapping
from typing import ClassVar

from specbuild.catalogue.datasets.dataset import images
from specbuild.catalogue.datasets.torchvision_set import TorchvisionSet
from specbuild.catalogue.entry import Str
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType

CATEGORIES = (
    "bedroom",
    "bridge",
    "church_outdoor",
    "classroom",
    "conference_room",
    "dining_room",
    "kitchen",
    "living_room",
    "restaurant",
    "tower",
)
"""In torchvision's order, which is that of the labels."""


class LSUN(TorchvisionSet):
    """Photos of ten kinds of places, millions of some. https://www.yf.io/p/lsun.

    Each class is a database of LMDB: reading it needs the package lmdb.

    ```yaml
    dataset: {type: LSUN, root: lsun, classes: [bedroom_train, kitchen_train]}
    ```
    """

    needs: ClassVar = "lmdb"

    root: Str
    """The folder that holds `bedroom_train_lmdb` and the like."""
    classes: Str | tuple[Str, ...] = "train"
    """`train` or `val`, of all ten classes, or a list of some: `bedroom_train` and the like."""

    def databases(self) -> tuple[str, ...]:
        """The databases, in the order of their labels."""
        if isinstance(self.classes, str):
            return tuple(f"{category}_{self.classes}" for category in CATEGORIES)
        return self.classes

    def check(self) -> None:
        """Every class is one of LSUN's."""
        if self.classes == "test":
            raise Violation(
                "SB410", "the photos of LSUN's test have no labels", field="classes", fix="classes: val"
            )  # fmt: skip
        if isinstance(self.classes, str) and self.classes not in ("train", "val"):
            raise Violation(
                "SB410", f"classes is `train`, `val` or a list of classes; got `{self.classes}`", field="classes",
                fix="classes: train",
            )  # fmt: skip
        for name in self.databases():
            category, _, part = name.rpartition("_")
            if category not in CATEGORIES or part not in ("train", "val"):
                raise Violation(
                    "SB410", f"LSUN has no class `{name}`: they are {', '.join(CATEGORIES)}, and _train or _val",
                    field="classes", fix="classes: [bedroom_train, kitchen_train]",
                )  # fmt: skip
        if len(set(self.databases())) < max(len(self.databases()), 1):
            raise Violation("SB410", "classes names a class twice, or none", field="classes", fix="name each once")

    def sample(self) -> Mapping[str, SampleType]:
        """Three channels of any size, and a label."""
        return images(3, None, None, len(self.databases()))

    def length(self) -> None:
        """Known when the databases are opened."""
        return None
