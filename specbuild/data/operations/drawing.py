"""Many numbers from one draw, and operations on a drawn part of a batch."""

from __future__ import annotations

from collections.abc import Callable

import torch

STEP = 0x9E3779B97F4A7C15 - 2**64
FACTORS = ((30, 0xBF58476D1CE4E5B9 - 2**64), (27, 0x94D049BB133111EB - 2**64))


def numbers(draw: torch.Tensor, count: int) -> torch.Tensor:
    """From each of the draws `[B]`, `count` numbers from 0 to 1, 1 excluded: float64 `[count, B]`.

    SplitMix64 (Steele, Lea and Flood, 2014), begun at the 53 bits of the draw: a transform that needs many numbers
    does not ask an epoch to hold as many for each sample.
    """
    state = seeds(draw) + STEP * torch.arange(1, count + 1).unsqueeze(1)
    for bits, factor in FACTORS:
        state = (state ^ shifted(state, bits)) * factor
    return shifted(state ^ shifted(state, 31), 11).double() * 2.0**-53


def seeds(draw: torch.Tensor) -> torch.Tensor:
    """The 53 bits of each draw, as integers."""
    return draw.double().mul(2.0**53).long()


def shifted(state: torch.Tensor, bits: int) -> torch.Tensor:
    """To the right, zeros coming in."""
    return (state >> bits) & ((1 << (64 - bits)) - 1)


def between(draw: torch.Tensor, limits: tuple[float, float]) -> torch.Tensor:
    """Numbers from 0 to 1 to numbers from the least to the most."""
    return limits[0] + (limits[1] - limits[0]) * draw


def on_chosen(
    images: torch.Tensor, chosen: torch.Tensor, change: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """Images of which those that are `chosen` (bool `[B]`, on the CPU) are changed, in place.

    change: of these and their numbers in the batch, as many images of the same size.
    """
    if not bool(chosen.any()):
        return images
    picked = chosen.nonzero().squeeze(1)
    if len(picked) == len(images):
        return change(images, picked)
    there = picked.to(images.device, non_blocking=True)
    changed = change(images.index_select(0, there), picked)
    return images.contiguous().index_copy_(0, there, changed)
