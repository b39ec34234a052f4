"""Transforms on whole batches: what torchvision's v2 does to one image, done to many at once.

An operation takes images `[B, C, H, W]` of which nothing else holds a reference (it may overwrite them)
and one stream of draws for each of its `streams`, and gives images. torchvision, slow to import, is
asked only for resizing, grayscale and the paddings that torch lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import torch
from torch.nn import functional

from specbuild.catalogue.guarding import PluginFailure, named
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.transforms.borders import Edges, Fill
from specbuild.catalogue.transforms.sizes import CenterCrop, Pad, RandomCrop, Resize
from specbuild.catalogue.transforms.transform import Transform, pair
from specbuild.catalogue.transforms.values import Grayscale, Normalize, RandomHorizontalFlip, ToTensor
from specbuild.data.failure import Unusable
from specbuild.data.randomness import uniform
from specbuild.data.vision import torchvision

Draws = Sequence[torch.Tensor]
Apply = Callable[[torch.Tensor, Draws], torch.Tensor]
BELOW_ONE = 1 - 2**-24
"""The largest float32 below 1."""


class Operation(NamedTuple):
    """One transform, ready to run."""

    apply: Apply
    streams: int = 0
    """How many numbers it draws for each sample."""


class Pipeline:
    """The transforms of a split, and the draws that they take."""

    def __init__(self, transforms: Sequence[Transform], seed: int, samples: int) -> None:
        self.transforms = tuple(transforms)
        self.operations = tuple(operation_of(transform) for transform in self.transforms)
        self.seed, self.samples = seed, samples
        self.drawn: tuple[int, list[list[torch.Tensor]]] = (-1, [])
        """The epoch of the last draws, and for each operation its streams."""

    def __call__(self, images: torch.Tensor, indices: torch.Tensor, epoch: int) -> torch.Tensor:
        """`images`, the samples `indices` of the set, transformed as in that epoch."""
        for operation, streams in zip(self.operations, self.draws(epoch), strict=True):
            images = operation.apply(images, [stream.index_select(0, indices) for stream in streams])
        return images.contiguous()

    def draws(self, epoch: int) -> list[list[torch.Tensor]]:
        """The streams of every operation in an epoch."""
        if self.drawn[0] != epoch:
            streams = [
                [uniform(self.samples, self.seed, epoch, f"{place}/{k}") for k in range(operation.streams)]
                for place, operation in enumerate(self.operations)
            ]
            self.drawn = (epoch, streams)
        return self.drawn[1]


def operation_of(transform: Transform) -> Operation:
    """The operation that a transform of the catalogue stands for."""
    return BUILDERS.get(type(transform), plugged)(transform)


def plugged(transform: Transform) -> Operation:
    """A plug-in's, which is given its draws as images are: in float32, on the same device."""

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        count = len(images)
        try:
            given = transform.run(images, [draw.float().clamp_(max=BELOW_ONE).to(images.device) for draw in draws])
            if not isinstance(given, torch.Tensor) or given.dim() == 0 or len(given) != count:
                what = list(given.shape) if isinstance(given, torch.Tensor) else named(given)
                raise PluginFailure(transform, "run", f"gives {what} of a batch of {count}, not a tensor of as many")
        except Violation as violation:
            raise Unusable(violation.code, violation.message, fix=violation.fix) from violation
        return given

    return Operation(apply, transform.draws)


def to_tensor(transform: ToTensor) -> Operation:
    """Bytes to float32 from 0 to 1."""

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        scaled = images.to(torch.float32)
        return scaled if images.is_floating_point() else scaled.mul_(1 / 255)

    return Operation(apply)


def normalize(transform: Normalize) -> Operation:
    """Less the mean, divided by the deviation."""
    mean = torch.tensor(transform.mean).view(-1, 1, 1)
    std = torch.tensor(transform.std).view(-1, 1, 1)
    there = {mean.device: (mean, std)}
    """The two on each device that was asked for: a copy at every batch would make a GPU wait."""

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        device = images.device
        if device not in there:
            there[device] = (mean.to(device), std.to(device))
        center, spread = there[device]
        return images.sub_(center).div_(spread)

    return Operation(apply)


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


def random_horizontal_flip(transform: RandomHorizontalFlip) -> Operation:
    """Mirrored, each image by its own draw."""

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        chosen = (draws[0] < transform.p).nonzero().squeeze(1).to(images.device, non_blocking=True)
        if not len(chosen):
            return images
        images = images.contiguous()
        return images.index_copy_(0, chosen, images.index_select(0, chosen).flip(-1))

    return Operation(apply, streams=1)


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


def grayscale(transform: Grayscale) -> Operation:
    """The brightness."""

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        gray = torchvision().transforms.v2.functional.rgb_to_grayscale(images, transform.num_output_channels)
        return cast(torch.Tensor, gray).contiguous()  # three equal channels come as one, expanded

    return Operation(apply)


BUILDERS: dict[type[Transform], Callable[[Any], Operation]] = {
    ToTensor: to_tensor,
    Normalize: normalize,
    Resize: resize,
    CenterCrop: center_crop,
    RandomCrop: random_crop,
    RandomHorizontalFlip: random_horizontal_flip,
    Pad: pad,
    Grayscale: grayscale,
}
"""What builds the operation of each transform."""
