"""Transforms of an image's colours, pixel by pixel or by its histogram."""

from typing import Annotated, ClassVar, final

from annotated_types import Ge, Le

from specbuild.catalogue.entry import Float
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms.transform import Sizes, Transform, channels_text
from specbuild.catalogue.types import FLOATS

Range = tuple[Float, Float]
"""[least, most]."""
Strength = Annotated[Float, Ge(0)] | Range | None
Probability = Annotated[Float, Ge(0), Le(1)]
BOUNDS = {"brightness": None, "contrast": None, "saturation": None, "hue": 0.5}
"""The factors of a jitter, and how far each goes at most."""


def check_pixels(transform: Transform, sample: SampleType, channels: int | None, *, color: bool = True) -> None:
    """Refuse what is neither an image of bytes nor floating; `color`: what has neither 1 nor 3 channels, too."""
    if sample.dtype is not None and sample.dtype not in ("uint8", *FLOATS):
        raise Violation(
            "SB408",
            f"{transform.type} is for images of bytes, 0 to 255, or of floating-point numbers, 0 to 1, "
            f"but what comes in is {sample}",
        )
    if color and channels not in (None, 1, 3):
        raise Violation(
            "SB408", f"{transform.type} takes 1 or 3 channels, but what comes in has {channels_text(channels or 0)}"
        )


def check_range(name: str, values: tuple[float, ...], least: float, most: float | None) -> None:
    """Refuse a range that is not [least, most] or goes over its bounds."""
    low, high = values
    if low > high:
        raise Violation("SB410", f"{name} is [least, most], but {low:g} is more than {high:g}", field=name)
    if low < least or (most is not None and high > most):
        bounds = f"from {least:g} on" if most is None else f"from {least:g} to {most:g}"
        raise Violation("SB410", f"{name} must be {bounds}, but is [{low:g}, {high:g}]", field=name)


class Colors(Transform):
    """A transform of the colours alone."""

    color: ClassVar[bool] = True
    """Whether it takes 1 or 3 channels only."""
    random: ClassVar = True

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same."""
        check_pixels(self, sample, channels, color=self.color)
        return sample


@final
class ColorJitter(Colors):
    """Brightness, contrast, saturation and hue changed at random, in random order.

    ```yaml
    transforms: [{type: ColorJitter, brightness: 0.4, saturation: 0.4, hue: 0.1}, ToTensor]
    ```
    """

    brightness: Strength = None
    """A factor from [max(0, 1 - brightness), 1 + brightness], or from [least, most]."""
    contrast: Strength = None
    """As for brightness."""
    saturation: Strength = None
    """As for brightness."""
    hue: Strength = None
    """A turn from [-hue, hue], at most 0.5, half of the colour wheel; or from [least, most]."""

    def check(self) -> None:
        """Ranges within their bounds."""
        for name, values in self.ranges().items():
            check_range(name, values, -0.5 if name == "hue" else 0.0, BOUNDS[name])

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Of each factor that changes something the least and the most, in v2's order."""
        found: dict[str, tuple[float, float]] = {}
        for name in BOUNDS:
            value, center = getattr(self, name), 0.0 if name == "hue" else 1.0
            if value is None:
                continue
            if not isinstance(value, tuple):
                value = (-value, value) if name == "hue" else (max(0.0, 1.0 - value), 1.0 + value)
            if not value[0] == value[1] == center:
                found[name] = value
        return found


@final
class RandomPhotometricDistort(Colors):
    """The distortion of colours of SSD: each of five changes with probability `p` (arXiv:1512.02325).

    ```yaml
    transforms: [RandomPhotometricDistort, ToTensor]
    ```
    """

    brightness: Range = (0.875, 1.125)
    """[least, most] of the factor."""
    contrast: Range = (0.5, 1.5)
    """[least, most] of the factor."""
    saturation: Range = (0.5, 1.5)
    """[least, most] of the factor."""
    hue: Range = (-0.05, 0.05)
    """[least, most] of the turn."""
    p: Probability = 0.5
    """The probability of each change; the last of the five exchanges the channels."""

    def check(self) -> None:
        """Ranges within their bounds."""
        for name, bound in BOUNDS.items():
            check_range(name, getattr(self, name), -0.5 if name == "hue" else 0.0, bound)


@final
class RandomGrayscale(Colors):
    """The brightness in every channel, for a random part of the images.

    ```yaml
    transforms: [RandomGrayscale, ToTensor]
    ```
    """

    p: Probability = 0.1
    """The probability."""


@final
class RandomInvert(Colors):
    """Dark and bright exchanged, for a random part of the images: 255 less each value, or 1 less.

    ```yaml
    transforms: [RandomInvert, ToTensor]
    ```
    """

    color: ClassVar = False

    p: Probability = 0.5
    """The probability."""


@final
class RandomPosterize(Colors):
    """Fewer bits for each value, for a random part of the images.

    ```yaml
    transforms: [{type: RandomPosterize, bits: 4}, ToTensor]
    ```
    """

    color: ClassVar = False

    bits: Annotated[int, Ge(0), Le(8)]
    """How many bits are kept of 8."""
    p: Probability = 0.5
    """The probability."""


@final
class RandomSolarize(Colors):
    """Values from a threshold on inverted, for a random part of the images.

    ```yaml
    transforms: [{type: RandomSolarize, threshold: 192}, ToTensor]
    ```
    """

    color: ClassVar = False

    threshold: Float
    """Up to 255 before ToTensor, up to 1 after it."""
    p: Probability = 0.5
    """The probability."""

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same, where the threshold is one of its values."""
        check_pixels(self, sample, channels, color=False)
        bound = None if sample.dtype is None else 255 if sample.dtype == "uint8" else 1
        if bound is not None and self.threshold > bound:
            raise Violation(
                "SB408", f"threshold is {self.threshold:g}, but the values that come in go up to {bound}",
                field="threshold", fix="put it before ToTensor" if bound == 1 else "a threshold of 255 or less",
            )  # fmt: skip
        return sample


@final
class RandomAutocontrast(Colors):
    """Each channel stretched to all of its range, for a random part of the images.

    ```yaml
    transforms: [RandomAutocontrast, ToTensor]
    ```
    """

    p: Probability = 0.5
    """The probability."""


@final
class RandomEqualize(Colors):
    """The histogram of each channel made even, for a random part of the images.

    ```yaml
    transforms: [RandomEqualize, ToTensor]
    ```
    """

    color: ClassVar = False

    p: Probability = 0.5
    """The probability."""


@final
class RandomChannelPermutation(Colors):
    """The channels in a random order.

    ```yaml
    transforms: [RandomChannelPermutation, ToTensor]
    ```
    """

    color: ClassVar = False
