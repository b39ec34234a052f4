"""Random erasing, of each image a rectangle of its own."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from specbuild.catalogue.transforms.erasing import RandomErasing
from specbuild.data.operations.drawing import between, numbers
from specbuild.data.operations.operation import Builders, Draws, Operation
from specbuild.data.randomness import generator_of

TRIES = 10
"""How often v2 draws a rectangle, for want of one that is smaller than the image."""


class Boxes(NamedTuple):
    """A rectangle in each image, int64 `[B]`: from `top` and `left`, inclusive, to `bottom` and `right`, exclusive."""

    top: torch.Tensor
    left: torch.Tensor
    bottom: torch.Tensor
    right: torch.Tensor

    def inside(self, images: torch.Tensor) -> torch.Tensor:
        """Where the rectangles are: bool `[B, 1, H, W]`."""
        top, left, bottom, right = (edge.to(images.device, non_blocking=True)[:, None] for edge in self)
        rows, columns = (torch.arange(size, device=images.device) for size in images.shape[-2:])
        tall, wide = (rows >= top) & (rows < bottom), (columns >= left) & (columns < right)
        return (tall[:, :, None] & wide[:, None, :]).unsqueeze(1)


def random_erasing(transform: RandomErasing) -> Operation:
    """A rectangle overwritten."""
    values = transform.values()

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        boxes = rectangles(transform, draws, images.shape[-2], images.shape[-1])
        if values is None:
            return noisy(images, boxes, draws[2])
        inside = boxes.inside(images)
        if len(values) == 1:
            return images.masked_fill_(inside, values[0])
        colors = torch.tensor(values, device=images.device).to(images.dtype)
        return torch.where(inside, colors.view(1, -1, 1, 1), images)

    return Operation(apply, streams=3)


def rectangles(transform: RandomErasing, draws: Draws, height: int, width: int) -> Boxes:
    """v2's arithmetic; empty where nothing is erased."""
    drawn = numbers(draws[1], 2 * TRIES + 2)
    area = between(drawn[:TRIES], transform.scale) * (height * width)
    lowest, highest = transform.ratio
    ratio = between(drawn[TRIES:-2], (math.log(lowest), math.log(highest))).exp()
    tall, wide = (area * ratio).sqrt().round().long(), (area / ratio).sqrt().round().long()
    fits = (tall < height) & (wide < width)
    first = fits.byte().argmax(0, keepdim=True)
    erased = fits.any(0) & (draws[0] < transform.p)
    tall, wide = (size.gather(0, first).squeeze(0) * erased for size in (tall, wide))
    top = drawn[-2].mul(height - tall + 1).long()
    left = drawn[-1].mul(width - wide + 1).long()
    return Boxes(top, left, top + tall, left + wide)


def noisy(images: torch.Tensor, boxes: Boxes, draws: torch.Tensor) -> torch.Tensor:
    """Normal noise in the rectangles, drawn on the CPU from a generator for each image."""
    for image, draw, top, left, bottom, right in zip(
        images, draws.tolist(), *(edge.tolist() for edge in boxes), strict=True
    ):
        if bottom > top and right > left:
            size = (len(image), bottom - top, right - left)
            image[:, top:bottom, left:right] = torch.randn(size, generator=generator_of(draw)).to(images.device)
    return images


BUILDERS: Builders = {RandomErasing: random_erasing}
