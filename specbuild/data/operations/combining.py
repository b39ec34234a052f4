"""Operations made of others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import NamedTuple

import torch

from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms.combining import Compose, RandomApply, RandomChoice, RandomOrder
from specbuild.catalogue.transforms.transform import Transform
from specbuild.data.operations.drawing import numbers, on_chosen
from specbuild.data.operations.operation import Apply, Builders, Draws, Operation
from specbuild.data.operations.varying import held

Build = Callable[[Transform], Operation]
PROBES = ((97, 89), (61, 83))
"""Sizes by which it is found out what a transform does to a size."""


class Part(NamedTuple):
    """One of the transforms of a list."""

    transform: Transform
    operation: Operation
    begin: int
    """Its first stream among those of the whole."""
    steady: bool
    """Whether it leaves every size as it is."""
    ends: tuple[tuple[int | None, ...] | None, ...]
    """The sizes that it makes of the probes."""

    def run(self, images: torch.Tensor, draws: Draws, masks: bool) -> torch.Tensor:
        """Images, or masks, through it, by the streams of the whole."""
        apply = self.operation.masks if masks else self.operation.apply
        if apply is None:
            return images
        return apply(images, draws[self.begin : self.begin + self.operation.streams])


def parts_of(transforms: Sequence[Transform], build: Build, own: int) -> list[Part]:
    """The parts of a list whose whole draws `own` numbers itself."""
    operations = [build(transform) for transform in transforms]
    begins = accumulate((operation.streams for operation in operations), initial=own)
    found = []
    for transform, operation, begin in zip(transforms, operations, begins, strict=False):
        ends = tuple(end_of(transform, probe) for probe in PROBES)
        found.append(Part(transform, operation, begin, ends == PROBES, ends))
    return found


def end_of(transform: Transform, probe: tuple[int, int]) -> tuple[int | None, ...] | None:
    """The size that a transform makes of another; None where that is not known."""
    try:
        shape = transform.infer(SampleType((None, *probe))).shape
    except Violation:
        return None
    return None if shape is None else shape[1:]


def whole(
    parts: Sequence[Part], own: int, run: Callable[[torch.Tensor, Draws, bool], torch.Tensor], varies: bool
) -> Operation:
    """The operation that runs these."""
    masks: Apply | None = None
    if any(part.operation.masks is not None for part in parts):

        def masks(images: torch.Tensor, draws: Draws) -> torch.Tensor:
            return run(images, draws, True)

    return Operation(
        lambda images, draws: run(images, draws, False),
        streams=own + sum(part.operation.streams for part in parts),
        masks=masks,
        batched=all(part.operation.batched for part in parts),
        varies=varies,
    )


def in_turn(parts: Sequence[Part], images: torch.Tensor, draws: Draws, masks: bool) -> torch.Tensor:
    """One part after another; behind one that varies each is held against the size that came."""
    varied = False
    for part in parts:
        if varied:
            held(part.transform, images)
        images = part.run(images, draws, masks)
        varied |= part.operation.varies
    return images


def compose(transform: Compose, build: Build) -> Operation:
    """One after another."""
    parts = parts_of(transform.transforms, build, 0)
    varies = any(part.operation.varies for part in parts)
    return whole(parts, 0, lambda images, draws, masks: in_turn(parts, images, draws, masks), varies)


def random_apply(transform: RandomApply, build: Build) -> Operation:
    """All of them, for a drawn part of the images."""
    parts = parts_of(transform.transforms, build, 1)
    varies = any(part.operation.varies for part in parts)
    if 0 < transform.p < 1:
        varies = not all(part.steady for part in parts)

    def run(images: torch.Tensor, draws: Draws, masks: bool) -> torch.Tensor:
        def change(chosen: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
            return in_turn(parts, chosen, [draw[places] for draw in draws], masks)

        return on_chosen(images, draws[0] < transform.p, change)

    return whole(parts, 1, run, varies)


def random_choice(transform: RandomChoice, build: Build) -> Operation:
    """One of them, for each image the one that it drew."""
    parts = parts_of(transform.transforms, build, 1)
    shares = torch.tensor(transform.p or [1.0] * len(parts), dtype=torch.float64)
    bounds = shares.cumsum(0) / shares.sum()
    bounds[int(shares.nonzero()[-1]) :] = 1.0  # whatever rounding made of the sum
    picked = [part for part, share in zip(parts, shares.tolist(), strict=True) if share]
    alike = len({part.ends for part in picked}) == 1 and None not in picked[0].ends
    varies = any(part.operation.varies for part in picked) or not alike

    def run(images: torch.Tensor, draws: Draws, masks: bool) -> torch.Tensor:
        picks = torch.searchsorted(bounds, draws[0], right=True)
        found: list[tuple[torch.Tensor, torch.Tensor]] = []
        for index in sorted(set(picks.tolist())):
            places = (picks == index).nonzero().squeeze(1)
            there = places.to(images.device, non_blocking=True)
            own = [draw[places] for draw in draws]
            found.append((there, parts[index].run(images.index_select(0, there), own, masks)))
        if len(found) == 1:
            return found[0][1]
        together = found[0][1].new_empty((len(images), *found[0][1].shape[1:]))
        for there, changed in found:
            together.index_copy_(0, there, changed)
        return together

    return whole(parts, 1, run, varies)


def random_order(transform: RandomOrder, build: Build) -> Operation:
    """All of them, for each image in the order that it drew."""
    parts = parts_of(transform.transforms, build, 1)
    varies = not all(part.steady for part in parts)

    def run(images: torch.Tensor, draws: Draws, masks: bool) -> torch.Tensor:
        orders = numbers(draws[0], len(parts)).argsort(0)
        for now in orders:
            for index, part in enumerate(parts):

                def change(chosen: torch.Tensor, places: torch.Tensor, part: Part = part) -> torch.Tensor:
                    if varies:
                        held(part.transform, chosen)
                    return part.run(chosen, [draw[places] for draw in draws], masks)

                images = on_chosen(images, now == index, change)
        return images

    return whole(parts, 1, run, varies)


def builders(build: Build) -> Builders:
    """Those of the transforms made of others; build: what builds the others."""
    return {
        Compose: partial(compose, build=build),
        RandomApply: partial(random_apply, build=build),
        RandomChoice: partial(random_choice, build=build),
        RandomOrder: partial(random_order, build=build),
    }
