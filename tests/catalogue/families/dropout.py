"""Dropout: what is drawn, and what was found out about torch."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from torch import nn

from specbuild.catalogue.types import TensorType
from specbuild.data.vision import torchvision
from tests.catalogue.drawing import (
    ANY,
    BOOLS,
    CHANNELS,
    PLANES,
    PROBABILITIES,
    Case,
    Message,
    Refused,
    Run,
    odd,
    of_planes,
    some,
)

DROPOUT = some(p=PROBABILITIES, inplace=BOOLS)
LINES = st.one_of(st.tuples(CHANNELS, st.integers(1, 12)), ANY)
VOLUMES = st.one_of(st.tuples(CHANNELS, *[st.integers(1, 5)] * 3), ANY)


def stochastic_depth(**arguments: Any) -> nn.Module:
    torchvision()
    from torchvision.ops import StochasticDepth

    module: nn.Module = StochasticDepth(**arguments)
    return module


CASES: dict[str, Case] = {
    "AlphaDropout": Case(DROPOUT),
    "Dropout": Case(DROPOUT),
    "Dropout1d": Case(DROPOUT, LINES, refused=of_planes(1)),
    "Dropout2d": Case(DROPOUT, PLANES, refused=of_planes(2)),
    "Dropout3d": Case(DROPOUT, VOLUMES, refused=of_planes(3)),
    "FeatureAlphaDropout": Case(DROPOUT),
    "StochasticDepth": Case(
        some({"p": PROBABILITIES, "mode": odd(st.sampled_from(["batch", "row"]), "column")}),
        torch=stochastic_depth,
        required={"p": 0.5, "mode": "row"},
    ),
}  # fmt: skip

RUNS: list[Run] = [
    # dropping nothing, or everything, scales nothing
    ("Dropout", {"p": 0}, (3,), "int64", (3,), "int64"),
    ("Dropout2d", {"p": 1}, (1, 2, 2), "bool", (1, 2, 2), "bool"),
    ("StochasticDepth", {"p": 1, "mode": "row"}, (3,), "bool", (3,), "bool"),
    # nor does it look for channels
    ("FeatureAlphaDropout", {"p": 1}, (), "int64", (), "int64"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("Dropout", {"p": 0.5}, (3,), "int64"),  # in training alone
    ("Dropout", {"p": 1.5}, (3,), "float32"),
    ("Dropout1d", {}, (3,), "float32"),  # torch takes the batch for channels
    ("Dropout2d", {}, (3, 2), "float32"),  # torch warns that this will change
    ("Dropout3d", {}, (3, 2, 2), "float32"),
    ("FeatureAlphaDropout", {}, (), "float32"),
    ("StochasticDepth", {"p": 0.5, "mode": "row"}, (3,), "int64"),
]  # fmt: skip

MESSAGES: list[Message] = [
    ("Dropout1d", {}, (TensorType((100,)),), "SB302", None,
     "Dropout1d takes [channels, length], but the input is [100]", "type: Dropout, which takes any shape"),
    ("Dropout3d", {}, (TensorType((3, 8, 8)),), "SB302", None,
     "Dropout3d takes [channels, depth, height, width], but the input is [3, 8, 8]",
     "type: Dropout, which takes any shape"),
    ("FeatureAlphaDropout", {}, (TensorType(()),), "SB302", None,
     "FeatureAlphaDropout takes [channels, ...], but the input is [], a single number",
     "type: AlphaDropout, which takes any shape"),
    ("StochasticDepth", {"p": 0.5, "mode": "row"}, (TensorType((8,), "int64"),), "SB305", None,
     "StochasticDepth takes float64, float32, float16 or bfloat16, but the input is int64",
     "give the network an input of dtype float32"),
]  # fmt: skip
