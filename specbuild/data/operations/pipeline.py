"""The transforms of a split as operations, and the draws that they take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from operator import mul

import torch

from specbuild.catalogue.guarding import PluginFailure, named
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.transforms.transform import Transform
from specbuild.data.failure import Unusable
from specbuild.data.operations import (
    automatic,
    colors,
    combining,
    conversions,
    crops,
    erasing,
    filters,
    geometry,
    mixing,
    sizes,
    values,
)
from specbuild.data.operations.operation import Builders, Draws, Operation
from specbuild.data.operations.varying import held
from specbuild.data.randomness import uniform

BELOW_ONE = 1 - 2**-24
"""The largest float32 below 1."""
BUILDERS: Builders = {
    **values.BUILDERS,
    **conversions.BUILDERS,
    **sizes.BUILDERS,
    **crops.BUILDERS,
    **geometry.BUILDERS,
    **combining.builders(lambda transform: operation_of(transform)),
    **colors.BUILDERS,
    **filters.BUILDERS,
    **erasing.BUILDERS,
    **automatic.BUILDERS,
    **mixing.BUILDERS,
}


class Pipeline:
    """The transforms of a split, and the draws that they take.

    A sample's draws are found by its number: that in the set, or its place in the epoch where a set has a sample
    more than once an epoch.
    """

    def __init__(self, transforms: Sequence[Transform], seed: int, samples: int) -> None:
        """samples: how many numbers there are."""
        self.transforms = tuple(transforms)
        self.operations = tuple(operation_of(transform) for transform in self.transforms)
        self.seed, self.samples = seed, samples
        self.drawn: tuple[int, list[list[torch.Tensor]]] = (-1, [])
        """The epoch of the last draws, and for each operation its streams."""
        self.alone = next((k for k, each in enumerate(self.transforms) if each.mixes), len(self.transforms))
        """How many of them treat each sample by itself; one that mixes a batch comes after them."""
        self.views_before = [*accumulate((each.views for each in self.transforms), mul, initial=1)]
        """How many images have come of one before each of them, and in the end."""

    @property
    def views(self) -> int:
        """How many images come of one."""
        return self.views_before[-1]

    @property
    def batched(self) -> bool:
        """Whether whole batches are faster than samples one by one."""
        return all(operation.batched and not operation.varies for operation in self.operations)

    def __call__(self, images: torch.Tensor, numbers: torch.Tensor, epoch: int) -> torch.Tensor:
        """Images, those of the samples `numbers`, transformed as in that epoch."""
        return self.run({"": images}, "", {}, numbers, epoch)[""].contiguous()

    def run(
        self,
        batch: Mapping[str, torch.Tensor],
        image: str,
        paired: Mapping[str, str],
        numbers: torch.Tensor,
        epoch: int,
        first: int = 0,
        end: int | None = None,
    ) -> dict[str, torch.Tensor]:
        """The fields of a batch after the operations from `first` to `end`, exclusive; by default all but a mixing one.

        image: the field that they are applied to. paired: what lies over it, moved by the same draws.
        """
        found, end = dict(batch), self.alone if end is None else end
        last = max((place for place in range(first, end) if self.operations[place].varies), default=-1)
        if last >= 0 and len(numbers) > 1:
            found, first = self.one_by_one(found, image, paired, numbers, epoch, first, last, end)
        for place in range(first, end):
            found = self.step(found, image, paired, numbers, epoch, place)
        return found

    def step(
        self,
        batch: dict[str, torch.Tensor],
        image: str,
        paired: Mapping[str, str],
        numbers: torch.Tensor,
        epoch: int,
        place: int,
    ) -> dict[str, torch.Tensor]:
        """The fields of a batch after one operation. Raises `Unusable` (SB408) for a drawn size that it cannot take."""
        operation, found = self.operations[place], dict(batch)
        if any(before.varies for before in self.operations[:place]):
            held(self.transforms[place], found[image])
        views = self.views_before[place]
        taken = [stream.index_select(0, numbers) for stream in self.draws(epoch)[place]]
        if views > 1:
            taken = [draw.repeat_interleave(views) for draw in taken]
        found[image] = operation.apply(found[image], taken)
        for field, kind in paired.items():
            if kind == "image":
                found[field] = operation.apply(found[field], taken)
            elif operation.masks is not None:
                flat = found[field].dim() == 3
                masks = operation.masks(found[field].unsqueeze(1) if flat else found[field], taken)
                found[field] = masks.squeeze(1) if flat else masks
        return found

    def one_by_one(
        self,
        batch: Mapping[str, torch.Tensor],
        image: str,
        paired: Mapping[str, str],
        numbers: torch.Tensor,
        epoch: int,
        first: int,
        last: int,
        end: int,
    ) -> tuple[dict[str, torch.Tensor], int]:
        """A batch, sample by sample, until none of the operations to come varies and all are of one size again.

        last: the last operation that varies. With the batch the next operation. Raises `Unusable`: SB408 where a
        transform cannot take the size that was drawn, SB404 where the sizes differ to the end.
        """
        alone = [numbers[k : k + 1] for k in range(len(numbers))]
        moving = {image, *paired}
        size = len(batch[image]) // len(alone)
        parts = [
            {field: batch[field][k * size : (k + 1) * size] for field in moving if field in batch}
            for k in range(len(alone))
        ]
        for place in range(first, end):
            parts = [
                self.step(part, image, paired, number, epoch, place) for part, number in zip(parts, alone, strict=True)
            ]
            if place >= last and len({part[image].shape for part in parts}) == 1:
                together = {field: torch.cat([part[field] for part in parts]) for field in parts[0]}
                return {**batch, **together}, place + 1
        shapes = sorted({tuple(part[image].shape[1:]) for part in parts})
        raise Unusable(
            "SB404",
            f"{self.transforms[last].type} gives images of different sizes, such as {list(shapes[0])} and "
            f"{list(shapes[-1])}: a batch is of one",
            fix="{type: Resize, size: [height, width]} after it",
        )

    def mix(
        self, images: torch.Tensor, targets: torch.Tensor, numbers: torch.Tensor, epoch: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Images and targets, probabilities `[B, classes]`, after the transform that mixes a batch."""
        mixing = self.operations[self.alone].mix
        assert mixing is not None, self.transforms[self.alone].type
        return mixing(images, targets, [stream.index_select(0, numbers) for stream in self.draws(epoch)[self.alone]])

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
