"""What every operation on a batch is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

Draws = Sequence[torch.Tensor]
"""For each stream a number from 0 to 1, 1 excluded, for each sample: float64 `[B]`, on the CPU."""
Apply = Callable[[torch.Tensor, Draws], torch.Tensor]
Mix = Callable[[torch.Tensor, torch.Tensor, Draws], tuple[torch.Tensor, torch.Tensor]]


class Operation(NamedTuple):
    """One transform, ready to run."""

    apply: Apply
    """Images `[B, C, H, W]`, uint8 or float32, of which nothing else holds a reference (it may overwrite them), to
    images. Each is treated by its own draws: what one batch gives equals what its samples give one by one."""
    streams: int = 0
    """How many numbers it draws for each sample."""
    masks: Apply | None = None
    """The same on masks `[B, 1, H, W]` of int64, which are moved as the images are, never blended; None leaves them
    as they are."""
    mix: Mix | None = None
    """Of what mixes the samples of a batch, in place of `apply`: images and targets (probabilities `[B, classes]`)."""
    batched: bool = True
    """Whether it treats a batch faster than its samples one by one."""
    varies: bool = False
    """Whether what comes out differs in size from sample to sample: `apply` and `masks` then take one at a time."""


Builders = dict[type[Any], Callable[[Any], Operation]]
"""What builds the operation of each transform."""
