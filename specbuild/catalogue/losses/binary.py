"""Losses of answers by yes or no, on targets from 0 to 1."""

from abc import ABC
from typing import ClassVar, final

from specbuild.catalogue.entry import Float, Str
from specbuild.catalogue.losses.elementwise import ElementwiseLoss
from specbuild.catalogue.losses.loss import Reduction, Weights
from specbuild.catalogue.rules import Violation, require
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.types import TensorType


class BinaryLoss(ElementwiseLoss, ABC):
    """An elementwise loss on targets from 0 to 1."""

    targets: ClassVar = "shares"
    threshold: ClassVar[float | None] = 0.0

    def compare(self, output: TensorType, target: SampleType | None) -> None:
        """Two classes at most."""
        classes = target.classes if target is not None else None
        if classes is not None and classes > 2:
            raise Violation(
                "SB402", f"{self.type} needs targets from 0 to 1, but the data has {classes} classes",
                fix=f"CrossEntropyLoss, with {classes} outputs",
            )  # fmt: skip
        super().compare(output, target)


@final
class BCELoss(BinaryLoss):
    """The binary cross-entropy of probabilities: the network ends in a Sigmoid.

    Output and target `(N, ...)`, both from 0 to 1. `loss = -(t log x + (1 - t) log(1 - x))`.

    ```yaml
    loss: BCELoss
    ```
    """

    threshold: ClassVar = 0.5
    takes_shares: ClassVar = True

    weight: Weights | None = None
    """A weight for each element of the output's last axis."""
    reduction: Reduction = "mean"
    """`mean` or `sum` over all elements. `none` is refused: training needs one number."""
    target: Str = "target"
    """The field of the sample that the output is held against; `input` for an autoencoder."""
    scale: Float = 1.0
    """The loss is multiplied by this."""


@final
class BCEWithLogitsLoss(BinaryLoss):
    """A Sigmoid and the binary cross-entropy in one, which keeps its precision.

    Output `(N, ...)`, any numbers; target `(N, ...)`, from 0 to 1.

    ```yaml
    loss: {type: BCEWithLogitsLoss, pos_weight: [3.0]}
    ```
    """

    weight: Weights | None = None
    """A weight for each element of the output's last axis."""
    reduction: Reduction = "mean"
    """`mean` or `sum` over all elements. `none` is refused: training needs one number."""
    pos_weight: Weights | None = None
    """A weight of the positive answers, for each element of the output's last axis."""
    target: Str = "target"
    """The field of the sample that the output is held against; `input` for an autoencoder."""
    scale: Float = 1.0
    """The loss is multiplied by this."""


@final
class MultiLabelSoftMarginLoss(BinaryLoss):
    """A yes or no for each class, averaged over the classes: BCEWithLogitsLoss, summed and divided by their number.

    Output `(N, ..., C)`, any numbers; target `(N, ..., C)`, from 0 to 1.
    `loss = -sum(t log s(x) + (1 - t) log(1 - s(x))) / C` with `s` the Sigmoid.

    ```yaml
    loss: MultiLabelSoftMarginLoss
    ```
    """

    weight: Weights | None = None
    """A weight for each class."""
    reduction: Reduction = "mean"
    """`mean` or `sum` over all but the classes. `none` is refused: training needs one number."""
    target: Str = "target"
    """The field of the sample that the output is held against; `input` for an autoencoder."""
    scale: Float = 1.0
    """The loss is multiplied by this."""

    def compare(self, output: TensorType, target: SampleType | None) -> None:
        """An axis of classes beside the batch."""
        require(
            bool(output.shape),
            lambda: Violation("SB402", f"{self.type} needs an axis of classes, but the network gives one number"),
        )
        super().compare(output, target)
