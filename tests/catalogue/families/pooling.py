"""Pooling: what is drawn, and what was found out about torch."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.catalogue.drawing import (
    BOOLS,
    DILATIONS,
    KERNELS,
    PADDINGS,
    PLANES,
    SMALL,
    STRIDES,
    Case,
    Refused,
    Run,
    odd,
    of_planes,
    one_or_two,
    some,
)

CASES: dict[str, Case] = {
    "AdaptiveAvgPool2d": Case(
        some({"output_size": one_or_two(st.one_of(SMALL, st.none()), 0, -1, [1], [0, 2], None)}), PLANES,
        refused=of_planes(2),
        required={"output_size": 1},
    ),
    "AvgPool2d": Case(
        some({"kernel_size": KERNELS}, stride=odd(STRIDES, None), padding=PADDINGS, ceil_mode=BOOLS,
             count_include_pad=BOOLS, divisor_override=st.sampled_from([None, 1, 3, 0, -2])),
        PLANES, refused=of_planes(2),
        required={"kernel_size": 1},
    ),
    "MaxPool2d": Case(
        some({"kernel_size": KERNELS}, stride=odd(STRIDES, None), padding=PADDINGS, dilation=DILATIONS,
             ceil_mode=BOOLS),
        PLANES, refused=of_planes(2),
        required={"kernel_size": 1},
        unlike_torch={"return_indices": "naming the second result switches it on"},
    ),
}  # fmt: skip

RUNS: list[Run] = [
    # the last window of ceil_mode is left out where it would begin in the padding after the input
    ("MaxPool2d", {"kernel_size": 2, "stride": 3, "ceil_mode": True}, (1, 6, 7), "float32", (1, 2, 3), "float32"),
    ("MaxPool2d", {"kernel_size": 2, "stride": 5, "padding": 1, "ceil_mode": True}, (1, 4, 5), "float32",
     (1, 1, 2), "float32"),
    # with ceil_mode one window that hangs over the end is enough
    ("AvgPool2d", {"kernel_size": 5, "stride": 4, "ceil_mode": True}, (1, 2, 3), "float32", (1, 1, 1), "float32"),
    # strides far beyond the plane
    ("MaxPool2d", {"kernel_size": 1, "stride": 2**14}, (1, 9, 9), "float32", (1, 1, 1), "float32"),
    # integers: pooled by the maximum, averaged as int64 alone, squashed to float32
    ("MaxPool2d", {"kernel_size": 2}, (1, 4, 4), "uint8", (1, 2, 2), "uint8"),
    ("AvgPool2d", {"kernel_size": 2}, (1, 4, 4), "int64", (1, 2, 2), "int64"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("MaxPool2d", {"kernel_size": 2, "padding": 2, "dilation": 9}, (1, 9, 9), "float32"),  # half of 2, not of 10
    ("AvgPool2d", {"kernel_size": 2, "divisor_override": 0}, (1, 4, 4), "float32"),
    ("AvgPool2d", {"kernel_size": 2}, (1, 4, 4), "int32"),
    ("AdaptiveAvgPool2d", {"output_size": 1}, (1, 4, 4), "int64"),
    ("AdaptiveAvgPool2d", {"output_size": 0}, (1, 4, 4), "float32"),  # torch gives no elements
    ("AdaptiveAvgPool2d", {"output_size": 2}, (4, 4), "float32"),  # torch takes the batch for channels
]  # fmt: skip
