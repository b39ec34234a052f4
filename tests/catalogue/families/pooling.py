"""Pooling: what is drawn, and what was found out about torch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from hypothesis import strategies as st
from torch import nn

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import BOOLS, Case, Message, Refused, Run, Strategy, of_planes, some
from tests.catalogue.families.convolution import one_or_each, spatial

INDICES = {"return_indices": "naming the second result switches it on"}
Refuses = Callable[[dict[str, Any], tuple[TensorType, ...]], bool]


def sliding(axes: int) -> dict[str, Strategy]:
    """What says how the window of a pooling slides."""
    return {
        "stride": one_or_each(axes, st.integers(1, 3), 0, -1, None, [0] + [1] * (axes - 1), [2] * (axes + 1)),
        "padding": one_or_each(axes, st.integers(0, 2), 3, -1, [1] * (axes - 1) + [-1]),
        "ceil_mode": BOOLS,
    }


def kernels(axes: int) -> Strategy:
    """Sizes of a window."""
    return one_or_each(axes, st.integers(1, 4), 0, -1, [2] * (axes + 1), [2] * (axes - 1))


def of_whole_windows(axes: int) -> Refuses:
    """Refuses on purpose windows and steps of less than 1, too."""

    def refused(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
        written = (arguments.get(name) for name in ("kernel_size", "stride"))
        sizes = (size if isinstance(size, list) else [size] for size in written if size is not None)
        return of_planes(axes)(arguments, inputs) or any(min(size, default=0) < 1 for size in sizes)

    return refused


def averaging(axes: int) -> Case:
    divisor = {"divisor_override": st.sampled_from([None, 1, 3, 0, -2])} if axes > 1 else {}
    return Case(
        some({"kernel_size": kernels(axes)}, count_include_pad=BOOLS, **divisor, **sliding(axes)),
        spatial(axes), refused=of_planes(axes), required={"kernel_size": 1},
    )  # fmt: skip


def of_filled_windows(axes: int) -> Refuses:
    """Refuses on purpose windows that lie in the padding alone, too: backward writes outside the input for them."""

    def refused(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
        if of_planes(axes)(arguments, inputs):
            return True
        output = getattr(nn, f"MaxPool{axes}d")(**arguments)(torch.zeros(1, *inputs[0].shape))
        return bool(output.isinf().any())

    return refused


def maximum(axes: int) -> Case:
    dilation = one_or_each(axes, st.integers(1, 3), 0, -1)
    return Case(
        some({"kernel_size": kernels(axes)}, dilation=dilation, **sliding(axes)),
        spatial(axes), refused=of_filled_windows(axes), required={"kernel_size": 1}, unlike_torch=INDICES,
        with_results=partial(getattr(nn, f"MaxPool{axes}d"), return_indices=True),
    )  # fmt: skip


CASES: dict[str, Case] = {
    **{f"AvgPool{axes}d": averaging(axes) for axes in (1, 2, 3)},
    **{f"MaxPool{axes}d": maximum(axes) for axes in (1, 2, 3)},
}

RUNS: list[Run] = [
    # the last window of ceil_mode is left out where it would begin in the padding after the input
    ("MaxPool2d", {"kernel_size": 2, "stride": 3, "ceil_mode": True}, (1, 6, 7), "float32", (1, 2, 3), "float32"),
    ("MaxPool2d", {"kernel_size": 2, "stride": 5, "padding": 1, "ceil_mode": True}, (1, 4, 5), "float32",
     (1, 1, 2), "float32"),
    # with ceil_mode one window that hangs over the end is enough
    ("AvgPool2d", {"kernel_size": 5, "stride": 4, "ceil_mode": True}, (1, 2, 3), "float32", (1, 1, 1), "float32"),
    # strides far beyond the plane
    ("MaxPool2d", {"kernel_size": 1, "stride": 2**14}, (1, 9, 9), "float32", (1, 1, 1), "float32"),
    # windows far beyond it, which are cut to what there is
    ("MaxPool3d", {"kernel_size": 2**14, "padding": 2**13}, (1, 1, 1, 1), "float32", (1, 1, 1, 1), "float32"),
    ("AvgPool2d", {"kernel_size": 2**14, "padding": 2**13}, (1, 1, 1), "float32", (1, 1, 1), "float32"),
    # one axis: a number, or a list of one
    ("MaxPool1d", {"kernel_size": [3], "stride": [2], "padding": [1]}, (1, 8), "float32", (1, 4), "float32"),
    # integers: pooled by the maximum, over several axes, and averaged as int64 alone
    ("MaxPool2d", {"kernel_size": 2}, (1, 4, 4), "uint8", (1, 2, 2), "uint8"),
    ("AvgPool2d", {"kernel_size": 2}, (1, 4, 4), "int64", (1, 2, 2), "int64"),
    ("AvgPool1d", {"kernel_size": 2}, (1, 4), "bfloat16", (1, 2), "bfloat16"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("MaxPool2d", {"kernel_size": 2, "padding": 2, "dilation": 9}, (1, 9, 9), "float32"),  # half of 2, not of 10
    # points -1 and 3 of three: torch gives minus infinity, and backward overwrites what is not the input's
    ("MaxPool1d", {"kernel_size": 2, "padding": 1, "dilation": 4}, (1, 3), "float32"),
    (
        "MaxPool3d",
        {"kernel_size": 2**14, "padding": 2**13, "dilation": 2**14, "stride": 2**14, "ceil_mode": True},
        (2, 5, 5, 5),
        "float32",
    ),
    ("MaxPool1d", {"kernel_size": 2}, (1, 4), "int64"),  # torch takes integers with return_indices alone
    ("AvgPool2d", {"kernel_size": 2, "divisor_override": 0}, (1, 4, 4), "float32"),
    ("AvgPool2d", {"kernel_size": 2}, (1, 4, 4), "int32"),
    ("AvgPool3d", {"kernel_size": 2}, (1, 4, 4, 4), "float16"),
    # over three axes torch holds the window against the input without its padding, and without ceil_mode
    ("AvgPool3d", {"kernel_size": 2, "padding": 1}, (1, 1, 4, 4), "float32"),
    ("LPPool3d", {"norm_type": 2, "kernel_size": 2, "stride": 1, "ceil_mode": True}, (1, 1, 4, 4), "float32"),
    ("MaxPool3d", {"kernel_size": 2}, (4, 4, 4), "float32"),  # torch takes the batch for channels
]

MESSAGES: list[Message] = [
    ("MaxPool2d", {"kernel_size": 2, "padding": [1, 0], "dilation": [4, 1]}, (TensorType((1, 3, 8)),), "SB303",
     "dilation", "a window of kernel_size 2 and dilation 4 misses all of the input's height 3",
     "dilation of at most 3"),
    ("MaxPool1d", {"kernel_size": 3, "padding": 2}, (TensorType((1, 8)),), "SB304", "padding",
     "`padding` must be at most half of kernel_size: 2 is more than half of 3", "padding of at most 1"),
    ("MaxPool1d", {"kernel_size": 5}, (TensorType((1, 4)),), "SB303", "kernel_size",
     "kernel_size 5 is larger than the padded input's length 4", "kernel_size: 4 or leave the layer out"),
    ("MaxPool1d", {"kernel_size": 2}, (TensorType((1, 4), "int64"),), "SB305", None,
     "MaxPool1d takes float64, float32, float16 or bfloat16, but the input is int64",
     "give the network an input of dtype float32"),
    ("MaxPool3d", {"kernel_size": 2}, (TensorType((4, 4, 4)),), "SB302", None,
     "MaxPool3d takes [channels, depth, height, width], but the input is [4, 4, 4]",
     "with one channel it is [1, 4, 4, 4]"),
    ("AvgPool3d", {"kernel_size": [1, 1, 3]}, (TensorType((1, 4, 4, 2)),), "SB303", "kernel_size",
     "AvgPool3d takes a kernel_size of at most the input's width 2, whatever is added to it; got 3",
     "kernel_size: [1, 1, 2] or leave the layer out"),
    # a smaller window takes less padding
    ("AvgPool3d", {"kernel_size": 2, "padding": 1}, (TensorType((1, 1, 4, 4)),), "SB303", "kernel_size",
     "AvgPool3d takes a kernel_size of at most the input's depth 1, whatever is added to it; got 2",
     "kernel_size: [1, 2, 2] and padding: [0, 1, 1], or leave the layer out"),
    ("MaxPool1d", {"kernel_size": 4, "padding": 2, "dilation": 4}, (TensorType((1, 5)),), "SB303", "kernel_size",
     "kernel_size 4, which spans 13 with its dilation, is larger than the padded input's length 9",
     "kernel_size: 2 and padding: 1, or leave the layer out"),
    ("MaxPool2d", {"kernel_size": 9}, (TensorType((1, 8, 4)),), "SB303", "kernel_size",
     "kernel_size 9 is larger than the padded input's height 8", "kernel_size: [8, 4] or leave the layer out"),
    ("AvgPool3d", {"kernel_size": 2, "divisor_override": 0}, (TensorType((1, 4, 4, 4)),), "SB304",
     "divisor_override", "`divisor_override` must not be 0: the sum of a window is divided by it",
     "leave it out to divide by the window's size"),
    ("MaxPool3d", {"kernel_size": 2**14, "stride": 1, "padding": 2**13}, (TensorType((2**20, 999, 999, 999)),), "SB307",
     "padding", "the output would have 1048576 x 1000 x 1000 x 1000 elements, more than 2**48, which no machine holds",
     "a smaller padding"),
]  # fmt: skip
