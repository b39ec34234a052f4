"""Automatic augmentation: for each image operations of its own, run at once for all that drew the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple

import torch

from specbuild.catalogue.transforms.automatic import AugMix, AutoAugment, RandAugment, TrivialAugmentWide
from specbuild.catalogue.transforms.borders import Fill
from specbuild.data.failure import Unusable
from specbuild.data.operations import adjusting
from specbuild.data.operations.adjusting import Amounts, functional
from specbuild.data.operations.drawing import numbers, on_chosen
from specbuild.data.operations.grids import affine, inverse_affine, sampled
from specbuild.data.operations.operation import Builders, Draws, Operation
from specbuild.data.operations.policies import AUTO, GEOMETRIC, MIX, MIX_PART, RAND, TRIVIAL, Space, policy
from specbuild.data.randomness import generator_of


class Step(NamedTuple):
    """One operation for each image."""

    operation: torch.Tensor
    """Its place among those of the space: int64 `[B]`."""
    magnitude: Amounts


Plan = Callable[[Draws, int, int], list[Step]]
"""The steps that are drawn for images of a height and width."""
TONES: dict[str, Callable[[torch.Tensor, Amounts], torch.Tensor]] = {
    "Identity": lambda images, amounts: images,
    "Brightness": lambda images, amounts: adjusting.brightened(images, 1.0 + amounts),
    "Color": lambda images, amounts: adjusting.saturated(images, 1.0 + amounts),
    "Contrast": lambda images, amounts: adjusting.contrasted(images, 1.0 + amounts),
    "Sharpness": lambda images, amounts: adjusting.sharpened(images, 1.0 + amounts),
    "Posterize": adjusting.posterized,
    "Solarize": lambda images, amounts: adjusting.solarized(images, adjusting.bound(images) * amounts),
    "AutoContrast": lambda images, amounts: functional().autocontrast(images),
    "Equalize": lambda images, amounts: functional().equalize(images),
    "Invert": lambda images, amounts: adjusting.bound(images) - images,
}
"""The operations on colours."""


def moved(images: torch.Tensor, step: Step, space: Space, interpolation: str, fill: Fill) -> torch.Tensor:
    """The geometric operations of a step, all in one."""
    height, width = images.shape[-2:]
    chosen = {name: step.operation == space.operations.index(name) for name in GEOMETRIC}
    angle = step.magnitude.remainder(360.0)
    straight = (angle == 0) | (angle == 180) | ((angle.remainder(90.0) == 0) & (height == width))
    turned = chosen["Rotate"] & straight
    geometric = torch.stack([*chosen.values()]).any(0) & ~turned
    matrices = maps(step.magnitude, chosen, height, width)

    def warp(some: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        return sampled(some, affine(some, matrices[places]), interpolation, fill)

    images = on_chosen(images, geometric, warp)
    for quarters in (1, 2, 3):  # as v2 turns by right angles: without interpolation
        images = on_chosen(images, turned & (angle == 90.0 * quarters), partial(rotated, quarters))
    return images


def rotated(quarters: int, images: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Turned by right angles, against the clock."""
    return images.rot90(quarters, (-2, -1))


def maps(magnitude: Amounts, chosen: dict[str, torch.Tensor], height: int, width: int) -> torch.Tensor:
    """For each image the matrix of its geometric operation, as `inverse_affine` gives it."""
    given = {name: torch.where(there, magnitude, 0.0) for name, there in chosen.items()}
    same = torch.ones_like(magnitude)
    shift = given["TranslateX"].trunc(), given["TranslateY"].trunc()
    slant = given["ShearX"].atan().rad2deg(), given["ShearY"].atan().rad2deg()
    in_middle, in_corner = (
        inverse_affine(center, -given["Rotate"], shift, same, slant)
        for center in ((0.0, 0.0), (-0.5 * width, -0.5 * height))
    )
    sheared = chosen["ShearX"] | chosen["ShearY"]
    return torch.where(sheared[:, None], in_corner, in_middle)


def changed(images: torch.Tensor, step: Step, space: Space, interpolation: str, fill: Fill) -> torch.Tensor:
    """Images after a step."""
    for place, name in enumerate(space.operations):
        if name in TONES and name != "Identity":

            def adjust(some: torch.Tensor, places: torch.Tensor, name: str = name) -> torch.Tensor:
                return TONES[name](some, step.magnitude[places])

            images = on_chosen(images, step.operation == place, adjust)
    return moved(images, step, space, interpolation, fill)


