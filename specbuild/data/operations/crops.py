"""Operations that cut a piece out of an image."""

from __future__ import annotations

from functools import partial

import torch

from specbuild.catalogue.transforms.borders import Fill
from specbuild.catalogue.transforms.crops import CenterCrop, FiveCrop, RandomCrop, RandomResizedCrop, TenCrop
from specbuild.catalogue.transforms.transform import pair
from specbuild.data.operations.drawing import between, numbers
from specbuild.data.operations.operation import Builders, Draws, Operation
from specbuild.data.operations.sizes import for_masks, interpolated, padded

TRIES = 10
"""Of RandomResizedCrop, before it takes the middle; v2's."""


def center_crop(transform: CenterCrop) -> Operation:
    """The middle, padded with 0 where it is too small."""
    height, width = pair(transform.size)

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        return middle(images, height, width)

    return Operation(apply, masks=apply)


def middle(images: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """The middle of images, padded with 0 where they are too small."""
    tall, wide = max(0, height - images.shape[-2]), max(0, width - images.shape[-1])
    if tall or wide:
        edges = (wide // 2, tall // 2, (wide + 1) // 2, (tall + 1) // 2)
        images = padded(images, edges, 0.0, "constant")
    top, left = round((images.shape[-2] - height) / 2.0), round((images.shape[-1] - width) / 2.0)
    return images[..., top : top + height, left : left + width]


def random_crop(transform: RandomCrop) -> Operation:
    """A window at a place of its own for each image."""
    height, width = pair(transform.size)

    def cut(images: torch.Tensor, draws: Draws, fill: Fill) -> torch.Tensor:
        edges = transform.borders((images.shape[-2], images.shape[-1]))
        if any(edges):
            images = padded(images, edges, fill, transform.padding_mode)
        tops = draws[0].mul(images.shape[-2] - height + 1).long()
        lefts = draws[1].mul(images.shape[-1] - width + 1).long()
        return windows(images.contiguous(), tops, lefts, height, width)

    return Operation(
        lambda images, draws: cut(images, draws, transform.fill),
        streams=2,
        masks=lambda masks, draws: cut(masks, draws, 0.0),
    )


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


def random_resized_crop(transform: RandomResizedCrop) -> Operation:
    """A window of its own for each image, interpolated."""
    size = pair(transform.size)

    def cut(images: torch.Tensor, draws: Draws, interpolation: str) -> torch.Tensor:
        boxes = drawn_boxes(transform, numbers(draws[0], 2 * TRIES + 2), images.shape[-2], images.shape[-1])
        # Image by image: each kernel then smooths over as many pixels as its own window asks for. The same by
        # products of matrices is faster only for thumbnails, and rounds otherwise in another batch.
        cuts = [
            interpolated(image[..., top : top + height, left : left + width], size, interpolation, transform.antialias)
            for image, (top, left, height, width) in zip(torch.split(images, 1), boxes.tolist(), strict=True)
        ]
        return torch.cat(cuts)

    return Operation(
        lambda images, draws: cut(images, draws, transform.interpolation),
        streams=1,
        masks=lambda masks, draws: cut(masks, draws, for_masks(transform.interpolation)),
    )


def drawn_boxes(transform: RandomResizedCrop, drawn: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Top, left, height and width of a window for each image: `[B, 4]`; drawn: `[2 * TRIES + 2, B]`."""
    areas = between(drawn[:TRIES], transform.scale) * (height * width)
    low, high = torch.tensor(transform.ratio, dtype=torch.float64).log().tolist()
    ratios = between(drawn[TRIES:-2], (low, high)).exp()
    widths, heights = (areas * ratios).sqrt().round(), (areas / ratios).sqrt().round()
    fits = (widths > 0) & (widths <= width) & (heights > 0) & (heights <= height)
    first = fits.int().argmax(0, keepdim=True)
    chosen = torch.stack([heights.gather(0, first)[0], widths.gather(0, first)[0]])
    places = ((torch.tensor([[height], [width]]) - chosen + 1) * drawn[-2:]).floor()
    fitting = torch.cat([places, chosen]).long()
    return torch.where(fits.any(0), fitting, fallback(transform, height, width).unsqueeze(1)).T


def fallback(transform: RandomResizedCrop, height: int, width: int) -> torch.Tensor:
    """The window in the middle where none of the draws fits, by v2's arithmetic."""
    least, most = transform.ratio
    tall, wide = height, width
    if width / height < least:
        tall = max(1, round(width / least))
    elif width / height > most:
        wide = max(1, round(height * most))
    return torch.tensor([(height - tall) // 2, (width - wide) // 2, tall, wide])


def five_crop(transform: FiveCrop) -> Operation:
    """The corners and the middle, the views of an image next to each other."""
    size = pair(transform.size)

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        return torch.stack(views(images, *size), 1).flatten(0, 1)

    return Operation(apply)


def ten_crop(transform: TenCrop) -> Operation:
    """The corners and the middle, of the image and of its mirror image."""
    size = pair(transform.size)
    mirrored = partial(torch.flip, dims=(-2 if transform.vertical_flip else -1,))

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        return torch.stack([*views(images, *size), *views(mirrored(images), *size)], 1).flatten(0, 1)

    return Operation(apply)


def views(images: torch.Tensor, height: int, width: int) -> list[torch.Tensor]:
    """Upper left, upper right, lower left, lower right, middle."""
    top, left = images.shape[-2] - height, images.shape[-1] - width
    corners = [images[..., y : y + height, x : x + width] for y in (0, top) for x in (0, left)]
    return [*corners, middle(images, height, width)]


BUILDERS: Builders = {
    CenterCrop: center_crop,
    RandomCrop: random_crop,
    RandomResizedCrop: random_resized_crop,
    FiveCrop: five_crop,
    TenCrop: ten_crop,
}
