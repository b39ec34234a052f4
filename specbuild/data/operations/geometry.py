"""Operations that move pixels: flips, and whatever is sampled along a grid."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import cast

import torch

from specbuild.catalogue.transforms.borders import Fill
from specbuild.catalogue.transforms.geometry import (
    ElasticTransform,
    RandomAffine,
    RandomHorizontalFlip,
    RandomPerspective,
    RandomRotation,
    RandomVerticalFlip,
    both,
    limits_of,
)
from specbuild.data.operations import grids
from specbuild.data.operations.drawing import between, numbers, on_chosen, seeds
from specbuild.data.operations.operation import Builders, Draws, Operation
from specbuild.data.vision import torchvision

Move = Callable[[torch.Tensor, Draws, str, Fill], torch.Tensor]
"""Images, moved by their draws; how values between pixels are found, and what comes in from outside."""


def moved(move: Move, interpolation: str, fill: Fill, streams: int, *, batched: bool = True) -> Operation:
    """An operation on images, and on masks with the nearest pixel and 0 outside."""

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        return move(images, draws, interpolation, fill)

    def masks(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        return move(images, draws, "nearest", 0.0)

    return Operation(apply, streams, masks, batched=batched)


def flip(transform: RandomHorizontalFlip | RandomVerticalFlip) -> Operation:
    """Mirrored, each image by its own draw."""
    axis = -1 if isinstance(transform, RandomHorizontalFlip) else -2

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        return on_chosen(images, draws[0] < transform.p, lambda chosen, _: chosen.flip(axis))

    return Operation(apply, streams=1, masks=apply)


def rotation(transform: RandomRotation) -> Operation:
    """Turned by an angle of its own."""
    limits = limits_of(transform.degrees)

    def move(images: torch.Tensor, draws: Draws, interpolation: str, fill: Fill) -> torch.Tensor:
        angles = between(draws[0], limits) % 360
        if transform.expand:
            return expanded(images, angles, transform.center, interpolation, fill)
        exact = torch.zeros_like(angles, dtype=torch.bool)
        if transform.center is None:
            exact = angles % (90 if images.shape[-1] == images.shape[-2] else 180) == 0
        if bool(exact.any()):  # as v2 has it: no pixel is lost, and none is interpolated
            for quarters in (1, 2, 3):
                images = on_chosen(images, exact & (angles == 90 * quarters), partial(quarter, quarters=quarters))
        by_grid = partial(turned, center=transform.center, interpolation=interpolation, fill=fill)
        return on_chosen(images, ~exact, lambda chosen, places: by_grid(chosen, angles[places]))

    operation = moved(move, transform.interpolation, transform.fill, streams=1)
    varies = transform.expand and not (limits[0] == limits[1] and limits[0] % 90 == 0 and transform.center is None)
    return operation._replace(varies=varies)


def quarter(images: torch.Tensor, places: torch.Tensor, quarters: int) -> torch.Tensor:
    """Images turned by quarters, to the pixel."""
    return images.rot90(quarters, (-2, -1))


def turned(
    images: torch.Tensor, angles: torch.Tensor, center: tuple[float, float] | None, interpolation: str, fill: Fill
) -> torch.Tensor:
    """Images turned by angles, along a grid."""
    middle = grids.from_middle(center, images.shape[-2], images.shape[-1])
    zero = torch.zeros_like(angles)
    matrices = grids.inverse_affine(middle, -angles, (zero, zero), torch.ones_like(angles), (zero, zero))
    return grids.sampled(images, grids.affine(images, matrices), interpolation, fill)


def expanded(
    images: torch.Tensor, angles: torch.Tensor, center: tuple[float, float] | None, interpolation: str, fill: Fill
) -> torch.Tensor:
    """Images turned and grown; of more than one, all by the same quarter turn."""
    v2 = torchvision().transforms.v2
    rotated = v2.functional.rotate(
        images,
        float(angles[0]),
        v2.InterpolationMode(interpolation),
        expand=True,
        center=None if center is None else list(center),
        fill=list(fill) if isinstance(fill, tuple) else fill,
    )
    return cast(torch.Tensor, rotated)


def affine(transform: RandomAffine) -> Operation:
    """Turned, moved, scaled and slanted by numbers of its own."""

    def move(images: torch.Tensor, draws: Draws, interpolation: str, fill: Fill) -> torch.Tensor:
        matrices = affine_matrices(transform, draws, images.shape[-2], images.shape[-1])
        return grids.sampled(images, grids.affine(images, matrices), interpolation, fill)

    return moved(move, transform.interpolation, transform.fill, streams=6)


def affine_matrices(transform: RandomAffine, draws: Draws, height: int, width: int) -> torch.Tensor:
    """For each image the matrix that moves it: float64 `[B, 6]`."""
    turn, right, down, size, along, across = draws
    zero = torch.zeros_like(turn)
    shift = (zero, zero)
    if transform.translate is not None:
        most = transform.translate[0] * width, transform.translate[1] * height
        shift = between(right, (-most[0], most[0])).round(), between(down, (-most[1], most[1])).round()
    scale = torch.ones_like(turn) if transform.scale is None else between(size, transform.scale)
    slants = transform.slants()
    slant = (
        between(along, (slants[0], slants[1])) if slants else zero,
        between(across, (slants[2], slants[3])) if len(slants) == 4 else zero,
    )
    middle = grids.from_middle(transform.center, height, width)
    return grids.inverse_affine(middle, between(turn, limits_of(transform.degrees)), shift, scale, slant)


def perspective(transform: RandomPerspective) -> Operation:
    """Each corner moved inwards by a length of its own."""

    def move(images: torch.Tensor, draws: Draws, interpolation: str, fill: Fill) -> torch.Tensor:
        height, width = images.shape[-2:]
        corners = moved_corners(numbers(draws[1], 8), height, width, transform.distortion_scale)
        coefficients = grids.perspective_coefficients(corners, height, width)
        usable = (draws[0] < transform.p) & coefficients.isfinite().all(1)

        def seen(chosen: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
            return grids.sampled(chosen, grids.perspective(chosen, coefficients[places]), interpolation, fill)

        return on_chosen(images, usable, seen)

    return moved(move, transform.interpolation, transform.fill, streams=2)


def moved_corners(drawn: torch.Tensor, height: int, width: int, scale: float) -> torch.Tensor:
    """Where the corners of images go, from the upper left one clockwise: `[B, 4, 2]`, x and y; drawn: `[8, B]`."""
    bounds = int(scale * (width // 2)) + 1, int(scale * (height // 2)) + 1
    x = (drawn[0::2] * bounds[0]).floor()
    y = (drawn[1::2] * bounds[1]).floor()
    x[1:3] += width - bounds[0]
    y[2:4] += height - bounds[1]
    return torch.stack([x, y], 2).transpose(0, 1)


def elastic(transform: ElasticTransform) -> Operation:
    """Each pixel moved by noise that is smoothed."""
    alphas, sigmas, reaches = both(transform.alpha), both(transform.sigma), transform.reaches()

    def displacement(draw: torch.Tensor, height: int, width: int) -> torch.Tensor:
        generator = torch.Generator()
        noises = []
        for seed in seeds(draw).tolist():
            noise = torch.rand(2, height, width, generator=generator.manual_seed(seed)) * 2 - 1
            if any(reaches):
                pairs = zip(noise, reaches, strict=True)
                noise = torch.stack(
                    [
                        blurring(height, reach, sigmas[1]) @ one @ blurring(width, reach, sigmas[0]).T
                        for one, reach in pairs
                    ]
                )
            noises.append(noise)
        strength = torch.tensor([alphas[0] / width, alphas[1] / height])
        return torch.stack(noises).permute(0, 2, 3, 1) * strength

    def move(images: torch.Tensor, draws: Draws, interpolation: str, fill: Fill) -> torch.Tensor:
        height, width = images.shape[-2:]
        grid = grids.identity(height, width) + displacement(draws[0], height, width)
        return grids.sampled(images, grid, interpolation, fill)

    return moved(move, transform.interpolation, transform.fill, streams=1, batched=False)


@cache
def blurring(size: int, reach: int, sigma: float) -> torch.Tensor:
    """The matrix `[size, size]` that smooths a line by a Gaussian over `reach` to each side, mirrored at the ends."""
    weights = torch.linspace(-reach, reach, 2 * reach + 1).div(sigma).square().mul(-0.5).exp()
    weights = weights / weights.sum()
    matrix = torch.zeros(size, size + 2 * reach)
    for row in range(size):
        matrix[row, row : row + 2 * reach + 1] = weights
    inner = matrix[:, reach : reach + size].clone()
    if reach:
        inner[:, 1 : reach + 1] += matrix[:, :reach].flip(1)
        inner[:, -reach - 1 : -1] += matrix[:, -reach:].flip(1)
    return inner


BUILDERS: Builders = {
    RandomHorizontalFlip: flip,
    RandomVerticalFlip: flip,
    RandomRotation: rotation,
    RandomAffine: affine,
    RandomPerspective: perspective,
    ElasticTransform: elastic,
}
