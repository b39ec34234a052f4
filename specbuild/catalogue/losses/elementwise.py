"""What losses have in common that compare each element of the output with one of the target."""

from abc import ABC
from typing import Any

from specbuild.catalogue.losses.loss import Loss, counted, require_float, same
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

    def reduced(self, loss: Any) -> Any:
        """What the module gives as one number, where it gives more."""
        return loss

    def adapted(self, nn: Any, module: Any) -> Any:
        """The module behind a target in the output's dtype and shape."""
        scale, reduced = self.scale, self.reduced

        class Adapted(nn.Module):  # type: ignore[misc]
            """An elementwise loss on a target in the output's dtype and shape, with its scale."""

            def __init__(self) -> None:
                super().__init__()
                self.loss = module

            def forward(self, output: Any, target: Any) -> Any:
                if target.dim() == output.dim() - 1 and output.shape[-1] == 1:
                    target = target.unsqueeze(-1)
                loss = reduced(self.loss(output, target.to(output.dtype)))
                return loss if scale == 1.0 else loss * scale

        return Adapted()
