"""What drawing and probing found out about torch, kept as fixed cases."""

from __future__ import annotations

from typing import Any

import pytest

from specbuild.catalogue.types import TensorType
from tests.catalogue.oracle import verdict
from tests.catalogue.test_soundness import as_verdict, filled, static

Shape = tuple[int, ...]
CONV: dict[str, Any] = {"out_channels": 2, "kernel_size": 3}

RUNS: list[tuple[str, dict[str, Any], Shape, str, Shape, str]] = [
    # the last window of ceil_mode is left out where it would begin in the padding after the input
    ("MaxPool2d", {"kernel_size": 2, "stride": 3, "ceil_mode": True}, (1, 6, 7), "float32", (1, 2, 3), "float32"),
    ("MaxPool2d", {"kernel_size": 2, "stride": 5, "padding": 1, "ceil_mode": True}, (1, 4, 5), "float32",
     (1, 1, 2), "float32"),
    # with ceil_mode one window that hangs over the end is enough
    ("AvgPool2d", {"kernel_size": 5, "stride": 4, "ceil_mode": True}, (1, 2, 3), "float32", (1, 1, 1), "float32"),
    # strides far beyond the plane
    ("MaxPool2d", {"kernel_size": 1, "stride": 2**14}, (1, 9, 9), "float32", (1, 1, 1), "float32"),
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
    # integers: pooled by the maximum, averaged as int64 alone, squashed to float32
    ("MaxPool2d", {"kernel_size": 2}, (1, 4, 4), "uint8", (1, 2, 2), "uint8"),
    ("AvgPool2d", {"kernel_size": 2}, (1, 4, 4), "int64", (1, 2, 2), "int64"),
    ("Sigmoid", {}, (3,), "bool", (3,), "float32"),
    ("Tanh", {}, (3,), "int16", (3,), "float32"),
    ("ReLU", {}, (3,), "int8", (3,), "int8"),
    # dropping nothing, or everything, scales nothing
    ("Dropout", {"p": 0}, (3,), "int64", (3,), "int64"),
    ("Dropout2d", {"p": 1}, (1, 2, 2), "bool", (1, 2, 2), "bool"),
    # half precision goes through float32 weights here, and float64 where there are none
    ("BatchNorm2d", {}, (3, 2, 2), "bfloat16", (3, 2, 2), "bfloat16"),
    ("BatchNorm2d", {"affine": False, "track_running_stats": False}, (3, 2, 2), "float64", (3, 2, 2), "float64"),
    ("BatchNorm2d", {"bias": False}, (3, 2, 2), "float32", (3, 2, 2), "float32"),
    ("BatchNorm2d", {"momentum": -1}, (3, 2, 2), "float32", (3, 2, 2), "float32"),
    # one value for each sample
    ("Softmax", {"dim": 0}, (), "float32", (), "float32"),
    ("Flatten", {"start_dim": 0, "end_dim": 0}, (), "float32", (), "float32"),
    ("Flatten", {"start_dim": -1}, (2, 3), "float32", (2, 3), "float32"),
    ("Unflatten", {"dim": -1, "unflattened_size": [1, -1, 1]}, (2, 6), "bool", (2, 1, 6, 1), "bool"),
]  # fmt: skip

REFUSED: list[tuple[str, dict[str, Any], Shape, str]] = [
    ("MaxPool2d", {"kernel_size": 2, "padding": 2, "dilation": 9}, (1, 9, 9), "float32"),  # half of 2, not of 10
    ("AvgPool2d", {"kernel_size": 2, "divisor_override": 0}, (1, 4, 4), "float32"),
    ("AvgPool2d", {"kernel_size": 2}, (1, 4, 4), "int32"),
    ("AdaptiveAvgPool2d", {"output_size": 1}, (1, 4, 4), "int64"),
    ("AdaptiveAvgPool2d", {"output_size": 0}, (1, 4, 4), "float32"),  # torch gives no elements
    ("AdaptiveAvgPool2d", {"output_size": 2}, (4, 4), "float32"),  # torch takes the batch for channels
    ("Conv2d", {**CONV, "padding": 4, "padding_mode": "reflect"}, (1, 4, 4), "float32"),
    ("Conv2d", {**CONV, "padding": 5, "padding_mode": "circular"}, (1, 4, 4), "float32"),
    ("Conv2d", {**CONV, "padding": -1}, (1, 8, 8), "float32"),
    ("Conv2d", {**CONV, "padding": -4, "padding_mode": "circular"}, (1, 8, 8), "float32"),
    ("Conv2d", CONV, (1, 8, 8), "bfloat16"),
    ("ConvTranspose2d", {**CONV, "stride": 2, "dilation": 2, "output_padding": 2}, (1, 4, 4), "float32"),
    ("ConvTranspose2d", {**CONV, "padding": 3}, (1, 4, 4), "float32"),  # torch gives no elements
    ("ConvTranspose2d", {**CONV, "padding_mode": "reflect"}, (1, 4, 4), "float32"),
    ("ConvTranspose2d", {"out_channels": 1, "kernel_size": 1, "dilation": [0, 2]}, (1, 4, 4), "float32"),
    ("BatchNorm2d", {"eps": 0}, (3, 2, 2), "float32"),  # torch 2.13 raises in training alone
    ("BatchNorm2d", {"affine": False}, (3, 2, 2), "float64"),
    ("BatchNorm2d", {}, (3, 2), "float32"),
    ("Dropout", {"p": 0.5}, (3,), "int64"),  # in training alone
    ("Dropout", {"p": 1.5}, (3,), "float32"),
    ("Dropout2d", {}, (3, 2), "float32"),  # torch warns that this will change
    ("ReLU", {}, (3,), "bool"),
    ("LeakyReLU", {"negative_slope": 1e39}, (3,), "float32"),  # not a float32
    ("ELU", {"alpha": -1e39}, (3,), "float32"),
    ("GELU", {}, (1,) * 12, "float32"),  # oneDNN takes 12 axes
    ("Softmax", {"dim": 1}, (3,), "int64"),
    ("Flatten", {}, (), "float32"),
    ("Flatten", {"start_dim": 0}, (3,), "float32"),
    ("Unflatten", {"dim": 1, "unflattened_size": []}, (1,), "float32"),
    ("Unflatten", {"dim": 1, "unflattened_size": [0, -1]}, (4,), "float32"),
    ("Unflatten", {"dim": 0, "unflattened_size": [-1, 1]}, (4,), "float32"),
]


