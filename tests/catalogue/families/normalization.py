"""Normalization: what is drawn, and what was found out about torch."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import ANY, BOOLS, CHANNELS, Case, Message, Refused, Run, odd, some
from tests.catalogue.families.batch_normalization import channelled, of

EPS = st.sampled_from([1e-5, 0.1, 0, -1, 1e39])
WRITTEN = st.lists(st.integers(1, 4), max_size=3)
SHAPES = st.lists(st.integers(1, 3), max_size=4).map(tuple)
NEIGHBOURS = {
    "alpha": st.sampled_from([1e-4, 1.0, 0.0, -1.0]),
    "beta": st.sampled_from([0.75, 1.0, 0.0, 2.0, -0.5]),
    "k": st.sampled_from([1.0, 0.0, 2.0, -1.0]),
}


def other_channels(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    """A written size that torch does not look at where there are no weights."""
    shape = inputs[0].shape
    return bool(shape) and arguments["num_channels"] != shape[0]


def alone(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    """Torch's backward fails where a sum goes over one channel, and a negative size is none."""
    return bool(arguments["size"] < 2)


class LayerNorm2d(nn.Module):
    """torchvision's, in words of its own; its channels are those of the input."""

    def __init__(self, normalized_shape: int | None = None, **arguments: Any) -> None:
        super().__init__()
        self.written, self.arguments = normalized_shape, arguments

    def forward(self, input: Tensor) -> Tensor:
        _, channels, _, _ = input.shape
        norm = nn.LayerNorm(channels if self.written is None else self.written, **self.arguments)
        self.weight, self.bias = norm.weight, norm.bias
        return norm(input.movedim(1, -1)).movedim(-1, 1)


class Contiguous(nn.Module):
    """torch's views of volumes do not go with every layout of memory."""

    def forward(self, input: Tensor) -> Tensor:
        return input.contiguous()


class Affine(nn.Module):
    """A number, or one for each channel."""

    def __init__(self, scale: Any = 1.0, shift: Any = 0.0) -> None:
        super().__init__()
        self.lists = [value for value in (scale, shift) if isinstance(value, tuple)]
        for name, value in (("scale", scale), ("shift", shift)):
            self.register_buffer(name, torch.tensor(value if isinstance(value, tuple) else (value,)).float())

    def forward(self, input: Tensor) -> Tensor:
        if any(len(numbers) != input.shape[1] for numbers in self.lists):
            raise ValueError("a number for each channel")
        return (input.movedim(1, -1) * self.scale + self.shift).movedim(-1, 1)


FACTORS = st.sampled_from([0, 1, 2.5, -0.3])
PER_CHANNEL = st.one_of(FACTORS, st.lists(FACTORS, max_size=4))

CASES: dict[str, Case] = {
    "Affine": Case(
        some(scale=PER_CHANNEL, shift=PER_CHANNEL), SHAPES, torch=Affine,
    ),
    "CrossMapLRN2d": Case(
        some({"size": odd(st.integers(2, 9), 1, 0, -1)}, **NEIGHBOURS), channelled(2), refused=alone,
        required={"size": 2},
    ),
    "GroupNorm": Case(
        some({"num_groups": odd(st.integers(1, 4), 0, -1, 6)}, eps=EPS, affine=BOOLS, bias=BOOLS),
        st.one_of(ANY, st.tuples(CHANNELS), channelled(2)), ("num_channels",), refused=other_channels,
        required={"num_groups": 1},
    ),
    "LayerNorm": Case(
        some(normalized_shape=WRITTEN, eps=EPS, elementwise_affine=BOOLS, bias=BOOLS), SHAPES, ("normalized_shape",),
    ),
    "LayerNorm2d": Case(
        some(normalized_shape=odd(st.integers(1, 4), 0, -1), eps=EPS, elementwise_affine=BOOLS, bias=BOOLS),
        channelled(2), torch=LayerNorm2d,
    ),
    "LocalResponseNorm": Case(
        some({"size": odd(st.integers(1, 9), 0, -1)}, **NEIGHBOURS), st.one_of(ANY, channelled(1), channelled(2)),
        torch=lambda **arguments: nn.Sequential(Contiguous(), nn.LocalResponseNorm(**arguments)),
        required={"size": 2},
    ),
    "RMSNorm": Case(
        some(normalized_shape=WRITTEN, eps=st.one_of(st.none(), EPS), elementwise_affine=BOOLS), SHAPES,
        ("normalized_shape",),
    ),
}  # fmt: skip

