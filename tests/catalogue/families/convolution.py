"""Convolution: what is drawn, and what was found out about torch."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.catalogue.drawing import (
    BOOLS,
    CHANNELS,
    DILATIONS,
    KERNELS,
    PADDINGS,
    PLANES,
    STRIDES,
    Case,
    Refused,
    Run,
    odd,
    of_planes,
    one_or_two,
    some,
)

CONV: dict[str, Any] = {"out_channels": 2, "kernel_size": 3}

CASES: dict[str, Case] = {
    "Conv2d": Case(
        some({"out_channels": odd(CHANNELS, 0, -1), "kernel_size": KERNELS}, stride=STRIDES,
             padding=st.one_of(PADDINGS, st.sampled_from(["same", "valid", "full"])), dilation=DILATIONS,
             groups=odd(st.sampled_from([1, 2, 3]), 0, -1), bias=BOOLS,
             padding_mode=st.sampled_from(["zeros", "reflect", "replicate", "circular", "mirror"])),
        PLANES, ("in_channels",), refused=of_planes(2),
        required={"out_channels": 2, "kernel_size": 1},
    ),
    "ConvTranspose2d": Case(
        some({"out_channels": odd(CHANNELS, 0, -1), "kernel_size": KERNELS}, stride=STRIDES, padding=PADDINGS,
             output_padding=one_or_two(st.integers(0, 2), -1), groups=odd(st.sampled_from([1, 2, 3]), 0, -1),
             bias=BOOLS, dilation=DILATIONS, padding_mode=st.sampled_from(["zeros", "zeros", "reflect"])),
        PLANES, ("in_channels",), refused=of_planes(2),
        required={"out_channels": 2, "kernel_size": 1},
    ),
}  # fmt: skip

RUNS: list[Run] = [
    ("ConvTranspose2d", {"out_channels": 1, "kernel_size": 1, "stride": 2**11}, (1, 1, 1), "float32",
     (1, 1, 1), "float32"),
    # the half of an even span goes after the plane, in every padding_mode
    ("Conv2d", {"out_channels": 2, "kernel_size": 2, "padding": "same", "padding_mode": "reflect"}, (1, 2, 2),
     "float32", (2, 2, 2), "float32"),
    # a circle may be wrapped once, whole
    ("Conv2d", {**CONV, "padding": 4, "padding_mode": "circular"}, (1, 4, 4), "float32", (2, 10, 10), "float32"),
    # a negative padding crops, in every padding_mode but zeros
    ("Conv2d", {**CONV, "padding": [-2, 0], "padding_mode": "replicate"}, (1, 8, 8), "float32", (2, 2, 6),
     "float32"),
    # output_padding may reach the stride where it stays below the dilation
    ("ConvTranspose2d", {**CONV, "stride": 1, "dilation": 3, "output_padding": 2}, (1, 4, 4), "float32",
     (2, 12, 12), "float32"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("Conv2d", {**CONV, "padding": 4, "padding_mode": "reflect"}, (1, 4, 4), "float32"),
    ("Conv2d", {**CONV, "padding": 5, "padding_mode": "circular"}, (1, 4, 4), "float32"),
    ("Conv2d", {**CONV, "padding": -1}, (1, 8, 8), "float32"),
    ("Conv2d", {**CONV, "padding": -4, "padding_mode": "circular"}, (1, 8, 8), "float32"),
    ("Conv2d", CONV, (1, 8, 8), "bfloat16"),
    ("ConvTranspose2d", {**CONV, "stride": 2, "dilation": 2, "output_padding": 2}, (1, 4, 4), "float32"),
    ("ConvTranspose2d", {**CONV, "padding": 3}, (1, 4, 4), "float32"),  # torch gives no elements
    ("ConvTranspose2d", {**CONV, "padding_mode": "reflect"}, (1, 4, 4), "float32"),
    ("ConvTranspose2d", {"out_channels": 1, "kernel_size": 1, "dilation": [0, 2]}, (1, 4, 4), "float32"),
]  # fmt: skip
