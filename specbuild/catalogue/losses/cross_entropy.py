"""The losses of a choice among classes, along an axis."""

from abc import ABC
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, final

from annotated_types import Ge, Le

from specbuild.catalogue.entry import Float, Int, Str
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
    shape_text,
)
from specbuild.catalogue.rules import Violation, require
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.types import FLOATS, Dim, TensorType


class ClassLoss(Loss, ABC):
    """A loss of an output with a number for each class, along one axis, and of labels."""

    targets: ClassVar = "labels"
    contiguous: ClassVar[bool] = False
    """Whether torch's backward fails on an output whose axes are not in order in memory."""

    if TYPE_CHECKING:
        weight: Literal["balanced"] | tuple[float, ...] | None
        class_dim: Literal[1, -1]

    def check(self) -> None:
        """Some class counts: a mean over weights of 0 is 0 / 0."""
        if self.weight is not None and not any(self.weight):
            raise Violation(
                "SB410", "`weight` is 0 for each class, so that the loss is not a number", field="weight",
                fix="a positive number for some class, or leave it out",
            )  # fmt: skip

    def classes(self, output: TensorType) -> Dim | None:
        """The size of the axis of classes."""
        return output.shape[-1 if self.class_dim == -1 else 0]

    def compare(self, output: TensorType, target: SampleType | None) -> None:
        """The number of classes, the weights and the target's shape."""
        require_float(self.type, output)
        require(
            bool(output.shape),
            lambda: Violation("SB402", f"{self.type} needs an axis of classes, but the network gives one number"),
        )
        classes = self.classes(output)
        assert classes is not None
        if isinstance(self.weight, tuple):
            require_weights(len(self.weight), classes)
        if target is None:
            return
        if self.is_of_shares(target):
            self.compare_shares(output, target)
            return
        require_weighable(self.weight, output)
        require_classes(classes, target)
        others = output.shape[:-1] if self.class_dim == -1 else output.shape[1:]
        if target.shape is not None and target.dtype is not None:
            require(
                same(target.shape, others),
                lambda: Violation(
                    "SB402",
                    f"labels for an output {output} must be {shape_text(others)}, but the target is {target}",
                    fix=self.mend(output, others, target),
                ),
            )
        require_labels(self.type, target, ("int64",) if others else ("int64", "uint8"))

    def mend(self, output: TensorType, others: tuple[Dim, ...], target: SampleType) -> str | None:
        """What makes labels of a target in another shape."""
        written = target.shape
        if written == (*others, 1) and (written != output.shape or target.classes != 1):
            return "labels without the last axis: `squeeze(-1)` when they are saved"
        if written is not None and same(written, output.shape):
            axis = -1 if self.class_dim == -1 or len(output.shape) == 1 else 1
            shares = "; as float32 they are class probabilities" if self.type == "CrossEntropyLoss" else ""
            return f"of one-hot labels, `argmax({axis})` when they are saved{shares}"
        if written == (1, *others) and others:
            return "labels without the first axis: `squeeze(0)` when they are saved"
        last = others and self.class_dim == 1 and (written is None or same(written, output.shape[:-1]))
        return "class_dim: -1 where the classes come last" if last else None

    def is_of_shares(self, target: SampleType | None) -> bool:
        """Whether a target holds a probability for each class, and not a label."""
        return False

    def compare_shares(self, output: TensorType, target: SampleType) -> None:
        """Probabilities against the output."""

    def adapted(self, nn: Any, module: Any) -> Any:
        """The module itself where there is nothing to add."""
        last, contiguous, scale = self.class_dim == -1, self.contiguous, self.scale
        if not last and not contiguous:
            return super().adapted(nn, module)

        class Adapted(nn.Module):  # type: ignore[misc]
            """A loss of classes with its scale, its output in the order that torch's takes."""

            def __init__(self) -> None:
                super().__init__()
                self.loss = module

            def forward(self, output: Any, target: Any) -> Any:
                if last:
                    if target.dim() == output.dim():
                        target = target.movedim(-1, 1)
                    output = output.movedim(-1, 1)
                loss = self.loss(output.contiguous() if contiguous else output, target)
                return loss if scale == 1.0 else loss * scale

        return Adapted()


@final
class CrossEntropyLoss(ClassLoss):
    """The cross-entropy of unnormalized class scores and labels, or class probabilities.

    Output `(N, C)` or `(N, C, d1, ...)`; target the label's number `(N)` or `(N, d1, ...)`, or
    probabilities in the shape of the output. `loss = -log(exp(x[label]) / sum(exp(x)))`.

    ```yaml
    loss: {type: CrossEntropyLoss, label_smoothing: 0.1}
    ```
    """

    weight: ClassWeights | None = None
    """A weight for each class; `balanced` is n / (k n_c), of train's n samples in k classes, n_c in each."""
    ignore_index: Int = -100
    """A label that adds nothing to the loss."""
    reduction: Reduction = "mean"
    """`mean` or `sum` over the batch. `none` is refused: training needs one number."""
    label_smoothing: Annotated[Float, Ge(0), Le(1)] = 0.0
    """How much of each label is spread evenly over all classes, 0 to 1."""
    target: Str = "target"
    """The field of the sample that the output is held against; `input` for an autoencoder."""
    scale: Float = 1.0
    """The loss is multiplied by this."""
    class_dim: Literal[1, -1] = 1
    """The output's axis of classes: 1 as in torch, -1 for sequence models that keep classes last."""

    def is_of_shares(self, target: SampleType | None) -> bool:
        """Floating-point targets are probabilities."""
        return target is not None and target.dtype in FLOATS

    def compare_shares(self, output: TensorType, target: SampleType) -> None:
        """The output's shape; no label to ignore."""
        require(
            target.shape is None or same(target.shape, output.shape),
            lambda: Violation(
                "SB402",
                f"class probabilities must have the output's shape {output}, but the target is {target}",
                fix="labels of classes are integers, not floating-point numbers"
                if target.shape is not None and (len(target.shape) < len(output.shape) or target.shape[-1] == 1)
                else None,
            ),
        )
        require(
            self.ignore_index < 0,
            lambda: Violation(
                "SB402",
                f"ignore_index is {self.ignore_index}, but the target holds class probabilities, not labels",
                field="ignore_index",
                fix="leave ignore_index out",
            ),
        )


@final
class NLLLoss(ClassLoss):
    """The negative log-likelihood: CrossEntropyLoss for a network that ends in a LogSoftmax.

    Output `(N, C)` or `(N, C, d1, ...)`, log-probabilities; target the label's number `(N)` or
    `(N, d1, ...)`. `loss = -x[label]`.

    ```yaml
    loss: {type: NLLLoss, weight: [1.0, 2.0, 1.0]}
    ```
    """

    contiguous: ClassVar = True

    weight: ClassWeights | None = None
    """A weight for each class; `balanced` is n / (k n_c), of train's n samples in k classes, n_c in each."""
    ignore_index: Int = -100
    """A label that adds nothing to the loss."""
    reduction: Reduction = "mean"
    """`mean` or `sum` over the batch. `none` is refused: training needs one number."""
    target: Str = "target"
    """The field of the sample that the output is held against; `input` for an autoencoder."""
    scale: Float = 1.0
    """The loss is multiplied by this."""
    class_dim: Literal[1, -1] = 1
    """The output's axis of classes: 1 as in torch, -1 for sequence models that keep classes last."""
