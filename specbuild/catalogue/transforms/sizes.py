"""Transforms of an image's height and width."""

from typing import Annotated, ClassVar, Literal, final

from annotated_types import Ge, Gt, Le, Len, MinLen

from specbuild.catalogue.entry import Bool, Float, Size
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms.borders import (
    Borders,
    Edges,
    Fill,
    PaddingMode,
    check_fill,
    check_padding,
    edges_of,
    padded_sizes,
)
from specbuild.catalogue.transforms.transform import Sizes, Transform, pair, resized

Interpolation = Literal["nearest", "nearest-exact", "bilinear", "bicubic"]
Range = tuple[Annotated[Float, Gt(0)], Annotated[Float, Gt(0)]]
"""The least and the most."""


@final
class Resize(Transform):
    """Another height and width, by interpolation.

    ```yaml
    transforms: [{type: Resize, size: [224, 224]}, ToTensor]
    ```
    """

    size: Size | Annotated[tuple[Size, ...], Len(1, 2)] | None
    """[height, width]; or the shorter edge, which keeps the proportions; or null, with `max_size`."""
    interpolation: Interpolation = "bilinear"
    """How values between pixels are found. (Pillow's `box`, `hamming` and `lanczos` are not offered.)"""
    max_size: Size | None = None
    """The most that the longer edge may get, where `size` is one number; with `size: null`, its length."""
    antialias: Bool | None = True
    """Smooth while shrinking, for bilinear and bicubic."""

    def check(self) -> None:
        """What v2 asks of `size` and `max_size` together."""
        if self.size is None:
            if self.max_size is None:
                raise Violation("SB410", "size: null needs max_size, the length of the longer edge", field="size")
            return
        if self.max_size is None:
            return
        if isinstance(self.size, tuple) and len(self.size) == 2:
            raise Violation(
                "SB410", "max_size is for a size of one number, the shorter edge, but size has two",
                field="max_size", fix="leave max_size out",
            )  # fmt: skip
        shorter = pair(self.size)[0]
        if self.max_size <= shorter:
            raise Violation(
                "SB410", f"max_size must be more than the shorter edge, {shorter}, but is {self.max_size}",
                field="max_size",
            )  # fmt: skip

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The new size, by v2's arithmetic."""
        if isinstance(self.size, tuple) and len(self.size) == 2:
            return resized(sample, (self.size[0], self.size[1]))
        height, width = sizes
        if height is None or width is None:
            return resized(sample, (None, None))
        short, long = min(height, width), max(height, width)
        if self.size is None:
            assert self.max_size is not None
            short, long = int(self.max_size * short / long), self.max_size
        else:
            wanted = pair(self.size)[0]
            short, long = wanted, int(wanted * long / short)
            if self.max_size is not None and long > self.max_size:
                short, long = int(self.max_size * short / long), self.max_size
        if short < 1:
            raise Violation(
                "SB408", f"an image of {height} x {width} cannot keep its proportions within {long}: "
                "the shorter edge would be 0", field="max_size",
            )  # fmt: skip
        return resized(sample, (short, long) if height <= width else (long, short))


@final
class Pad(Transform):
    """A border around an image.

    ```yaml
    transforms: [{type: Pad, padding: 2}, ToTensor]
    ```
    """

    padding: Borders
    """One number, [left and right, top and bottom], or [left, top, right, bottom]."""
    fill: Fill = 0.0
    """What is padded with: one number, or one for each channel."""
    padding_mode: PaddingMode = "constant"
    """`constant` pads with `fill`, the others with the image's own values."""

    def check(self) -> None:
        """What v2 asks of the padding."""
        check_padding(self.padding, self.fill, self.padding_mode)

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """Larger by the borders."""
        padded = padded_sizes(sample, channels, sizes, self.edges(), self.fill, self.padding_mode)
        return resized(sample, padded)

    def edges(self) -> Edges:
        """Left, top, right, bottom."""
        return edges_of(self.padding)


@final
class RandomResize(Transform):
    """A random length of the shorter edge, which keeps the proportions; the images come to differ in size.

    ```yaml
    transforms: [{type: RandomResize, min_size: 28, max_size: 40}, {type: RandomCrop, size: 28}, ToTensor]
    ```
    """

    random: ClassVar = True

    min_size: Size
    """The least length of the shorter edge."""
    max_size: Size
    """The most, itself excluded."""
    interpolation: Interpolation = "bilinear"
    """How values between pixels are found."""
    antialias: Bool | None = True
    """Smooth while shrinking, for bilinear and bicubic."""

    def check(self) -> None:
        """Something between the two."""
        if self.max_size <= self.min_size:
            raise Violation(
                "SB410",
                f"lengths are drawn from min_size up to max_size, itself excluded: "
                f"there is none from {self.min_size} to {self.max_size}",
                field="max_size", fix=f"max_size: {self.min_size + 1} or more",
            )  # fmt: skip

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """Of no size that is known."""
        return unsized(sample)


