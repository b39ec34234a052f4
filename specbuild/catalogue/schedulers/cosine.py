"""Schedulers along a cosine: https://arxiv.org/abs/1608.03983."""

from typing import final

from specbuild.catalogue.entry import Size
from specbuild.catalogue.schedulers.scheduler import Interval, NonNegative, Scheduler, Span


@final
class CosineAnnealingLR(Scheduler):
    """Down along half a cosine, to `eta_min` after `T_max`: https://arxiv.org/abs/1608.03983.

    ```yaml
    scheduler: CosineAnnealingLR
    ```
    """

    T_max: Size | None = None
    """How long; null is the whole training, or all of the part that a SequentialLR gives it."""
    eta_min: NonNegative = 0.0
    """The lowest learning rate."""
    interval: Interval | None = None
    """Whether it goes on with every `step` or every `epoch`; null is `epoch`."""

    def settled(self, span: Span) -> Scheduler:
        """`T_max`, where it is left out."""
        if self.T_max is not None:
            return self
        return self.model_copy(update={"T_max": span.total})


@final
class CosineAnnealingWarmRestarts(Scheduler):
    """Down along half a cosine, again and again: https://arxiv.org/abs/1608.03983.

    ```yaml
    scheduler: {type: CosineAnnealingWarmRestarts, T_0: 10, T_mult: 2}
    ```
    """

    T_0: Size
    """How long the first time."""
    T_mult: Size = 1
    """How many times longer each time."""
    eta_min: NonNegative = 0.0
    """The lowest learning rate."""
    interval: Interval | None = None
    """Whether it goes on with every `step` or every `epoch`; null is `epoch`."""
