"""Dropout."""

from typing import Annotated, final

from annotated_types import Ge, Le

from specbuild.catalogue.entry import Bool, Float
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.rules import Outcome, Violation, require
from specbuild.catalogue.types import FLOATS, TensorType
from specbuild.catalogue.windows import floating

Probability = Annotated[Float, Ge(0), Le(1)]


def droppable(layer: str, p: float, input: TensorType) -> None:
    """What remains is scaled, which integers cannot be; with `p` 0 or 1 torch scales nothing."""
    if p not in (0, 1):
        floating(layer, input, FLOATS)


@final
class Dropout(Layer):
    """In training each element is zeroed with probability `p`, the rest scaled by `1/(1-p)`: `(*) → (*)`.

    Hinton et al., 2012 (arXiv:1207.0580).

    ```yaml
    - {type: Dropout, p: 0.2}  # [128] → [128]
    ```
    """

    p: Probability = 0.5
    """The probability, from 0 to 1."""
    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def passes(self, *, training: bool) -> bool:
        """In eval mode it does nothing."""
        return not training or self.p == 0

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        droppable("Dropout", self.p, input)
        return Outcome(input)


@final
class Dropout2d(Layer):
    """In training each channel is zeroed whole with probability `p`: `(N, C, H, W) → (N, C, H, W)`.

    Tompson et al., 2014 (arXiv:1411.4280).

    ```yaml
    - Dropout2d  # [32, 8, 8] → [32, 8, 8]
    ```
    """

    p: Probability = 0.5
    """The probability, from 0 to 1."""
    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def passes(self, *, training: bool) -> bool:
        """In eval mode it does nothing."""
        return not training or self.p == 0

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        require(
            len(input.shape) == 3,
            lambda: Violation(
                "SB302",
                f"Dropout2d takes [channels, height, width], but the input is {input}",
                fix="type: Dropout, which takes any shape",
            ),
        )
        droppable("Dropout2d", self.p, input)
        return Outcome(input)
