"""Several types as one: what torch broadcasts and promotes."""

from __future__ import annotations

from specbuild.catalogue.rules import Violation, choose, require
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
    require((x == y) | (x == 1) | (y == 1), lambda: misfit(a, b))
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
