"""Optimizers: torch.optim's names, arguments and defaults, and torch's own checks on them.

A learning rate is a number (torch takes a tensor too). Every optimizer refuses `differentiable: true`:
it serves gradients through the step itself, and on ordinary parameters torch fails on it.
"""

from abc import ABC
from typing import Annotated, Any, ClassVar, final

from annotated_types import Ge, Le, Lt

from specbuild.catalogue.entry import Bool, Entry, Float
from specbuild.catalogue.rules import Violation

NonNegative = Annotated[Float, Ge(0)]
Beta = Annotated[Float, Ge(0), Lt(1)]


class Optimizer(Entry, ABC):
    """An optimizer: torch's arguments, without the parameters, as fields."""

    def check(self) -> None:
        """Raise a `Violation` where torch would, whatever the parameters."""
        differentiable = getattr(self, "differentiable", False)
        fused, foreach = getattr(self, "fused", None), getattr(self, "foreach", None)
        if differentiable:
            raise Violation(
                "SB410",
                "differentiable: true takes gradients through the step, which training does not do",
                field="differentiable", fix="leave it out", value=False,
            )  # fmt: skip
        if fused and foreach:
            raise Violation(
                "SB410", "fused and foreach are two ways to run the step: only one can be true",
                field="foreach", fix="leave one of them out",
            )  # fmt: skip

    def check_device(self, device: str) -> None:
        """Raise a `Violation` where torch cannot run the step on this type of device (`cpu`, `cuda`...)."""
        if getattr(self, "capturable", False) and device in ("cpu", "mps"):
            raise Violation(
                "SB410", f"capturable: true is for CUDA graphs, but the device is {device}",
                field="capturable", fix="leave it out", value=False,
            )  # fmt: skip

    def build(self, optim: Any, params: Any) -> Any:
        """The optimizer of `params`; `optim` is `torch.optim`."""
        return getattr(optim, self.type)(params, **self.given())


@final
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked for.

    ```yaml
    optimizer: {type: SGD, lr: 0.1, momentum: 0.9, weight_decay: 5e-4}
    ```
    """

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


@final
class RMSprop(Optimizer):
    """Steps divided by a running mean of the gradient's size. Hinton, lecture 6e of his course.

    ```yaml
    optimizer: {type: RMSprop, lr: 1e-3}
    ```
    """

    lr: NonNegative = 1e-2
    """The learning rate."""
    alpha: NonNegative = 0.99
    """The smoothing of the running mean."""
    eps: NonNegative = 1e-8
    """Added to the divisor."""
    weight_decay: NonNegative = 0.0
    """The L2 penalty."""
    momentum: NonNegative = 0.0
    """How much of the last step goes into the next."""
    centered: Bool = False
    """Divide by an estimate of the gradient's variance."""
    capturable: Bool = False
    """Safe inside a CUDA graph; on a CUDA device only."""
    foreach: Bool | None = None
    """Step over all parameters at once; null lets torch choose."""
    maximize: Bool = False
    """Ascend instead of descend."""
    differentiable: Bool = False
    """Only false: gradients through the step are not taken."""


@final
class Adam(Optimizer):
    """Adam: https://arxiv.org/abs/1412.6980.

    ```yaml
    optimizer: {type: Adam, lr: 1e-3}
    ```
    """

    since: ClassVar = {"decoupled_weight_decay": "2.7"}

    lr: NonNegative = 1e-3
    """The learning rate."""
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    """The smoothing of the gradient's running mean and of its square's."""
    eps: NonNegative = 1e-8
    """Added to the divisor."""
    weight_decay: NonNegative = 0.0
    """The L2 penalty."""
    amsgrad: Bool = False
    """The AMSGrad variant: https://openreview.net/forum?id=ryQu7f-RZ."""
    foreach: Bool | None = None
    """Step over all parameters at once; null lets torch choose."""
    maximize: Bool = False
    """Ascend instead of descend."""
    capturable: Bool = False
    """Safe inside a CUDA graph; on a CUDA device only."""
    differentiable: Bool = False
    """Only false: gradients through the step are not taken."""
    fused: Bool | None = None
    """The step as one kernel; null lets torch choose."""
    decoupled_weight_decay: Bool = False
    """Decay the weights apart from the gradient, as AdamW does. Needs torch 2.7."""


@final
class AdamW(Optimizer):
    """Adam with decoupled weight decay: https://arxiv.org/abs/1711.05101.

    ```yaml
    optimizer: {type: AdamW, lr: 3e-4, weight_decay: 0.05}
    ```
    """

    lr: NonNegative = 1e-3
    """The learning rate."""
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    """The smoothing of the gradient's running mean and of its square's."""
    eps: NonNegative = 1e-8
    """Added to the divisor."""
    weight_decay: NonNegative = 1e-2
    """How much of each weight is taken away a step, times `lr`."""
    amsgrad: Bool = False
    """The AMSGrad variant: https://openreview.net/forum?id=ryQu7f-RZ."""
    maximize: Bool = False
    """Ascend instead of descend."""
    foreach: Bool | None = None
    """Step over all parameters at once; null lets torch choose."""
    capturable: Bool = False
    """Safe inside a CUDA graph; on a CUDA device only."""
    differentiable: Bool = False
    """Only false: gradients through the step are not taken."""
    fused: Bool | None = None
    """The step as one kernel; null lets torch choose."""


@final
class Adagrad(Optimizer):
    """Adagrad: https://jmlr.org/papers/v12/duchi11a.html.

    ```yaml
    optimizer: {type: Adagrad, lr: 0.01}
    ```
    """

    lr: NonNegative = 1e-2
    """The learning rate."""
    lr_decay: NonNegative = 0.0
    """How fast the learning rate falls with the steps."""
    weight_decay: NonNegative = 0.0
    """The L2 penalty."""
    initial_accumulator_value: NonNegative = 0.0
    """What the sum of squared gradients starts from."""
    eps: NonNegative = 1e-10
    """Added to the divisor."""
    foreach: Bool | None = None
    """Step over all parameters at once; null lets torch choose."""
    maximize: Bool = False
    """Ascend instead of descend."""
    differentiable: Bool = False
    """Only false: gradients through the step are not taken."""
    fused: Bool | None = None
    """The step as one kernel; null lets torch choose."""


@final
class Adadelta(Optimizer):
    """Adadelta: https://arxiv.org/abs/1212.5701.

    ```yaml
    optimizer: {type: Adadelta, rho: 0.95}
    ```
    """

    lr: NonNegative = 1.0
    """What the step is multiplied by."""
    rho: Annotated[Float, Ge(0), Le(1)] = 0.9
    """The smoothing of the running means."""
    eps: NonNegative = 1e-6
    """Added to the divisor."""
    weight_decay: NonNegative = 0.0
    """The L2 penalty."""
    foreach: Bool | None = None
    """Step over all parameters at once; null lets torch choose."""
    capturable: Bool = False
    """Safe inside a CUDA graph; on a CUDA device only."""
    maximize: Bool = False
    """Ascend instead of descend."""
    differentiable: Bool = False
    """Only false: gradients through the step are not taken."""


OPTIMIZERS: dict[str, type[Optimizer]] = {
    optimizer.__name__: optimizer for optimizer in (SGD, RMSprop, Adam, AdamW, Adagrad, Adadelta)
}
"""Every optimizer, by the name that a document uses."""
