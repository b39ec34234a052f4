"""Layers with several inputs that become one: sums, products and concatenations."""

from typing import ClassVar, final

from specbuild.catalogue.entry import Int
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.rules import Outcome, Violation, choose, require
from specbuild.catalogue.types import FLOATS, ITEM_BYTES, Dim, TensorType


def promoted(a: str, b: str) -> str:
    """The dtype of a result of two: torch's promotion of tensors."""
    if a == b or b == "bool":
        return a
    if a == "bool":
        return b
    if (a in FLOATS) != (b in FLOATS):
        return a if a in FLOATS else b
    if {a, b} == {"float16", "bfloat16"}:
        return "float32"
    if {a, b} == {"uint8", "int8"}:
        return "int16"
    return a if ITEM_BYTES[a] > ITEM_BYTES[b] else b


def broadcast(a: TensorType, b: TensorType) -> TensorType:
    """Two types as one: axes of 1 stretch; what has no batch is aligned with the last axes."""
    if a.batched and b.batched:
        require(len(a.shape) == len(b.shape), lambda: misfit(a, b))
    elif a.batched != b.batched:
        batch, constant = (a, b) if a.batched else (b, a)
        over = len(constant.shape) - len(batch.shape)
        require(over <= 0 or (over == 1 and constant.shape[0] == 1), lambda: misfit(a, b))
    one, two = a.shape, b.shape
    longest = max(len(one), len(two)) if a.batched == b.batched else len(one if a.batched else two)
    one = (1,) * (longest - len(one)) + one[max(0, len(one) - longest) :]
    two = (1,) * (longest - len(two)) + two[max(0, len(two) - longest) :]
    shape = tuple(stretched(x, y, a, b) for x, y in zip(one, two, strict=True))
    return TensorType(shape, merged_dtype(a, b), a.batched or b.batched)


def merged_dtype(a: TensorType, b: TensorType) -> str:
    """The dtype of a result of two; a single number widens no tensor of its own kind or a wider one, as in torch."""
    if (a.rank == 0) != (b.rank == 0):
        number, tensor = (a, b) if a.rank == 0 else (b, a)
        if kind(number.dtype) <= kind(tensor.dtype):
            return tensor.dtype
    return promoted(a.dtype, b.dtype)


def kind(dtype: str) -> int:
    """Booleans, integers, floating point, in the order that torch widens them."""
    return 0 if dtype == "bool" else 2 if dtype in FLOATS else 1


def stretched(x: Dim, y: Dim, a: TensorType, b: TensorType) -> Dim:
    """The size of one axis of both."""
    require(x == y or x == 1 or y == 1, lambda: misfit(a, b))
    return choose(x == 1, y, x)


def misfit(a: TensorType, b: TensorType) -> Violation:
    """Shapes that do not merge."""
    why = "their sizes have to be equal, or 1"
    if a.batched and b.batched and len(a.shape) != len(b.shape):
        why = "axis 0 is the batch in both, so they have as many axes"
        few, many = sorted((a.shape, b.shape), key=len)
        fix = "Flatten or Unflatten one of them"
        if few == many[: len(few)]:
            sizes = [*few[-1:], *[1] * (len(many) - len(few))]
            fix = f"give {list(few)} axes of 1: {{type: Unflatten, dim: -1, unflattened_size: {sizes}}}"
        return Violation("SB308", f"{a} and {b} cannot be merged: {why}", field="from", fix=fix)
    return Violation("SB308", f"{a} and {b} cannot be merged: {why}", field="from")


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
        return Outcome(merged(inputs))


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

    def infer(self, *inputs: TensorType) -> Outcome:
        """As `torch.mul`, one after the other."""
        return Outcome(merged(inputs))


def merged(inputs: tuple[TensorType, ...]) -> TensorType:
    """All inputs as one."""
    output = inputs[0]
    for other in inputs[1:]:
        output = broadcast(output, other)
    return output


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


def inner_axis(dim: int, input: TensorType, what: str) -> int:
    """The index in the shape of axis `dim`, which is not the batch; what: what happens along it, for a message."""
    rank = input.rank
    require(
        rank > 1,
        lambda: Violation(
            "SB306", f"`dim` is {dim}, but {input}, a single number, has no axis but the batch", field="dim"
        ),
    )
    require(
        -rank <= dim < rank and dim % rank != 0,
        lambda: Violation(
            "SB306", f"`dim` is {dim}, but {input} {what} along an axis from 1 to {rank - 1}",
            field="dim", fix="dim: 1",
        ),
    )  # fmt: skip
    return dim % rank - 1


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
