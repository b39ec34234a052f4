"""The one rule for randomness in the data: a draw is a function of (seed, epoch, sample, operation).

A stream of draws holds one number for each sample of a set and is made at once. So the order and the
augmentation are the same for any number of workers, batch size and split.
"""

from __future__ import annotations

from hashlib import blake2b

import torch


def generator(seed: int, epoch: int, purpose: str) -> torch.Generator:
    """A generator of its own for each purpose."""
    digest = blake2b(f"{seed}/{epoch}/{purpose}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)


def uniform(count: int, seed: int, epoch: int, purpose: str) -> torch.Tensor:
    """A number from 0 to 1, 1 excluded, for each of `count` samples."""
    return torch.rand(count, generator=generator(seed, epoch, purpose), dtype=torch.float64)


def order(count: int, seed: int, epoch: int, purpose: str = "order") -> torch.Tensor:
    """0 to `count`, exclusive, shuffled."""
    return torch.randperm(count, generator=generator(seed, epoch, purpose))


def generator_of(draw: float) -> torch.Generator:
    """A generator of its own for a draw: where a sample takes more than some numbers, as noise does."""
    return torch.Generator().manual_seed(int(draw * 2**53))
