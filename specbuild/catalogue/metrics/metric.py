"""What every metric is."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from specbuild.catalogue.entry import Entry, Str
from specbuild.catalogue.losses import Loss
from specbuild.catalogue.rules import Violation, require
from specbuild.catalogue.types import TensorType

UNLABELLED = {"numbers": "compares numbers", "signs": "compares distances", "label lists": "takes lists of them"}
"""What losses do that no metric of labels is measured with, by their targets."""


class Metric(Entry, ABC):
    """A metric: torchmetrics' arguments as fields, and what it asks of the output and its loss."""

    short: ClassVar[str]
    """The name that a document uses."""
    number: ClassVar[bool] = True
    """Whether its result is one number."""
    takes: ClassVar[Literal["answers", "scores", "numbers"]]
    """What it is measured on: the label that an output chooses, its numbers as probabilities, or as they are."""

    output: Str | None = None
    """The output that it is of; null is the first whose loss is one of labels, or the first with a loss."""

    @property
    def label(self) -> str:
        """The name in the results, after the split's: `accuracy`, `aux_f1_micro`."""
        name = f"{self.short}{self.suffix}"
        return name if self.output is None else f"{self.output}_{name}"

    @property
    def suffix(self) -> str:
        """What tells it from the same metric with other arguments."""
        return ""

    @abstractmethod
    def compare(self, loss: Loss, labelled: bool, output: TensorType | None) -> None:
        """Raise a `Violation` where a metric is of something else than what this loss holds this output against.

        labelled: whether the target is labels; those of an autoencoder are its inputs. output: None where it is not
        known.
        """


class LabelMetric(Metric, ABC):
    """A metric of answers: which class, or yes or no."""

    def compare(self, loss: Loss, labelled: bool, output: TensorType | None) -> None:
        """A loss that holds an output against labels."""
        if not loss.labelled:
            others = "; of numbers are mae, mse, rmse and r2" if loss.targets == "numbers" else ""
            raise Violation(
                "SB411", f"{self.short} is of labels, and {loss.type} {UNLABELLED[loss.targets]}",
                fix=f"leave {self.short} out{others}",
            )  # fmt: skip


class NumberMetric(Metric, ABC):
    """A metric of the differences between output and target, element by element."""

    takes: ClassVar = "numbers"

    def compare(self, loss: Loss, labelled: bool, output: TensorType | None) -> None:
        """A loss that compares numbers, or the shares of an autoencoder."""
        if labelled:
            raise Violation(
                "SB411", f"{self.short} is of numbers, and {loss.type} is of labels",
                fix=f"leave {self.short} out; of labels are accuracy, precision, recall, f1 and auroc",
            )  # fmt: skip
        if loss.type == "KLDivLoss" or (loss.targets != "numbers" and not loss.labelled):
            what = "compares distributions" if loss.type == "KLDivLoss" else UNLABELLED[loss.targets]
            raise Violation(
                "SB411", f"{self.short} is of numbers, and {loss.type} {what}", fix=f"leave {self.short} out"
            )


class ImageMetric(NumberMetric, ABC):
    """A metric of images: outputs [channels, height, width]."""

    def compare(self, loss: Loss, labelled: bool, output: TensorType | None) -> None:
        """Three axes beside the batch."""
        if labelled:
            raise Violation(
                "SB411", f"{self.short} is of images, and {loss.type} is of labels", fix=f"leave {self.short} out"
            )
        super().compare(loss, labelled, output)
        if output is not None:
            require(
                len(output.shape) == 3,
                lambda: Violation(
                    "SB411",
                    f"{self.short} is of images [channels, height, width], and the network gives {output}",
                    fix=f"leave {self.short} out; of any numbers are mae, mse, rmse and r2",
                ),
            )
