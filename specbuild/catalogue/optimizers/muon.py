"""Muon, which makes steps of matrices orthogonal."""

from math import prod
from typing import Annotated, ClassVar, Literal, final

from annotated_types import Lt

from specbuild.catalogue.entry import Bool, Float, Int
from specbuild.catalogue.optimizers.optimizer import Groups, NonNegative, Optimizer
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.types import Shape


@final
class Muon(Optimizer):
    """Momentum made orthogonal by Newton-Schulz iterations: https://kellerjordan.github.io/posts/muon/.

    It takes matrices alone: a network of Linear layers with `bias: false`. Needs torch 2.9.

    ```yaml
    optimizer: {type: Muon, lr: 0.02, momentum: 0.95}
    ```
    """

    available: ClassVar = "2.9"

    lr: NonNegative = 1e-3
    """The learning rate."""
    weight_decay: NonNegative = 0.1
    """How much of each weight is taken away a step, times `lr`."""
    momentum: NonNegative = 0.95
    """How much of the last step goes into the next."""
    nesterov: Bool = True
    """Nesterov's momentum."""
    ns_coefficients: tuple[Float, Float, Float] = (3.4445, -4.775, 2.0315)
    """The coefficients of an iteration's polynomial."""
    eps: Float = 1e-7
    """The least norm that a step is divided by."""
    ns_steps: Annotated[Int, Lt(100)] = 5
    """Newton-Schulz iterations."""
    adjust_lr_fn: Literal["original", "match_rms_adamw"] | None = None
    """How `lr` goes with a matrix's shape: `match_rms_adamw` for AdamW's values; null is `original`."""
    groups: Groups = ()
    """Parameters with values of their own; each goes to the first group that takes it."""

    def check_parameter(self, name: str, shape: Shape, *, sparse: bool) -> None:
        """Two axes, beside what holds for all."""
        if len(shape) != 2:
            raise Violation(
                "SB414", f"Muon takes matrices alone, but {name} is {list(shape)}",
                fix="AdamW, as one optimizer steps on all parameters; or layers that have matrices alone",
            )  # fmt: skip
        super().check_parameter(name, shape, sparse=sparse)

    def state(self, shape: Shape) -> int:
        """The momentum."""
        return prod(shape)
