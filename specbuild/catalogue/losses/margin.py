"""Losses that ask for a margin: what is right stands out by so much from what is wrong."""

from abc import ABC
from typing import ClassVar, Literal, final

from specbuild.catalogue.entry import Float, Str
from specbuild.catalogue.limits import Scale
from specbuild.catalogue.losses.elementwise import ElementwiseLoss
from specbuild.catalogue.losses.loss import (
    ClassWeights,
    Loss,
    Reduction,
    require_classes,
    require_float,
    require_labels,
    require_weighable,
    require_weights,
    same,
)
from specbuild.catalogue.rules import Violation, require
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.types import Dim, TensorType

WIDE = ("float32", "float64")
"""What torch's kernels of the margins between classes take."""


class SignLoss(ElementwiseLoss, ABC):
    """An elementwise loss on targets of -1 and 1."""

    targets: ClassVar = "signs"

    def compare(self, output: TensorType, target: SampleType | None) -> None:
        """No labels that count from 0."""
        classes = target.classes if target is not None else None
        require(
            classes is None,
            lambda: Violation(
                "SB402",
                f"{self.type} needs targets of -1 and 1, but the data has labels from 0 to {(classes or 1) - 1}",
                fix="BCEWithLogitsLoss" if classes == 2 else f"CrossEntropyLoss, with {classes} outputs",
            ),
        )  # fmt: skip
        super().compare(output, target)


@final
class SoftMarginLoss(SignLoss):
    """The logistic loss of a yes, 1, or a no, -1.

    Output `(N, ...)`, any numbers; target `(N, ...)`, of -1 and 1. `loss = log(1 + exp(-t x))`.

    ```yaml
    loss: SoftMarginLoss
    ```
    """

    threshold: ClassVar = 0.0

    reduction: Reduction = "mean"
    """`mean` or `sum` over all elements. `none` is refused: training needs one number."""
    target: Str = "target"
    """The field of the sample that the output is held against."""
    scale: Float = 1.0
    """The loss is multiplied by this."""


@final
class HingeEmbeddingLoss(SignLoss):
    """Distances made small where two things are alike, 1, and made larger than a margin where not, -1.

    Output `(N, ...)`, distances; target `(N, ...)`, of -1 and 1. `loss = x` where the target is 1, else
    `max(0, margin - x)`.

    ```yaml
    loss: {type: HingeEmbeddingLoss, margin: 2.0}
    ```
    """

    margin: Scale = 1.0
    """How far what is not alike is pushed apart."""
    reduction: Reduction = "mean"
    """`mean` or `sum` over all elements. `none` is refused: training needs one number."""
    target: Str = "target"
    """The field of the sample that the output is held against."""
    scale: Float = 1.0
    """The loss is multiplied by this."""


class VectorLoss(Loss, ABC):
    """A loss of an output with a number for each class, and no axis beside."""

    def classes(self, output: TensorType) -> Dim | None:
        """The size of the only axis."""
        return output.shape[0]

    def compare(self, output: TensorType, target: SampleType | None) -> None:
        """One axis of floats."""
        require_float(self.type, output, WIDE)
        require(
            len(output.shape) == 1,
            lambda: Violation(
                "SB402", f"{self.type} takes a number for each class, [C], but the network gives {output}",
                fix="a Flatten before it" if len(output.shape) > 1 else None,
            ),
        )  # fmt: skip


@final
class MultiMarginLoss(VectorLoss):
    """The hinge loss of a choice among classes: the right one's score is above each other's by a margin.

    Output `(N, C)`; target the label's number `(N)`.
    `loss = sum(max(0, margin - x[label] + x[i])^p) / C` over all classes `i` but the label.

    ```yaml
    loss: {type: MultiMarginLoss, p: 2}
    ```
    """

    targets: ClassVar = "labels"

    p: Literal[1, 2] = 1
    """The power of what is missing of the margin."""
    margin: Scale = 1.0
    """How far the right score is to be above the others."""
    weight: ClassWeights | None = None
    """A weight for each class; `balanced` is n / (k n_c), of train's n samples in k classes, n_c in each."""
    reduction: Reduction = "mean"
    """`mean` or `sum` over the batch. `none` is refused: training needs one number."""
    target: Str = "target"
    """The field of the sample that the output is held against."""
    scale: Float = 1.0
    """The loss is multiplied by this."""

    def compare(self, output: TensorType, target: SampleType | None) -> None:
        """The number of classes, the weights; one label a sample."""
        super().compare(output, target)
        if self.weight is not None:
            if isinstance(self.weight, tuple):
                require_weights(len(self.weight), output.shape[0])
            require_weighable(self.weight, output)
        if target is None:
            return
        require_classes(output.shape[0], target)
        require(
            target.shape is None or target.shape == (),
            lambda: Violation("SB402", f"{self.type} takes one label a sample, but the target is {target}"),
        )
        require_labels(self.type, target)


@final
class MultiLabelMarginLoss(VectorLoss):
    """The hinge loss of several right classes: each one's score is above each wrong one's by 1.

    Output `(N, C)`; target `(N, C)`: the labels of the right classes, then -1 up to the end.
    `loss = sum(max(0, 1 - (x[j] - x[i]))) / C` over the right classes `j` and the wrong ones `i`.

    ```yaml
    loss: MultiLabelMarginLoss
    ```
    """

    targets: ClassVar = "label lists"

    reduction: Reduction = "mean"
    """`mean` or `sum` over the batch. `none` is refused: training needs one number."""
    target: Str = "target"
    """The field of the sample that the output is held against."""
    scale: Float = 1.0
    """The loss is multiplied by this."""

    def compare(self, output: TensorType, target: SampleType | None) -> None:
        """As many places for labels as classes."""
        super().compare(output, target)
        if target is None:
            return
        require(
            target.shape is None or same(target.shape, output.shape),
            lambda: Violation(
                "SB402", f"a list of labels has the output's shape {output}, but the target is {target}",
                fix="MultiMarginLoss, or CrossEntropyLoss, for one label a sample" if target.shape == () else
                "put -1 after the labels, up to the number of classes",
            ),
        )  # fmt: skip
        require_labels(self.type, target)
