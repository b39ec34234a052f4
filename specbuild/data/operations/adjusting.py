"""v2's operations on colours, with an amount of its own for each image of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from specbuild.data.operations.drawing import on_chosen
from specbuild.data.operations.operation import Draws
from specbuild.data.vision import torchvision

Amounts = torch.Tensor
"""A number for each image: float64 `[B]`, on the CPU."""


def functional() -> Any:
    """v2's functions on images."""
    return torchvision().transforms.v2.functional


def each(amounts: Amounts, images: torch.Tensor) -> torch.Tensor:
    """Amounts that stand to images as a factor: float32 `[B, 1, 1, 1]`."""
    return amounts.to(images.device, torch.float32, non_blocking=True).view(-1, 1, 1, 1)


def with_probability(
    p: float, change: Callable[[torch.Tensor], torch.Tensor]
) -> Callable[[torch.Tensor, Draws], torch.Tensor]:
    """A change of a random part of the images, by their first draw."""

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        return on_chosen(images, draws[0] < p, lambda some, places: change(some))

    return apply


def bound(images: torch.Tensor) -> int:
    """The largest value."""
    return 1 if images.is_floating_point() else 255


def stored(values: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Values within the range of the images, in their type; bytes are cut off, not rounded, as by v2."""
    return values.clamp_(0, bound(images)).to(images.dtype)


def gray(images: torch.Tensor) -> torch.Tensor:
    """The brightness, float32 `[B, 1, H, W]`: whole numbers for bytes."""
    if images.shape[1] == 1:
        return images.float()
    red, green, blue = images.unbind(1)
    found = red.mul(0.2989).add_(green, alpha=0.587).add_(blue, alpha=0.114).unsqueeze(1)
    return found if images.is_floating_point() else found.floor_()


def blended(images: torch.Tensor, others: torch.Tensor, ratios: Amounts) -> torch.Tensor:
    """Images by their ratios and others by what is left."""
    return stored(images.mul(each(ratios, images)).addcmul_(others, each(1.0 - ratios, images)), images)


def brightened(images: torch.Tensor, factors: Amounts) -> torch.Tensor:
    """`adjust_brightness`."""
    return stored(images.mul(each(factors, images)), images)


def contrasted(images: torch.Tensor, factors: Amounts) -> torch.Tensor:
    """`adjust_contrast`."""
    values = gray(images).double()
    if images.is_floating_point():
        # Whole multiples of one number add up alike in any order, however many images there are beside.
        values.mul_(2**30).round_().mul_(2**-30)
    mean = values.sum((1, 2, 3), keepdim=True).div_(images.shape[2] * images.shape[3])
    return blended(images, mean.float(), factors)


def saturated(images: torch.Tensor, factors: Amounts) -> torch.Tensor:
    """`adjust_saturation`."""
    return images if images.shape[1] == 1 else blended(images, gray(images), factors)


def turned(images: torch.Tensor, turns: Amounts) -> torch.Tensor:
    """`adjust_hue`."""
    if images.shape[1] == 1:
        return images
    floats = images if images.is_floating_point() else images.float().mul_(1 / 255)
    red, green, blue = floats.unbind(1)
    least, most = torch.aminmax(floats, dim=1)
    spread = most - least
    divisor = torch.where(spread == 0, 1.0, spread)
    hue = torch.where(
        most == red,
        (green - blue).div_(divisor),
        torch.where(most == green, (blue - red).div_(divisor).add_(2.0), (red - green).div_(divisor).add_(4.0)),
    )
    hue.add_(each(turns * 6.0, images).squeeze(1))
    # Of each channel the distance of its hue, in sixths of the wheel, says how much of the spread it lacks.
    offsets = torch.tensor([5.0, 3.0, 1.0], device=images.device).view(1, 3, 1, 1)
    away = (hue.unsqueeze(1) + offsets).remainder_(6.0)
    lacking = torch.minimum(away, 4.0 - away).clamp_(0.0, 1.0).mul_(spread.unsqueeze(1))
    found = (most.unsqueeze(1) - lacking).clamp_(0.0, 1.0)
    return found if images.is_floating_point() else found.mul_(255 + 1.0 - 1e-3).to(torch.uint8)


def sharpened(images: torch.Tensor, factors: Amounts) -> torch.Tensor:
    """`adjust_sharpness`: away from, or towards, a blurred image; the border stays."""
    if min(images.shape[-2:]) <= 2:
        return images
    values = images.float() if images.dtype == torch.uint8 else images.clone()
    middle = values[..., 1:-1, 1:-1]
    columns = values[..., :-2, :] + values[..., 1:-1, :] + values[..., 2:, :]
    blurred = columns[..., :-2] + columns[..., 1:-1] + columns[..., 2:]
    blurred.add_(middle, alpha=4.0).div_(13.0)
    if images.dtype == torch.uint8:
        blurred.round_()
    middle.addcmul_(blurred.sub_(middle), each(1.0 - factors, images))
    return stored(values, images)


def posterized(images: torch.Tensor, kept: Amounts) -> torch.Tensor:
    """`posterize`: so many bits kept."""
    levels = each(2.0**kept, images)
    if images.is_floating_point():
        return torch.minimum(images.mul(levels).floor_().clamp_(min=0), levels - 1).div_(levels)
    return images & (256 - 256 / levels).to(torch.uint8)


def solarized(images: torch.Tensor, thresholds: Amounts) -> torch.Tensor:
    """`solarize`: inverted from a threshold on."""
    return torch.where(images >= each(thresholds, images), bound(images) - images, images)


def exchanged(images: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    """The channels of each image in the order of its keys, `[C, B]`."""
    order = keys.argsort(0).T.to(images.device, non_blocking=True)
    return images.gather(1, order[:, :, None, None].expand_as(images))
