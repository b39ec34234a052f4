"""Transforms that cut a piece out of an image."""

from typing import Annotated, ClassVar, final

from annotated_types import Ge, Len

from specbuild.catalogue.entry import Bool, Float, Size
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
from specbuild.catalogue.transforms.sizes import Interpolation, Range, check_range
from specbuild.catalogue.transforms.transform import Sizes, Transform, pair, resized

Lengths = Size | Annotated[tuple[Size, ...], Len(1, 2)]


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
class RandomResizedCrop(Transform):
    """A piece of a random size, proportion and place, resized.

    Of ten draws of an area and a proportion, the first that fits into the image is cut out at a random
    place; where none fits, the middle is, in the nearest proportion that is allowed.

    ```yaml
    transforms: [{type: RandomResizedCrop, size: 28, scale: [0.5, 1.0]}, ToTensor]
    ```
    """

    random: ClassVar = True

    size: Lengths
    """[height, width] of what comes out, or one number for both."""
    scale: tuple[Annotated[Float, Ge(0)], Annotated[Float, Ge(0)]] = (0.08, 1.0)
    """The least and the most of the piece's area, as a share of the image's."""
    ratio: Range = (3.0 / 4.0, 4.0 / 3.0)
    """The least and the most of the piece's width over its height."""
    interpolation: Interpolation = "bilinear"
    """How values between pixels are found."""
    antialias: Bool | None = True
    """Smooth while shrinking, for bilinear and bicubic."""

    def check(self) -> None:
        """The least before the most."""
        check_range("scale", self.scale)
        check_range("ratio", self.ratio)

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """The size that is asked for."""
        return resized(sample, pair(self.size))


@final
class FiveCrop(Transform):
    """The four corners and the middle: five views of each image, which the network sees one by one.

    ```yaml
    transforms: [{type: FiveCrop, size: 24}, ToTensor]
    ```
    """

    views: ClassVar = 5

    size: Lengths
    """[height, width] of a view, or one number for both."""

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """One view."""
        return one_view(sample, sizes, pair(self.size))


@final
class TenCrop(Transform):
    """The four corners and the middle, and the same of the mirrored image: ten views of each.

    ```yaml
    transforms: [{type: TenCrop, size: 24}, ToTensor]
    ```
    """

    views: ClassVar = 10

    size: Lengths
    """[height, width] of a view, or one number for both."""
    vertical_flip: Bool = False
    """Whether the mirrored image is upside down, not with left and right exchanged."""

    def apply(self, sample: SampleType, channels: int | None, sizes: Sizes) -> SampleType:
        """One view."""
        return one_view(sample, sizes, pair(self.size))


def one_view(sample: SampleType, sizes: Sizes, wanted: tuple[int, int]) -> SampleType:
    """One of several crops of an image, which is no smaller."""
    if any(size is not None and size < want for size, want in zip(sizes, wanted, strict=True)):
        raise Violation(
            "SB408",
            f"the crops of {wanted[0]} x {wanted[1]} are larger than the image, {sizes[0] or '?'} x {sizes[1] or '?'}",
            field="size", fix="a smaller size",
        )  # fmt: skip
    return resized(sample, wanted)
