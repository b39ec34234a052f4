"""A network being fitted: model, loss and optimizer, epoch by epoch, and the best weights so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from time import perf_counter
from typing import Any, NamedTuple

import torch
from torch import nn

from specbuild.data import Split
from specbuild.data.mixing import averaged
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError
from specbuild.language.document import Spec
from specbuild.language.training import Best
from specbuild.network.compile import build
from specbuild.network.pipeline import best_of, metric_names, metrics_of
from specbuild.network.plan import Plan
from specbuild.training.indexing import lookups_told
from specbuild.training.measuring import Meter
from specbuild.training.objective import Objective
from specbuild.training.passes import Feed, learn, learner, measure, memory_format
from specbuild.training.reporting import Reporter
from specbuild.training.stepping import Schedule, optimizer_of


class Kept(NamedTuple):
    """The best weights so far."""

    score: float
    weights: dict[str, torch.Tensor]


class Fit:
    """One training under way. Draws the first weights; `epoch` does one epoch.

    Everything random that is not data comes from torch's global generator, seeded once.
    """

    def __init__(
        self, spec: Spec, plan: Plan, device: torch.device, splits: Mapping[str, Split], report: Reporter
    ) -> None:
        self.spec, self.plan, self.device, self.splits, self.report = spec, plan, device, splits, report
        self.metrics = metrics_of(spec)
        self.best = chosen_by(spec, "val" in splits)
        self.closure = bool(getattr(spec.optimizer, "closure", False))
        # LBFGS takes gradients as views, which those that lie channels last do not have
        self.layout = torch.contiguous_format if self.closure else memory_format(plan, device)
        torch.manual_seed(spec.train.seed)
        self.model: nn.Sequential = build(plan, spec).to(device).to(memory_format=self.layout)  # type: ignore[call-overload]
        self.objective = Objective(spec, device)
        self.feed = Feed(plan, self.layout)
        self.optimizer = optimizer_of(spec, plan, self.model, device)
        self.schedule = Schedule(spec, self.optimizer, splits["train"].steps, val="val" in splits)
        self.kept: Kept | None = None

    def epoch(self, number: int) -> dict[str, Any]:
        """Learn from train, measure on val; what was measured, by name.

        Raises `DataError` where the loss is no longer a finite number (SB409), or a lookup fails (SB404).
        """
        train = self.splits["train"]
        begun = perf_counter()
        meter = self.meter()

        def tick(meter: Meter) -> None:
            loss = meter.loss()
            self.require_finite(loss, "the loss", number)
            self.report.batch(number, meter.samples, len(train), loss)

        batches = train.batches(number, self.device)
        step = learner(self.model, self.objective, self.optimizer, self.feed, closure=self.closure)
        with lookups_told(self.spec, self.plan, self.model):
            learn(self.model, step, batches, meter, tick, self.schedule.after_step)
        record: dict[str, Any] = {"epoch": number, **meter.results("train_")}
        samples, learned = meter.samples, perf_counter() - begun
        self.require_finite(record["train_loss"], "the loss", number)
        if "val" in self.splits:
            meter = self.meter()
            batches = self.splits["val"].batches(number, self.device)
            with lookups_told(self.spec, self.plan, self.model):
                measure(averaged(self.model, self.splits["val"].views), self.objective, batches, self.feed, meter)
            record |= meter.results("val_")
            self.require_finite(record["val_loss"], "the loss on val", number)
        for split in self.splits.values():
            if split.skipped is not None and (news := split.skipped.news()) is not None:
                self.report.note(news)
        record |= self.schedule.rates
        self.schedule.after_epoch(record)
        record["samples_per_second"] = round(samples / max(learned, 1e-9), 1)
        record["seconds"] = round(perf_counter() - begun, 3)
        return record

    def candidate(self, record: Mapping[str, Any]) -> Kept | None:
        """A copy of the weights, if what was measured of them is better than all before."""
        score = record[self.best.metric]
        sign = 1 if self.best.settled_mode == "max" else -1
        if self.kept is not None and sign * score <= sign * self.kept.score:
            return None
        weights = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        finite = torch.stack([torch.isfinite(tensor).all() for tensor in weights.values()]).all()
        self.require_finite(0.0 if finite else math.nan, "a weight", record["epoch"])
        return Kept(score, weights)

    def meter(self) -> Meter:
        """An empty meter."""
        return Meter(self.spec.losses, self.metrics, self.device, self.objective.judged)

    def require_finite(self, value: float, what: str, number: int) -> None:
        """SB409 unless `value` is a finite number."""
        if not math.isfinite(value):
            found = "not a number" if math.isnan(value) else "infinite"
            raise DataError(
                self.spec.place(
                    [
                        Diagnostic(
                            "SB409",
                            f"{what} became {found} in epoch {number}",
                            ("optimizer", "lr"),
                            fix="a smaller learning rate, or inputs scaled to about -1 to 1",
                        )
                    ]
                )
            )


def chosen_by(spec: Spec, has_val: bool) -> Best:
    """The number that the best epoch is chosen by; raises `DataError` where this training has none such."""
    best, measured = best_of(spec, val=has_val), metric_names(spec, val=has_val)
    if best.metric not in measured:
        raise DataError(
            spec.place(
                [
                    Diagnostic(
                        "SB411",
                        f"best.metric is {best.metric}, but an epoch ends with {', '.join(measured)}",
                        ("train", "best", "metric"),
                    )
                ]
            )
        )
    return best
