"""Schedulers made of several."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, ClassVar, final

from specbuild.catalogue.entry import OneOf, Size
from specbuild.catalogue.optimizers import Optimizer
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.schedulers import SCHEDULERS
from specbuild.catalogue.schedulers.scheduler import Interval, Scheduler, Span

Schedulers = tuple[Scheduler, ...]


@final
class SequentialLR(Scheduler):
    """One scheduler after another: the next begins, from its own beginning, at each milestone.

    ```yaml
    scheduler:
      type: SequentialLR
      schedulers: [{type: LinearLR, start_factor: 0.1, total_iters: 500}, CosineAnnealingLR]
      milestones: [500]
      interval: step
    ```
    """

    children: ClassVar = {"schedulers": OneOf(SCHEDULERS, "scheduler", many=True)}

    schedulers: Schedulers
    """The schedulers, in order."""
    milestones: tuple[Size, ...]
    """When the second one begins, the third, ..."""
    interval: Interval | None = None
    """Whether it goes on with every `step` or every `epoch`; null is `epoch`."""

    def check(self) -> None:
        """A milestone between each two, in order; no scheduler that torch cannot begin at one."""
        check_parts(self, self.schedulers, ("ReduceLROnPlateau", "SequentialLR", "ChainedScheduler"))
        wanted, found = len(self.schedulers) - 1, len(self.milestones)
        if wanted != found:
            between = f"{wanted} milestone{'' if wanted == 1 else 's'}"
            raise Violation(
                "SB410", f"between {len(self.schedulers)} schedulers stand {between}, not {found}",
                field="milestones", fix="each scheduler but the first begins at a milestone",
            )  # fmt: skip
        for index, (before, after) in enumerate(pairwise(self.milestones)):
            if after <= before:
                raise Violation(
                    "SB410", f"milestones go up, but {after} comes after {before}", field=("milestones", index + 1)
                )

    def settled(self, span: Span) -> Scheduler:
        """Each for its own part of the training."""
        for index, milestone in enumerate(self.milestones):
            if milestone >= span.total:
                fix = f"a milestone below {span.total}"
                raise Violation(
                    "SB415", f"{self.schedulers[index + 1].type} begins at {milestone}, but there are only {span}",
                    field=("milestones", index), fix=f"{fix}, or interval: step" if span.interval == "epoch" else fix,
                )  # fmt: skip
        ends = (0, *self.milestones, span.total)
        spans = [span.part(end - begin) for begin, end in pairwise(ends)]
        settled = of_parts(self.schedulers, lambda index, part: part.settled(spans[index]))
        return self.model_copy(update={"schedulers": tuple(settled)})

    def check_optimizer(self, optimizer: Optimizer, groups: int) -> None:
        """Each by itself."""
        of_parts(self.schedulers, lambda _, part: part.check_optimizer(optimizer, groups))

    def build(self, lr_scheduler: Any, optimizer: Any) -> Any:
        """Its parts, then itself."""
        parts = [part.build(lr_scheduler, optimizer) for part in self.schedulers]
        return lr_scheduler.SequentialLR(optimizer, parts, list(self.milestones))


@final
class ChainedScheduler(Scheduler):
    """Several schedulers at once: each changes what the one before it leaves.

    ```yaml
    scheduler:
      type: ChainedScheduler
      schedulers: [{type: LinearLR, total_iters: 3}, {type: ExponentialLR, gamma: 0.9}]
    ```
    """

    children: ClassVar = {"schedulers": OneOf(SCHEDULERS, "scheduler", many=True)}

    schedulers: Schedulers
    """The schedulers, in the order that they act."""
    interval: Interval | None = None
    """Whether it goes on with every `step` or every `epoch`; null is `epoch`."""

    def check(self) -> None:
        """None that needs a number to go by."""
        check_parts(self, self.schedulers, ("ReduceLROnPlateau",))

    def settled(self, span: Span) -> Scheduler:
        """Each for the whole training."""
        settled = of_parts(self.schedulers, lambda _, part: part.settled(span))
        return self.model_copy(update={"schedulers": tuple(settled)})

    def check_optimizer(self, optimizer: Optimizer, groups: int) -> None:
        """Each by itself."""
        of_parts(self.schedulers, lambda _, part: part.check_optimizer(optimizer, groups))

    def build(self, lr_scheduler: Any, optimizer: Any) -> Any:
        """Its parts, then itself."""
        return lr_scheduler.ChainedScheduler([part.build(lr_scheduler, optimizer) for part in self.schedulers])


def check_parts(whole: Scheduler, parts: Schedulers, barred: tuple[str, ...]) -> None:
    """Raise a `Violation` unless there are parts, none of them barred, and the whole alone has an interval."""
    if not parts:
        raise Violation("SB410", f"{whole.type} is made of schedulers, and there are none", field="schedulers")
    for index, part in enumerate(parts):
        if part.type in barred:
            raise Violation(
                "SB410", f"a {part.type} cannot be a part of {whole.type}", field=("schedulers", index),
                fix="use it by itself" if part.type == "ReduceLROnPlateau" else "put its schedulers here",
            )  # fmt: skip
        if part.interval is not None:
            raise Violation(
                "SB410", f"`interval` belongs to the whole {whole.type}, not to its parts",
                field=("schedulers", index, "interval"), fix="write it beside `schedulers`",
            )  # fmt: skip


def of_parts(parts: Schedulers, ask: Callable[[int, Scheduler], Any]) -> list[Any]:
    """What each part answers; a `Violation` is placed in its part."""
    answers = []
    for index, part in enumerate(parts):
        try:
            answers.append(ask(index, part))
        except Violation as violation:
            inner = violation.field
            if inner is not None:
                inner = (inner,) if isinstance(inner, str) else inner
            violation.field = ("schedulers", index, *(inner or ()))
            raise
    return answers
