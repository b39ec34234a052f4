"""Operations on values: scaling, normalizing, brightness."""

from __future__ import annotations

from typing import cast

import torch

from specbuild.catalogue.transforms.values import RGB, Grayscale, Normalize, ToTensor
from specbuild.data.operations.operation import Builders, Draws, Operation
from specbuild.data.vision import torchvision


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


def grayscale(transform: Grayscale) -> Operation:
    """The brightness."""

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        gray = torchvision().transforms.v2.functional.rgb_to_grayscale(images, transform.num_output_channels)
        return cast(torch.Tensor, gray).contiguous()  # three equal channels come as one, expanded

    return Operation(apply)


def rgb(transform: RGB) -> Operation:
    """Three equal channels of one."""

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        return images if images.shape[1] == 3 else images.repeat(1, 3, 1, 1)

    return Operation(apply)


BUILDERS: Builders = {ToTensor: to_tensor, Normalize: normalize, Grayscale: grayscale, RGB: rgb}
