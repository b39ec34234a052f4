"""Shrinkage: what is drawn, and what was found out about torch."""

from __future__ import annotations

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import Case, Message, Refused, Run, some
from tests.catalogue.families.rectifier import LIMITS

CASES: dict[str, Case] = {
    "Hardshrink": Case(some(lambd=LIMITS)),
    "Softshrink": Case(some(lambd=LIMITS)),
    "Tanhshrink": Case(some()),
}  # fmt: skip

RUNS: list[Run] = [
    ("Tanhshrink", {}, (3,), "int64", (3,), "float32"),
    ("Hardshrink", {"lambd": -1}, (3,), "float32", (3,), "float32"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("Tanhshrink", {}, (3,), "bool"),
    ("Softshrink", {"lambd": -1}, (3,), "float32"),
    ("Softshrink", {"lambd": 7e4}, (3,), "float16"),
    ("Hardshrink", {"lambd": 3.39e38}, (3,), "bfloat16"),
]  # fmt: skip

MESSAGES: list[Message] = [
    ("Softshrink", {"lambd": 70000}, (TensorType((8,), "float16"),), "SB305", "lambd",
     "`lambd` is 70000, which float16 does not hold",
     "a number from -65504 to 65504, or an input of dtype float32"),
]  # fmt: skip
