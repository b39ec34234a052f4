"""The optimizer and the scheduler of a training, in torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import nn

from specbuild.catalogue.optimizers import Optimizer
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.schedulers import Scheduler
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.errors import DataError
from specbuild.language.document import Spec
from specbuild.language.parsing import of_violation
from specbuild.network.grouping import assignment, learned
from specbuild.network.metrics import metric_names
from specbuild.network.plan import Plan
from specbuild.network.scheduling import check_metric, metric_of, settled


def optimizer_of(spec: Spec, plan: Plan, model: nn.Module, device: torch.device) -> torch.optim.Optimizer:
    """The optimizer of the model's parameters that are not frozen, in torch's groups where the document has some.

    The optimizer's own group is the first, and is left out where the others take all.
    """
    entry = cast(Optimizer, spec.optimizer)
    if not hasattr(torch.optim, entry.type):
        message = f"{entry.type} needs torch {entry.available}; this is {torch.__version__}"
        raise DataError(spec.place([Diagnostic("SB414", message, ("optimizer",), fix="AdamW, or a newer torch")]))
    try:
        entry.check_device(device.type)
    except Violation as violation:
        raise refusal(spec, violation, ("optimizer",)) from None
    if not entry.parts:
        built: torch.optim.Optimizer = entry.build(
            torch.optim, [parameter for parameter in model.parameters() if parameter.requires_grad]
        )
        return built
    numbers = assignment(entry, plan)
    groups: list[dict[str, Any]] = [{"params": []}]
    groups += [{"params": [], **group.changes()} for group in entry.parts]
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups[numbers[name]]["params"].append(parameter)
    grouped: torch.optim.Optimizer = entry.build(torch.optim, [group for group in groups if group["params"]])
    return grouped


FUSED = frozenset({"SGD", "Adam", "AdamW", "Adagrad"})
"""Optimizers that torch computes in one kernel, on the CPU too."""


def fused(spec: Spec, plan: Plan, device: torch.device) -> Optimizer:
    """The optimizer, its step one kernel where torch has that and it is faster, and where nothing else is written.

    Its weights may differ in the last bit from those of torch's default, so a run's `spec.json` says `fused: true`;
    and where the document says `precision: float32`, the default it is.
    """
    entry = cast(Optimizer, spec.optimizer)
    if spec.train.precision == "float32":
        return entry
    written = [getattr(entry, name, None) for name in ("fused", "foreach")]
    if entry.type not in FUSED or written != [None, None] or getattr(entry, "capturable", False):
        return entry
    if device.type not in ("cpu", "cuda") or any(parameter.sparse for parameter in learned(plan)):
        return entry
    parts = (entry, *entry.parts)
    if entry.type == "SGD" and not any(getattr(p, "momentum", 0) or getattr(p, "weight_decay", 0) for p in parts):
        return entry  # a single addition already
    return entry.model_copy(update={"fused": True})


class Schedule:
    """The learning rate of a training as it goes on; where there is no scheduler it stays.

    steps: those of an epoch. Raises `DataError` where the scheduler does not fit the training's length.
    """

    def __init__(self, spec: Spec, optimizer: torch.optim.Optimizer, steps: int, *, val: bool) -> None:
        self.groups = optimizer.param_groups
        self.scheduler: Any = None
        self.settled: Scheduler | None = None
        """The document's scheduler, nothing left to infer."""
        self.metric: str | None = None
        self.last: list[Any] | None = None
        """The learning rates of the last step, where they change with each."""
        if spec.scheduler is None:
            return
        entry = cast(Scheduler, spec.scheduler)
        self.by_step = entry.settled_interval == "step"
        try:
            self.settled = settled(spec, steps)
        except Violation as violation:
            raise refusal(spec, violation, ("scheduler",)) from None
        problems = list(check_metric(entry, metric_names(spec, val=val)))
        if problems:
            raise DataError(spec.place(problems))
        self.metric = metric_of(entry, val=val)
        if self.metric is not None:
            self.settled = self.settled.model_copy(update={"metric": self.metric})
        self.scheduler = self.settled.build(torch.optim.lr_scheduler, optimizer)

    @property
    def after_step(self) -> Any:
        """What is called after each step; None where nothing is."""
        return self.step if self.scheduler is not None and self.by_step else None

    def step(self) -> None:
        """Go on by one step."""
        self.last = [group["lr"] for group in self.groups]
        self.scheduler.step()

    @property
    def rates(self) -> dict[str, float]:
        """The learning rates of the last step: `lr` in the optimizer's first group, `lr_1` in the next, and so on."""
        rates = self.last or [group["lr"] for group in self.groups]
        return {f"lr_{index}" if index else "lr": float(rate) for index, rate in enumerate(rates)}

    def after_epoch(self, record: Mapping[str, Any]) -> None:
        """Go on by an epoch, by what was measured in it where the scheduler goes by that."""
        if self.scheduler is None or self.by_step:
            return
        if self.metric is None:
            self.scheduler.step()
        elif record[self.metric] is not None:  # what is not defined is no better and no worse
            self.scheduler.step(record[self.metric])


def refusal(spec: Spec, violation: Violation, path: Path) -> DataError:
    """The error of what clashes in the entry at `path`."""
    return DataError(spec.place([of_violation(violation, path)]))
