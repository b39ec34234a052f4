"""Sigmoid: what is drawn, and what was found out about torch."""

from __future__ import annotations

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import BOOLS, Case, Message, Refused, Run, some
from tests.catalogue.families.rectifier import LIMITS

CASES: dict[str, Case] = {
    "Hardsigmoid": Case(some(inplace=BOOLS)),
    "Hardtanh": Case(some(min_val=LIMITS, max_val=LIMITS, inplace=BOOLS),
        unlike_torch={"min_value": "deprecated for min_val", "max_value": "deprecated for max_val"},
    ),
    "LogSigmoid": Case(some()),
    "Sigmoid": Case(some()),
    "Softsign": Case(some()),
    "Tanh": Case(some()),
}  # fmt: skip

RUNS: list[Run] = [
    ("Sigmoid", {}, (3,), "bool", (3,), "float32"),
    ("Tanh", {}, (3,), "int16", (3,), "float32"),
    ("Softsign", {}, (3,), "uint8", (3,), "float32"),
    # the bounds become integers, the fraction cut off, before they are looked at
    ("Hardtanh", {"min_val": -0.5, "max_val": 255.9}, (3,), "uint8", (3,), "uint8"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("Hardtanh", {}, (3,), "uint8"),
    ("Hardtanh", {"max_val": 128}, (3,), "int8"),
    ("Hardtanh", {"max_val": 7e4}, (3,), "float16"),
    ("Hardtanh", {"max_val": -1}, (3,), "float32"),
    ("Softsign", {}, (3,), "bool"),
    ("LogSigmoid", {}, (3,), "int64"),
]  # fmt: skip

MESSAGES: list[Message] = [
    ("Hardtanh", {}, (TensorType((8,), "uint8"),), "SB305", "min_val",
     "`min_val` is -1, which uint8 does not hold", "a number from 0 to 255, or an input of dtype float32"),
    ("Hardtanh", {"min_val": 2}, (), "SB304", "max_val",
     "`max_val` must be above `min_val`: 1 is not above 2", "max_val above 2"),
]  # fmt: skip
