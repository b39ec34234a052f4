"""Which samples an epoch has, in which order, cut into batches: a function of (seed, epoch)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from specbuild.catalogue.losses.loss import counted
from specbuild.catalogue.samplers import WeightedRandomSampler
from specbuild.data.failure import Unusable
from specbuild.data.randomness import generator, order
from specbuild.language.sections import Loader


class Chunk(NamedTuple):
    """The samples of one batch."""

    indices: torch.Tensor
    """Their numbers in the source."""
    numbers: torch.Tensor
    """What their draws are found by: the same, or their places in the epoch where a sample may come twice."""

    def kept(self, places: Sequence[int]) -> Chunk:
        """Those at these places."""
        keep = torch.tensor(places, dtype=torch.int64)
        return Chunk(self.indices.index_select(0, keep), self.numbers.index_select(0, keep))


class Sampling:
    """The order of the samples `indices` of a source, epoch by epoch."""

    def __init__(
        self,
        indices: torch.Tensor,
        loader: Loader,
        seed: int,
        labels: torch.Tensor | None = None,
        classes: int | None = None,
    ) -> None:
        """labels: of the samples `indices`, where a sampler goes by them. classes: how many there are, where known.

        Raises `Unusable` if it cannot draw.
        """
        self.indices, self.seed = indices, seed
        self.weights: torch.Tensor | None = None
        sampler = loader.sampler
        if isinstance(sampler, WeightedRandomSampler):
            assert labels is not None, "a sampler by classes has their labels"
            self.weights = weights_of(sampler, labels, classes)
            self.replacement = sampler.replacement
            drawable, wanted = int((self.weights > 0).sum()), sampler.num_samples or len(indices)
            if not self.replacement and wanted > drawable:
                raise Unusable(
                    "SB410", f"an epoch draws {wanted} samples, none twice, but {drawable} have a weight",
                    field="num_samples", fix="replacement: true, or a smaller num_samples",
                )  # fmt: skip

    def order(self, loader: Loader, epoch: int) -> Chunk:
        """The whole of an epoch."""
        if self.weights is not None:
            drawn = weighted(self.weights, loader.drawn(len(self.indices)), self.replacement, self.seed, epoch)
            indices = self.indices.index_select(0, drawn)
            return Chunk(indices, torch.arange(len(indices)) if self.replacement else indices)
        if not loader.shuffle:
            return Chunk(self.indices, self.indices)
        indices = self.indices.index_select(0, order(len(self.indices), self.seed, epoch))
        return Chunk(indices, indices)

    def chunks(self, loader: Loader, epoch: int) -> list[Chunk]:
        """The batches of an epoch."""
        size = loader.batch_size
        parts = [torch.split(part, size) for part in self.order(loader, epoch)]
        chunks = [Chunk(*part) for part in zip(*parts, strict=True)]
        if loader.drop_last and chunks and len(chunks[-1].indices) < size:
            chunks.pop()
        return chunks


def weights_of(sampler: WeightedRandomSampler, labels: torch.Tensor, classes: int | None = None) -> torch.Tensor:
    """A weight for each sample, float64; raises `Unusable` where there is not a weight for each class."""
    counts = torch.bincount(labels)
    if isinstance(sampler.weights, str):
        return 1 / counts.double().index_select(0, labels)
    of_classes = torch.tensor(sampler.weights, dtype=torch.float64)
    if len(of_classes) < len(counts) or classes not in (None, len(of_classes)):
        known = counted(classes or len(counts), "class")
        raise Unusable(
            "SB410", f"weights has {counted(len(of_classes), 'number')}, but train has {known}",
            field="weights", fix="a weight for each class, or weights: balanced",
        )  # fmt: skip
    found = of_classes.index_select(0, labels)
    if not bool((found > 0).any()):
        raise Unusable("SB410", "weights is 0 for each class that train has", field="weights")
    return found


def weighted(weights: torch.Tensor, count: int, replacement: bool, seed: int, epoch: int) -> torch.Tensor:
    """`count` places in `weights`, drawn with these probabilities."""
    draws: dict[str, Any] = {"generator": generator(seed, epoch, "sampler"), "dtype": torch.float64}
    if replacement:
        sums = weights.cumsum(0)
        found = torch.searchsorted(sums, torch.rand(count, **draws) * sums[-1], right=True)
        return found.clamp_(max=int(weights.nonzero()[-1]))
    # The first of exponential waiting times are a draw without replacement (Efraimidis and Spirakis).
    waiting = -torch.log1p(-torch.rand(len(weights), **draws)) / weights
    return waiting.masked_fill_(weights == 0, torch.inf).argsort()[:count]
