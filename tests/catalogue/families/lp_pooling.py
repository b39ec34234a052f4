"""Pooling by a norm: what is drawn, and what was found out about torch."""

from __future__ import annotations

from hypothesis import strategies as st

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import Case, Message, Refused, Run, odd, of_planes, some
from tests.catalogue.families.convolution import spatial
from tests.catalogue.families.pooling import kernels, sliding


def norms(axes: int) -> Case:
    window = {name: drawn for name, drawn in sliding(axes).items() if name != "padding"}
    size = odd(st.integers(1, 4), 0, -1, [2]) if axes == 1 else kernels(axes)
    powers = st.sampled_from([1, 2, 2.0, 1.5, 0.5, -1, 0, 0.0, 1e-320, 1e-5, 1e-39, 1e5, -65505, 1e300])
    return Case(
        some({"norm_type": powers, "kernel_size": size}, **window),
        spatial(axes), refused=of_planes(axes), required={"norm_type": 2.0, "kernel_size": 1},
    )  # fmt: skip


CASES: dict[str, Case] = {f"LPPool{axes}d": norms(axes) for axes in (1, 2, 3)}

RUNS: list[Run] = [
    ("LPPool1d", {"norm_type": 65504, "kernel_size": 1}, (1, 1), "float16", (1, 1), "float16"),
    ("LPPool1d", {"norm_type": 1e-320, "kernel_size": 1}, (1, 1), "float16", (1, 1), "float16"),
    ("LPPool2d", {"norm_type": 1e300, "kernel_size": 1}, (1, 1, 1), "float32", (1, 1, 1), "float32"),
    # integers and truth values become floats by the root
    ("LPPool2d", {"norm_type": 2, "kernel_size": 2}, (1, 4, 4), "bool", (1, 2, 2), "float32"),
    ("LPPool3d", {"norm_type": -1, "kernel_size": 2}, (1, 4, 4, 4), "int8", (1, 2, 2, 2), "float32"),
    ("LPPool1d", {"norm_type": 2, "kernel_size": 2, "stride": [3]}, (1, 4), "float16", (1, 1), "float16"),
]

REFUSED: list[Refused] = [
    # half precision has to hold the power, and that of the root
    ("LPPool1d", {"norm_type": 1e300, "kernel_size": 1}, (1, 1), "bfloat16"),
    ("LPPool2d", {"norm_type": 65505, "kernel_size": 1}, (1, 1, 1), "float16"),
    ("LPPool2d", {"norm_type": 1e-5, "kernel_size": 1}, (1, 1, 1), "float16"),
    ("LPPool1d", {"norm_type": -1e-39, "kernel_size": 1}, (1, 1), "bfloat16"),
    ("LPPool1d", {"norm_type": 2, "kernel_size": [2]}, (1, 4), "float32"),  # torch multiplies by the list
    ("LPPool2d", {"norm_type": 0, "kernel_size": 2}, (1, 4, 4), "float32"),
    ("LPPool3d", {"norm_type": 2, "kernel_size": 2}, (1, 4, 4, 4), "bfloat16"),
]

MESSAGES: list[Message] = [
    ("LPPool2d", {"norm_type": 1e6, "kernel_size": 2}, (TensorType((1, 4, 4), "float16"),), "SB305", "norm_type",
     "`norm_type` is 1000000, which float16 does not hold", "a norm_type nearer to 0, or an input of dtype float32"),
    ("LPPool2d", {"norm_type": -1e-5, "kernel_size": 2}, (TensorType((1, 4, 4), "float16"),), "SB305", "norm_type",
     "`1 / norm_type` is -100000, which float16 does not hold",
     "a norm_type farther from 0, or an input of dtype float32"),
    ("LPPool2d", {"norm_type": 0, "kernel_size": 2}, (TensorType((1, 4, 4)),), "SB304", "norm_type",
     "`norm_type` must not be 0: the norm is the root of that degree", "norm_type: 2"),
    ("LPPool3d", {"norm_type": 1, "kernel_size": 2}, (TensorType((1, 4, 4, 4), "float16"),), "SB305", None,
     "LPPool3d takes float64, float32, int64, int32, int16, int8, uint8 or bool, but the input is float16",
     "give the network an input of dtype float32"),
]  # fmt: skip
