"""Operations on colours: jitter, and changes of a random part of the images."""

from __future__ import annotations

from itertools import permutations

import torch

from specbuild.catalogue.transforms.colors import (
    BOUNDS,
    ColorJitter,
    RandomAutocontrast,
    RandomChannelPermutation,
    RandomEqualize,
    RandomGrayscale,
    RandomInvert,
    RandomPhotometricDistort,
    RandomPosterize,
    RandomSolarize,
)
from specbuild.data.operations import adjusting
from specbuild.data.operations.adjusting import functional, in_pieces, with_probability
from specbuild.data.operations.drawing import between, numbers, on_chosen
from specbuild.data.operations.operation import Builders, Draws, Operation

ADJUST = {
    "brightness": adjusting.brightened,
    "contrast": adjusting.contrasted,
    "saturation": adjusting.saturated,
    "hue": adjusting.turned,
}
"""What each factor of a jitter does."""


def color_jitter(transform: ColorJitter) -> Operation:
    """Each image by factors and in an order of its own."""
    ranges = transform.ranges()
    orders = torch.tensor([*permutations(range(len(ranges)))])
    steps = len(ranges)

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        factors = [between(draw, limits) for draw, limits in zip(draws[1:], ranges.values(), strict=True)]
        order = orders[draws[0].mul(len(orders)).long()]
        for step in range(steps):
            for place, name in enumerate(ranges):
                adjust, amounts = ADJUST[name], factors[place]
                images = on_chosen(
                    images, order[:, step] == place, lambda some, k, by=adjust, of=amounts: by(some, of[k])  # type: ignore[misc]
                )  # fmt: skip
        return images

    return Operation(in_pieces(apply), streams=1 + steps)


def random_photometric_distort(transform: RandomPhotometricDistort) -> Operation:
    """Brightness, contrast, saturation, hue, or contrast last; then the channels; each or not."""

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        early, exchange = draws[8] < 0.5, draws[9] < transform.p
        factors = {
            name: (draws[2 * k] < transform.p, between(draws[2 * k + 1], getattr(transform, name)))
            for k, name in enumerate(BOUNDS)
        }
        there, amounts = factors.pop("contrast")
        steps = [
            ("brightness", *factors["brightness"]),
            ("contrast", there & early, amounts),
            ("saturation", *factors["saturation"]),
            ("hue", *factors["hue"]),
            ("contrast", there & ~early, amounts),
        ]
        for name, chosen, of in steps:
            adjust = ADJUST[name]
            images = on_chosen(images, chosen, lambda some, k, by=adjust, of=of: by(some, of[k]))  # type: ignore[misc]
        keys = numbers(draws[10], images.shape[1])
        return on_chosen(images, exchange, lambda some, k: adjusting.exchanged(some, keys[:, k]))

    return Operation(in_pieces(apply), streams=11)


def random_grayscale(transform: RandomGrayscale) -> Operation:
    """The brightness in every channel."""

    def change(images: torch.Tensor) -> torch.Tensor:
        return adjusting.gray(images).to(images.dtype).expand_as(images).contiguous()

    return Operation(with_probability(transform.p, change), streams=1)


def random_invert(transform: RandomInvert) -> Operation:
    """Dark and bright exchanged."""
    return Operation(with_probability(transform.p, lambda images: adjusting.bound(images) - images), streams=1)


def random_posterize(transform: RandomPosterize) -> Operation:
    """Fewer bits."""
    return Operation(
        with_probability(transform.p, lambda images: functional().posterize(images, transform.bits)), streams=1
    )


def random_solarize(transform: RandomSolarize) -> Operation:
    """Bright values inverted."""
    return Operation(
        with_probability(transform.p, lambda images: functional().solarize(images, transform.threshold)), streams=1
    )


def random_autocontrast(transform: RandomAutocontrast) -> Operation:
    """Stretched to the whole range."""
    return Operation(with_probability(transform.p, lambda images: functional().autocontrast(images)), streams=1)


def random_equalize(transform: RandomEqualize) -> Operation:
    """The histogram made even."""
    return Operation(with_probability(transform.p, lambda images: functional().equalize(images)), streams=1)


def random_channel_permutation(transform: RandomChannelPermutation) -> Operation:
    """The channels in another order."""

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        return adjusting.exchanged(images, numbers(draws[0], images.shape[1]))

    return Operation(apply, streams=1)


BUILDERS: Builders = {
    ColorJitter: color_jitter,
    RandomPhotometricDistort: random_photometric_distort,
    RandomGrayscale: random_grayscale,
    RandomInvert: random_invert,
    RandomPosterize: random_posterize,
    RandomSolarize: random_solarize,
    RandomAutocontrast: random_autocontrast,
    RandomEqualize: random_equalize,
    RandomChannelPermutation: random_channel_permutation,
}
