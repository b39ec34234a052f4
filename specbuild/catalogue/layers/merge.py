"""Layers with several inputs that become one: sums, products and concatenations."""

from functools import reduce
from itertools import accumulate
from typing import ClassVar, final

from specbuild.catalogue.axes import inner_axis
from specbuild.catalogue.broadcasting import broadcast, promoted
from specbuild.catalogue.elementwise import copied
from specbuild.catalogue.entry import Int
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.rules import Outcome, Violation, require
from specbuild.catalogue.types import TensorType


@final
class Add(Layer):
    """The sum of all inputs, broadcast as torch does: `x₁ + x₂ + ...`.

    ```yaml
    - {type: Add, from: [bn2, shortcut]}  # [64, 8, 8], [64, 8, 8] → [64, 8, 8]
    ```
    """

    takes: ClassVar = None
    needs: ClassVar = 2
    broadcasts: ClassVar = True

    def infer(self, *inputs: TensorType) -> Outcome:
        """As `torch.add`, one after the other."""
        return Outcome(reduce(broadcast, inputs))


@final
class Multiply(Layer):
    """The product of all inputs, broadcast as torch does: `x₁ · x₂ · ...`.

    ```yaml
    - {type: Multiply, from: [features, gate]}  # [64, 8, 8], [64, 1, 1] → [64, 8, 8]
    ```
    """

    takes: ClassVar = None
    needs: ClassVar = 2
    broadcasts: ClassVar = True

    def keeps(self) -> tuple[str, ...]:
        """Each factor is the slope of the others; so are the products on the way."""
        return ("inputs",)

    def infer(self, *inputs: TensorType) -> Outcome:
        """As `torch.mul`, one after the other."""
        _, *between, output = accumulate(inputs, broadcast)
        return Outcome(output, saved=sum(map(copied, between)))


@final
class Concat(Layer):
    """All inputs one after the other along `dim`: `(N, C₁, ...), (N, C₂, ...) → (N, C₁ + C₂, ...)`.

    ```yaml
    - {type: Concat, from: [up, skip]}  # [64, 8, 8], [32, 8, 8] → [96, 8, 8]
    ```
    """

    takes: ClassVar = None
    needs: ClassVar = 2

    dim: Int = 1
    """The axis, the batch counted; not 0, which is the batch."""

    def infer(self, *inputs: TensorType) -> Outcome:
        """As `torch.cat`."""
        first = inputs[0]
        axis = inner_axis(self.dim, first, "is joined")
        size, dtype = first.shape[axis], first.dtype
        for other in inputs[1:]:
            joinable(first, other, axis)
            size = size + other.shape[axis]
            dtype = promoted(dtype, other.dtype)
        return Outcome(TensorType((*first.shape[:axis], size, *first.shape[axis + 1 :]), dtype))


def joinable(a: TensorType, b: TensorType, axis: int) -> None:
    """Require equal sizes along every axis but one."""
    require(len(a.shape) == len(b.shape), lambda: apart(a, b, axis))
    for index, (x, y) in enumerate(zip(a.shape, b.shape, strict=True)):
        require(index == axis or x == y, lambda: apart(a, b, axis))


def apart(a: TensorType, b: TensorType, axis: int) -> Violation:
    """Shapes that do not join."""
    why = "all other sizes have to be equal"
    fix = None
    if len(a.shape) != len(b.shape):
        why, fix = "axis 0 is the batch in both, so they have as many axes", "Flatten or Unflatten one of them"
    return Violation("SB308", f"{a} and {b} cannot be joined along axis {axis + 1}: {why}", field="from", fix=fix)
