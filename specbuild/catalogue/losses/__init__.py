"""Losses: torch.nn's names, arguments and defaults; and what each asks of the output and the target.

Beside torch's own arguments a loss has `target` (a field of the sample) and `scale`. `size_average`
and `reduce`, which torch deprecates, are refused, and so is `reduction: none`. Where torch would
broadcast an output against a target of another shape, the two are refused: it is a mistake.
"""

from specbuild.catalogue.losses.cross_entropy import CrossEntropyLoss
from specbuild.catalogue.losses.elementwise import (
    BCELoss,
    BCEWithLogitsLoss,
    BinaryLoss,
    ElementwiseLoss,
    L1Loss,
    MSELoss,
)
from specbuild.catalogue.losses.loss import Loss

LOSSES: dict[str, type[Loss]] = {
    loss.__name__: loss for loss in (CrossEntropyLoss, BCELoss, BCEWithLogitsLoss, MSELoss, L1Loss)
}
"""Every loss, by the name that a document uses."""

__all__ = [
    "LOSSES",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BinaryLoss",
    "CrossEntropyLoss",
    "ElementwiseLoss",
    "L1Loss",
    "Loss",
    "MSELoss",
]
