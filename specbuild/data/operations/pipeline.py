"""The transforms of a split as operations, and the draws that they take."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from specbuild.catalogue.guarding import PluginFailure, named
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.transforms.transform import Transform
from specbuild.data.failure import Unusable
from specbuild.data.operations import automatic, colors, erasing, filters, mixing, sizes, values
from specbuild.data.operations.operation import Builders, Draws, Operation
from specbuild.data.randomness import uniform

BELOW_ONE = 1 - 2**-24
"""The largest float32 below 1."""
BUILDERS: Builders = {
    **values.BUILDERS,
    **sizes.BUILDERS,
    **colors.BUILDERS,
    **filters.BUILDERS,
    **erasing.BUILDERS,
    **automatic.BUILDERS,
    **mixing.BUILDERS,
}


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
