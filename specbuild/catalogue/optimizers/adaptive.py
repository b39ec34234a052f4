"""Optimizers that give each weight a step of its own size."""

from math import prod
from typing import Annotated, ClassVar, final

from annotated_types import Ge, Gt, Le, Lt

from specbuild.catalogue.entry import Bool, Float
from specbuild.catalogue.optimizers.optimizer import Groups, NonNegative, Optimizer
from specbuild.catalogue.types import Shape


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
    groups: Groups = ()
    """Parameters with values of their own; each goes to the first group that takes it."""

    def state(self, shape: Shape) -> int:
        """The two running means."""
        return 2 * prod(shape)


@final
class Adafactor(Optimizer):
    """Adafactor, which keeps a row and a column instead of a matrix: https://arxiv.org/abs/1804.04235.

    ```yaml
    optimizer: {type: Adafactor, lr: 0.01}
    ```
    """

    lr: NonNegative = 1e-2
    """The learning rate."""
    beta2_decay: Annotated[Float, Le(0)] = -0.8
    """The power of the step by which the running mean slows down."""
    eps: tuple[NonNegative | None, NonNegative] = (None, 1e-3)
    """Added to the squared gradient (null: what the dtype can tell from 1), and the least scale of a step."""
    d: Annotated[Float, Ge(1)] = 1.0
    """The size at which steps are clipped."""
    weight_decay: NonNegative = 0.0
    """How much of each weight is taken away a step, times `lr`."""
    foreach: Bool | None = None
    """Step over all parameters at once; null lets torch choose."""
    maximize: Bool = False
    """Ascend instead of descend."""
    groups: Groups = ()
    """Parameters with values of their own; each goes to the first group that takes it."""

    def state(self, shape: Shape) -> int:
        """The means of the rows and of the columns; of what has one axis, those of each number."""
        return prod(shape) // shape[-1] + prod(shape) // shape[-2] if len(shape) > 1 else prod(shape)


@final
class Adagrad(Optimizer):
    """Adagrad: https://jmlr.org/papers/v12/duchi11a.html.

    ```yaml
    optimizer: {type: Adagrad, lr: 0.01}
    ```
    """

    sparse: ClassVar = "taken"
    whole: ClassVar = {"initial_accumulator_value": "torch sets all sums up with the optimizer's own"}

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
    groups: Groups = ()
    """Parameters with values of their own; each goes to the first group that takes it."""

    def state(self, shape: Shape) -> int:
        """The sum of squares."""
        return prod(shape)


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
    groups: Groups = ()
    """Parameters with values of their own; each goes to the first group that takes it."""

    def state(self, shape: Shape) -> int:
        """The mean of squares, and those of momentum and of the gradient where there are."""
        return (1 + (self.momentum > 0) + self.centered) * prod(shape)


@final
class Rprop(Optimizer):
    """Steps by the sign of the gradient, made longer while it stays the same: for whole batches.

    ```yaml
    optimizer: {type: Rprop, lr: 0.01}
    ```
    """

    lr: NonNegative = 1e-2
    """The first step's size."""
    etas: tuple[Annotated[Float, Gt(0), Lt(1)], Annotated[Float, Gt(1)]] = (0.5, 1.2)
    """What a step is multiplied by where the sign has changed, and where it has not."""
    step_sizes: tuple[Float, Float] = (1e-6, 50)
    """The smallest step and the largest."""
    capturable: Bool = False
    """Safe inside a CUDA graph; on a CUDA device only."""
    foreach: Bool | None = None
    """Step over all parameters at once; null lets torch choose."""
    maximize: Bool = False
    """Ascend instead of descend."""
    differentiable: Bool = False
    """Only false: gradients through the step are not taken."""
    groups: Groups = ()
    """Parameters with values of their own; each goes to the first group that takes it."""

    def state(self, shape: Shape) -> int:
        """The last gradient, and the size of the step."""
        return 2 * prod(shape)
