"""Metrics of classes, and of answers by yes or no."""

from abc import ABC
from typing import Annotated, ClassVar, Literal, final

from annotated_types import Ge

from specbuild.catalogue.entry import Count
from specbuild.catalogue.metrics.metric import LabelMetric

Average = Literal["macro", "micro", "weighted"]


class AveragedMetric(LabelMetric, ABC):
    """A metric of each class, averaged over them."""

    takes: ClassVar = "answers"

    average: Average = "macro"
    """`macro` is the mean over the classes, `weighted` the mean by how often each occurs, `micro` over all answers
    together. A class that neither occurs nor is given counts for nothing in `macro`. A single yes or no has no use for
    it: there it is of the yes."""

    @property
    def suffix(self) -> str:
        """`_micro`."""
        return "" if self.average == "macro" else f"_{self.average}"


@final
class Precision(AveragedMetric):
    """How many of the answers for a class are right: `TP / (TP + FP)`; 0 for a class that is never given.

    ```yaml
    metrics: [precision, {type: precision, average: weighted}]
    ```
    """

    short: ClassVar = "precision"


@final
class Recall(AveragedMetric):
    """How many samples of a class are found: `TP / (TP + FN)`.

    ```yaml
    metrics: [recall]
    ```
    """

    short: ClassVar = "recall"


@final
class F1(AveragedMetric):
    """The harmonic mean of precision and recall of a class: `2 TP / (2 TP + FP + FN)`.

    ```yaml
    metrics: [f1, {type: f1, average: micro}]
    ```
    """

    short: ClassVar = "f1"


class RankingMetric(LabelMetric, ABC):
    """A metric of how an output ranks the samples, whatever the threshold; of several classes, each against the rest.

    The output becomes probabilities first: by a softmax over the classes, or a sigmoid, unless the loss takes
    probabilities.
    """

    takes: ClassVar = "scores"

    average: Literal["macro", "weighted"] = "macro"
    """`macro` is the mean over the classes, `weighted` the mean by how often each occurs; classes of which it is not
    defined are left out."""
    thresholds: Annotated[Count, Ge(2)] | None = None
    """How many thresholds from 0 to 1 it is measured at; null is each that makes a difference, which is exact and keeps
    the scores of the whole pass in memory."""

    @property
    def suffix(self) -> str:
        """`_weighted`."""
        return "" if self.average == "macro" else f"_{self.average}"


@final
class AUROC(RankingMetric):
    """The area under the receiver operating characteristic: how probably a sample of the class ranks above another.

    Not defined where all samples are of one class.

    ```yaml
    metrics: [auroc]
    ```
    """

    short: ClassVar = "auroc"


@final
class AveragePrecision(RankingMetric):
    """The area under the curve of precision over recall: `sum((R_n - R_{n-1}) P_n)`.

    Not defined where no sample is of the class.

    ```yaml
    metrics: [{type: average_precision, average: weighted}]
    ```
    """

    short: ClassVar = "average_precision"


@final
class ConfusionMatrix(LabelMetric):
    """How often each class is taken for each: a row for each true class, a column for each answer.

    Not a number: that of the best epoch on val is kept in the run as `confusion_matrix.json`, and
    `specbuild evaluate` prints it. Several answers by yes or no have a matrix each.

    ```yaml
    metrics: [accuracy, confusion_matrix]
    ```
    """

    short: ClassVar = "confusion_matrix"
    takes: ClassVar = "answers"
    number: ClassVar = False
