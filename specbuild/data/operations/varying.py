"""Images whose sizes differ, one at a time, until they agree again."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms.transform import Transform
from specbuild.data.failure import Unusable
from specbuild.data.operations.operation import Draws, Operation


def one_by_one(
    transforms: Sequence[Transform], operations: Sequence[Operation], images: torch.Tensor, draws: Sequence[Draws]
) -> tuple[torch.Tensor, int]:
    """A batch through the operations, sample by sample, until none to come varies and all are of one size again.

    Also how many operations that took. Raises `Unusable`: SB408 where a transform cannot take the size that was
    drawn, SB404 where the sizes differ to the end.
    """
    parts = list(torch.split(images, 1))
    last = max(index for index, operation in enumerate(operations) if operation.varies)
    varied = False
    for index, (transform, operation) in enumerate(zip(transforms, operations, strict=True)):
        for place, part in enumerate(parts):
            if varied:
                held(transform, part)
            parts[place] = operation.apply(part, [draw[place : place + 1] for draw in draws[index]])
        varied |= operation.varies
        if index >= last and len({part.shape for part in parts}) == 1:
            return torch.cat(parts), index + 1
    shapes = sorted({tuple(part.shape[1:]) for part in parts})
    raise Unusable(
        "SB404",
        f"{transforms[last].type} gives images of different sizes, such as {list(shapes[0])} and {list(shapes[-1])}: "
        "a batch is of one",
        fix="{type: Resize, size: [height, width]} after it",
    )


def held(transform: Transform, images: torch.Tensor) -> None:
    """The static rule on the size that came; raises `Unusable` (SB408)."""
    dtype = str(images.dtype).removeprefix("torch.")
    try:
        transform.infer(SampleType(tuple(images.shape[1:]), dtype, image=dtype == "uint8"))
    except Violation as violation:
        raise Unusable("SB408", violation.message, fix=violation.fix) from None
