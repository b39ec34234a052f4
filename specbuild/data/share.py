"""What one of several processes takes of every batch."""

from __future__ import annotations

from typing import NamedTuple

import torch


class Share(NamedTuple):
    """The part of process `rank`, of `processes`: contiguous, and as even as can be; what is over goes to the first."""

    rank: int
    processes: int

    def part(self, total: int) -> slice:
        """Where the part of `total` things lies; empty where there are more processes than things."""
        each, over = divmod(total, self.processes)
        start = self.rank * each + min(self.rank, over)
        return slice(start, start + each + (self.rank < over))

    def size(self, total: int) -> int:
        """How many of `total` things."""
        part: slice[int, int, None] = self.part(total)
        return part.stop - part.start

    def of(self, indices: torch.Tensor) -> torch.Tensor:
        """The part of a batch."""
        return indices[self.part(len(indices))]

    def weight(self, total: int) -> float:
        """The share of `total` things, from 0 to 1."""
        return self.size(total) / total if total else 0.0


class Filler(dict[str, torch.Tensor]):
    """A batch of one sample where a process's part of a batch is empty.

    It goes through the network, so that all processes do the same in the same order, and counts for nothing.
    """
