"""Metrics of a label at each position."""

from abc import ABC
from typing import ClassVar, final

from specbuild.catalogue.losses import Loss
from specbuild.catalogue.metrics.metric import LabelMetric
from specbuild.catalogue.rules import Violation, require
from specbuild.catalogue.types import TensorType


class MaskMetric(LabelMetric, ABC):
    """A metric of regions: the positions of the whole pass that have a label."""

    takes: ClassVar = "answers"

    def compare(self, loss: Loss, labelled: bool, output: TensorType | None) -> None:
        """Axes of positions beside the classes."""
        super().compare(loss, labelled, output)
        if output is not None:
            require(
                len(output.shape) > 1,
                lambda: Violation(
                    "SB411",
                    f"{self.short} is of a label at each position, and the network gives {output}",
                    fix=f"f1 in place of {self.short}",
                ),
            )


@final
class MeanIoU(MaskMetric):
    """The intersection of what is found of a class and what is there over their union, averaged over the classes.

    `TP / (TP + FP + FN)` over the positions of the whole pass (the Jaccard index). The classes that neither occur nor
    are given do not count, nor does `ignore_index`. A mask by yes or no is one class.

    ```yaml
    metrics: [mean_iou]
    ```
    """

    short: ClassVar = "mean_iou"


@final
class Dice(MaskMetric):
    """Twice the intersection of what is found of a class and what is there over their sum, averaged over the classes.

    `2 TP / (2 TP + FP + FN)` over the positions of the whole pass. The classes that neither occur nor are given do not
    count, nor does `ignore_index`. A mask by yes or no is one class.

    ```yaml
    metrics: [dice, mean_iou]
    ```
    """

    short: ClassVar = "dice"
