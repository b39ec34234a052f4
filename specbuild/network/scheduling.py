"""The scheduler against the optimizer, the results and the length of the training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from specbuild.catalogue.optimizers import Optimizer
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.schedulers import Scheduler
from specbuild.catalogue.schedulers.scheduler import Span
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.diagnostics.suggest import nearest, renaming
from specbuild.language.document import Spec
from specbuild.language.parsing import of_violation
from specbuild.network.grouping import group_count
from specbuild.network.plan import Plan

PATH: Path = ("scheduler",)


def check_scheduler(spec: Spec, plan: Plan | None, names: Sequence[str]) -> Iterator[Diagnostic]:
    """What is wrong with the scheduler, as far as it is known without the data.

    names: of the numbers that an epoch ends with. plan: None where the network has none, being wrong.
    """
    scheduler, optimizer = cast("Scheduler | None", spec.scheduler), cast("Optimizer | None", spec.optimizer)
    if scheduler is None:
        return
    if optimizer is not None and plan is not None:
        try:
            scheduler.check_optimizer(optimizer, group_count(optimizer, plan))
        except Violation as violation:
            yield of_violation(violation, PATH)
    yield from check_metric(scheduler, names)
    per_epoch = 1 if scheduler.settled_interval == "epoch" else steps_per_epoch(spec)
    if per_epoch:
        try:
            settled(spec, per_epoch)
        except Violation as violation:
            yield of_violation(violation, PATH)


def check_metric(scheduler: Scheduler, names: Sequence[str]) -> Iterator[Diagnostic]:
    """The number that ReduceLROnPlateau goes by, and whether less or more of it is better."""
    metric = getattr(scheduler, "metric", None)
    if metric is None:
        return
    path = (*PATH, "metric")
    if metric not in names:
        meant = nearest(metric, names)
        yield Diagnostic(
            "SB411", f"metric is {metric}, but an epoch ends with {', '.join(names)}", path,
            fix=f"did you mean {meant}?" if meant else None, edit=renaming(path, metric, meant, names),
        )  # fmt: skip
    elif not metric.endswith("loss") and "mode" not in scheduler.model_fields_set:
        yield Diagnostic(
            "SB411", f"more of {metric} is better, but mode is min, torch's default", path, fix="write mode: max"
        )


def settled(spec: Spec, per_epoch: int) -> Scheduler:
    """The scheduler with what the length of the training settles; raises `Violation`.

    per_epoch: how often it goes on in an epoch: once, or the number of batches.
    """
    scheduler = cast("Scheduler", spec.scheduler)
    interval = scheduler.settled_interval
    span = Span(spec.train.epochs * per_epoch, interval, per_epoch)
    return scheduler.settled(span).model_copy(update={"interval": interval})


def metric_of(scheduler: Scheduler, *, val: bool) -> str | None:
    """The number that a scheduler goes by; None where it goes by time alone. val: whether there is a val split."""
    if "metric" not in scheduler.__class__.model_fields:
        return None
    written: str | None = getattr(scheduler, "metric", None)
    return written or ("val_loss" if val else "train_loss")


def steps_per_epoch(spec: Spec) -> int | None:
    """The number of train's batches; None where it is not known without the data."""
    if spec.data is None:
        return None
    try:
        total = spec.data.train.dataset.length()
    except Violation:  # of a plug-in: reported with the data
        return None
    if total is None:
        return None
    loader = spec.data.train.loader
    total = loader.drawn(spec.data.counts(total)["train"])
    return total // loader.batch_size if loader.drop_last else -(-total // loader.batch_size)
