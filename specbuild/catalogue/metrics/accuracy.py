"""The share of right answers, which is counted without torchmetrics."""

from typing import ClassVar, final

from specbuild.catalogue.entry import Size
from specbuild.catalogue.losses import Loss
from specbuild.catalogue.metrics.metric import LabelMetric
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.types import TensorType


@final
class Accuracy(LabelMetric):
    """The share of samples whose label is among the `top_k` highest outputs.

    With one output a sample (a BCE loss) it is the share on the right side of a half.

    ```yaml
    metrics: [accuracy, {type: accuracy, top_k: 5}]
    ```
    """

    short: ClassVar = "accuracy"
    takes: ClassVar = "answers"

    top_k: Size = 1
    """How many of the highest outputs count as an answer."""

    @property
    def suffix(self) -> str:
        """`_top5`."""
        return "" if self.top_k == 1 else f"_top{self.top_k}"

    def compare(self, loss: Loss, labelled: bool, output: TensorType | None) -> None:
        """No more answers than classes."""
        super().compare(loss, labelled, output)
        if loss.targets != "labels":
            if self.top_k > 1:
                raise Violation(
                    "SB411", f"top_k is {self.top_k}, but {loss.type} asks yes or no", field="top_k",
                    fix="leave top_k out",
                )  # fmt: skip
            return
        classes = loss.classes(output) if output is not None and output.shape else None
        if classes is not None and self.top_k > classes:
            raise Violation(
                "SB411", f"top_k is {self.top_k}, but the network gives {classes} classes", field="top_k",
                fix=f"a top_k below {classes}",
            )  # fmt: skip
