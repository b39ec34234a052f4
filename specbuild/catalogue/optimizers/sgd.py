"""Stochastic gradient descent, plain and averaged."""

from math import prod
from typing import ClassVar, final

from specbuild.catalogue.entry import Bool, Float
from specbuild.catalogue.optimizers.optimizer import Groups, NonNegative, Optimizer
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.types import Shape


@final
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked for.

    ```yaml
    optimizer: {type: SGD, lr: 0.1, momentum: 0.9, weight_decay: 5e-4}
    ```
    """

    sparse: ClassVar = "taken"

    lr: NonNegative = 1e-3
    """The learning rate."""
    momentum: NonNegative = 0.0
    """How much of the last step goes into the next."""
    dampening: Float = 0.0
    """How much less of the gradient goes into the momentum."""
    weight_decay: NonNegative = 0.0
    """The L2 penalty."""
    nesterov: Bool = False
    """Nesterov's momentum; needs `momentum` and no `dampening`."""
    maximize: Bool = False
    """Ascend instead of descend."""
    foreach: Bool | None = None
    """Step over all parameters at once; null lets torch choose."""
    differentiable: Bool = False
    """Only false: gradients through the step are not taken."""
    fused: Bool | None = None
    """The step as one kernel; null lets torch choose."""
    groups: Groups = ()
    """Parameters with values of their own; each goes to the first group that takes it."""

    def check(self) -> None:
        """Nesterov's conditions, and those of all."""
        if self.nesterov and (self.momentum <= 0 or self.dampening != 0):
            raise Violation(
                "SB410",
                "nesterov needs a momentum above 0 and a dampening of 0, "
                f"but momentum is {self.momentum:g} and dampening is {self.dampening:g}",
                field="nesterov", fix="momentum: 0.9" if self.dampening == 0 else "leave dampening out",
            )  # fmt: skip
        super().check()

    def state(self, shape: Shape) -> int:
        """The momentum."""
        return prod(shape) if self.momentum else 0


@final
class ASGD(Optimizer):
    """Averaged stochastic gradient descent: https://dl.acm.org/citation.cfm?id=131098.

    ```yaml
    optimizer: {type: ASGD, lr: 0.01}
    ```
    """

    lr: NonNegative = 1e-2
    """The learning rate."""
    lambd: NonNegative = 1e-4
    """How fast the learning rate falls with the steps."""
    alpha: Float = 0.75
    """The power by which it falls."""
    t0: Float = 1e6
    """The step at which the averaging begins."""
    weight_decay: NonNegative = 0.0
    """The L2 penalty."""
    foreach: Bool | None = None
    """Step over all parameters at once; null lets torch choose."""
    maximize: Bool = False
    """Ascend instead of descend."""
    differentiable: Bool = False
    """Only false: gradients through the step are not taken."""
    capturable: Bool = False
    """Safe inside a CUDA graph; on a CUDA device only."""
    groups: Groups = ()
    """Parameters with values of their own; each goes to the first group that takes it."""

    def state(self, shape: Shape) -> int:
        """The average."""
        return prod(shape)
