"""Transforms that mix each sample of a batch with another, and their targets alike."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, final

from annotated_types import Gt

from specbuild.catalogue.entry import Float, Size
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms.transform import Sizes, Transform
from specbuild.catalogue.types import FLOATS


class Mixing(Transform):
    """Each sample and the one before it in the batch, by shares of their own."""

    random: ClassVar = True
    mixes: ClassVar = True
    refused: ClassVar[Mapping[str, str]] = {
        "labels_getter": "it is a Python function; the labels are the target of the loss"
    }

    alpha: Annotated[Float, Gt(0)] = 1.0
    """The share of a sample is drawn from Beta(alpha, alpha): 1 is uniform, less is nearer to 0 or 1. Each sample
    draws its own; v2 draws one for the batch."""
    num_classes: Size | None = None
    """How many classes there are; may be left out, for the data says it."""


@final
class MixUp(Mixing):
    """Each sample blended with another of its batch, its target too (arXiv:1710.09412). Needs `ToTensor` before it.

    ```yaml
    transforms: [ToTensor, {type: MixUp, alpha: 0.2}]
    ```
    """

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same, where the type is floating."""
        if sample.dtype is not None and sample.dtype not in FLOATS:
            raise Violation(
                "SB408", f"MixUp blends floating-point numbers, but what comes in is {sample}",
                fix="put ToTensor before it",
            )  # fmt: skip
        return sample


@final
class CutMix(Mixing):
    """A rectangle of each sample taken from another of its batch, its target by the areas (arXiv:1905.04899).

    ```yaml
    transforms: [ToTensor, CutMix]
    ```
    """

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same."""
        return sample
