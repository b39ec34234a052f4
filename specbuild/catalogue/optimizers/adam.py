"""Adam, and Adam with decoupled weight decay."""

from math import prod
from typing import ClassVar, final

from specbuild.catalogue.entry import Bool
from specbuild.catalogue.optimizers.optimizer import Beta, Groups, NonNegative, Optimizer
from specbuild.catalogue.types import Shape


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
    groups: Groups = ()
    """Parameters with values of their own; each goes to the first group that takes it."""

    def state(self, shape: Shape) -> int:
        """The two running means, and with `amsgrad` the largest of the second."""
        return (3 if self.amsgrad else 2) * prod(shape)


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
    groups: Groups = ()
    """Parameters with values of their own; each goes to the first group that takes it."""

    def state(self, shape: Shape) -> int:
        """The two running means, and with `amsgrad` the largest of the second."""
        return (3 if self.amsgrad else 2) * prod(shape)