def planned(
    transform: AutoAugment | RandAugment | TrivialAugmentWide, space: Space, plan: Plan, streams: int
) -> Operation:
    """The operation that runs the steps of a plan."""

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        for step in plan(draws, *images.shape[-2:]):
            images = changed(images, step, space, transform.interpolation, transform.fill)
        return images

    def masks(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        for step in plan(draws, *images.shape[-2:]):
            images = moved(images, step, space, "nearest", None)
        return images

    return Operation(apply, streams, masks)


def drawn(
    space: Space, magnitudes: torch.Tensor, operation: torch.Tensor, bins: torch.Tensor, sign: torch.Tensor
) -> Step:
    """A step of these operations and bins; `sign`: uniform."""
    magnitude = magnitudes[operation, bins]
    return Step(operation, torch.where(space.signed()[operation] & (sign < 0.5), -magnitude, magnitude))


def auto_augment(transform: AutoAugment) -> Operation:
    """A pair of operations of a policy."""
    pairs = policy(transform.policy)
    operations = torch.tensor([[AUTO.operations.index(rule.name) for rule in pair] for pair in pairs])
    probabilities = torch.tensor([[rule.probability for rule in pair] for pair in pairs], dtype=torch.float64)
    bins = torch.tensor([[rule.magnitude for rule in pair] for pair in pairs])
    magnitudes = lru_cache(maxsize=64)(AUTO.magnitudes)

    def plan(draws: Draws, height: int, width: int) -> list[Step]:
        table = magnitudes(10, height, width)
        chosen = draws[0].mul(len(pairs)).long()
        steps = []
        for k in range(2):
            there = draws[1 + 2 * k] < probabilities[chosen, k]
            operation = torch.where(there, operations[chosen, k], 0)  # 0: Identity
            steps.append(drawn(AUTO, table, operation, bins[chosen, k], draws[2 + 2 * k]))
        return steps

    return planned(transform, AUTO, plan, streams=5)


def rand_augment(transform: RandAugment) -> Operation:
    """Operations at random, of one magnitude."""
    magnitudes = lru_cache(maxsize=64)(RAND.magnitudes)

    def plan(draws: Draws, height: int, width: int) -> list[Step]:
        table = magnitudes(transform.num_magnitude_bins, height, width)
        steps = []
        for k in range(transform.num_ops):
            operation = draws[2 * k].mul(len(RAND.operations)).long()
            steps.append(
                drawn(RAND, table, operation, torch.full_like(operation, transform.magnitude), draws[2 * k + 1])
            )
        return steps

    return planned(transform, RAND, plan, streams=2 * transform.num_ops)


def trivial_augment_wide(transform: TrivialAugmentWide) -> Operation:
    """One operation of a random magnitude."""
    magnitudes = lru_cache(maxsize=64)(TRIVIAL.magnitudes)

    def plan(draws: Draws, height: int, width: int) -> list[Step]:
        table = magnitudes(transform.num_magnitude_bins, height, width)
        operation = draws[0].mul(len(TRIVIAL.operations)).long()
        return [drawn(TRIVIAL, table, operation, draws[1].mul(transform.num_magnitude_bins).long(), draws[2])]

    return planned(transform, TRIVIAL, plan, streams=3)


MIX_BINS = 10
"""How many magnitudes AugMix has, of which the first `severity` are drawn."""
MIX_DEPTH = 3
"""The most operations of a chain of random length."""


def augmix(transform: AugMix) -> Operation:
    """The image and several chains of operations on it, by shares."""
    space = MIX if transform.all_ops else MIX_PART
    width = transform.mixture_width
    most = transform.chain_depth if transform.chain_depth > 0 else MIX_DEPTH
    magnitudes = lru_cache(maxsize=64)(space.magnitudes)

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        table = magnitudes(MIX_BINS, *images.shape[-2:])
        drawings = numbers(draws[0], width * (1 + 3 * most)).view(width, 1 + 3 * most, -1)
        kept, shares = mixture(transform, draws[1])
        mixed = images * adjusting.each(kept, images)
        for chain in range(width):
            length, *others = drawings[chain]
            depth = length.mul(MIX_DEPTH).long() + 1 if transform.chain_depth <= 0 else torch.full_like(length, most)
            changing = images.clone()
            for k in range(most):
                which, how, sign = others[3 * k : 3 * k + 3]
                operation = which.mul(len(space.operations)).long()
                step = drawn(space, table, operation, how.mul(transform.severity).long(), sign)

                def link(some: torch.Tensor, places: torch.Tensor, step: Step = step) -> torch.Tensor:
                    own = Step(step.operation[places], step.magnitude[places])
                    return changed(some, own, space, transform.interpolation, transform.fill)

                changing = on_chosen(changing, depth > k, link)
            mixed.addcmul_(changing, adjusting.each(shares[:, chain], images))
        return mixed.to(images.dtype)

    return Operation(apply, streams=2, masks=refuse_masks)


def mixture(transform: AugMix, draws: torch.Tensor) -> tuple[Amounts, torch.Tensor]:
    """The share of each image, from Beta, and those of its chains, from Dirichlet: `[B]` and `[B, mixture_width]`."""
    own = torch.tensor([transform.alpha] * 2)
    chains = torch.tensor([transform.alpha] * transform.mixture_width)
    kept, shares = [], []
    for draw in draws.tolist():
        generator = generator_of(draw)
        pair = torch._sample_dirichlet(own, generator=generator)
        kept.append(pair[0])
        shares.append(torch._sample_dirichlet(chains, generator=generator) * pair[1])
    return torch.stack(kept), torch.stack(shares)


def refuse_masks(masks: torch.Tensor, draws: Draws) -> torch.Tensor:
    """SB408: of an image blended of several there is no one mask."""
    raise Unusable(
        "SB408", "AugMix blends several images that are moved differently: no mask lies over that", fix="RandAugment"
    )


BUILDERS: Builders = {
    AutoAugment: auto_augment,
    RandAugment: rand_augment,
    TrivialAugmentWide: trivial_augment_wide,
    AugMix: augmix,
}
