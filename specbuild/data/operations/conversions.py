"""Operations on what a batch is stored as."""

from __future__ import annotations

from typing import cast

import torch

from specbuild.catalogue.transforms.conversions import Identity, PILToTensor, ToDtype, ToImage, ToPureTensor
from specbuild.catalogue.transforms.transform import Transform
from specbuild.data.operations.operation import Builders, Draws, Operation
from specbuild.data.vision import torchvision


def nothing(transform: Transform) -> Operation:
    """Tensors as they are."""

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        return images

    return Operation(apply)


def to_dtype(transform: ToDtype) -> Operation:
    """Another type, by v2's arithmetic."""
    dtype = {"float32": torch.float32, "uint8": torch.uint8}[transform.dtype]

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        to = torchvision().transforms.v2.functional.to_dtype
        return cast(torch.Tensor, to(images, dtype, scale=transform.scale))

    return Operation(apply)


BUILDERS: Builders = {
    Identity: nothing, ToImage: nothing, PILToTensor: nothing, ToPureTensor: nothing, ToDtype: to_dtype,
}  # fmt: skip
