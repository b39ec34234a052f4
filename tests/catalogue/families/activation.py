"""Activation: what is drawn, and what was found out about torch."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.catalogue.drawing import BOOLS, NUMBERS, Case, Refused, some

CASES: dict[str, Case] = {
    "GELU": Case(some(approximate=st.sampled_from(["none", "tanh", "erf"]))),
    "Hardswish": Case(some(inplace=BOOLS)),
    "Mish": Case(some(inplace=BOOLS)),
    "SiLU": Case(some(inplace=BOOLS)),
    "Softplus": Case(some(beta=NUMBERS, threshold=NUMBERS)),
}  # fmt: skip

REFUSED: list[Refused] = [
    ("GELU", {}, (1,) * 12, "float32"),  # oneDNN takes 12 axes
    ("Mish", {}, (3,), "int64"),
    ("Softplus", {"beta": 1e39}, (3,), "float16"),  # computed as float32
]  # fmt: skip
