"""Metrics of language models."""

from typing import ClassVar, final

from specbuild.catalogue.losses import Loss
from specbuild.catalogue.metrics.metric import LabelMetric
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.types import TensorType


@final
class Perplexity(LabelMetric):
    """Among how many equally probable classes the choice would be as hard: `exp(mean(-log p[label]))`.

    Of CrossEntropyLoss and NLLLoss. A label that the loss ignores does not count; class weights and
    `label_smoothing` have no part in it.

    ```yaml
    metrics: [perplexity]
    ```
    """

    short: ClassVar = "perplexity"
    takes: ClassVar = "scores"

    def compare(self, loss: Loss, labelled: bool, output: TensorType | None) -> None:
        """A loss of log-probabilities."""
        super().compare(loss, labelled, output)
        if loss.type not in ("CrossEntropyLoss", "NLLLoss"):
            raise Violation(
                "SB411", f"perplexity is of the probability of a class, and {loss.type} gives none",
                fix="leave perplexity out",
            )  # fmt: skip
