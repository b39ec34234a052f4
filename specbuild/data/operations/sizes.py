"""Operations on height and width: resizing, cropping, padding."""

from __future__ import annotations

from typing import cast

import torch
from torch.nn import functional

from specbuild.catalogue.transforms.borders import Edges, Fill
from specbuild.catalogue.transforms.sizes import CenterCrop, Pad, RandomCrop, Resize
from specbuild.catalogue.transforms.transform import pair
from specbuild.data.operations.operation import Builders, Draws, Operation
from specbuild.data.vision import torchvision


def resize(transform: Resize) -> Operation:
    """Interpolated to another size."""
    size = [transform.size] if isinstance(transform.size, int) else transform.size and list(transform.size)

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        v2 = torchvision().transforms.v2
        resized = v2.functional.resize(
            images,
            size,
            v2.InterpolationMode(transform.interpolation),
            transform.max_size,
            transform.antialias,
        )
        return cast(torch.Tensor, resized)

    return Operation(apply)


def center_crop(transform: CenterCrop) -> Operation:
    """The middle, padded with 0 where it is too small."""
    height, width = pair(transform.size)

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        tall, wide = max(0, height - images.shape[-2]), max(0, width - images.shape[-1])
        if tall or wide:
            edges = (wide // 2, tall // 2, (wide + 1) // 2, (tall + 1) // 2)
            images = padded(images, edges, 0.0, "constant")
        top, left = round((images.shape[-2] - height) / 2.0), round((images.shape[-1] - width) / 2.0)
        return images[..., top : top + height, left : left + width]

    return Operation(apply)


def random_crop(transform: RandomCrop) -> Operation:
    """A window at a place of its own for each image."""
    height, width = pair(transform.size)

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        edges = transform.borders((images.shape[-2], images.shape[-1]))
        if any(edges):
            images = padded(images, edges, transform.fill, transform.padding_mode)
        tops = draws[0].mul(images.shape[-2] - height + 1).long()
        lefts = draws[1].mul(images.shape[-1] - width + 1).long()
        return windows(images.contiguous(), tops, lefts, height, width)

    return Operation(apply, streams=2)


def windows(images: torch.Tensor, tops: torch.Tensor, lefts: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """From each of a batch of contiguous images the window at its own top and left."""
    count, channels, full_height, full_width = images.shape
    if count == 1:
        top, left = int(tops[0]), int(lefts[0])
        return images[..., top : top + height, left : left + width]
    sample, channel, row, column = images.stride()
    # Every window of every image, as a view; one indexing copies those that were drawn.
    places = (full_height - height + 1, full_width - width + 1)
    view = images.as_strided((count, *places, channels, height, width), (sample, row, column, channel, row, column))
    device = images.device
    places_drawn = (place.to(device, non_blocking=True) for place in (tops, lefts))
    return view[torch.arange(count, device=device), *places_drawn]


def pad(transform: Pad) -> Operation:
    """A border."""
    edges = transform.edges()

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        return padded(images, edges, transform.fill, transform.padding_mode)

    return Operation(apply)


def padded(images: torch.Tensor, edges: Edges, fill: Fill, mode: str) -> torch.Tensor:
    """Images with a border; edges: left, top, right, bottom."""
    left, top, right, bottom = edges
    if mode == "constant" and not isinstance(fill, tuple):
        return functional.pad(images, (left, right, top, bottom), value=float(fill or 0.0))
    values = list(fill) if isinstance(fill, tuple) else fill
    framed = torchvision().transforms.v2.functional.pad(images, list(edges), fill=values, padding_mode=mode)
    return cast(torch.Tensor, framed)


BUILDERS: Builders = {Resize: resize, CenterCrop: center_crop, RandomCrop: random_crop, Pad: pad}
