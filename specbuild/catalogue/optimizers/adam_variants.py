"""Optimizers made from Adam."""

from math import prod
from typing import ClassVar, final

from specbuild.catalogue.entry import Bool
from specbuild.catalogue.optimizers.optimizer import Beta, Groups, NonNegative, Optimizer, Positive
from specbuild.catalogue.types import Shape


@final
class Adamax(Optimizer):
    """Adam with the infinity norm: https://arxiv.org/abs/1412.6980, section 7.1.

    ```yaml
    optimizer: {type: Adamax, lr: 2e-3}
    ```
    """

    lr: NonNegative = 2e-3
    """The learning rate."""
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    """The smoothing of the gradient's running mean and of its square's."""
    eps: NonNegative = 1e-8
    """Added to the divisor."""
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
        """The two running means."""
        return 2 * prod(shape)


@final
class NAdam(Optimizer):
    """Adam with Nesterov's momentum: https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ.

    ```yaml
    optimizer: {type: NAdam, lr: 2e-3}
    ```
    """

    lr: NonNegative = 2e-3
    """The learning rate."""
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    """The smoothing of the gradient's running mean and of its square's."""
    eps: NonNegative = 1e-8
    """Added to the divisor."""
    weight_decay: NonNegative = 0.0
    """The L2 penalty."""
    momentum_decay: NonNegative = 4e-3
    """How fast the momentum grows towards its full size."""
    decoupled_weight_decay: Bool = False
    """Decay the weights apart from the gradient, as AdamW does."""
    foreach: Bool | None = None
    """Step over all parameters at once; null lets torch choose."""
    maximize: Bool = False
    """Ascend instead of descend."""
    capturable: Bool = False
    """Safe inside a CUDA graph; on a CUDA device only."""
    differentiable: Bool = False
    """Only false: gradients through the step are not taken."""
    groups: Groups = ()
    """Parameters with values of their own; each goes to the first group that takes it."""

    def state(self, shape: Shape) -> int:
        """The two running means."""
        return 2 * prod(shape)


@final
class RAdam(Optimizer):
    """Adam with a rectified variance, which needs no warm-up: https://arxiv.org/abs/1908.03265.

    ```yaml
    optimizer: {type: RAdam, lr: 1e-3}
    ```
    """

    lr: NonNegative = 1e-3
    """The learning rate."""
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    """The smoothing of the gradient's running mean and of its square's."""
    eps: NonNegative = 1e-8
    """Added to the divisor."""
    weight_decay: NonNegative = 0.0
    """The L2 penalty."""
    decoupled_weight_decay: Bool = False
    """Decay the weights apart from the gradient, as AdamW does."""
    foreach: Bool | None = None
    """Step over all parameters at once; null lets torch choose."""
    maximize: Bool = False
    """Ascend instead of descend."""
    capturable: Bool = False
    """Safe inside a CUDA graph; on a CUDA device only."""
    differentiable: Bool = False
    """Only false: gradients through the step are not taken."""
    groups: Groups = ()
    """Parameters with values of their own; each goes to the first group that takes it."""

    def state(self, shape: Shape) -> int:
        """The two running means."""
        return 2 * prod(shape)


@final
class SparseAdam(Optimizer):
    """Adam that steps only where the gradient is: for Embeddings with `sparse: true`, and those alone.

    ```yaml
    optimizer: {type: SparseAdam, lr: 1e-3}
    ```
    """

    sparse: ClassVar = "needed"

    lr: Positive = 1e-3
    """The learning rate."""
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    """The smoothing of the gradient's running mean and of its square's."""
    eps: Positive = 1e-8
    """Added to the divisor."""
    maximize: Bool = False
    """Ascend instead of descend."""
    groups: Groups = ()
    """Parameters with values of their own; each goes to the first group that takes it."""

    def state(self, shape: Shape) -> int:
        """The two running means."""
        return 2 * prod(shape)
