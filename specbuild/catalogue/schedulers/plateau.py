"""The scheduler that goes by what is measured."""

from typing import Annotated, ClassVar, Literal, final

from annotated_types import Ge, Lt

from specbuild.catalogue.entry import Count, Float, Str
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.schedulers.scheduler import Interval, NonNegative, Scheduler


@final
class ReduceLROnPlateau(Scheduler):
    """The learning rate times `factor` where a number has not become better for `patience` epochs.

    ```yaml
    scheduler: {type: ReduceLROnPlateau, patience: 3, metric: val_loss}
    ```
    """

    per_group: ClassVar = ("min_lr",)

    mode: Literal["min", "max"] = "min"
    """Whether less or more of the number is better."""
    factor: Annotated[Float, Ge(0), Lt(1)] = 0.1
    """The factor."""
    patience: Count = 10
    """Epochs that may pass without an improvement."""
    threshold: Float = 1e-4
    """How much better is an improvement."""
    threshold_mode: Literal["rel", "abs"] = "rel"
    """Whether `threshold` is a share of the best so far, or a difference from it."""
    cooldown: Count = 0
    """Epochs after a reduction that do not count."""
    min_lr: NonNegative | tuple[NonNegative, ...] = 0.0
    """The lowest learning rate, of all or of each group of parameters."""
    eps: NonNegative = 1e-8
    """A smaller change is not made."""
    metric: Str | None = None
    """The number, by its name in the results; null is `val_loss`, or `train_loss` where there is no val."""
    interval: Interval | None = None
    """Only `epoch`: the number is measured once an epoch."""

    def check(self) -> None:
        """Only with epochs."""
        if self.interval == "step":
            raise Violation(
                "SB410", "ReduceLROnPlateau goes by what is measured at the end of an epoch",
                field="interval", fix="interval: epoch", value="epoch",
            )  # fmt: skip
