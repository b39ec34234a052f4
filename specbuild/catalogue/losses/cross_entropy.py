"""The loss of a choice among classes."""

from typing import Annotated, Any, Literal, final

from annotated_types import Ge, Le

from specbuild.catalogue.entry import Float, Int, Str
from specbuild.catalogue.losses.loss import (
    Loss,
    Reduction,
    Weights,
    counted,
    require_float,
    same,
    shape_text,
)
from specbuild.catalogue.rules import Violation, require
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.types import FLOATS, TensorType


@final
class CrossEntropyLoss(Loss):
    """The cross-entropy of unnormalized class scores and labels, or class probabilities.

    Output `(N, C)` or `(N, C, d1, ...)`; target the label's number `(N)` or `(N, d1, ...)`, or
    probabilities in the shape of the output. `loss = -log(exp(x[label]) / sum(exp(x)))`.

    ```yaml
    loss: {type: CrossEntropyLoss, label_smoothing: 0.1}
    ```
    """

    weight: Weights | None = None
    """A weight for each class."""
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

    def compare(self, output: TensorType, target: SampleType | None) -> None:
        """The number of classes, the weights and the target's shape."""
        require_float(self.type, output)
        require(
            bool(output.shape),
            lambda: Violation("SB402", "CrossEntropyLoss needs an axis of classes, but the network gives one number"),
        )
        last = self.class_dim == -1
        classes = output.shape[-1] if last else output.shape[0]
        others = output.shape[:-1] if last else output.shape[1:]
        if self.weight is not None:
            count = len(self.weight)
            require(
                count == classes,
                lambda: Violation(
                    "SB402",
                    f"weight has {counted(count, 'number')}, but the network gives {counted(classes, 'class')}",
                    field="weight",
                ),
            )
        if target is None:
            return
        if target.dtype in FLOATS:
            self._compare_probabilities(output, target)
            return
        if target.classes is not None:
            known = target.classes
            require(
                known == classes,
                lambda: Violation(
                    "SB402",
                    f"the network gives {counted(classes, 'class')}, but the data has {known}",
                    fix=f"let the last layer give {known}",
                ),
            )
        if target.shape is not None and target.dtype is not None:
            require(
                same(target.shape, others),
                lambda: Violation(
                    "SB402",
                    f"labels for an output {output} must be {shape_text(others)}, but the target is {target}",
                    fix="class_dim: -1 where the classes come last" if others and not last else None,
                ),
            )

    def _compare_probabilities(self, output: TensorType, target: SampleType) -> None:
        require(
            target.shape is None or same(target.shape, output.shape),
            lambda: Violation(
                "SB402",
                f"class probabilities must have the output's shape {output}, but the target is {target}",
                fix="labels of classes are integers, not floating-point numbers"
                if target.shape is not None and len(target.shape) < len(output.shape)
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

    def adapted(self, nn: Any, module: Any) -> Any:
        """The module itself where there is nothing to add."""
        if self.scale == 1.0 and self.class_dim == 1:
            return module
        last, scale = self.class_dim == -1, self.scale

        class Adapted(nn.Module):  # type: ignore[misc]
            """A cross-entropy with its scale, its classes last."""

            def __init__(self) -> None:
                super().__init__()
                self.loss = module

            def forward(self, output: Any, target: Any) -> Any:
                if last:
                    if target.dim() == output.dim():
                        target = target.movedim(-1, 1)
                    output = output.movedim(-1, 1)
                loss = self.loss(output, target)
                return loss if scale == 1.0 else loss * scale

        return Adapted()
