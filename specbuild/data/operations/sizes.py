"""Operations that change the size: resizing, padding."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch.nn import functional

from specbuild.catalogue.transforms.borders import Edges, Fill
from specbuild.catalogue.transforms.sizes import (
    Pad,
    RandomResize,
    RandomShortestSize,
    RandomZoomOut,
    Resize,
    ScaleJitter,
)
from specbuild.data.operations.drawing import between
from specbuild.data.operations.operation import Builders, Draws, Operation
from specbuild.data.vision import torchvision

NEAREST = ("nearest", "nearest-exact")


def interpolated(
    images: torch.Tensor, size: tuple[int, int], interpolation: str, antialias: bool | None
) -> torch.Tensor:
    """Images in another height and width, to the bit as v2 makes them."""
    if tuple(images.shape[-2:]) == size:
        return images
    smooth = interpolation not in NEAREST
    native = images.is_floating_point() or (images.dtype == torch.uint8 and (not smooth or images.device.type == "cpu"))
    scaled = functional.interpolate(
        images if native else images.float(),
        size,
        mode=interpolation,
        align_corners=False if smooth else None,
        antialias=bool(antialias) and smooth,
    )
    if native:
        return scaled
    return (scaled.clamp_(0, 255) if images.dtype == torch.uint8 else scaled).round_().to(images.dtype)


def for_masks(interpolation: str) -> str:
    """How masks are interpolated where images are so: from the nearest pixel."""
    return interpolation if interpolation in NEAREST else "nearest"


def resize(transform: Resize) -> Operation:
    """Interpolated to another size."""
    size = [transform.size] if isinstance(transform.size, int) else transform.size and list(transform.size)

    def resized(images: torch.Tensor, interpolation: str) -> torch.Tensor:
        v2 = torchvision().transforms.v2
        mode = v2.InterpolationMode(interpolation)
        return cast(torch.Tensor, v2.functional.resize(images, size, mode, transform.max_size, transform.antialias))

    return Operation(
        lambda images, draws: resized(images, transform.interpolation),
        masks=lambda masks, draws: resized(masks, for_masks(transform.interpolation)),
    )


def random_resize(transform: RandomResize) -> Operation:
    """The shorter edge of a length that is drawn."""

    def size(sizes: tuple[int, int], draw: torch.Tensor) -> tuple[int, int]:
        short = transform.min_size + int(draw * (transform.max_size - transform.min_size))
        long = int(short * max(sizes) / min(sizes))
        return (short, long) if sizes[0] <= sizes[1] else (long, short)

    return drawn(size, transform)


def random_shortest_size(transform: RandomShortestSize) -> Operation:
    """The shorter edge of a length that is picked."""
    lengths = transform.lengths()

    def size(sizes: tuple[int, int], draw: torch.Tensor) -> tuple[int, int]:
        return transform.result(lengths[int(draw * len(lengths))], sizes)

    return drawn(size, transform)


def scale_jitter(transform: ScaleJitter) -> Operation:
    """Scaled to fit, and by a factor that is drawn."""

    def size(sizes: tuple[int, int], draw: torch.Tensor) -> tuple[int, int]:
        factor = between(draw.float(), transform.scale_range)  # in float32, as v2 draws and multiplies
        ratio = min(transform.target_size[1] / sizes[0], transform.target_size[0] / sizes[1]) * factor
        return int(sizes[0] * ratio), int(sizes[1] * ratio)

    return drawn(size, transform)


def drawn(
    size: Callable[[tuple[int, int], torch.Tensor], tuple[int, int]],
    transform: RandomResize | RandomShortestSize | ScaleJitter,
) -> Operation:
    """One image, interpolated to a size that its draw gives."""

    def resized(images: torch.Tensor, draws: Draws, interpolation: str) -> torch.Tensor:
        height, width = images.shape[-2:]
        return interpolated(images, size((height, width), draws[0][0]), interpolation, transform.antialias)

    return Operation(
        lambda images, draws: resized(images, draws, transform.interpolation),
        streams=1,
        masks=lambda masks, draws: resized(masks, draws, for_masks(transform.interpolation)),
        varies=True,
    )


def random_zoom_out(transform: RandomZoomOut) -> Operation:
    """One image, within a border that is drawn."""

    def framed(images: torch.Tensor, draws: Draws, fill: Fill) -> torch.Tensor:
        chosen, growth, right, down = (draw[0] for draw in draws)
        if chosen >= transform.p:
            return images
        height, width = images.shape[-2:]
        factor = between(growth.float(), transform.side_range)  # in float32, as v2 draws and multiplies
        more = int(width * factor) - width, int(height * factor) - height
        left, top = int(more[0] * right), int(more[1] * down)
        return padded(images, (left, top, more[0] - left, more[1] - top), fill, "constant")

    return Operation(
        lambda images, draws: framed(images, draws, transform.fill),
        streams=4,
        masks=lambda masks, draws: framed(masks, draws, 0.0),
        varies=bool(transform.p) and transform.side_range != (1, 1),
    )


def pad(transform: Pad) -> Operation:
    """A border."""
    edges, mode = transform.edges(), transform.padding_mode
    return Operation(
        lambda images, draws: padded(images, edges, transform.fill, mode),
        masks=lambda masks, draws: padded(masks, edges, 0.0, mode),
    )


def padded(images: torch.Tensor, edges: Edges, fill: Fill, mode: str) -> torch.Tensor:
    """Images with a border; edges: left, top, right, bottom."""
    left, top, right, bottom = edges
    if not any(edges):
        return images
    if mode == "constant" and not isinstance(fill, tuple):
        return functional.pad(images, (left, right, top, bottom), value=float(fill or 0.0))
    values = list(fill) if isinstance(fill, tuple) else fill
    framed = torchvision().transforms.v2.functional.pad(images, list(edges), fill=values, padding_mode=mode)
    return cast(torch.Tensor, framed)


BUILDERS: Builders = {
    Resize: resize,
    Pad: pad,
    RandomResize: random_resize,
    RandomShortestSize: random_shortest_size,
    ScaleJitter: scale_jitter,
    RandomZoomOut: random_zoom_out,
}
