"""Warnings about the optimizer and the scheduler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import log10
from typing import Any, NamedTuple, cast

from specbuild.catalogue.optimizers import Optimizer
from specbuild.catalogue.schedulers import Scheduler
from specbuild.catalogue.schedulers.scheduler import Span
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.document import Spec
from specbuild.network.scheduling import span_of, steps_per_epoch

HIGHEST: Mapping[str, float] = {
    "Adam": 0.1, "AdamW": 0.1, "Adamax": 0.1, "NAdam": 0.1, "RAdam": 0.1, "SparseAdam": 0.1,
    "Adafactor": 1, "Muon": 1, "RMSprop": 1,
    "ASGD": 10, "Adadelta": 10, "Adagrad": 10, "LBFGS": 10, "Rprop": 10, "SGD": 10,
}  # fmt: skip
"""The highest learning rate that anybody uses, by optimizer."""
USUAL = {"SGD": 0.1}
"""What is used where torch's default is not."""
LOWEST = 1e-9
"""The lowest one: with a gradient of 1 no weight of float32 above 1/32 changes."""
LEAST_MOMENTUM = 0.1
CONSTANT = {
    "StepLR": ("gamma", 0.1), "MultiStepLR": ("gamma", 0.1), "ExponentialLR": ("gamma", 0.95),
    "ConstantLR": ("factor", 0.1),
}  # fmt: skip
"""The arguments that change nothing if they are 1, and what they may be instead."""
ONCE_AN_EPOCH = frozenset({
    "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "ExponentialLR", "LinearLR", "PolynomialLR",
})  # fmt: skip
"""Schedulers that change nothing where they go on only once."""


def odd_training(spec: Spec) -> Iterator[Diagnostic]:
    """SB816, SB817 and SB821."""
    optimizer, scheduler = cast("Optimizer | None", spec.optimizer), cast("Scheduler | None", spec.scheduler)
    if optimizer is not None:
        given: list[tuple[Path, dict[str, Any]]] = [(("optimizer",), optimizer.arguments())]
        given += [(("optimizer", "groups", k), part.changes()) for k, part in enumerate(optimizer.parts)]
        settled = getattr(scheduler, "max_lr", None) is not None  # which then counts instead of the optimizer's
        frozen = any(arguments.get("lr") for _, arguments in given)
        for path, arguments in given:
            if "lr" in arguments and not settled:
                yield from odd_rate(optimizer, arguments["lr"], (*path, "lr"), zero=frozen or len(path) > 1)
            yield from odd_momentum(arguments.get("momentum"), (*path, "momentum"))
        rates = getattr(scheduler, "max_lr", ())
        for k, rate in enumerate(rates if isinstance(rates, tuple) else [rates]):
            where: Path = ("scheduler", "max_lr", k) if isinstance(rates, tuple) else ("scheduler", "max_lr")
            yield from odd_rate(optimizer, rate, where, zero=k > 0)
    if scheduler is not None:
        steps = steps_per_epoch(spec)
        if steps or scheduler.settled_interval == "epoch":
            for found in idle(scheduler, span_of(spec, scheduler.settled_interval, steps)):
                yield Diagnostic("SB821", found.message, ("scheduler", *found.field), fix=found.fix)


def odd_rate(optimizer: Optimizer, rate: float, path: Path, *, zero: bool) -> Iterator[Diagnostic]:
    """SB816; zero: whether 0 is right, as for parameters that are not to change beside others that are."""
    highest = HIGHEST.get(optimizer.type)
    if highest is None or LOWEST <= rate <= highest or (zero and rate == 0):
        return
    usual = USUAL.get(optimizer.type, optimizer.__class__.model_fields["lr"].default)
    if rate > highest and rate >= 10 and log10(rate).is_integer():
        usual = 1 / rate  # 1e3 for 1e-3
    message = f"{path[-1] if isinstance(path[-1], str) else 'max_lr'} is {rate:g}: "
    if rate == 0:
        message += "nothing is learned"
    elif rate < LOWEST:
        message += "below 1e-9 hardly a weight of float32 changes"
    else:
        message += f"the most that is used with {optimizer.type} is {highest:g}"
    key = "" if isinstance(path[-1], int) else f"{path[-1]}: "
    yield Diagnostic("SB816", message, path, fix=f"{key}{usual:g}, or something near it")