@final
class RandomShortestSize(Transform):
    """A length of the shorter edge, picked from a list, which keeps the proportions; the images come to differ in size.

    ```yaml
    transforms: [{type: RandomShortestSize, min_size: [28, 36]}, {type: RandomCrop, size: 28}, ToTensor]
    ```
    """

    random: ClassVar = True

    min_size: Size | Annotated[tuple[Size, ...], MinLen(1)]
    """The lengths to pick from, or the only one."""
    max_size: Size | None = None
    """The most that the longer edge may get."""
    interpolation: Interpolation = "bilinear"
    """How values between pixels are found."""
    antialias: Bool | None = True
    """Smooth while shrinking, for bilinear and bicubic."""

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """Of no size that is known; something must be left of the shorter edge."""
        height, width = sizes
        if height is not None and width is not None:
            for length in self.lengths():
                if 0 in self.result(length, (height, width)):
                    raise Violation(
                        "SB408", f"an image of {height} x {width} cannot keep its proportions within {self.max_size}: "
                        "the shorter edge would be 0", field="max_size",
                    )  # fmt: skip
        return unsized(sample)

    def lengths(self) -> tuple[int, ...]:
        """Those to pick from."""
        return (self.min_size,) if isinstance(self.min_size, int) else self.min_size

    def result(self, length: int, sizes: tuple[int, int]) -> tuple[int, int]:
        """Height and width for a picked length, by v2's arithmetic."""
        ratio = length / min(sizes)
        if self.max_size is not None:
            ratio = min(ratio, self.max_size / max(sizes))
        return int(sizes[0] * ratio), int(sizes[1] * ratio)


@final
class ScaleJitter(Transform):
    """Scaled to fit a size, and by a random factor; the images come to differ in size.

    ```yaml
    transforms:
    - {type: ScaleJitter, target_size: [32, 32]}
    - {type: RandomCrop, size: 32, pad_if_needed: true}
    - ToTensor
    ```
    """

    random: ClassVar = True

    target_size: tuple[Size, Size]
    """What the image is made to fit before the factor; v2 holds the first against the width, the second the height."""
    scale_range: Range = (0.1, 2.0)
    """The least and the most of the factor."""
    interpolation: Interpolation = "bilinear"
    """How values between pixels are found."""
    antialias: Bool | None = True
    """Smooth while shrinking, for bilinear and bicubic."""

    def check(self) -> None:
        """The least before the most."""
        check_range("scale_range", self.scale_range)

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """Of no size that is known; something must be left of it at the least factor."""
        height, width = sizes
        if height is not None and width is not None:
            least = self.scale_range[0] * min(self.target_size[1] / height, self.target_size[0] / width)
            if min(height, width) * least < 1:
                raise Violation(
                    "SB408", f"nothing is left of an image of {height} x {width} at a factor of {self.scale_range[0]}",
                    field="scale_range", fix="a larger target_size, or a larger least factor",
                )  # fmt: skip
        return unsized(sample)


@final
class RandomZoomOut(Transform):
    """A random border around a random part of the images, which come to differ in size.

    ```yaml
    transforms: [{type: RandomZoomOut, side_range: [1.0, 2.0]}, {type: Resize, size: [28, 28]}, ToTensor]
    ```
    """

    random: ClassVar = True

    fill: Fill = 0.0
    """What is around: one number, or one for each channel."""
    side_range: tuple[Annotated[Float, Ge(1)], Annotated[Float, Ge(1)]] = (1.0, 4.0)
    """The least and the most that an edge grows by, as a factor."""
    p: Annotated[Float, Ge(0), Le(1)] = 0.5
    """The probability."""

    def check(self) -> None:
        """The least before the most."""
        check_range("side_range", self.side_range)

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """Of no size that is known."""
        check_fill(sample, channels, self.fill)
        return unsized(sample) if self.p and self.side_range != (1, 1) else sample


def check_range(name: str, limits: tuple[float, float]) -> None:
    """The least before the most."""
    if limits[0] > limits[1]:
        raise Violation(
            "SB410", f"{name} is [least, most], but {limits[0]} is more than {limits[1]}",
            field=name, fix=f"{name}: [{limits[1]}, {limits[0]}]",
        )  # fmt: skip


def unsized(sample: SampleType) -> SampleType:
    """The sample, of a height and width that differ from image to image."""
    return sample if sample.shape is None else sample._replace(shape=(sample.shape[0], None, None))
