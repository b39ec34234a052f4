"""Transposed convolution: what is drawn, and what was found out about torch."""

from __future__ import annotations

from hypothesis import strategies as st

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import BOOLS, CHANNELS, Case, Message, Refused, Run, odd, of_planes, some
from tests.catalogue.families.convolution import CONV, WEIGHED, one_or_each, spatial, windows


def transposed(axes: int) -> Case:
    sliding = windows(axes)
    return Case(
        some({"out_channels": odd(CHANNELS, 0, -1), "kernel_size": sliding.pop("kernel_size")}, bias=BOOLS,
             output_padding=one_or_each(axes, st.integers(0, 2), -1),
             padding_mode=odd(st.just("zeros"), "reflect"), **sliding),
        spatial(axes), ("in_channels",), dtypes=WEIGHED, refused=of_planes(axes),
        required={"out_channels": 2, "kernel_size": 1},
    )  # fmt: skip


CASES: dict[str, Case] = {f"ConvTranspose{axes}d": transposed(axes) for axes in (1, 2, 3)}

RUNS: list[Run] = [
    ("ConvTranspose2d", {"out_channels": 1, "kernel_size": 1, "stride": 2**11}, (1, 1, 1), "float32",
     (1, 1, 1), "float32"),
    # output_padding may reach the stride where it stays below the dilation
    ("ConvTranspose2d", {**CONV, "stride": 1, "dilation": 3, "output_padding": 2}, (1, 4, 4), "float32",
     (2, 12, 12), "float32"),
    ("ConvTranspose1d", {"out_channels": 2, "kernel_size": [4], "stride": [2], "output_padding": [1]}, (1, 4),
     "float32", (2, 11), "float32"),
    ("ConvTranspose3d", {**CONV, "stride": [1, 2, 3], "padding": [0, 1, 2]}, (1, 2, 3, 4), "float32",
     (2, 4, 5, 8), "float32"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("ConvTranspose2d", {**CONV, "stride": 2, "dilation": 2, "output_padding": 2}, (1, 4, 4), "float32"),
    ("ConvTranspose2d", {**CONV, "padding": 3}, (1, 4, 4), "float32"),  # torch gives no elements
    ("ConvTranspose2d", {**CONV, "padding_mode": "reflect"}, (1, 4, 4), "float32"),
    ("ConvTranspose2d", {"out_channels": 1, "kernel_size": 1, "dilation": [0, 2]}, (1, 4, 4), "float32"),
    ("ConvTranspose1d", {**CONV, "padding": 3}, (1, 4), "float32"),
    ("ConvTranspose1d", CONV, (1, 4), "float64"),
    ("ConvTranspose3d", {**CONV, "output_padding": 1}, (1, 4, 4, 4), "float32"),
]  # fmt: skip

MESSAGES: list[Message] = [
    ("ConvTranspose1d", {**CONV, "padding": 4}, (TensorType((1, 4)),), "SB303", "padding",
     "the output's length would be -2: padding 4 takes all of it away", "padding: 2, or a larger kernel_size"),
    ("ConvTranspose3d", {**CONV, "padding": [0, 3, 0]}, (TensorType((1, 4, 4, 4)),), "SB303", "padding",
     "the output's height would be 0: padding 3 takes all of it away", "padding: [0, 2, 0], or a larger kernel_size"),
]  # fmt: skip
