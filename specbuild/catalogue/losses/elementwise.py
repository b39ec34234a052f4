"""Losses that compare each element of the output with one of the target."""

from abc import ABC
from typing import Any, final

from specbuild.catalogue.entry import Float, Str
from specbuild.catalogue.losses.loss import (
    Loss,
    Reduction,
    Weights,
    counted,
    require_float,
    same,
)
from specbuild.catalogue.rules import Violation, require
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.types import TensorType


class ElementwiseLoss(Loss, ABC):
    """A loss that compares each element of the output with one of the target.

    The target takes the output's dtype. A plain number a sample answers to an output `[1]`.
    """

    def compare(self, output: TensorType, target: SampleType | None) -> None:
        """Equal shapes; weights along the last axis."""
        require_float(self.type, output)
        last = output.shape[-1] if output.shape else 1
        for name in ("weight", "pos_weight"):
            weights = getattr(self, name, None)
            if weights is not None and len(weights) not in (1, last):
                raise Violation(
                    "SB402",
                    f"{name} has {counted(len(weights), 'number')}, but the output's last axis is {last}",
                    field=name,
                )
        if target is None or target.shape is None:
            return
        shape = target.shape
        require(
            same(shape, output.shape) or (*shape, 1) == output.shape,
            lambda: Violation(
                "SB402",
                f"{self.type} compares element with element: the network gives {output}, but the target is {target}",
                fix="CrossEntropyLoss, if the target is the number of a class" if shape == () else None,
            ),
        )

    def adapted(self, nn: Any, module: Any) -> Any:
        """The module behind a target in the output's dtype and shape."""
        scale = self.scale

        class Adapted(nn.Module):  # type: ignore[misc]
            """An elementwise loss on a target in the output's dtype and shape, with its scale."""

            def __init__(self) -> None:
                super().__init__()
                self.loss = module

            def forward(self, output: Any, target: Any) -> Any:
                if target.dim() == output.dim() - 1 and output.shape[-1] == 1:
                    target = target.unsqueeze(-1)
                loss = self.loss(output, target.to(output.dtype))
                return loss if scale == 1.0 else loss * scale

        return Adapted()


class BinaryLoss(ElementwiseLoss, ABC):
    """An elementwise loss on targets from 0 to 1."""

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
class MSELoss(ElementwiseLoss):
    """The mean squared error. Output and target `(N, ...)`. `loss = (x - t)^2`.

    ```yaml
    loss: {type: MSELoss, target: input}
    ```
    """

    reduction: Reduction = "mean"
    """`mean` or `sum` over all elements. `none` is refused: training needs one number."""
    target: Str = "target"
    """The field of the sample that the output is held against; `input` for an autoencoder."""
    scale: Float = 1.0
    """The loss is multiplied by this."""


@final
class L1Loss(ElementwiseLoss):
    """The mean absolute error. Output and target `(N, ...)`. `loss = |x - t|`.

    ```yaml
    loss: L1Loss
    ```
    """

    reduction: Reduction = "mean"
    """`mean` or `sum` over all elements. `none` is refused: training needs one number."""
    target: Str = "target"
    """The field of the sample that the output is held against; `input` for an autoencoder."""
    scale: Float = 1.0
    """The loss is multiplied by this."""
