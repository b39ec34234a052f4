"""Losses: torch.nn's names, arguments and defaults; and what each asks of the output and the target.

Beside torch's own arguments a loss has `target` (a field of the sample) and `scale`; one of classes along
an axis has `class_dim`. `size_average` and `reduce`, which torch deprecates, are refused, and so is
`reduction: none`. Where torch would broadcast an output against a target of another shape, or take the
batch for the classes, the two are refused: it is a mistake. So are targets that torch takes and that mean
nothing to the loss: labels where it asks for -1 and 1.
"""

from specbuild.catalogue.losses.loss import Loss
from specbuild.catalogue.table import Table

EXCLUDED = {
    "AdaptiveLogSoftmaxWithLoss": "it has weights of its own and gives two results; end the network in a Linear, "
    "with CrossEntropyLoss",
    "CTCLoss": "it takes the lengths of the outputs and of the targets beside them",
    "CosineEmbeddingLoss": "it takes two outputs for each target",
    "GaussianNLLLoss": "it takes a variance beside the output and the target",
    "LinearCrossEntropyLoss": "it has weights of its own; end the network in a Linear, with CrossEntropyLoss",
    "MarginRankingLoss": "it takes two outputs for each target",
    "NLLLoss2d": "deprecated by torch; NLLLoss takes the same",
    "TripletMarginLoss": "it takes three outputs and no target",
    "TripletMarginWithDistanceLoss": "it takes three outputs and no target",
}
"""torch.nn's losses that are not of one output and one target, each with the reason that a user is given."""

LOSSES: Table[Loss] = Table(
    "specbuild.catalogue.losses",
    {
        "binary": ("BCELoss", "BCEWithLogitsLoss", "MultiLabelSoftMarginLoss"),
        "cross_entropy": ("CrossEntropyLoss", "NLLLoss"),
        "likelihood": ("KLDivLoss", "PoissonNLLLoss"),
        "margin": ("HingeEmbeddingLoss", "MultiLabelMarginLoss", "MultiMarginLoss", "SoftMarginLoss"),
        "regression": ("HuberLoss", "L1Loss", "MSELoss", "SmoothL1Loss"),
    },
    excluded=EXCLUDED,
)
"""Every loss, by the name that a document uses."""

__all__ = ["EXCLUDED", "LOSSES", "Loss"]