RUNS: list[Run] = [
    ("LayerNorm", {}, (2, 3), "bfloat16", (2, 3), "bfloat16"),
    ("LayerNorm", {"elementwise_affine": False}, (2, 3), "float64", (2, 3), "float64"),
    ("LayerNorm", {"normalized_shape": [2, 3]}, (2, 3), "float32", (2, 3), "float32"),
    ("LayerNorm", {"eps": -1}, (2, 3), "float32", (2, 3), "float32"),  # not a number, but it runs
    ("RMSNorm", {}, (2, 3), "float64", (2, 3), "float64"),  # its weights follow the input's dtype
    ("GroupNorm", {"num_groups": 4}, (4,), "float32", (4,), "float32"),
    ("LocalResponseNorm", {"size": 9}, (2, 3), "float16", (2, 3), "float16"),
    ("LocalResponseNorm", {"size": 2}, (2, 3, 3), "int64", (2, 3, 3), "float32"),  # an average pooling takes int64
    ("LocalResponseNorm", {"size": 2}, (2, 3, 1, 1, 2), "float32", (2, 3, 1, 1, 2), "float32"),
    ("CrossMapLRN2d", {"size": 9}, (2, 3, 3), "float16", (2, 3, 3), "float16"),
    ("Affine", {"scale": [2, 3]}, (2, 3), "uint8", (2, 3), "float32"),
    ("Affine", {"scale": 2}, (2,), "float64", (2,), "float64"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("LayerNorm", {}, (2, 3), "float64"),
    ("LayerNorm", {}, (), "float32"),
    ("LayerNorm", {"normalized_shape": []}, (2, 3), "float32"),
    ("LayerNorm", {"normalized_shape": [2]}, (2, 3), "float32"),
    ("LayerNorm", {"normalized_shape": [2, 2, 3]}, (2, 3), "float32"),  # not the batch either
    ("RMSNorm", {"normalized_shape": []}, (2, 3), "float32"),
    ("GroupNorm", {"num_groups": 2}, (3,), "float32"),
    ("GroupNorm", {"num_groups": 1}, (), "float32"),
    ("LocalResponseNorm", {"size": 2}, (3,), "float32"),
    ("LocalResponseNorm", {"size": 2}, (2, 3, 3), "float16"),
    ("CrossMapLRN2d", {"size": 1}, (2, 3, 3), "float32"),  # torch's backward reads past the end
    ("CrossMapLRN2d", {"size": 2}, (2, 3), "float32"),
]  # fmt: skip

MESSAGES: list[Message] = [
    ("LayerNorm", {"normalized_shape": 4}, of(8, 3), "SB301", "normalized_shape",
     "normalized_shape is 4, but the input's last axis is 3", "normalized_shape: 3, or leave it out"),
    ("LayerNorm", {"normalized_shape": [8, 4]}, of(2, 8, 3), "SB301", "normalized_shape",
     "normalized_shape is [8, 4], but the input ends in [8, 3]",
     "normalized_shape: [8, 3], or leave it out for the last axis alone"),
    ("RMSNorm", {"normalized_shape": [2, 8, 3]}, of(8, 3), "SB301", "normalized_shape",
     "normalized_shape is [2, 8, 3], but the input ends in [8, 3]",
     "normalized_shape: [8, 3], or leave it out for the last axis alone"),
    ("RMSNorm", {"normalized_shape": []}, of(8, 3), "SB304", "normalized_shape",
     "`normalized_shape` takes at least one size; got []", "leave it out for the last axis"),
    ("RMSNorm", {}, of(), "SB302", None,
     "RMSNorm takes [..., features], but the input is [], a single number", "an input with at least one axis: [1]"),
    ("RMSNorm", {}, of(3, dtype="int64"), "SB305", None,
     "RMSNorm takes float64, float32, float16 or bfloat16, but the input is int64",
     "give the network an input of dtype float32"),
    ("LayerNorm2d", {}, of(8, 8), "SB302", None,
     "LayerNorm2d takes [channels, height, width], but the input is [8, 8]", "with one channel it is [1, 8, 8]"),
    ("LayerNorm2d", {"normalized_shape": 4}, of(3, 8, 8), "SB301", "normalized_shape",
     "normalized_shape is 4, but the input has 3 channels", "normalized_shape: 3, or leave it out"),
    ("GroupNorm", {"num_groups": 32}, of(48, 8, 8), "SB304", "num_groups",
     "`num_groups` must divide `num_channels`: 32 does not divide 48", "use 1, 2, 3, 4, 6, 8, 12, 16, 24, 48"),
    ("GroupNorm", {"num_groups": 2, "num_channels": 3}, of(4, 8, 8), "SB304", "num_groups",
     "`num_groups` must divide `num_channels`: 2 does not divide 3", "use 1, 3"),
    ("GroupNorm", {"num_groups": 1}, of(), "SB302", None,
     "GroupNorm takes [channels, ...], but the input is []", "an input with at least 1 axis: [1]"),
    ("LocalResponseNorm", {"size": 2}, of(3), "SB302", None,
     "LocalResponseNorm takes [channels, length, ...], but the input is [3]",
     "an input with at least 2 axes: [3, 1]"),
    ("LocalResponseNorm", {"size": 2}, of(3, 8, 8, dtype="float16"), "SB305", None,
     "LocalResponseNorm takes float64, float32 or int64, but the input is float16",
     "give the network an input of dtype float32"),
    ("Affine", {"scale": [1, 2]}, of(3, 8, 8), "SB301", "scale",
     "scale has 2 numbers, but the input has 3 channels", "a list of 3 numbers, or one number for all channels"),
    ("Affine", {"scale": [1, 2], "shift": [1, 2, 3]}, of(3, 8, 8), "SB304", "shift",
     "`scale` and `shift` have a number for each channel, but scale has 2 and shift 3",
     "a list of 2 numbers, or one number for all channels"),
]  # fmt: skip
