"""Weights that are put by: an epoch's, and the exponential moving average of them all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from specbuild.language.training import Ema


class Kept(NamedTuple):
    """The weights of an epoch."""

    score: float
    weights: dict[str, torch.Tensor]
    tables: Mapping[str, Any]
    """What their metrics measured on val that is not one number, by label."""


class Average:
    """torch's `AveragedModel`, brought up to date every so many steps; its first update copies the weights."""

    def __init__(self, ema: Ema, model: nn.Module) -> None:
        self.every, self.steps = ema.every, 0
        self.averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(ema.decay), use_buffers=True)  # type: ignore[no-untyped-call]
        self.source = model

    @property
    def model(self) -> nn.Module:
        """The network with the averaged weights."""
        return self.averaged.module

    def after_step(self) -> None:
        """A step of the optimizer was taken."""
        self.steps += 1
        if self.steps % self.every == 0:
            self.averaged.update_parameters(self.source)


def copied(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A `state_dict` with memory of its own."""
    return {name: tensor.detach().clone() for name, tensor in state.items()}
