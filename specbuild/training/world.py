"""The processes that train one network together; here one, which has it all."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn


class World:
    """One process. Another kind of world answers the same questions for several.

    What a process asks, every process asks, in the same order: an answer may be talked over.
    """

    rank: int = 0
    size: int = 1

    @property
    def writer(self) -> bool:
        """Whether this process records the run and reports."""
        return self.rank == 0

    def wrapped(self, model: nn.Module) -> nn.Module:
        """The model as it is called in training; its parameters are those that the optimizer is given."""
        return model

    def unsynced(self, model: nn.Module) -> AbstractContextManager[None]:
        """While entered, what `wrapped` gave keeps its gradients to itself: more batches of the step are to come."""
        return nullcontext()

    def summed(self, tensors: list[torch.Tensor]) -> list[torch.Tensor]:
        """Each tensor summed over all processes."""
        return tensors

    def agreed(self, flag: bool) -> bool:
        """Whether any process says so."""
        return flag

    def scale(self, count: int, total: int) -> float:
        """What the mean loss over `count` samples counts here, where the whole batch has `total`."""
        return 1.0

    def state_of(self, model: nn.Module) -> dict[str, torch.Tensor]:
        """The whole `state_dict` of the unwrapped model."""
        return model.state_dict()

    def barrier(self) -> None:
        """Wait until all are here."""


ALONE = World()
"""The world of a training in one process."""
