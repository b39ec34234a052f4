"""Automatic augmentation: policies of several operations on colours and geometry."""

from typing import Annotated, ClassVar, Literal, final

from annotated_types import Ge, Gt, Le

from specbuild.catalogue.entry import Bool, Count, Float, Size
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms.borders import Fill, check_fill
from specbuild.catalogue.transforms.colors import check_pixels
from specbuild.catalogue.transforms.transform import Sizes, Transform

Interpolation = Literal["nearest", "bilinear"]


class Automatic(Transform):
    """A policy; masks are moved as the images are."""

    random: ClassVar = True

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same."""
        check_pixels(self, sample, channels)
        check_fill(sample, channels, self.arguments()["fill"])
        return sample


@final
class AutoAugment(Automatic):
    """Two operations of a policy that was learnt for a data set (arXiv:1805.09501).

    ```yaml
    transforms: [{type: AutoAugment, policy: cifar10}, ToTensor]
    ```
    """

    policy: Literal["imagenet", "cifar10", "svhn"] = "imagenet"
    """The data set that it was learnt for."""
    interpolation: Interpolation = "nearest"
    """How values between pixels are found."""
    fill: Fill = None
    """What comes in from outside of the image: one number, or one for each channel; null: 0."""


@final
class RandAugment(Automatic):
    """`num_ops` operations at random, all of one magnitude (arXiv:1909.13719).

    ```yaml
    transforms: [{type: RandAugment, num_ops: 2, magnitude: 9}, ToTensor]
    ```
    """

    num_ops: Count = 2
    """How many operations, one after another."""
    magnitude: Count = 9
    """How strong they are, from 0 to `num_magnitude_bins` - 1."""
    num_magnitude_bins: Annotated[int, Ge(2)] = 31
    """How many magnitudes there are."""
    interpolation: Interpolation = "nearest"
    """How values between pixels are found."""
    fill: Fill = None
    """What comes in from outside of the image: one number, or one for each channel; null: 0."""

    def check(self) -> None:
        """A magnitude that there is."""
        if self.magnitude >= self.num_magnitude_bins:
            raise Violation(
                "SB410", f"magnitude is {self.magnitude}, but num_magnitude_bins, {self.num_magnitude_bins}, ends at "
                f"{self.num_magnitude_bins - 1}", field="magnitude",
            )  # fmt: skip


@final
class TrivialAugmentWide(Automatic):
    """One operation of a random magnitude (arXiv:2103.10158).

    ```yaml
    transforms: [TrivialAugmentWide, ToTensor]
    ```
    """

    num_magnitude_bins: Annotated[int, Ge(2)] = 31
    """How many magnitudes there are."""
    interpolation: Interpolation = "nearest"
    """How values between pixels are found."""
    fill: Fill = None
    """What comes in from outside of the image: one number, or one for each channel; null: 0."""


@final
class AugMix(Automatic):
    """The image mixed with what several chains of operations make of it (arXiv:1912.02781).

    ```yaml
    transforms: [AugMix, ToTensor]
    ```
    """

    blends: ClassVar = True

    severity: Annotated[int, Ge(1), Le(10)] = 3
    """How strong the operations are."""
    mixture_width: Size = 3
    """How many chains."""
    chain_depth: int = -1
    """How many operations a chain has; 0 or less: 1 to 3, at random."""
    alpha: Annotated[Float, Gt(0)] = 1.0
    """The shares are drawn from Dirichlet(alpha, ...) and Beta(alpha, alpha)."""
    all_ops: Bool = True
    """Brightness, contrast, saturation and sharpness too."""
    interpolation: Interpolation = "bilinear"
    """How values between pixels are found."""
    fill: Fill = None
    """What comes in from outside of the image: one number, or one for each channel; null: 0."""
