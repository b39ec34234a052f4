"""When a training ends: after its epochs, its steps or its minutes, or once it no longer gets better."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Any

from specbuild.language.document import Spec
from specbuild.language.training import Best, mode_of


class Limits:
    """What has been used up of a training's epochs, steps and minutes.

    `reason` says what ended it, once something has.
    """

    def __init__(self, spec: Spec, best: Best, batches: int) -> None:
        """batches: of an epoch."""
        self.train = spec.train
        self.batches = batches
        self.begun = monotonic()
        self.steps = 0
        """Steps of the optimizer that were taken."""
        self.reason: str | None = None
        stopping = spec.train.early_stopping
        self.stopping = stopping
        if stopping is not None:
            self.metric = stopping.metric or best.metric
            mode = stopping.mode or (best.settled_mode if self.metric == best.metric else None)
            self.sign = 1 if mode_of(self.metric, mode) == "max" else -1
        self.reached: float | None = None
        self.waited = 0

    @property
    def batches_left(self) -> int:
        """The batches that the epoch which begins may have; below 0 where the steps before were too many."""
        if self.train.max_steps is None:
            return self.batches
        return min(self.batches, (self.train.max_steps - self.steps) * self.train.accumulate)

    def learned(self, batches: int) -> None:
        """So many batches were learned from in an epoch."""
        self.steps += -(-batches // self.train.accumulate)

    @property
    def timed_out(self) -> bool:
        """Whether the minutes are over."""
        return self.train.max_minutes is not None and monotonic() - self.begun >= 60 * self.train.max_minutes

    def after_epoch(self, record: Mapping[str, Any], timed_out: bool) -> bool:
        """Whether the training ends with this epoch; `reason` then says why."""
        self.compare(record)
        return self.ended(record["epoch"], timed_out)

    def ended(self, number: int, timed_out: bool) -> bool:
        """Whether the training ends after so many epochs; `reason` then says why."""
        if self.stopping is not None and self.waited >= max(1, self.stopping.patience):
            epochs = f"{self.waited} epoch{'' if self.waited == 1 else 's'}"
            self.reason = f"stopped early at epoch {number}: {self.metric} has not become better for {epochs}"
        elif timed_out:
            self.reason = f"stopped at epoch {number}: max_minutes is {self.train.max_minutes:g}"
        elif self.train.max_steps is not None and self.steps >= self.train.max_steps:
            more = f", and {self.steps} steps were taken" if self.steps > self.train.max_steps else ""
            self.reason = f"stopped at epoch {number}: max_steps is {self.train.max_steps}{more}"
        elif number >= self.train.epochs:
            self.reason = f"all {number} epochs" if number > 1 else "its epoch"
        return self.reason is not None

    def compare(self, record: Mapping[str, Any]) -> None:
        """Count the epochs in which the number that an early end goes by has not become better."""
        if self.stopping is None:
            return
        value = record[self.metric]
        if value is not None and (self.reached is None or self.sign * (value - self.reached) > self.stopping.min_delta):
            self.reached, self.waited = value, 0
        else:
            self.waited += 1
