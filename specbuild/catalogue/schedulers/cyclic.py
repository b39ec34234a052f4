"""Schedulers that take the learning rate up and down again."""

from typing import Annotated, ClassVar, Literal, final

from annotated_types import Ge, Le, Lt

from specbuild.catalogue.entry import Bool, Count, Float, Size
from specbuild.catalogue.optimizers import Optimizer
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.schedulers.scheduler import (
    Interval,
    NonNegative,
    Positive,
    Scheduler,
    Span,
    check_momentum,
)

Rate = NonNegative | tuple[NonNegative, ...]
Momentum = Annotated[Float, Ge(0), Lt(1)]
Momenta = Momentum | tuple[Momentum, ...]


@final
class CyclicLR(Scheduler):
    """Up and down between two learning rates, again and again: https://arxiv.org/abs/1506.01186.

    ```yaml
    scheduler: {type: CyclicLR, base_lr: 1e-4, max_lr: 0.01, step_size_up: 500, mode: triangular2}
    ```
    """

    refused: ClassVar = {
        "scale_fn": "a document holds no Python; `mode` says how the cycles change",
        "scale_mode": "it belongs to `scale_fn`, which a document cannot hold; `mode` settles it",
    }
    customary: ClassVar = "step"
    per_group: ClassVar = ("base_lr", "max_lr", "base_momentum", "max_momentum")

    base_lr: Rate
    """The lowest learning rate, of all or of each group of parameters. The optimizer's `lr` is not used."""
    max_lr: Rate
    """The highest."""
    step_size_up: Size = 2000
    """How long it takes up."""
    step_size_down: Count | None = None
    """How long it takes down; null is as long as up."""
    mode: Literal["triangular", "triangular2", "exp_range"] = "triangular"
    """Cycles of one height, of half the height each time, or of a height that falls by `gamma`."""
    gamma: NonNegative = 1.0
    """The factor of `exp_range`."""
    cycle_momentum: Bool = True
    """Take the momentum (Adam's first beta) down as the learning rate goes up."""
    base_momentum: Momenta = 0.8
    """The lowest momentum."""
    max_momentum: Momenta = 0.9
    """The highest."""
    interval: Interval | None = None
    """Whether it goes on with every `step` or every `epoch`; null is `step`."""

    def settled(self, span: Span) -> Scheduler:
        """The same; torch must not overflow in its last cycle."""
        down = self.step_size_up if self.step_size_down is None else self.step_size_down
        cycles = span.total // (self.step_size_up + down)
        if self.mode == "triangular2" and cycles > 1023:
            raise Violation(
                "SB415", f"triangular2 halves the height {cycles} times, and torch fails after 1023",
                field="mode", fix="a larger step_size_up",
            )  # fmt: skip
        if self.mode == "exp_range":
            try:
                self.gamma**span.total
            except OverflowError:
                raise Violation(
                    "SB415", f"gamma is {self.gamma:g}: after {span} torch fails on a number too large",
                    field="gamma", fix="a gamma of at most 1",
                ) from None  # fmt: skip
        return self

    def check_optimizer(self, optimizer: Optimizer, groups: int) -> None:
        """A momentum, beside what holds for all."""
        check_momentum(self, optimizer)
        super().check_optimizer(optimizer, groups)


@final
class OneCycleLR(Scheduler):
    """Up once, then down to almost 0: https://arxiv.org/abs/1708.07120.

    ```yaml
    scheduler: {type: OneCycleLR, max_lr: 0.1}
    ```
    """

    customary: ClassVar = "step"
    per_group: ClassVar = ("max_lr", "base_momentum", "max_momentum")

    max_lr: Rate
    """The highest learning rate, of all or of each group of parameters. The optimizer's `lr` is not used."""
    total_steps: Size | None = None
    """How long; null is `epochs` times `steps_per_epoch`, which are those of the training unless written."""
    epochs: Size | None = None
    """Instead of `total_steps`."""
    steps_per_epoch: Size | None = None
    """Instead of `total_steps`."""
    pct_start: Annotated[Float, Ge(0), Le(1)] = 0.3
    """The share of the steps that goes up."""
    anneal_strategy: Literal["cos", "linear"] = "cos"
    """Along a cosine or a line."""
    cycle_momentum: Bool = True
    """Take the momentum (Adam's first beta) down as the learning rate goes up."""
    base_momentum: Momenta = 0.85
    """The lowest momentum."""
    max_momentum: Momenta = 0.95
    """The highest."""
    div_factor: Positive = 25.0
    """What `max_lr` is divided by at the beginning."""
    final_div_factor: Positive = 1e4
    """What that is divided by again at the end."""
    three_phase: Bool = False
    """Down as long as up, and only then to almost 0."""
    interval: Interval | None = None
    """Whether it goes on with every `step` or every `epoch`; null is `step`."""

    def settled(self, span: Span) -> Scheduler:
        """`total_steps`, which the training may not exceed, and no phase without a length."""
        total = self.total_steps
        if total is None:
            total = span.total
            if self.epochs is not None or self.steps_per_epoch is not None:
                total = (self.epochs or -(-span.total // span.per_epoch)) * (self.steps_per_epoch or span.per_epoch)
        if total < span.total:
            field = next((name for name in ("total_steps", "epochs") if getattr(self, name)), "steps_per_epoch")
            raise Violation(
                "SB415", f"OneCycleLR ends after {span.part(total)}, but the training has {span.total}",
                field=field, fix=f"leave `{field}` out",
            )  # fmt: skip
        ends = [self.pct_start * total - 1, total - 1.0]
        if self.three_phase:
            ends.insert(1, 2 * self.pct_start * total - 2)
        # torch takes a step after the last, too; it is then in the last phase
        if ends[0] == 0 or (ends[-1] == ends[-2] and span.total >= total):
            which, share = "first" if ends[0] == 0 else "last", f"{self.pct_start:g} of {total} {span.interval}s"
            raise Violation(
                "SB415", f"the {which} phase has no length: pct_start is {share}",
                field="pct_start", fix="another pct_start, such as 0.3",
            )  # fmt: skip
        return self.model_copy(update={"total_steps": total})

    def check_optimizer(self, optimizer: Optimizer, groups: int) -> None:
        """A momentum, beside what holds for all."""
        check_momentum(self, optimizer)
        super().check_optimizer(optimizer, groups)
