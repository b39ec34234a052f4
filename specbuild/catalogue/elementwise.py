"""What the layers have in common that take each number on its own."""

from __future__ import annotations

from math import trunc

from specbuild.catalogue.limits import LARGEST_FLOAT32
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.types import FLOATS, ITEM_BYTES, Dim, TensorType

NUMBERS = FLOATS | {"int64", "int32", "int16", "int8", "uint8"}

BOUNDS: dict[str, tuple[float, float]] = {
    "float32": (-LARGEST_FLOAT32, LARGEST_FLOAT32),
    "float16": (-65504, 65504),
    "bfloat16": (-3.3895313892515355e38, 3.3895313892515355e38),
    "int64": (-(2**63), 2**63),
    "int32": (-(2**31), 2**31 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "int8": (-128, 127),
    "uint8": (0, 255),
}
"""The smallest and the largest number of a dtype; torch lets 2⁶³ pass for int64, as float64 has nothing nearer."""


def to_float(input: TensorType) -> TensorType:
    """What torch makes of a function whose values are not integers: floats stay, integers become float32."""
    return input if input.dtype in FLOATS else TensorType(input.shape, batched=input.batched)


def copied(input: TensorType) -> Dim:
    """Bytes for one sample of a copy that backward needs; what is no float is not differentiated and needs none."""
    return input.size * ITEM_BYTES[input.dtype] if input.dtype in FLOATS and input.batched else 0


def fits(field: str, value: float, input: TensorType, *, truncated: bool = False) -> None:
    """Require an argument that the input's dtype holds; truncated: the fraction is cut off first."""
    low, high = BOUNDS.get(input.dtype, (value, value))
    if not low <= (trunc(value) if truncated else value) <= high:
        raise Violation(
            "SB305", f"`{field}` is {value:.10g}, which {input.dtype} does not hold",
            field=field, fix=f"a number from {low:.10g} to {high:.10g}, or an input of dtype float32",
        )  # fmt: skip


def forward_only(slope: float, name: str) -> None:
    """Refuse to overwrite the input where backward has to tell by the output what side an element was on."""
    if slope < 0:
        raise Violation(
            "SB304", f"`inplace: true` is for slopes from 0 on: backward fails in torch with {name} {slope:g}",
            field="inplace", fix="inplace: false", value=False,
        )  # fmt: skip
