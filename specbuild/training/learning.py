"""One step of learning: forward, back, and what comes between the gradients and the weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from specbuild.training.guarding import Watch
from specbuild.training.objective import Judged, Objective
from specbuild.training.world import ALONE, World

Batch = Mapping[str, torch.Tensor]
Learner = Callable[[Batch], Judged]
"""One batch learned from, and what was judged of it."""
Feeding = Callable[[Batch], list[torch.Tensor]]


@dataclass(slots=True)
class Learning:
    """What the steps of a training are made of."""

    model: nn.Module
    """As it is called."""
    objective: Objective
    optimizer: torch.optim.Optimizer
    feed: Feeding
    watch: Watch
    precision: AbstractContextManager[object] | None = None
    """Entered for the forward pass and the loss; None where there is nothing to enter."""
    scaler: torch.amp.GradScaler | None = None
    """What scales the loss for float16."""
    accumulate: int = 1
    clip_norm: float | None = None
    clip_value: float | None = None
    closure: bool = False
    """Whether the optimizer evaluates a batch as often as it likes; what is judged is then the first time."""
    after_step: tuple[Callable[[], None], ...] = ()
    """Called after each step of the optimizer: the average, then the scheduler."""
    world: World = ALONE

    def epoch(self, batches: int, done: int = 0) -> Learner:
        """What learns from an epoch's batches in turn; batches: how many there will be, `done` of them before."""
        if self.closure:
            return self.by_closure()
        plain = self.precision is None and self.scaler is None and self.clip_norm is None and self.clip_value is None
        if plain and self.accumulate == 1 and self.world.size == 1:
            return self.plain()
        return self.general(batches, done)

    def plain(self) -> Learner:
        """The short way of a training without anything special."""
        model, objective, feed, after_step = self.model, self.objective, self.feed, self.after_step
        zero_grad, step, watched = self.optimizer.zero_grad, self.optimizer.step, self.watch.loss
        at_once, isfinite = self.watch.at_once, math.isfinite

        def learn(batch: Batch) -> Judged:
            judged = objective(model(*feed(batch)), batch)
            total = judged.total
            if not at_once or not isfinite(total.item()):
                watched(total)
            zero_grad()
            total.backward()  # type: ignore[no-untyped-call]
            step()
            for call in after_step:
                call()
            return judged

        return learn

    def general(self, batches: int, done: int = 0) -> Learner:
        """Several batches a step, gradients scaled and clipped, several processes: whatever is asked for.

        The loss of a step is the mean of its batches' losses; those with `reduction: sum` are summed. The last
        step of an epoch counts the batches that it has.
        """
        number, group, scaler, world = done, 1, self.scaler, self.world
        means = self.objective.means

        def learn(batch: Batch) -> Judged:
            nonlocal number, group
            if number % self.accumulate == 0:
                group = min(self.accumulate, batches - number)
            first, last = number % self.accumulate == 0, number % self.accumulate == group - 1
            judged, sent = world.weighed(self.objective, self.forward(batch), batch)
            self.watch.loss(judged.total)
            total = sent.total if group == 1 else sent.divided(means, group)
            if first:
                self.optimizer.zero_grad()
            if last:
                self.backward(total)
                self.step()
                for call in self.after_step:
                    call()
            else:
                with world.unsynced(self.model):
                    self.backward(total)
            number += 1
            return judged

        if scaler is not None:
            self.watch.scaled = True
        return learn

    def forward(self, batch: Batch) -> Judged:
        """What the network gives for a batch, judged."""
        self.world.fed(batch)
        if self.precision is None:
            return self.objective(self.model(*self.feed(batch)), batch)
        with self.precision:
            return self.objective(self.model(*self.feed(batch)), batch)

    def backward(self, total: torch.Tensor) -> None:
        """The gradients of a loss, added to those that are there."""
        (total if self.scaler is None else self.scaler.scale(total)).backward()  # type: ignore[no-untyped-call]

    def step(self) -> None:
        """Clip the gradients and step."""
        if self.clip_norm is not None or self.clip_value is not None:
            if self.scaler is not None:
                self.scaler.unscale_(self.optimizer)
            self.clip()
        if self.scaler is None:
            self.optimizer.step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()

    def clip(self) -> None:
        """torch.nn.utils.clip_grad_norm_ or clip_grad_value_, once the gradients have been looked at."""
        parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        norm = self.world.whole(torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None]))
        self.watch.norm(norm)
        if self.clip_norm is not None:
            torch.nn.utils.clip_grads_with_norm_(parameters, self.clip_norm, norm)
        else:
            assert self.clip_value is not None
            torch.nn.utils.clip_grad_value_(parameters, self.clip_value)

    def by_closure(self) -> Learner:
        """A step that evaluates the loss as often as the optimizer asks."""

        world = self.world

        def learn(batch: Batch) -> Judged:
            first: list[Judged] = []

            def evaluated() -> torch.Tensor:
                judged, sent = world.weighed(self.objective, self.forward(batch), batch)
                total = sent.total
                if not first:
                    self.watch.loss(judged.total)
                    first.append(judged.detached())
                self.optimizer.zero_grad()
                total.backward()  # type: ignore[no-untyped-call]
                return total if world.size == 1 else world.summed([total.detach()])[0] / world.size

            step: Any = self.optimizer.step
            step(evaluated)
            for call in self.after_step:
                call()
            return first[0]

        return learn
