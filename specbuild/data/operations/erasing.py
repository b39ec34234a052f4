"""Random erasing, of each image a rectangle of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator
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

    def each(self) -> Iterator[tuple[int, slice, slice]]:
        """Of each image whose rectangle is not empty its number, rows and columns."""
        for image, (top, left, bottom, right) in enumerate(zip(*(edge.tolist() for edge in self), strict=True)):
            if bottom > top and right > left:
                yield image, slice(top, bottom), slice(left, right)


def random_erasing(transform: RandomErasing) -> Operation:
    """A rectangle overwritten: by noise from a generator for each image, drawn on the CPU, or by the value."""
    values = transform.values()

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        written = None if values is None else torch.tensor(values, device=images.device).view(-1, 1, 1)
        # Of an image much less is written than a mask of the batch would read.
        for k, rows, columns in rectangles(transform, draws, images.shape[-2], images.shape[-1]).each():
            part = images[k, :, rows, columns]
            if written is None:
                part.copy_(torch.randn(part.shape, generator=generator_of(float(draws[2][k]))))
            else:
                part.copy_(written)
        return images

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


BUILDERS: Builders = {RandomErasing: random_erasing}
