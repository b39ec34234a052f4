"""Dropout: what is drawn, and what was found out about torch."""

from __future__ import annotations

from tests.catalogue.drawing import BOOLS, PLANES, PROBABILITIES, Case, Refused, Run, of_planes, some

CASES: dict[str, Case] = {
    "Dropout": Case(some(p=PROBABILITIES, inplace=BOOLS)),
    "Dropout2d": Case(some(p=PROBABILITIES, inplace=BOOLS), PLANES, refused=of_planes(2)),
}  # fmt: skip

RUNS: list[Run] = [
    # dropping nothing, or everything, scales nothing
    ("Dropout", {"p": 0}, (3,), "int64", (3,), "int64"),
    ("Dropout2d", {"p": 1}, (1, 2, 2), "bool", (1, 2, 2), "bool"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("Dropout", {"p": 0.5}, (3,), "int64"),  # in training alone
    ("Dropout", {"p": 1.5}, (3,), "float32"),
    ("Dropout2d", {}, (3, 2), "float32"),  # torch warns that this will change
]  # fmt: skip