def odd_momentum(momentum: float | None, path: Path) -> Iterator[Diagnostic]:
    """SB817 for an optimizer."""
    if momentum and not LEAST_MOMENTUM <= momentum < 1:
        fact = "a step grows with every one before it" if momentum >= 1 else "hardly any of the last step is kept"
        yield Diagnostic("SB817", f"momentum is {momentum:g}: {fact}", path, fix="momentum: 0.9, or leave it out")


class Idle(NamedTuple):
    """Why a scheduler does nothing, at one of its arguments."""

    field: tuple[str | int, ...]
    message: str
    fix: str | None


def idle(scheduler: Any, span: Span, *, whole: bool = True) -> Iterator[Idle]:
    """What keeps a scheduler from ever changing the learning rate; whole: whether it has the whole training."""
    kind, total = scheduler.type, span.total
    only = f"but there {'is' if total == 1 else 'are'} only {span}"
    unit = span.interval
    if kind in CONSTANT and getattr(scheduler, CONSTANT[kind][0]) == 1:
        field, usual = CONSTANT[kind]
        yield Idle((field,), f"{field} is 1: the learning rate never changes", f"{field}: {usual}")
    elif kind == "LinearLR" and scheduler.start_factor == scheduler.end_factor == 1:
        message = "start_factor and end_factor are 1: the learning rate never changes"
        yield Idle(("start_factor",), message, "start_factor: 0.1, to warm up, or end_factor: 0.1")
    elif kind == "PolynomialLR" and scheduler.power == 0:
        yield Idle(("power",), "power is 0: the learning rate never changes", "power: 1")
    elif kind == "StepLR" and scheduler.step_size >= total:
        message = f"its first step would be after {scheduler.step_size} {unit}s, {only}"
        yield Idle(("step_size",), message, below("a step_size", total, unit))
    elif kind == "MultiStepLR":
        if not scheduler.milestones:
            yield Idle(("milestones",), "it has no milestones, and never changes the learning rate", None)
        late = next((k for k, milestone in enumerate(scheduler.milestones) if milestone >= total), None)
        if late is not None:
            message = f"the milestone {scheduler.milestones[late]} is never reached: {only.removeprefix('but ')}"
            yield Idle(("milestones", late), message, below("a milestone", total, unit))
    elif kind == "ConstantLR" and whole and scheduler.total_iters >= total:
        message = f"the learning rate would go up after {scheduler.total_iters} {unit}s, {only}"
        yield Idle(("total_iters",), message, below("a total_iters", total, unit))
    elif kind == "ReduceLROnPlateau" and scheduler.patience + 2 >= total:
        message = f"with this patience its first step would be after {scheduler.patience + 2} epochs, {only}"
        yield Idle(("patience",), message, below("a patience", total - 2, "") if total > 2 else "more epochs")
    elif kind in ONCE_AN_EPOCH and whole and total == 1:
        yield Idle((), f"it goes on once {'an epoch' if unit == 'epoch' else 'a step'}, {only}",
                   "interval: step, or more epochs" if unit == "epoch" else "more epochs")  # fmt: skip
    elif kind == "ChainedScheduler":
        yield from parts(scheduler, [span] * len(scheduler.schedulers))
    elif kind == "SequentialLR":
        ends = (0, *scheduler.milestones, total)
        yield from parts(scheduler, [span.part(end - begin) for begin, end in pairwise(ends)])


def below(what: str, total: int, unit: str) -> str:
    """The mend for what lies beyond the end."""
    fix = f"{what} below {total}" if total > 1 else "more epochs"
    return f"{fix}, or interval: step" if unit == "epoch" else fix


def parts(whole: Any, spans: list[Span]) -> Iterator[Idle]:
    """The parts of a scheduler, each for so long."""
    for index, (part, span) in enumerate(zip(whole.schedulers, spans, strict=True)):
        for found in idle(part, span, whole=False):
            yield found._replace(field=("schedulers", index, *found.field))
