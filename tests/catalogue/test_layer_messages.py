"""What the rules say: code, argument, message and mend, each whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from specbuild.catalogue.initialization import xavier_normal_
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.types import TensorType
from tests.catalogue.cases import MESSAGES

IMAGE = TensorType((3, 8, 8))
CONV = {"out_channels": 8, "kernel_size": 3}


def judge(layer: Layer, inputs: Sequence[TensorType]) -> None:
    """What is found wrong with the arguments alone comes first."""
    layer.check()
    layer.infer(*inputs)


@pytest.mark.parametrize(
    ("kind", "arguments", "field", "message", "fix"),
    [
        ("Conv2d", {**CONV, "in_channels": 6, "groups": 3}, "groups",
         "`groups` must divide `out_channels`: 3 does not divide 8", "use 1, 2"),
        ("Conv2d", {**CONV, "in_channels": 3, "groups": 2}, "groups",
         "`groups` must divide `in_channels`: 2 does not divide 3", "use 1"),
        ("Conv2d", {**CONV, "padding": "same", "stride": 2}, "padding",
         "`padding: same` is for stride 1 only: stride is 2", "padding: a number, or stride: 1"),
        ("Conv2d", {**CONV, "padding": -1}, "padding",
         "`padding` must not be negative with `padding_mode: zeros`; got -1", "a number from 0 on"),
        ("ConvTranspose2d", {**CONV, "stride": 2, "output_padding": 2}, "output_padding",
         "`output_padding` must be below stride or dilation: it is 2, stride 2, dilation 1",
         "output_padding of at most 1"),
        ("ConvTranspose2d", {"out_channels": 512, "kernel_size": 1, "stride": [1, 2048]}, "stride",
         "`stride` must be small enough for 32-bit offsets: 512 out_channels times 2048 squared is not "
         "below 2**31", "a stride of at most 2047"),
        ("ConvTranspose2d", {**CONV, "stride": [3, 1], "output_padding": 2}, "output_padding",
         "`output_padding` must be below stride or dilation: it is 2, stride 1, dilation 1",
         "output_padding of at most [2, 0]"),
        ("MaxPool2d", {"kernel_size": [5, 3], "padding": 2}, "padding",
         "`padding` must be at most half of kernel_size: 2 is more than half of 3", "padding of at most [2, 1]"),
        ("MaxPool2d", {"kernel_size": 3, "padding": 2}, "padding",
         "`padding` must be at most half of kernel_size: 2 is more than half of 3", "padding of at most 1"),
        ("AvgPool2d", {"kernel_size": 3, "padding": [1, 2]}, "padding",
         "`padding` must be at most half of kernel_size: 2 is more than half of 3", "padding of at most 1"),
        ("AvgPool2d", {"kernel_size": 3, "divisor_override": 0}, "divisor_override",
         "`divisor_override` must not be 0: the sum of a window is divided by it",
         "leave it out to divide by the window's size"),
        ("Parameter", {"shape": [4, 2]}, "shape",
         "`shape` begins with 1, which spans the batch; got [4, 2]", "shape: [1, 4, 2], or batch: false"),
        ("Parameter", {"shape": []}, "shape",
         "`shape` begins with 1, which spans the batch; got []", "shape: [1], or batch: false"),
        ("Parameter", {"shape": [1], "init": xavier_normal_()}, "init",
         "xavier_normal_ needs a tensor of at least 2 axes; this one has 1",
         "normal_, or another that fills any shape"),
        ("Unflatten", {"dim": 1, "unflattened_size": [-1, -1]}, "unflattened_size",
         "`unflattened_size` takes positive sizes, one of which may be -1; got [-1, -1]", None),
        ("Unflatten", {"dim": 1, "unflattened_size": []}, "unflattened_size",
         "`unflattened_size` takes positive sizes, one of which may be -1; got []", None),
    ],
)  # fmt: skip
def test_clashing_arguments(kind: str, arguments: dict[str, Any], field: str, message: str, fix: str | None) -> None:
    layer = LAYERS[kind].model_validate(arguments)
    with pytest.raises(Violation) as raised:
        layer.check()
    found = raised.value
    assert (found.code, found.field, str(found), found.fix) == ("SB304", field, message, fix)


@pytest.mark.parametrize(
    ("kind", "arguments", "input", "code", "field", "message", "fix"),
    [
        ("Add", {}, (IMAGE, TensorType((3, 8, 4))), "SB308", "from",
         "[3, 8, 8] and [3, 8, 4] cannot be merged: their sizes have to be equal, or 1", None),
        ("Add", {}, (IMAGE, IMAGE, TensorType((8, 8))), "SB308", "from",
         "[3, 8, 8] and [8, 8] cannot be merged: axis 0 is the batch in both, so they have as many axes",
         "Flatten or Unflatten one of them"),
        ("Multiply", {}, (IMAGE, TensorType((3, 3, 8, 8), batched=False)), "SB308", "from",
         "[3, 8, 8] and [3, 3, 8, 8] without a batch cannot be merged: their sizes have to be equal, or 1", None),
        ("Concat", {}, (IMAGE, TensorType((5, 8, 4))), "SB308", "from",
         "[3, 8, 8] and [5, 8, 4] cannot be joined along axis 1: all other sizes have to be equal", None),
        ("Concat", {"dim": -1}, (IMAGE, TensorType((8, 8))), "SB308", "from",
         "[3, 8, 8] and [8, 8] cannot be joined along axis 3: axis 0 is the batch in both, so they have as many axes",
         "Flatten or Unflatten one of them"),
        ("Concat", {"dim": 0}, (IMAGE, IMAGE), "SB306", "dim",
         "`dim` is 0, but [3, 8, 8] is joined along an axis from 1 to 3", "dim: 1"),
        ("Concat", {}, (TensorType(()), TensorType(())), "SB306", "dim",
         "`dim` is 1, but [], a single number, has no axis but the batch", None),
        ("Positions", {"dim": 4}, IMAGE, "SB306", "dim",
         "`dim` is 4, but [3, 8, 8] is counted along an axis from 1 to 3", "dim: 1"),
        ("Positions", {}, TensorType(()), "SB306", "dim",
         "`dim` is 1, but [], a single number, has no axis but the batch", None),
        ("Conv2d", {**CONV, "in_channels": 4}, IMAGE, "SB301", "in_channels",
         "in_channels is 4, but the input has 3 channels", "in_channels: 3, or leave it out"),
        ("BatchNorm2d", {"num_features": 4}, IMAGE, "SB301", "num_features",
         "num_features is 4, but the input has 3 channels", "num_features: 3, or leave it out"),
        ("Linear", {"in_features": 4, "out_features": 2}, IMAGE, "SB301", "in_features",
         "in_features is 4, but the input has 8 features", "in_features: 8, or leave it out"),
        ("Conv2d", CONV, TensorType((28, 28)), "SB302", None,
         "Conv2d takes [channels, height, width], but the input is [28, 28]",
         "with one channel it is [1, 28, 28]"),
        ("MaxPool2d", {"kernel_size": 2}, TensorType((64, 3, 28, 28)), "SB302", None,
         "MaxPool2d takes [channels, height, width], but the input is [64, 3, 28, 28]",
         "the batch axis is not written: [3, 28, 28]"),
        ("BatchNorm2d", {}, TensorType((100,)), "SB302", None,
         "BatchNorm2d takes [channels, height, width], but the input is [100]",
         "a layer before it that gives planes, such as Unflatten"),
        ("Dropout2d", {}, TensorType((100,)), "SB302", None,
         "Dropout2d takes [channels, height, width], but the input is [100]",
         "type: Dropout, which takes any shape"),
        ("Linear", {"out_features": 2}, TensorType(()), "SB302", None,
         "Linear takes [..., in_features], but the input is [], a single number",
         "an input with at least one axis: [1]"),
        ("Conv2d", {**CONV, "kernel_size": 10}, IMAGE, "SB303", "kernel_size",
         "kernel_size 10 is larger than the padded input's height 8", "kernel_size: 8 or padding: 1"),
        ("Conv2d", {**CONV, "dilation": [1, 6], "padding": 1}, IMAGE, "SB303", "kernel_size",
         "kernel_size 3, which spans 13 with its dilation, is larger than the padded input's width 10",
         "kernel_size: [3, 2] or padding: [1, 3]"),
        ("Conv2d", {**CONV, "kernel_size": 200}, IMAGE, "SB303", "kernel_size",
         "kernel_size 200 is larger than the padded input's height 8", "kernel_size: 8"),
        ("MaxPool2d", {"kernel_size": 3}, TensorType((64, 2, 2)), "SB303", "kernel_size",
         "kernel_size 3 is larger than the padded input's height 2", "kernel_size: 2 or leave the layer out"),
        ("Conv2d", {**CONV, "padding": 8, "padding_mode": "reflect"}, IMAGE, "SB303", "padding",
         "`padding_mode: reflect` adds less than the input's height 8, but padding is 8",
         "padding of at most 7, or padding_mode: replicate"),
        ("Conv2d", {**CONV, "padding": 9, "padding_mode": "circular"}, IMAGE, "SB303", "padding",
         "`padding_mode: circular` adds at most the input's height 8, but padding is 9",
         "padding of at most 8, or padding_mode: replicate"),
        ("ConvTranspose2d", {"out_channels": 1, "kernel_size": 2, "padding": 5}, IMAGE, "SB303", "padding",
         "the output's height would be -1: padding 5 takes all of it away",
         "padding: 4, or a larger kernel_size"),
        ("Conv2d", {**CONV, "groups": 2}, IMAGE, "SB304", "groups",
         "`groups` must divide `in_channels`: 2 does not divide 3", "use 1"),
        ("Linear", {"out_features": 2}, TensorType((8,), "float64"), "SB305", None,
         "Linear takes float32, but the input is float64", "give the network an input of dtype float32"),
        ("AvgPool2d", {"kernel_size": 2}, TensorType((3, 8, 8), "uint8"), "SB305", None,
         "AvgPool2d takes float64, float32, float16, bfloat16 or int64, but the input is uint8",
         "give the network an input of dtype float32"),
        ("ReLU", {}, TensorType((8,), "bool"), "SB305", None,
         "ReLU takes float64, float32, float16, bfloat16, int64, int32, int16, int8 or uint8, "
         "but the input is bool", "give the network an input of dtype float32"),
        ("Flatten", {"start_dim": 5}, IMAGE, "SB306", "start_dim",
         "`start_dim` is 5, but the input [3, 8, 8] has 4 axes, the batch counted", "a number from -4 to 3"),
        ("Flatten", {"start_dim": 3, "end_dim": 2}, IMAGE, "SB306", "start_dim",
         "`start_dim` is axis 3, which comes after `end_dim`, axis 2", "start_dim of at most 2"),
        ("Flatten", {"start_dim": 0}, IMAGE, "SB306", "start_dim",
         "`start_dim: 0` would merge the samples of a batch into one", "start_dim: 1"),
        ("Softmax", {"dim": 4}, IMAGE, "SB306", "dim",
         "`dim` is 4, but the input [3, 8, 8] has 4 axes, the batch counted", "a number from -4 to 3"),
        ("Unflatten", {"dim": 0, "unflattened_size": [1, 2]}, IMAGE, "SB306", "dim",
         "`dim: 0` is the batch, which stays one axis", "dim: 1"),
        ("Unflatten", {"dim": 2, "unflattened_size": [3, 2]}, IMAGE, "SB306", "unflattened_size",
         "`unflattened_size` [3, 2] makes 6, but the axis has 8", "sizes that multiply to 8, or -1 for one of them"),
        ("Unflatten", {"dim": 2, "unflattened_size": [3, -1]}, IMAGE, "SB306", "unflattened_size",
         "`unflattened_size` [3, -1] leaves 8 / 3 for -1, which is not whole", "sizes whose product divides 8"),
        *MESSAGES,
    ],
)  # fmt: skip
def test_inputs_that_do_not_fit(
    kind: str,
    arguments: dict[str, Any],
    input: TensorType | tuple[TensorType, ...],
    code: str,
    field: str,
    message: str,
    fix: str,
) -> None:
    layer = LAYERS[kind].model_validate(arguments)
    with pytest.raises(Violation) as raised:
        judge(layer, [input] if isinstance(input, TensorType) else input)
    found = raised.value
    assert (found.code, found.field, str(found), found.fix) == (code, field, message, fix)
