"""Activation: what is drawn, and what was found out about torch."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.catalogue.drawing import BOOLS, DIMS, NUMBERS, Case, Refused, Run, odd, some

CASES: dict[str, Case] = {
    "ELU": Case(some(alpha=NUMBERS, inplace=BOOLS)),
    "GELU": Case(some(approximate=st.sampled_from(["none", "tanh", "erf"]))),
    "LeakyReLU": Case(some(negative_slope=NUMBERS, inplace=BOOLS)),
    "ReLU": Case(some(inplace=BOOLS)),
    "ReLU6": Case(some(inplace=BOOLS)),
    "SiLU": Case(some(inplace=BOOLS)),
    "Sigmoid": Case(some()),
    "Softmax": Case(some(dim=odd(DIMS, None))),
    "Tanh": Case(some()),
}  # fmt: skip

RUNS: list[Run] = [
    ("Sigmoid", {}, (3,), "bool", (3,), "float32"),
    ("Tanh", {}, (3,), "int16", (3,), "float32"),
    ("ReLU", {}, (3,), "int8", (3,), "int8"),
    # one value for each sample
    ("Softmax", {"dim": 0}, (), "float32", (), "float32"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("ReLU", {}, (3,), "bool"),
    ("LeakyReLU", {"negative_slope": 1e39}, (3,), "float32"),  # not a float32
    ("ELU", {"alpha": -1e39}, (3,), "float32"),
    ("GELU", {}, (1,) * 12, "float32"),  # oneDNN takes 12 axes
    ("Softmax", {"dim": 1}, (3,), "int64"),
]  # fmt: skip
