"""Optimizers: torch.optim's names, arguments and defaults, and torch's own checks on them.

A learning rate is a number (torch takes a tensor too). Every optimizer refuses `differentiable: true`:
it serves gradients through the step itself, and on ordinary parameters torch fails on it. Refused too is
what torch fails on at some later step: ASGD's `lambd` below 0, LBFGS without an iteration or a history.
"""

from specbuild.catalogue.optimizers.optimizer import Group, Optimizer
from specbuild.catalogue.table import Table

OPTIMIZERS: Table[Optimizer] = Table(
    "specbuild.catalogue.optimizers",
    {
        "adam": ("Adam", "AdamW"),
        "adam_variants": ("Adamax", "NAdam", "RAdam", "SparseAdam"),
        "adaptive": ("Adadelta", "Adafactor", "Adagrad", "RMSprop", "Rprop"),
        "lbfgs": ("LBFGS",),
        "muon": ("Muon",),
        "sgd": ("ASGD", "SGD"),
    },
)
"""Every optimizer, by the name that a document uses."""

__all__ = ["OPTIMIZERS", "Group", "Optimizer"]
