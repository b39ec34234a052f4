"""Convolution: what is drawn, and what was found out about torch."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import BOOLS, CHANNELS, DTYPES, Case, Message, Refused, Run, Strategy, odd, of_planes, some

CONV: dict[str, Any] = {"out_channels": 2, "kernel_size": 3}
LONGEST = {1: 24, 2: 12, 3: 6}
WEIGHED: Strategy = st.one_of(*[st.just("float32")] * 6, DTYPES)
"""What is drawn for layers with weights, which take one dtype."""


def one_or_each(axes: int, each: Strategy, *strange: Any) -> Strategy:
    """A number for all axes, or a list of one for each."""
    return odd(st.one_of(each, st.lists(each, min_size=axes, max_size=axes)), *strange)


def spatial(axes: int) -> Strategy:
    """Channels before so many axes; at times any shape."""
    sizes = st.integers(1, LONGEST[axes])
    good = st.tuples(CHANNELS, *[sizes] * axes)
    return st.one_of(good, good, good, st.lists(st.integers(1, 5), max_size=5).map(tuple))


def windows(axes: int) -> dict[str, Strategy]:
    """What says how the window of a convolution slides."""
    return {
        "kernel_size": one_or_each(axes, st.integers(1, 4), 0, -1, [2] * (axes + 1), [1] * (axes - 1)),
        "stride": one_or_each(axes, st.integers(1, 3), 0, -1, [0] + [1] * (axes - 1)),
        "padding": one_or_each(axes, st.integers(0, 3), -1, [1] * (axes - 1) + [-1]),
        "dilation": one_or_each(axes, st.integers(1, 3), 0, -1),
        "groups": odd(st.sampled_from([1, 1, 1, 2, 3]), 0, -1),
    }


def convolution(axes: int) -> Case:
    sliding = windows(axes)
    return Case(
        some({"out_channels": odd(CHANNELS, 0, -1), "kernel_size": sliding.pop("kernel_size")}, bias=BOOLS,
             padding_mode=odd(st.sampled_from(["zeros", "reflect", "replicate", "circular"]), "mirror"),
             padding=odd(sliding.pop("padding"), "same", "same", "valid", "full"), **sliding),
        spatial(axes), ("in_channels",), dtypes=WEIGHED, refused=of_planes(axes),
        required={"out_channels": 2, "kernel_size": 1},
    )  # fmt: skip


CASES: dict[str, Case] = {f"Conv{axes}d": convolution(axes) for axes in (1, 2, 3)}

RUNS: list[Run] = [
    # the half of an even span goes after the plane, in every padding_mode
    ("Conv2d", {"out_channels": 2, "kernel_size": 2, "padding": "same", "padding_mode": "reflect"}, (1, 2, 2),
     "float32", (2, 2, 2), "float32"),
    # a circle may be wrapped once, whole
    ("Conv2d", {**CONV, "padding": 4, "padding_mode": "circular"}, (1, 4, 4), "float32", (2, 10, 10), "float32"),
    # a negative padding crops, in every padding_mode but zeros
    ("Conv2d", {**CONV, "padding": [-2, 0], "padding_mode": "replicate"}, (1, 8, 8), "float32", (2, 2, 6),
     "float32"),
    # a list of one is a list of as many as there are axes
    ("Conv1d", {"out_channels": 2, "kernel_size": [3], "stride": [2], "padding": [1], "dilation": [1]}, (1, 9),
     "float32", (2, 5), "float32"),
    ("Conv1d", {**CONV, "padding": 8, "padding_mode": "reflect"}, (1, 9), "float32", (2, 23), "float32"),
    ("Conv3d", {**CONV, "padding": "same", "kernel_size": [1, 2, 3]}, (1, 2, 3, 4), "float32", (2, 2, 3, 4),
     "float32"),
    ("Conv3d", {**CONV, "padding": [4, 0, 1], "padding_mode": "circular"}, (1, 4, 4, 4), "float32", (2, 10, 2, 4),
     "float32"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("Conv2d", {**CONV, "padding": 4, "padding_mode": "reflect"}, (1, 4, 4), "float32"),
    ("Conv2d", {**CONV, "padding": 5, "padding_mode": "circular"}, (1, 4, 4), "float32"),
    ("Conv2d", {**CONV, "padding": -1}, (1, 8, 8), "float32"),
    ("Conv2d", {**CONV, "padding": -4, "padding_mode": "circular"}, (1, 8, 8), "float32"),
    ("Conv2d", CONV, (1, 8, 8), "bfloat16"),
    ("Conv1d", CONV, (1, 8), "int64"),
    ("Conv1d", {**CONV, "kernel_size": [3, 3]}, (1, 8), "float32"),
    ("Conv1d", CONV, (8,), "float32"),  # torch takes the batch for channels
    ("Conv3d", {**CONV, "padding": 4, "padding_mode": "reflect"}, (1, 4, 4, 4), "float32"),
]  # fmt: skip

MESSAGES: list[Message] = [
    ("Conv1d", CONV, (TensorType((8000,)),), "SB302", None,
     "Conv1d takes [channels, length], but the input is [8000]", "with one channel it is [1, 8000]"),
    ("Conv1d", {**CONV, "dilation": 4}, (TensorType((1, 8)),), "SB303", "kernel_size",
     "kernel_size 3, which spans 9 with its dilation, is larger than the padded input's length 8",
     "kernel_size: 2 or padding: 1"),
    ("Conv1d", {**CONV, "padding": 8, "padding_mode": "reflect"}, (TensorType((1, 8)),), "SB303", "padding",
     "`padding_mode: reflect` adds less than the input's length 8, but padding is 8",
     "padding of at most 7, or padding_mode: replicate"),
    ("Conv3d", CONV, (TensorType((3, 8, 8)),), "SB302", None,
     "Conv3d takes [channels, depth, height, width], but the input is [3, 8, 8]",
     "with one channel it is [1, 3, 8, 8]"),
    ("Conv3d", {**CONV, "kernel_size": [3, 1, 1]}, (TensorType((1, 2, 8, 8)),), "SB303", "kernel_size",
     "kernel_size 3 is larger than the padded input's depth 2", "kernel_size: [2, 1, 1] or padding: [1, 0, 0]"),
    ("Conv2d", {**CONV, "kernel_size": 9}, (TensorType((1, 8, 4)),), "SB303", "kernel_size",
     "kernel_size 9 is larger than the padded input's height 8", "kernel_size: [8, 4] or padding: [1, 3]"),
    ("Conv2d", {**CONV, "padding": -6, "padding_mode": "circular"}, (TensorType((1, 8, 8)),), "SB303", "kernel_size",
     "kernel_size 3 is larger than the padded input's height -4", "padding: -2"),
    ("Conv2d", {**CONV, "padding": 8, "padding_mode": "reflect"}, (TensorType((1, 8, 4)),), "SB303", "padding",
     "`padding_mode: reflect` adds less than the input's height 8, but padding is 8",
     "padding of at most 3, or padding_mode: replicate"),
    ("Conv1d", CONV, (TensorType((3, 32, 32)),), "SB302", None,
     "Conv1d takes [channels, length], but the input is [3, 32, 32]",
     "type: Conv2d, or, as the batch axis is not written, [32, 32]"),
    ("Conv3d", CONV, (TensorType((64,)),), "SB302", None,
     "Conv3d takes [channels, depth, height, width], but the input is [64]",
     "a layer before it that gives volumes, such as Unflatten"),
]  # fmt: skip
