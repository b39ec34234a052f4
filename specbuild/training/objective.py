"""What a training makes small: the loss of each output against its field of the batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import nn

from specbuild.language.document import Spec
from specbuild.network.pipeline import judged_output


class Judged(NamedTuple):
    """The losses of one batch, and what the metrics are measured on."""

    losses: tuple[torch.Tensor, ...]
    """In the order of the outputs that have one, each with its scale."""
    output: torch.Tensor
    target: torch.Tensor

    @property
    def total(self) -> torch.Tensor:
        """Their sum."""
        total = self.losses[0]
        for loss in self.losses[1:]:
            total = total + loss
        return total


class Objective:
    """The losses of a network's outputs; called with what the network gives and the batch."""

    def __init__(self, spec: Spec, device: torch.device) -> None:
        self.outputs = tuple(spec.losses)
        self.targets = tuple(loss.target for loss in spec.losses.values())
        self.criteria: tuple[nn.Module, ...] = tuple(
            loss.build(nn, torch.tensor).to(device) for loss in spec.losses.values()
        )
        self.single = len(spec.outputs) == 1
        self.judged = self.outputs.index(judged_output(spec) or "")
        """Which of the outputs the metrics are measured on."""

    def __call__(self, given: Any, batch: Mapping[str, torch.Tensor]) -> Judged:
        """The losses of one batch; given: the output, or the outputs by name."""
        if self.single:
            target = batch[self.targets[0]]
            return Judged((self.criteria[0](given, target),), given, target)
        outputs = [given[name] for name in self.outputs]
        targets = [batch[name] for name in self.targets]
        losses = tuple(
            criterion(output, target) for criterion, output, target in zip(self.criteria, outputs, targets, strict=True)
        )
        return Judged(losses, outputs[self.judged], targets[self.judged])
