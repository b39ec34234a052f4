"""What the losses of one process's part of a batch count for in the whole batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
import torch.distributed as dist
from torch import nn

from specbuild.data.share import Filler
from specbuild.training.objective import Judged, Objective

DIVIDED_BY_LABELS = (nn.CrossEntropyLoss, nn.NLLLoss)
"""Losses whose mean is over the labels that count, each with the weight of its class, not over the samples."""


class Weighing:
    """Weighs the losses over a part so that the mean over the processes is the loss over the whole batch.

    A mean over samples counts by its samples, and one over weighted labels by the sum of their weights; a sum counts
    as it is. How much there is of each is summed over the processes at every step, in one small tensor.
    """

    def __init__(self, objective: Objective, size: int) -> None:
        """size: the number of processes."""
        self.size = size
        self.criteria, self.targets = objective.criteria, objective.targets
        self.means = objective.means

    def plain(self, batch: Mapping[str, torch.Tensor]) -> bool:
        """Whether a mean is over the samples, whatever the labels are."""
        return not any(self.by_labels(k, batch[target]) for k, target in enumerate(self.targets))

    def by_labels(self, k: int, target: torch.Tensor) -> bool:
        """Whether a loss is divided by the weights of its labels."""
        criterion = self.criteria[k]
        if not self.means[k] or not isinstance(criterion, DIVIDED_BY_LABELS) or target.is_floating_point():
            return False
        return criterion.weight is not None or criterion.ignore_index != -100 or target.dim() > 1

    def amounts(self, batch: Mapping[str, torch.Tensor], samples: int) -> torch.Tensor:
        """The samples of this part; for each loss what its mean is over; a filler has nothing of either."""
        first = batch[self.targets[0]]
        amounts = [torch.tensor(float(samples), device=first.device)]
        for k, name in enumerate(self.targets):
            target, criterion = batch[name], self.criteria[k]
            if not samples or not self.by_labels(k, target):
                amounts.append(amounts[0])
                continue
            kept = torch.ne(target, cast(int, criterion.ignore_index))
            weight = criterion.weight
            if not isinstance(weight, torch.Tensor):
                amounts.append(kept.sum().float())
            else:
                amounts.append((weight[torch.where(kept, target, 0)] * kept).sum())
        return torch.stack(amounts)

    def __call__(self, judged: Judged, batch: Mapping[str, torch.Tensor]) -> tuple[Judged, Judged]:
        """What a meter of this process is given, and what is sent back; the mean of that is the whole batch's loss."""
        samples = 0 if isinstance(batch, Filler) else len(judged.output)
        amounts = self.amounts(batch, samples)
        whole = amounts.clone()
        dist.all_reduce(whole)
        parts = amounts / whole
        sent, measured = [], []
        for k, loss in enumerate(judged.losses):
            # a mean over no labels is not a number, and its gradient none
            loss = torch.where(amounts[k + 1] > 0, loss, torch.zeros_like(loss))
            part = parts[k + 1] if self.means[k] else amounts.new_tensor(1.0 if samples else 0.0)
            sent.append(loss * (self.size * part).to(loss.dtype))
            measured.append(loss.detach() * (part * whole[0] / max(samples, 1)) if self.means[k] else loss.detach())
        output, target = judged.output, judged.target
        return Judged(tuple(measured), output, target), Judged(tuple(sent), output, target)

    def measured(self, judged: Judged, batch: Mapping[str, torch.Tensor]) -> Judged:
        """What a meter of this process is given where nothing is learned."""
        return judged if self.plain(batch) else self(judged, batch)[0]
