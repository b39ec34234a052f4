"""v2's operations on colours, with an amount of its own for each image of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from specbuild.data.operations.drawing import on_chosen
from specbuild.data.operations.operation import Apply, Draws
from specbuild.data.vision import torchvision

TINY = 1e-30
"""What keeps a division by zero from being one."""
PIECE = 2**18
"""How many values are treated at a time."""
Amounts = torch.Tensor
"""A number for each image: float64 `[B]`, on the CPU."""


def functional() -> Any:
    """v2's functions on images."""
    return torchvision().transforms.v2.functional


def each(amounts: Amounts, images: torch.Tensor) -> torch.Tensor:
    """Amounts that stand to images as a factor: float32 `[B, 1, 1, 1]`."""
    return amounts.to(images.device, torch.float32, non_blocking=True).view(-1, 1, 1, 1)


def with_probability(p: float, change: Callable[[torch.Tensor], torch.Tensor]) -> Apply:
    """A change of a random part of the images, by their first draw."""

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        return on_chosen(images, draws[0] < p, lambda some, places: change(some))

    return apply


def in_pieces(apply: Apply) -> Apply:
    """The same on a few images at a time: what a processor's cache holds passes many steps faster than a batch."""

    def run(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        size = max(1, PIECE // max(1, images[:1].numel()))
        if len(images) <= size or images.device.type != "cpu":
            return apply(images, draws)
        pieces = zip(*(torch.split(tensor, size) for tensor in (images, *draws)), strict=True)
        return torch.cat([apply(piece, parts) for piece, *parts in pieces])

    return run


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


def scaled(images: torch.Tensor, factors: Amounts) -> torch.Tensor:
    """Times their factors, float32; bytes by way of floats, for mixed types are multiplied slowly."""
    factor = each(factors, images)
    return images.mul(factor) if images.is_floating_point() else images.float().mul_(factor)


def blended(images: torch.Tensor, others: torch.Tensor, ratios: Amounts) -> torch.Tensor:
    """Images by their ratios and others by what is left."""
    return stored(scaled(images, ratios).addcmul_(others, each(1.0 - ratios, images)), images)


def brightened(images: torch.Tensor, factors: Amounts) -> torch.Tensor:
    """`adjust_brightness`."""
    return stored(scaled(images, factors), images)


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
    most = torch.maximum(torch.maximum(red, green), blue)
    spread = most - torch.minimum(torch.minimum(red, green), blue)
    hue = torch.where(most == green, (blue - red).add_(spread, alpha=2.0), (red - green).add_(spread, alpha=4.0))
    hue = torch.where(most == red, green - blue, hue).div_(spread.clamp(min=TINY))
    hue.add_(each(turns * 6.0, images).squeeze(1))
    # Of each channel the distance of its hue, in sixths of the wheel, says how much of the spread it lacks.
    found = torch.empty_like(floats)
    for channel, offset in zip(found.unbind(1), (5.0, 3.0, 1.0), strict=True):
        away = hue + offset
        away.sub_(away.mul(1 / 6).floor_(), alpha=6.0)
        lacking = torch.minimum(away, 4.0 - away).clamp_(0.0, 1.0).mul_(spread)
        torch.sub(most, lacking, out=channel).clamp_(0.0, 1.0)
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
