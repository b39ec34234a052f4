"""What several processes decide together: all of them at the same batch, from time to time."""

from __future__ import annotations

from time import monotonic

import torch

from specbuild.training.world import World

AGREE = 0.5
"""Seconds from one time that they decide to the next, about."""
MOST = 1000
"""Batches between two of them at most."""


class Agreement:
    """Asks all processes of a world something, every so many batches: as many in each."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.interval = 1
        """Batches from one time to the next."""
        self.batch, self.at = 0, monotonic()
        """When it was the last time."""

    def begin(self, batch: int) -> None:
        """A pass begins at this batch."""
        self.batch, self.at = batch, monotonic()

    @property
    def next(self) -> int:
        """The batch at which they ask again."""
        return self.batch + self.interval

    def ask(self, batch: int, *flags: bool) -> tuple[bool, ...]:
        """Whether any process says so, of each flag; all ask at this batch."""
        now = monotonic()
        said = torch.tensor([*map(float, flags), now - self.at], dtype=torch.float64)
        *found, seconds = self.world.summed([said])[0].tolist()
        pace = max(seconds / self.world.size / max(1, batch - self.batch), 1e-6)
        self.interval, self.batch, self.at = max(1, min(MOST, int(AGREE / pace))), batch, now
        return tuple(each > 0 for each in found)
