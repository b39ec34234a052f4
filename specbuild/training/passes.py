"""One pass over a split: learning from it, or measuring on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from time import perf_counter

import torch
from torch import nn

from specbuild.data.share import Filler
from specbuild.network.plan import Plan
from specbuild.training.measuring import Meter
from specbuild.training.objective import Judged, Objective
from specbuild.training.world import ALONE, World

TICK = 0.5
"""Seconds between two looks at the running loss: on a GPU each look waits for the device."""

Batches = Iterable[Mapping[str, torch.Tensor]]
Tick = Callable[[Meter], None]


def memory_format(plan: Plan, device: torch.device) -> torch.memory_format:
    """Channels last for networks of 2-d convolutions, which run up to twice as fast that way."""
    convolves = any(step.type in ("Conv2d", "ConvTranspose2d") for step in plan.layers())
    fits = any(len(kind.shape) == 3 for kind in plan.inputs.values()) and device.type in ("cpu", "cuda")
    # `Module.to` would lay out tensors of five axes so as well, and fail.
    possible = all(len(storage.shape) != 5 for _, storage in plan.storages())
    return torch.channels_last if convolves and fits and possible else torch.contiguous_format


class Feed:
    """The inputs of a network out of a batch, in the order that it takes them, each in its memory format."""

    def __init__(self, plan: Plan, layout: torch.memory_format) -> None:
        self.inputs = tuple(
            (name, layout if len(kind.shape) == 3 else torch.contiguous_format) for name, kind in plan.inputs.items()
        )

    def __call__(self, batch: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
        """The arguments of one call of the model."""
        return [batch[name].contiguous(memory_format=layout) for name, layout in self.inputs]


Learner = Callable[[Mapping[str, torch.Tensor]], Judged]
"""One step on a batch, and what was judged of it."""


def learner(
    model: nn.Module,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    feed: Feed,
    *,
    closure: bool,
    world: World = ALONE,
) -> Learner:
    """A batch once forward, back, and a step.

    closure: whether the optimizer evaluates a batch as often as it likes; what is judged is then the first time.
    """

    def evaluated(batch: Mapping[str, torch.Tensor]) -> tuple[Judged, torch.Tensor]:
        world.fed(batch)
        judged, total = world.weighed(objective, objective(model(*feed(batch)), batch), batch)
        optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        return judged, total

    def step(batch: Mapping[str, torch.Tensor]) -> Judged:
        judged, _ = evaluated(batch)
        optimizer.step()
        return judged

    def step_by_closure(batch: Mapping[str, torch.Tensor]) -> Judged:
        first: list[Judged] = []

        def again() -> torch.Tensor:
            judged, total = evaluated(batch)
            if not first:
                losses = tuple(loss.detach() for loss in judged.losses)
                first.append(Judged(losses, judged.output.detach(), judged.target))
            return total if world.size == 1 else world.summed([total.detach()])[0] / world.size

        optimizer.step(again)  # type: ignore[arg-type]
        return first[0]

    return step_by_closure if closure else step


def learn(
    model: nn.Module,
    step: Learner,
    batches: Batches,
    meter: Meter,
    tick: Tick,
    after_step: Callable[[], None] | None = None,
) -> None:
    """One epoch of training: a step on each batch."""
    model.train()
    due = perf_counter() + TICK
    for batch in batches:
        judged = step(batch)
        if after_step is not None:
            after_step()
        if not isinstance(batch, Filler):
            meter.add(*judged)
        if perf_counter() >= due:
            tick(meter)
            due = perf_counter() + TICK


def measure(
    model: nn.Module, objective: Objective, batches: Batches, feed: Feed, meter: Meter, world: World = ALONE
) -> None:
    """Loss and metrics in eval mode; the model is left in it."""
    model.eval()
    world.aligned(model)
    with torch.inference_mode():
        for batch in batches:
            judged = world.measured(objective, objective(model(*feed(batch)), batch), batch)
            if not isinstance(batch, Filler):
                meter.add(*judged)