@pytest.mark.parametrize(("kind", "arguments", "shape", "dtype", "output", "output_dtype"), RUNS)
def test_runs(kind: str, arguments: dict[str, Any], shape: Shape, dtype: str, output: Shape, output_dtype: str) -> None:
    expected = verdict(kind, filled(kind, arguments, shape), TensorType(shape, dtype))
    assert expected is not None
    assert expected[:2] == (output, output_dtype)
    assert as_verdict(static(kind, arguments, TensorType(shape, dtype))) == expected


@pytest.mark.parametrize(("kind", "arguments", "shape", "dtype"), REFUSED)
def test_refused(kind: str, arguments: dict[str, Any], shape: Shape, dtype: str) -> None:
    assert verdict(kind, filled(kind, arguments, shape), TensorType(shape, dtype)) is None
    assert static(kind, arguments, TensorType(shape, dtype)) is None


BATCH, CONSTANT = TensorType((3,)), TensorType((3,), batched=False)
MERGED: list[tuple[str, dict[str, Any], tuple[TensorType, ...], TensorType | None]] = [
    # a parameter of no axes gives way to the dtype of what has some, within its own kind
    ("Add", {}, (TensorType((3,), "float16"), TensorType((), batched=False)), TensorType((3,), "float16")),
    ("Multiply", {}, (TensorType((3,), "float16"), CONSTANT), BATCH),
    ("Add", {}, (TensorType((3,), "int64"), TensorType((), batched=False)), BATCH),
    ("Multiply", {}, (TensorType((), "bfloat16"), TensorType((), batched=False)), TensorType((), "bfloat16")),
    # promotion
    ("Add", {}, (TensorType((3,), "uint8"), TensorType((3,), "int8")), TensorType((3,), "int16")),
    ("Add", {}, (TensorType((3,), "float16"), TensorType((3,), "bfloat16")), BATCH),
    ("Concat", {}, (TensorType((3,), "bool"), TensorType((3,), "bool")), TensorType((6,), "bool")),
    # what has no batch stretches over it, but must not stand where it is
    ("Add", {}, (BATCH, TensorType((1, 3), batched=False)), BATCH),
    ("Add", {}, (BATCH, TensorType((2, 3), batched=False)), None),
    ("Add", {}, (BATCH, TensorType((1, 1, 3), batched=False)), None),
    ("Add", {}, (CONSTANT, CONSTANT), CONSTANT),
    ("Add", {}, (TensorType((3, 1), batched=False), CONSTANT, TensorType((1, 3))), TensorType((3, 3))),
    # the batch of the one over the features of the other
    ("Add", {}, (TensorType(()), TensorType((1,))), None),
    ("Multiply", {}, (BATCH, TensorType((1, 3))), None),
    ("Concat", {"dim": 0}, (BATCH, BATCH), None),
    ("Concat", {"dim": -2}, (BATCH, BATCH), None),
    ("Positions", {"dim": 0}, (BATCH,), None),
    ("Positions", {"dim": -1}, (TensorType((3, 4), "bool"),), TensorType((4,), "int64")),
]


@pytest.mark.parametrize(("kind", "arguments", "inputs", "output"), MERGED)
def test_merges(
    kind: str, arguments: dict[str, Any], inputs: tuple[TensorType, ...], output: TensorType | None
) -> None:
    expected = verdict(kind, arguments, *inputs)
    assert as_verdict(static(kind, arguments, *inputs)) == expected
    assert (expected and TensorType(expected.shape, expected.dtype, expected.batched)) == output


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [
        ({"shape": [], "batch": False}, True),
        ({"shape": [2, 3], "batch": False, "init": "xavier_normal_"}, True),
        ({"shape": [3], "batch": False, "init": "xavier_normal_"}, False),
        ({"shape": [1], "init": {"type": "trunc_normal_", "std": 0}}, False),  # divided by
        ({"shape": [1], "init": {"type": "trunc_normal_", "a": 2.0, "b": -2.0}}, False),
        ({"shape": [1], "init": {"type": "normal_", "std": 0}}, True),
        ({"shape": [1], "init": {"type": "constant_", "val": 1e39}}, False),  # not a float32
    ],
)
def test_parameters(arguments: dict[str, Any], runs: bool) -> None:
    expected = verdict("Parameter", arguments)
    assert (expected is not None) == runs
    assert as_verdict(static("Parameter", arguments)) == expected
