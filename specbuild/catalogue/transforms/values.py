"""Transforms of an image's values."""

from typing import Annotated, Literal, final

from annotated_types import MinLen

from specbuild.catalogue.entry import Bool, Float
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms.transform import (
    Sizes,
    Transform,
    channels_text,
    resized,
)
from specbuild.catalogue.types import FLOATS


@final
class ToTensor(Transform):
    """An image of bytes, 0 to 255, to float32, 0 to 1 (v2's `ToImage` and `ToDtype(float32, scale=True)`).

    ```yaml
    transforms: [ToTensor]
    ```
    """

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """float32, no longer an image of bytes."""
        if sample.dtype is not None and sample.dtype not in FLOATS and not sample.image:
            raise Violation(
                "SB408", f"ToTensor scales images of 0 to 255, but what comes in is {sample}, which is none",
                fix="leave ToTensor out, or store the images as uint8",
            )  # fmt: skip
        return sample._replace(dtype="float32", image=False)


@final
class Normalize(Transform):
    """Each channel less its mean, divided by its standard deviation; after `ToTensor`.

    ```yaml
    transforms: [ToTensor, {type: Normalize, mean: [0.5], std: [0.25]}]
    ```
    """

    mean: Annotated[tuple[Float, ...], MinLen(1)]
    """A mean for each channel, or one for all."""
    std: Annotated[tuple[Float, ...], MinLen(1)]
    """A standard deviation for each channel, or one for all; none is 0."""
    inplace: Bool = False
    """As in torchvision; changes nothing here, where every batch is a tensor of its own."""

    def check(self) -> None:
        """No division by zero; as many means as deviations, or one."""
        if not all(self.std):
            raise Violation("SB410", "std has a 0 in it, and is divided by", field="std")
        if len(self.mean) != len(self.std) and 1 not in (len(self.mean), len(self.std)):
            raise Violation(
                "SB410",
                f"mean has {len(self.mean)} numbers and std has {len(self.std)}: one for each channel",
                field="std",
            )  # fmt: skip

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same, where the type is floating and the numbers match the channels."""
        if sample.dtype is not None and sample.dtype not in FLOATS:
            raise Violation(
                "SB408", f"Normalize needs floating-point numbers, but what comes in is {sample}",
                fix="put ToTensor before it",
            )  # fmt: skip
        for name, values in (("mean", self.mean), ("std", self.std)):
            if channels is not None and len(values) not in (1, channels):
                numbers = f"{len(values)} numbers" if len(values) > 1 else "1 number"
                raise Violation(
                    "SB408", f"{name} has {numbers}, but what comes in has {channels_text(channels)}",
                    field=name, fix=f"{channels} in {name}, or 1 for all" if channels > 1 else f"1 in {name}",
                )  # fmt: skip
        return sample


@final
class Grayscale(Transform):
    """A colour image's brightness, 0.2989 R + 0.587 G + 0.114 B, in one channel or three equal ones.

    ```yaml
    transforms: [Grayscale, ToTensor]
    ```
    """

    num_output_channels: Literal[1, 3] = 1
    """1, or 3 equal ones."""

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """Its channels, where one or three come in."""
        if channels not in (None, 1, 3):
            raise Violation("SB408", f"Grayscale takes 1 or 3 channels, but what comes in has {channels}")
        return resized(sample, sizes, self.num_output_channels)


@final
class RGB(Transform):
    """A grayscale image in three equal channels; a colour image as it is.

    ```yaml
    transforms: [RGB, ToTensor]
    ```
    """

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """Three channels, where one or three come in."""
        if channels not in (None, 1, 3):
            raise Violation("SB408", f"RGB takes 1 or 3 channels, but what comes in has {channels}")
        return resized(sample, sizes, 3)
