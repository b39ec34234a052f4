"""Schedulers that bring the learning rate down, or up, once."""

from typing import Annotated, final

from annotated_types import Ge, Gt, Le

from specbuild.catalogue.entry import Count, Float, Size
from specbuild.catalogue.schedulers.scheduler import Interval, NonNegative, Scheduler

Factor = Annotated[Float, Gt(0), Le(1)]


@final
class StepLR(Scheduler):
    """The learning rate times `gamma` every `step_size` epochs.

    ```yaml
    scheduler: {type: StepLR, step_size: 30}
    ```
    """

    step_size: Size
    """How often."""
    gamma: NonNegative = 0.1
    """The factor."""
    interval: Interval | None = None
    """Whether it goes on with every `step` or every `epoch`; null is `epoch`."""


@final
class MultiStepLR(Scheduler):
    """The learning rate times `gamma` at each milestone.

    ```yaml
    scheduler: {type: MultiStepLR, milestones: [60, 120, 160], gamma: 0.2}
    ```
    """

    milestones: tuple[Count, ...]
    """When; what is written twice counts twice."""
    gamma: NonNegative = 0.1
    """The factor."""
    interval: Interval | None = None
    """Whether it goes on with every `step` or every `epoch`; null is `epoch`."""


@final
class ConstantLR(Scheduler):
    """The learning rate times `factor`, for the first `total_iters` epochs.

    ```yaml
    scheduler: {type: ConstantLR, factor: 0.1, total_iters: 3}
    ```
    """

    factor: Factor = 1 / 3
    """The factor."""
    total_iters: Size = 5
    """How long."""
    interval: Interval | None = None
    """Whether it goes on with every `step` or every `epoch`; null is `epoch`."""


@final
class LinearLR(Scheduler):
    """The learning rate times a factor that goes in a line from `start_factor` to `end_factor`: a warm-up.

    ```yaml
    scheduler: {type: LinearLR, start_factor: 0.1, total_iters: 500, interval: step}
    ```
    """

    start_factor: Factor = 1 / 3
    """The factor at the beginning."""
    end_factor: Annotated[Float, Ge(0), Le(1)] = 1.0
    """The factor after `total_iters`."""
    total_iters: Size = 5
    """How long."""
    interval: Interval | None = None
    """Whether it goes on with every `step` or every `epoch`; null is `epoch`."""


@final
class ExponentialLR(Scheduler):
    """The learning rate times `gamma` every epoch.

    ```yaml
    scheduler: {type: ExponentialLR, gamma: 0.95}
    ```
    """

    gamma: NonNegative
    """The factor."""
    interval: Interval | None = None
    """Whether it goes on with every `step` or every `epoch`; null is `epoch`."""


@final
class PolynomialLR(Scheduler):
    """The learning rate times `(1 - t / total_iters) ** power`, down to 0.

    ```yaml
    scheduler: {type: PolynomialLR, total_iters: 50, power: 0.9}
    ```
    """

    total_iters: Size = 5
    """How long."""
    power: NonNegative = 1.0
    """The power: 1 is a line."""
    interval: Interval | None = None
    """Whether it goes on with every `step` or every `epoch`; null is `epoch`."""
