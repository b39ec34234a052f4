"""Transforms that move an image's pixels and leave its size."""

from abc import ABC
from typing import Annotated, ClassVar, Literal, final

from annotated_types import Ge, Le, Len

from specbuild.catalogue.entry import Bool, Float
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms.borders import Fill, check_fill
from specbuild.catalogue.transforms.sizes import Range, check_range, unsized
from specbuild.catalogue.transforms.transform import Sizes, Transform, resized

Sampled = Literal["nearest", "bilinear"]
Probability = Annotated[Float, Ge(0), Le(1)]
Share = Annotated[Float, Ge(0), Le(1)]
Spread = Annotated[Float, Ge(0)]
Degrees = Spread | tuple[Float, Float]


class Flip(Transform, ABC):
    """An image mirrored, or not."""

    random: ClassVar = True

    p: Probability = 0.5
    """The probability."""

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same."""
        return sample


@final
class RandomHorizontalFlip(Flip):
    """Left and right exchanged, for a random part of the images.

    ```yaml
    transforms: [RandomHorizontalFlip, ToTensor]
    ```
    """


@final
class RandomVerticalFlip(Flip):
    """Top and bottom exchanged, for a random part of the images.

    ```yaml
    transforms: [RandomVerticalFlip, ToTensor]
    ```
    """


@final
class RandomRotation(Transform):
    """Turned by a random angle, counterclockwise.

    ```yaml
    transforms: [{type: RandomRotation, degrees: 15, interpolation: bilinear}, ToTensor]
    ```
    """

    random: ClassVar = True

    degrees: Degrees
    """The least and the most of the angle; one number is [-degrees, degrees]."""
    interpolation: Sampled = "nearest"
    """How values between pixels are found."""
    expand: Bool = False
    """Whether the image grows so that nothing is cut off; the images then come to differ in size."""
    center: tuple[Float, Float] | None = None
    """[x, y] of what it is turned around, from the upper left corner; null is the middle."""
    fill: Fill = 0.0
    """What comes in from outside: one number, or one for each channel."""

    def check(self) -> None:
        """The least before the most."""
        check_range("degrees", limits_of(self.degrees))

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same, or what it grows to by quarter turns, or of no size that is known."""
        check_fill(sample, channels, self.fill)
        if not self.expand:
            return sample
        least, most = limits_of(self.degrees)
        if least == most and self.center is None and least % 90 == 0:
            return sample if least % 180 == 0 else resized(sample, (sizes[1], sizes[0]))
        return unsized(sample)


@final
class RandomAffine(Transform):
    """Turned, moved, scaled and slanted at random.

    ```yaml
    transforms: [{type: RandomAffine, degrees: 10, translate: [0.1, 0.1], scale: [0.9, 1.1]}, ToTensor]
    ```
    """

    random: ClassVar = True

    degrees: Degrees
    """The least and the most of the angle; one number is [-degrees, degrees]."""
    translate: tuple[Share, Share] | None = None
    """The most that it is moved sideways and up or down, as a share of the width and of the height."""
    scale: Range | None = None
    """The least and the most of the factor; null is 1."""
    shear: Spread | Annotated[tuple[Float, ...], Len(2, 4)] | None = None
    """[least, most] of the slant along x in degrees, and with four numbers along y too; one is [-shear, shear]."""
    interpolation: Sampled = "nearest"
    """How values between pixels are found."""
    fill: Fill = 0.0
    """What comes in from outside: one number, or one for each channel."""
    center: tuple[Float, Float] | None = None
    """[x, y] of what it is turned around, from the upper left corner; null is the middle."""

    def check(self) -> None:
        """The least before the most."""
        check_range("degrees", limits_of(self.degrees))
        if self.scale is not None:
            check_range("scale", self.scale)
        slants = self.slants()
        if len(slants) not in (0, 2, 4):
            raise Violation("SB410", f"shear is one number, two or four: it has {len(slants)}", field="shear")
        for limits in (slants[:2], slants[2:]):
            if limits:
                check_range("shear", (limits[0], limits[1]))

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same."""
        check_fill(sample, channels, self.fill)
        return sample

    def slants(self) -> tuple[float, ...]:
        """[least, most] along x and along y; neither, or x alone."""
        if self.shear is None:
            return ()
        return self.shear if isinstance(self.shear, tuple) else (-self.shear, self.shear)


@final
class RandomPerspective(Transform):
    """Seen from a random side, for a random part of the images: each corner is moved inwards.

    Where the moved corners lie on one line, on which v2 fails, the image is left as it is.

    ```yaml
    transforms: [{type: RandomPerspective, distortion_scale: 0.3}, ToTensor]
    ```
    """

    random: ClassVar = True

    distortion_scale: Share = 0.5
    """How far the corners are moved: 1 is to the middle."""
    p: Probability = 0.5
    """The probability."""
    interpolation: Sampled = "bilinear"
    """How values between pixels are found."""
    fill: Fill = 0.0
    """What comes in from outside: one number, or one for each channel."""

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same; a line has no four corners."""
        check_fill(sample, channels, self.fill)
        if self.p and 1 in sizes:
            raise Violation(
                "SB408", f"an image of {sizes[0] or '?'} x {sizes[1] or '?'} is a line, and has no four corners to move"
            )
        return sample


@final
class ElasticTransform(Transform):
    """Every pixel moved at random, and its neighbours with it, as through water.

    ```yaml
    transforms: [{type: ElasticTransform, alpha: 30.0, sigma: 3.0}, ToTensor]
    ```
    """

    random: ClassVar = True

    alpha: Float | Annotated[tuple[Float, ...], Len(1, 2)] = 50.0
    """How far pixels are moved: [sideways, up or down], or one number for both."""
    sigma: Spread | Annotated[tuple[Spread, ...], Len(1, 2)] = 5.0
    """How far around a pixel its neighbours move with it: a standard deviation in pixels, or two; 0 is not at all."""
    interpolation: Sampled = "bilinear"
    """How values between pixels are found."""
    fill: Fill = 0.0
    """What comes in from outside: one number, or one for each channel."""

    def check(self) -> None:
        """Both smoothed, or neither."""
        first, second = both(self.sigma)
        if bool(first) != bool(second):
            raise Violation("SB410", "sigma has a 0 beside a number that is not: both are 0 or neither", field="sigma")

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same, where the image is larger than what is smoothed over."""
        check_fill(sample, channels, self.fill)
        reach = max(self.reaches())
        for size, axis in zip(sizes, ("height", "width"), strict=True):
            if size is not None and reach >= size:
                raise Violation(
                    "SB408", f"a sigma of {max(both(self.sigma)):g} smooths over {reach} pixels on each side, "
                    f"but the {axis} is {size}", field="sigma", fix=f"a sigma below {(size - 1) / 4:g}",
                )  # fmt: skip
        return sample

    def reaches(self) -> tuple[int, int]:
        """How many pixels to each side are smoothed over, sideways and up or down, by v2's arithmetic."""
        first, second = (int(8 * sigma + 1) // 2 if sigma else 0 for sigma in both(self.sigma))
        return first, second


def limits_of(spread: float | tuple[float, float]) -> tuple[float, float]:
    """The least and the most of an angle."""
    return spread if isinstance(spread, tuple) else (-spread, spread)


def both(numbers: float | tuple[float, ...]) -> tuple[float, float]:
    """One number for two, or two."""
    return (numbers[0], numbers[-1]) if isinstance(numbers, tuple) else (numbers, numbers)
