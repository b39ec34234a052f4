"""The scheduler against the optimizer, the results and the length of the training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from specbuild.catalogue.optimizers import Optimizer
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.schedulers import Scheduler
from specbuild.catalogue.schedulers.scheduler import Interval, Span
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.diagnostics.suggest import nearest, renaming
from specbuild.language.document import Spec
from specbuild.language.parsing import of_violation
from specbuild.language.training import mode_of
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
    steps = steps_per_epoch(spec)
    if steps or scheduler.settled_interval == "epoch":
        try:
            settled(spec, steps)
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
    elif mode_of(metric, None) == "max" and "mode" not in scheduler.model_fields_set:
        yield Diagnostic(
            "SB411", f"more of {metric} is better, but mode is min, torch's default", path, fix="write mode: max"
        )


def settled(spec: Spec, steps: int | None) -> Scheduler:
    """The scheduler with what the length of the training settles; raises `Violation`.

    steps: of an epoch; None where they are not known, which is for schedulers by epoch alone.
    """
    scheduler = cast("Scheduler", spec.scheduler)
    interval = scheduler.settled_interval
    return scheduler.settled(span_of(spec, interval, steps)).model_copy(update={"interval": interval})


def span_of(spec: Spec, interval: Interval, steps: int | None) -> Span:
    """How often a scheduler goes on in the training: `max_steps` may end it before its last epoch."""
    epochs, most = spec.train.epochs, spec.train.max_steps
    if interval == "step":
        assert steps is not None
        return Span(epochs * steps if most is None else min(epochs * steps, most), interval, steps)
    return Span(epochs if most is None or not steps else min(epochs, -(-most // steps)), interval, 1)


def metric_of(scheduler: Scheduler, *, val: bool) -> str | None:
    """The number that a scheduler goes by; None where it goes by time alone. val: whether there is a val split."""
    if "metric" not in scheduler.__class__.model_fields:
        return None
    written: str | None = getattr(scheduler, "metric", None)
    return written or ("val_loss" if val else "train_loss")


def steps_per_epoch(spec: Spec) -> int | None:
    """The steps of an epoch; None where they are not known without the data."""
    batches = batches_per_epoch(spec)
    return None if batches is None else -(-batches // spec.train.accumulate)


def batches_per_epoch(spec: Spec) -> int | None:
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
