"""What flows between layers: shapes and dtypes."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

Dim = int
"""One size of a shape: an int, or where a document leaves it open (`[3, H, W]`) a `sizes.expressions.Size`, which
computes as one and whose comparisons are conditions. Rules cannot tell them apart, so both are annotated as int."""

Shape = tuple[Dim, ...]


class TensorType(NamedTuple):
    """The type of a batch of tensors: the shape of one sample, without the batch axis, and the dtype.

    Axis 0 of the real tensor is always the batch, so `rank` is one more than `len(shape)`.
    `dtype` is torch's name without the prefix: `float32`, `int64`, `uint8`.
    """

    shape: Shape
    dtype: str = "float32"
    batched: bool = True
    """False for what has no batch axis; `shape` is then all of its shape."""

    @property
    def rank(self) -> int:
        """The number of axes, the batch counted."""
        return len(self.shape) + self.batched

    @property
    def size(self) -> Dim:
        """The number of elements of one sample."""
        return prod(self.shape)

    def with_shape(self, shape: Shape) -> TensorType:
        """The same dtype in another shape."""
        return TensorType(shape, self.dtype, self.batched)

    def __str__(self) -> str:
        shape = f"[{', '.join(map(str, self.shape))}]"
        shape = shape if self.batched else f"{shape} without a batch"
        return shape if self.dtype == "float32" else f"{shape} {self.dtype}"


ITEM_BYTES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2,
    "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint8": 1, "bool": 1,
}  # fmt: skip
"""Bytes of one element, by dtype; its keys are the dtypes that a document may name."""
FLOATS = frozenset({"float64", "float32", "float16", "bfloat16"})
