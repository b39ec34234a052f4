"""The parts of train that are held out of it: for val, and for test."""

from __future__ import annotations

import torch

from specbuild.data.randomness import order


def held_out(count: int, total: int, seed: int, labels: torch.Tensor | None = None) -> torch.Tensor:
    """`count` of `total` samples, drawn by the seed; with `labels`, of each class its share up to rounding."""
    shuffled = order(total, seed, 0, "split")
    if labels is None:
        return shuffled[:count].sort().values
    members = torch.bincount(labels)
    quotas = largest_remainders(members, count)
    in_order = labels.index_select(0, shuffled)
    parts = [shuffled[in_order == label][:quota] for label, quota in enumerate(quotas.tolist())]
    return torch.cat(parts).sort().values


def largest_remainders(members: torch.Tensor, count: int) -> torch.Tensor:
    """`count` seats by the sizes of the classes: whole quotas first, the rest by the largest remainders."""
    total = int(members.sum())
    quotas = members * count // total
    rests = members * count % total
    most = rests.argsort(descending=True, stable=True)[: count - int(quotas.sum())]
    quotas[most] += 1
    return quotas
