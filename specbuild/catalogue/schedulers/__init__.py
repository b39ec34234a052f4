"""Schedulers: torch.optim.lr_scheduler's names, arguments and defaults, and torch's own checks on them.

Beside torch's arguments a scheduler has `interval`: whether it goes on with every step or every epoch. What
torch needs and the training settles may be left out: OneCycleLR's `total_steps`, CosineAnnealingLR's `T_max`.
Refused is what torch divides by zero on later, steps and factors below 0, and a scheduler of several inside
SequentialLR, which torch begins with a wrong learning rate or fails on.
"""

from specbuild.catalogue.schedulers.scheduler import Scheduler
from specbuild.catalogue.table import Table

EXCLUDED = {
    "LRScheduler": "it is what the others are made from; name one of them",
    "LambdaLR": "it takes a Python function; use MultiStepLR, LinearLR, PolynomialLR or CosineAnnealingLR, one "
    "after another in a SequentialLR",
    "MultiplicativeLR": "it takes a Python function; use ExponentialLR for the same factor each time, MultiStepLR "
    "for one at certain times",
}
"""torch's schedulers that a document may not name, each with the reason that a user is given."""

SCHEDULERS: Table[Scheduler] = Table(
    "specbuild.catalogue.schedulers",
    {
        "combined": ("ChainedScheduler", "SequentialLR"),
        "cosine": ("CosineAnnealingLR", "CosineAnnealingWarmRestarts"),
        "cyclic": ("CyclicLR", "OneCycleLR"),
        "decay": ("ConstantLR", "ExponentialLR", "LinearLR", "MultiStepLR", "PolynomialLR", "StepLR"),
        "plateau": ("ReduceLROnPlateau",),
    },
    excluded=EXCLUDED,
)
"""Every scheduler, by the name that a document uses."""

__all__ = ["EXCLUDED", "SCHEDULERS", "Scheduler"]
