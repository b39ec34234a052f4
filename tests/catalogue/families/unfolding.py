"""Unfolding: what is drawn, and what was found out about torch."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import (
    DILATIONS,
    KERNELS,
    PADDINGS,
    PLANES,
    STRIDES,
    Case,
    Message,
    Refused,
    Run,
    Strategy,
    odd,
    of_planes,
    one_or_two,
    some,
)

SLIDING = {"dilation": DILATIONS, "padding": PADDINGS, "stride": STRIDES}
SIZES = one_or_two(st.integers(1, 6), 0, -1, [3], [3, 0])
COLUMNS: Strategy = odd(
    st.tuples(st.sampled_from([1, 2, 3, 4, 6, 8, 9, 12, 16]), st.sampled_from([1, 2, 3, 4, 6, 8, 9, 12, 15, 16, 20])),
    (), (4,), (4, 1, 1), (2, 4, 4, 1),
)  # fmt: skip
"""Few of which are what a drawn output has room for, so kernel and padding are drawn small."""


def no_columns(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    """Refuses on purpose what has no batch; lists are of two in torch, too."""
    return len(inputs[0].shape) != 2


CASES: dict[str, Case] = {
    "Fold": Case(
        some({"output_size": SIZES, "kernel_size": odd(st.sampled_from([1, 2, [1, 2], [2, 1], 3]), 0, [1], [1, 2, 3])},
             dilation=odd(st.just(1), 2, 0, [2, 1]), padding=odd(st.just(0), 1, -1, [1, 0]),
             stride=odd(st.just(1), 2, 0, [1, 2])),
        COLUMNS, refused=no_columns, required={"output_size": 1, "kernel_size": 1},
    ),
    "Unfold": Case(some({"kernel_size": KERNELS}, **SLIDING), PLANES, refused=of_planes(2),
                   required={"kernel_size": 1}),
}  # fmt: skip

UNFOLD: dict[str, Any] = {"kernel_size": 2}
FOLD: dict[str, Any] = {"output_size": 3, "kernel_size": 2}

RUNS: list[Run] = [
    ("Unfold", {**UNFOLD, "padding": [0, 1], "stride": 2}, (3, 4, 4), "float32", (12, 6), "float32"),
    ("Unfold", UNFOLD, (3, 4, 4), "bool", (12, 9), "bool"),
    ("Fold", FOLD, (8, 4), "float32", (2, 3, 3), "float32"),
    ("Fold", FOLD, (8, 4), "bool", (2, 3, 3), "bool"),
    ("Fold", {"output_size": [3, 5], "kernel_size": 2, "dilation": 2, "padding": 1, "stride": [1, 2]}, (8, 9),
     "float16", (2, 3, 5), "float16"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("Unfold", UNFOLD, (3, 4, 4), "uint8"),
    ("Unfold", UNFOLD, (4, 4), "float32"),  # torch takes the batch for channels
    ("Unfold", {"kernel_size": 5}, (3, 4, 4), "float32"),
    ("Fold", FOLD, (8, 4), "int64"),
    ("Fold", FOLD, (6, 4), "float32"),
    ("Fold", FOLD, (8, 9), "float32"),
    ("Fold", {**FOLD, "output_size": [3]}, (8, 4), "float32"),
]  # fmt: skip

MESSAGES: list[Message] = [
    ("Unfold", UNFOLD, (TensorType((8, 8)),), "SB302", None,
     "Unfold takes [channels, height, width], but the input is [8, 8]", "with one channel it is [1, 8, 8]"),
    ("Unfold", {"kernel_size": [2, 9]}, (TensorType((3, 8, 8)),), "SB303", "kernel_size",
     "kernel_size 9 is larger than the padded input's width 8", "kernel_size: [2, 8] or padding: [0, 1]"),
    ("Fold", FOLD, (TensorType((8, 2, 2)),), "SB302", None,
     "Fold takes [channels x kernel, windows], but the input is [8, 2, 2]",
     "what Unfold gives, or Flatten with start_dim: 2 before it"),
    ("Fold", FOLD, (TensorType((8,)),), "SB302", None,
     "Fold takes [channels x kernel, windows], but the input is [8]", "what Unfold gives"),
    ("Fold", FOLD, (TensorType((6, 4)),), "SB303", "kernel_size",
     "a window has 2 x 2 points, but the input's 6 rows are no multiple of 4",
     "a kernel_size whose product divides 6"),
    ("Fold", FOLD, (TensorType((8, 9)),), "SB303", "output_size",
     "`output_size` [3, 3] has 2 x 2 windows, but the input has 9",
     "an output_size with 9 windows, or an input of [8, 4]"),
    ("Fold", {**FOLD, "kernel_size": [4, 1]}, (TensorType((8, 4)),), "SB303", "kernel_size",
     "kernel_size 4 is larger than the padded output's height 3", "an output_size of at least 4"),
    ("Fold", FOLD, (TensorType((8, 4), "int32"),), "SB305", None,
     "Fold takes float64, float32, float16, bfloat16 or bool, but the input is int32",
     "give the network an input of dtype float32"),
]  # fmt: skip
