"""Transforms of what a sample is stored as."""

from typing import Literal, final

from specbuild.catalogue.entry import Bool
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms.transform import Sizes, Transform
from specbuild.catalogue.types import FLOATS


@final
class Identity(Transform):
    """Nothing; one of the choices of RandomChoice.

    ```yaml
    transforms: [Identity, ToTensor]
    ```
    """

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same."""
        return sample


@final
class ToImage(Transform):
    """A tensor, which every sample already is before the first transform.

    ```yaml
    transforms: [ToImage, {type: ToDtype, dtype: float32, scale: true}]
    ```
    """

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same."""
        return sample


@final
class PILToTensor(Transform):
    """A tensor, which every sample already is before the first transform.

    ```yaml
    transforms: [PILToTensor, {type: ToDtype, dtype: float32, scale: true}]
    ```
    """

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same."""
        return sample


@final
class ToPureTensor(Transform):
    """A tensor, which every sample already is before the first transform.

    ```yaml
    transforms: [ToTensor, ToPureTensor]
    ```
    """

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same."""
        return sample


@final
class ToDtype(Transform):
    """Another type of numbers; with `scale`, bytes of 0 to 255 are 0 to 1 in floating point, and back.

    ```yaml
    transforms: [{type: ToDtype, dtype: float32, scale: true}]
    ```
    """

    dtype: Literal["float32", "uint8"]
    """The type that comes out."""
    scale: Bool = False
    """Whether the values are scaled with the type: 255 becomes 1, and 1 becomes 255."""

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The type that is asked for; what is scaled is an image, or a floating-point tensor."""
        if sample.dtype == self.dtype:
            return sample
        if self.scale and sample.dtype is not None and sample.dtype not in FLOATS and not sample.image:
            raise Violation(
                "SB408", f"ToDtype scales images of 0 to 255, but what comes in is {sample}, which is none",
                field="scale", fix="leave scale out, or store the images as uint8",
            )  # fmt: skip
        return sample._replace(dtype=self.dtype, image=self.dtype == "uint8" and (self.scale or sample.image))
