"""Transforms that blur, sharpen, add noise or compress."""

from typing import Annotated, ClassVar, final

from annotated_types import Ge, Gt, Le, Len

from specbuild.catalogue.entry import Bool, Float, Size
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms.colors import Colors, Probability, check_pixels, check_range
from specbuild.catalogue.transforms.transform import Sizes, Transform, channels_text, pair

Quality = Annotated[int, Ge(1), Le(100)]


@final
class RandomAdjustSharpness(Colors):
    """Sharpened or softened, for a random part of the images.

    ```yaml
    transforms: [{type: RandomAdjustSharpness, sharpness_factor: 2}, ToTensor]
    ```
    """

    sharpness_factor: Annotated[Float, Ge(0)]
    """0 is soft, 1 as it was, 2 twice as sharp."""
    p: Probability = 0.5
    """The probability."""


@final
class GaussianBlur(Transform):
    """Blurred by a Gaussian of random width; the borders are mirrored.

    ```yaml
    transforms: [{type: GaussianBlur, kernel_size: 3}, ToTensor]
    ```
    """

    random: ClassVar = True

    kernel_size: Size | Annotated[tuple[Size, ...], Len(1, 2)]
    """[width, height] of the window, each odd, or one number for both."""
    sigma: Annotated[Float, Gt(0)] | Annotated[tuple[Float, ...], Len(1, 2)] = (0.1, 2.0)
    """The deviation in pixels, from [least, most]; or one number for all images."""

    def check(self) -> None:
        """Odd windows; a range above 0."""
        even = [size for size in pair(self.kernel_size) if size % 2 == 0]
        if even:
            raise Violation(
                "SB410", f"kernel_size must be odd, but is {even[0]}", field="kernel_size",
                fix=f"{even[0] - 1} or {even[0] + 1}",
            )  # fmt: skip
        low, high = self.deviations()
        if low <= 0:
            raise Violation("SB410", f"sigma must be more than 0, but is {low:g}", field="sigma")
        check_range("sigma", (low, high), 0.0, None)

    def deviations(self) -> tuple[float, float]:
        """The least and the most deviation."""
        if isinstance(self.sigma, tuple):
            return self.sigma[0], self.sigma[-1]
        return self.sigma, self.sigma

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same, where the image is large enough to be mirrored at its borders."""
        check_pixels(self, sample, channels, color=False)
        wide, tall = pair(self.kernel_size)
        for size, window, axis in ((sizes[0], tall, "height"), (sizes[1], wide, "width")):
            if size is not None and window // 2 >= size:
                raise Violation(
                    "SB408", f"a window of {window} needs a {axis} of {window // 2 + 1} or more, but it is {size}",
                    field="kernel_size", fix=f"a kernel_size of {2 * size - 1} or less",
                )  # fmt: skip
        return sample


@final
class GaussianNoise(Transform):
    """Normal noise added to each value, each image's own.

    ```yaml
    transforms: [ToTensor, {type: GaussianNoise, sigma: 0.05}]
    ```
    """

    random: ClassVar = True

    mean: Float = 0.0
    """The mean, where the values go from 0 to 1; for bytes 255 times that."""
    sigma: Annotated[Float, Ge(0)] = 0.1
    """The standard deviation, where the values go from 0 to 1; for bytes 255 times that."""
    clip: Bool = True
    """Keep the sum within 0 to 1, or 0 to 255. Without, bytes run over: 256 is 0."""

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same."""
        check_pixels(self, sample, channels, color=False)
        return sample


@final
class JPEG(Transform):
    """Compressed as JPEG and opened again, at a random quality. Image by image.

    ```yaml
    transforms: [{type: JPEG, quality: [50, 90]}, ToTensor]
    ```
    """

    random: ClassVar = True

    quality: Quality | Annotated[tuple[Quality, ...], Len(2, 2)]
    """From 1 to 100; or from [least, most]."""

    def check(self) -> None:
        """A range."""
        check_range("quality", self.qualities(), 1, 100)

    def qualities(self) -> tuple[int, int]:
        """The least and the most quality."""
        return pair(self.quality)

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The same, where it is an image of bytes in gray or colour."""
        if sample.dtype not in (None, "uint8"):
            raise Violation(
                "SB408", f"JPEG compresses images of bytes, but what comes in is {sample}", fix="put it before ToTensor"
            )
        if channels not in (None, 1, 3):
            raise Violation(
                "SB408", f"JPEG takes 1 or 3 channels, but what comes in has {channels_text(channels or 0)}"
            )
        return sample
