"""Linear: what is drawn, and what was found out about torch."""

from __future__ import annotations

from math import prod
from typing import Any

from hypothesis import strategies as st

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import ANY, BOOLS, DTYPES, SMALL, Case, Message, odd, some


@st.composite
def pairs(draw: st.DrawFn) -> tuple[TensorType, ...]:
    """Two inputs whose axes but the last are alike, mostly."""
    places = draw(st.lists(st.integers(1, 3), max_size=2))
    dtype = draw(DTYPES)
    types = []
    for _ in range(2):
        shape = [*places, *draw(st.sampled_from([[1], [2], [3], [5], [4], [2, 2], []]))]
        if shape and draw(st.integers(0, 7)) == 0:
            shape[0] = draw(st.integers(1, 3))
        types.append(TensorType(tuple(shape), dtype if draw(st.integers(0, 7)) else draw(DTYPES)))
    return tuple(types)


def every_weight_at_every_place(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> int:
    """As torchinfo counts."""
    *places, first = inputs[0].shape
    return prod(places) * arguments["out_features"] * first * inputs[1].shape[-1]


CASES: dict[str, Case] = {
    "Bilinear": Case(some({"out_features": odd(SMALL, 0, -1)}, bias=BOOLS),
        sizes=("in1_features", "in2_features"),
        several=pairs(),
        required={"out_features": 2},
        macs=every_weight_at_every_place,
    ),
    "Identity": Case(some()),
    "Linear": Case(some({"out_features": odd(SMALL, 0, -1)}, bias=BOOLS), ANY, ("in_features",),
        required={"out_features": 2},
    ),
}  # fmt: skip

MESSAGES: list[Message] = [
    ("Bilinear", {"out_features": 2}, (TensorType((20,)), TensorType(())), "SB302", None,
     "Bilinear takes [..., in1_features] and [..., in2_features], but the inputs are [20] and []",
     "inputs with at least one axis: [1]"),
    ("Bilinear", {"out_features": 2}, (TensorType((4, 20)), TensorType((1, 30))), "SB308", "from",
     "[4, 20] and [1, 30] cannot be merged: all axes but the last have to be equal", None),
    ("Bilinear", {"in2_features": 20, "out_features": 2}, (TensorType((20,)), TensorType((30,))),
     "SB301", "in2_features", "in2_features is 20, but the second input has 30 features",
     "in2_features: 30, or leave it out"),
    ("Bilinear", {"out_features": 2}, (TensorType((20,)), TensorType((30,), "float64")), "SB305", None,
     "Bilinear takes float32, but the input is float64", "give the network an input of dtype float32"),
]  # fmt: skip
