"""The arithmetic of padding, which Pad and RandomCrop share."""

from typing import Annotated, Literal

from annotated_types import MinLen

from specbuild.catalogue.entry import Count, Float
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms.transform import Sizes, channels_text

Borders = Count | Annotated[tuple[Count, ...], MinLen(1)]
Fill = Float | Annotated[tuple[Float, ...], MinLen(1)] | None
PaddingMode = Literal["constant", "edge", "reflect", "symmetric"]
Edges = tuple[int, int, int, int]
"""Left, top, right, bottom."""


def edges_of(padding: int | tuple[int, ...]) -> Edges:
    """Left, top, right and bottom of a padding."""
    if isinstance(padding, int):
        return padding, padding, padding, padding
    if len(padding) == 4:
        return padding[0], padding[1], padding[2], padding[3]
    return padding[0], padding[-1], padding[0], padding[-1]


def check_padding(padding: int | tuple[int, ...] | None, fill: Fill, mode: str) -> None:
    """What v2 asks of a padding, whatever it is put around."""
    if isinstance(padding, tuple) and len(padding) not in (1, 2, 4):
        raise Violation(
            "SB410",
            f"padding is one number, [left and right, top and bottom] or [left, top, right, bottom]: "
            f"it has {len(padding)} numbers",
            field="padding",
        )
    if isinstance(fill, tuple) and len(fill) > 1 and mode != "constant":
        raise Violation(
            "SB410", f"a fill for each channel needs padding_mode: constant, but it is {mode}",
            field="fill", fix="leave fill out",
        )  # fmt: skip


def padded_sizes(sample: SampleType, channels: int | None, sizes: Sizes, edges: Edges, fill: Fill, mode: str) -> Sizes:
    """Height and width with the borders on, after holding the borders against the image."""
    left, top, right, bottom = edges
    if mode == "constant":
        check_fill(sample, channels, fill)
    slack = {"reflect": 1, "symmetric": 0}.get(mode)
    for size, borders, axis in ((sizes[0], (top, bottom), "height"), (sizes[1], (left, right), "width")):
        if slack is not None and size is not None and max(borders) > size - slack:
            raise Violation(
                "SB408",
                f"padding_mode: {mode} can pad at most {size - slack} of a {axis} of {size}, "
                f"but padding is {max(borders)}",
                field="padding",
            )
    height, width = sizes
    return None if height is None else height + top + bottom, None if width is None else width + left + right


def check_fill(sample: SampleType, channels: int | None, fill: Fill) -> None:
    """A number for each channel or one for all, which a byte can be where the image is of bytes."""
    values = fill if isinstance(fill, tuple) else (fill or 0.0,)
    if len(values) > 1 and channels is not None and len(values) != channels:
        raise Violation(
            "SB408", f"fill has {len(values)} numbers, but what comes in has {channels_text(channels)}",
            field="fill",
        )  # fmt: skip
    if sample.dtype == "uint8" and not all(0 <= value <= 255 for value in values):
        raise Violation(
            "SB408", "fill must be from 0 to 255 before ToTensor", field="fill",
            fix="a fill from 0 to 255, or ToTensor first",
        )  # fmt: skip
