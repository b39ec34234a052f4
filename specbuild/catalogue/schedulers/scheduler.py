"""What every scheduler is."""

from abc import ABC
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

from annotated_types import Ge, Gt

from specbuild.catalogue.entry import Entry, Float
from specbuild.catalogue.optimizers import Optimizer
from specbuild.catalogue.rules import Violation

Interval = Literal["step", "epoch"]
NonNegative = Annotated[Float, Ge(0)]
Positive = Annotated[Float, Gt(0)]


class Span(NamedTuple):
    """How often a scheduler goes on in a training, or in its part of one."""

    total: int
    interval: Interval
    per_epoch: int
    """How often in an epoch."""

    def part(self, total: int) -> "Span":
        """So much of it."""
        return self._replace(total=total)

    def __str__(self) -> str:
        return f"{self.total} {self.interval}{'' if self.total == 1 else 's'}"


class Scheduler(Entry, ABC):
    """A scheduler: torch's arguments, without the optimizer, as fields; and `interval`."""

    refused: ClassVar = {
        "optimizer": "it is the document's own `optimizer`",
        "last_epoch": "a training begins at its beginning",
        "verbose": "taken away by torch; an epoch's record has its `lr`",
    }

    customary: ClassVar[Interval] = "epoch"
    """What `interval` is by default."""
    per_group: ClassVar[tuple[str, ...]] = ()
    """Arguments that take a number, or one for each group of parameters."""

    if TYPE_CHECKING:  # a field of every scheduler, after torch's own
        interval: Interval | None

    @property
    def settled_interval(self) -> Interval:
        """`interval`, or what it is by default."""
        return self.interval or self.customary

    def arguments(self) -> dict[str, Any]:
        """Every argument under torch's name for it, in torch's order."""
        return {name: value for name, value in super().arguments().items() if name not in ("interval", "metric")}

    def settled(self, span: Span) -> "Scheduler":
        """The same with what the length of a training settles; raises `Violation` where torch would fail in it."""
        return self

    def check_optimizer(self, optimizer: Optimizer, groups: int) -> None:
        """Raise a `Violation` where torch would with this optimizer of so many groups of parameters."""
        for name in self.per_group:
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != groups:
                numbers = f"{len(value)} number{'' if len(value) == 1 else 's'}"
                count = f"{groups} group{'' if groups == 1 else 's'}"
                raise Violation(
                    "SB415", f"{name} has {numbers}, but the optimizer has {count} of parameters",
                    field=name, fix="one number for all, or one each: the optimizer's own group is the first",
                )  # fmt: skip

    def build(self, lr_scheduler: Any, optimizer: Any) -> Any:
        """The scheduler of a torch optimizer; `lr_scheduler` is `torch.optim.lr_scheduler`."""
        return getattr(lr_scheduler, self.type)(optimizer, **self.given())


def check_momentum(scheduler: Scheduler, optimizer: Optimizer) -> None:
    """Raise a `Violation` where `cycle_momentum` finds no momentum."""
    fields = optimizer.__class__.model_fields
    if getattr(scheduler, "cycle_momentum", False) and "momentum" not in fields and "betas" not in fields:
        raise Violation(
            "SB415", f"cycle_momentum needs an optimizer with `momentum` or `betas`, and {optimizer.type} has neither",
            field="cycle_momentum", fix="cycle_momentum: false", value=False,
        )  # fmt: skip
