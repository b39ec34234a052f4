"""Transforms of an image's height and width."""

from typing import Annotated, ClassVar, Literal, final

from annotated_types import Len

from specbuild.catalogue.entry import Bool, Size
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms.borders import (
    Borders,
    Edges,
    Fill,
    PaddingMode,
    check_padding,
    edges_of,
    padded_sizes,
)
from specbuild.catalogue.transforms.transform import Sizes, Transform, pair, resized

Lengths = Size | Annotated[tuple[Size, ...], Len(1, 2)]


@final
class Resize(Transform):
    """Another height and width, by interpolation.

    ```yaml
    transforms: [{type: Resize, size: [224, 224]}, ToTensor]
    ```
    """

    size: Size | Annotated[tuple[Size, ...], Len(1, 2)] | None
    """[height, width]; or the shorter edge, which keeps the proportions; or null, with `max_size`."""
    interpolation: Literal["nearest", "nearest-exact", "bilinear", "bicubic"] = "bilinear"
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
class CenterCrop(Transform):
    """The middle of an image; one that is smaller is padded with 0.

    ```yaml
    transforms: [{type: CenterCrop, size: 28}, ToTensor]
    ```
    """

    size: Lengths
    """[height, width], or one number for both."""

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The size that is asked for."""
        return resized(sample, pair(self.size))


@final
class RandomCrop(Transform):
    """A piece at a random place, of an image that may be padded first.

    ```yaml
    transforms: [{type: RandomCrop, size: 32, padding: 4}, ToTensor]
    ```
    """

    random: ClassVar = True

    size: Lengths
    """[height, width], or one number for both."""
    padding: Borders | None = None
    """One number, [left and right, top and bottom], or [left, top, right, bottom]."""
    pad_if_needed: Bool = False
    """Pad an image that is too small, on both sides by what it lacks."""
    fill: Fill = 0.0
    """What is padded with: one number, or one for each channel."""
    padding_mode: PaddingMode = "constant"
    """`constant` pads with `fill`, the others with the image's own values."""

    def check(self) -> None:
        """What v2 asks of the padding."""
        check_padding(self.padding, self.fill, self.padding_mode)

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The size that is asked for, where the padded image is large enough."""
        wanted = pair(self.size)
        edges = self.borders(sizes)
        padded = sizes
        if any(edges):
            padded = padded_sizes(sample, channels, sizes, edges, self.fill, self.padding_mode)
        if any(size is not None and size < want for size, want in zip(padded, wanted, strict=True)):
            lacking = max(want - size for size, want in zip(padded, wanted, strict=True) if size is not None)
            raise Violation(
                "SB408",
                f"the crop of {wanted[0]} x {wanted[1]} is larger than the "
                f"{'padded ' if any(edges) else ''}image, {padded[0] or '?'} x {padded[1] or '?'}",
                field="size",
                fix=f"a smaller size, `padding` of {(lacking + 1) // 2 + max(edges)} or more, or `pad_if_needed: true`",
            )
        return resized(sample, wanted)

    def borders(self, sizes: Sizes) -> Edges:
        """What is padded to an image of this height and width: left, top, right, bottom."""
        left, top, right, bottom = (0, 0, 0, 0) if self.padding is None else edges_of(self.padding)
        if self.pad_if_needed:
            height, width = sizes
            lacking = 0 if height is None else max(0, pair(self.size)[0] - (height + top + bottom))
            top, bottom = top + lacking, bottom + lacking
            lacking = 0 if width is None else max(0, pair(self.size)[1] - (width + left + right))
            left, right = left + lacking, right + lacking
        return left, top, right, bottom

    def sizes(self) -> tuple[int, int]:
        """Height and width of the piece."""
        return pair(self.size)


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
