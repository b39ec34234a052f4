"""L-BFGS, which evaluates the loss several times a step."""

from math import prod
from typing import ClassVar, Literal, final

from specbuild.catalogue.entry import Size
from specbuild.catalogue.optimizers.optimizer import NonNegative, Optimizer
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.types import Shape


@final
class LBFGS(Optimizer):
    """L-BFGS: for small networks and whole batches, as it takes the batch's loss for the loss itself.

    A step evaluates the loss up to `max_eval` times on its batch. What an epoch measures is each
    batch's first evaluation.

    ```yaml
    optimizer: {type: LBFGS, lr: 1, line_search_fn: strong_wolfe}
    ```
    """

    refused: ClassVar = {"groups": "torch's LBFGS steps along one direction through all parameters"}
    sparse: ClassVar = "taken"
    closure: ClassVar = True

    lr: NonNegative = 1.0
    """What the step is multiplied by."""
    max_iter: Size = 20
    """Iterations a step, at most."""
    max_eval: Size | None = None
    """Evaluations of the loss a step, at most; null is 1.25 times `max_iter`."""
    tolerance_grad: NonNegative = 1e-7
    """A step ends where no element of the gradient is larger."""
    tolerance_change: NonNegative = 1e-9
    """A step ends where the loss and the weights change by less."""
    history_size: Size = 100
    """How many changes are remembered."""
    line_search_fn: Literal["strong_wolfe"] | None = None
    """How the length of a step is found; null takes `lr` as it is."""

    def check(self) -> None:
        """A line search begins with a step."""
        if self.line_search_fn is not None and self.lr == 0:
            raise Violation("SB410", "the line search begins at lr, which is 0", field="lr", fix="lr: 1", value=1.0)
        super().check()

    def state(self, shape: Shape) -> int:
        """The history of steps and of gradients, and the last of each."""
        return (2 * self.history_size + 3) * prod(shape)
