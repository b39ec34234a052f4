"""One pass over a split: learning from it, or measuring on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from time import perf_counter

import torch
from torch import nn

from specbuild.data.share import Filler
from specbuild.network.plan import Plan
from specbuild.training.guarding import NotFinite, Watch
from specbuild.training.learning import Learner
from specbuild.training.measuring import Meter
from specbuild.training.objective import Objective
from specbuild.training.turning import Turn
from specbuild.training.world import ALONE, World

TICK = 0.5
"""Seconds between two looks at the running loss: on a GPU each look waits for the device."""

Batches = Iterable[Mapping[str, torch.Tensor]]
Tick = Callable[[Meter], bool]
"""Told how far a pass is; whether it is to end here."""


class Feed:
    """The inputs of a network out of a batch, in the order that it takes them, each in its memory format."""

    def __init__(self, plan: Plan, layout: torch.memory_format) -> None:
        self.inputs = tuple(
            (name, layout if len(kind.shape) == 3 else torch.contiguous_format) for name, kind in plan.inputs.items()
        )
        self.alone = self.inputs[0][0] if len(self.inputs) == 1 else None
        """The name of the only input."""
        self.layout = self.inputs[0][1]

    def __call__(self, batch: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
        """The arguments of one call of the model."""
        if self.alone is not None:
            return [batch[self.alone].contiguous(memory_format=self.layout)]
        return [batch[name].contiguous(memory_format=layout) for name, layout in self.inputs]


def learn(
    step: Learner,
    batches: Batches,
    meter: Meter,
    tick: Tick,
    watch: Watch,
    turn: Turn | None = None,
    pause: Callable[[int], None] = lambda done: None,
    done: int = 0,
) -> int:
    """One epoch of training: a step on each batch; how many there were, those of `done` before counted.

    pause: called between two steps where `turn` says so, with the number of batches that were learned from.
    Raises `NotFinite`, which knows the batch, where a loss or a gradient is not finite.
    """
    add, now = meter.add, perf_counter
    turn = turn or Turn()
    due = now() + TICK
    number = done
    batch: Mapping[str, torch.Tensor] = {}
    try:
        for batch in batches:
            number += 1
            turn.begun = number
            judged = step(batch)
            if not isinstance(batch, Filler):
                add(*judged)
            turn.done = number
            if number >= turn.at:
                pause(number)
            if now() >= due:
                watch.look(number)
                if tick(meter):
                    break
                due = now() + TICK
        watch.look(number)
    except NotFinite as found:
        found.batch, found.number = batch, found.number or number
        raise
    return number


def measure(
    model: nn.Module,
    objective: Objective,
    batches: Batches,
    feed: Feed,
    meter: Meter,
    precision: AbstractContextManager[object],
    world: World = ALONE,
) -> None:
    """Loss and metrics in eval mode; the model is left in it. precision: entered for each batch."""
    model.eval()
    world.aligned(model)
    with torch.inference_mode():
        for batch in batches:
            with precision:
                judged = objective(model(*feed(batch)), batch)
            judged = world.measured(objective, judged, batch)
            if not isinstance(batch, Filler):
                meter.add(*judged)
