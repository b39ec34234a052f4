"""Softmax: what is drawn, and what was found out about torch."""

from __future__ import annotations

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import DIMS, PLANES, Case, Message, Refused, Run, odd, of_planes, some

CASES: dict[str, Case] = {
    "GLU": Case(some(dim=DIMS)),
    "LogSoftmax": Case(some(dim=odd(DIMS, None))),
    "Softmax": Case(some(dim=odd(DIMS, None))),
    "Softmax2d": Case(some(), PLANES, refused=of_planes(2)),
    "Softmin": Case(some(dim=odd(DIMS, None))),
}  # fmt: skip

RUNS: list[Run] = [
    # one value for each sample
    ("Softmax", {"dim": 0}, (), "float32", (), "float32"),
    ("LogSoftmax", {}, (), "float32", (), "float32"),
    ("GLU", {"dim": -2}, (4, 3), "bfloat16", (2, 3), "bfloat16"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("Softmax", {"dim": 1}, (3,), "int64"),
    ("Softmax2d", {}, (3, 2), "float32"),  # torch takes the batch for channels
    ("GLU", {"dim": 0}, (4,), "float32"),  # torch halves a batch of 2
    ("GLU", {}, (), "float32"),
    ("GLU", {}, (3,), "float32"),
]  # fmt: skip

IMAGE = TensorType((3, 8, 8))
MESSAGES: list[Message] = [
    ("GLU", {"dim": 1}, (IMAGE,), "SB303", "dim",
     "GLU halves axis 1 of [3, 8, 8], but its size 3 is odd", "a layer before it that gives an even size there"),
    ("GLU", {"dim": 0}, (IMAGE,), "SB306", "dim",
     "`dim` is 0, but [3, 8, 8] is halved along an axis from 1 to 3", "dim: 1"),
    ("LogSoftmax", {"dim": 4}, (IMAGE,), "SB306", "dim",
     "`dim` is 4, but the input [3, 8, 8] has 4 axes, the batch counted", "a number from -4 to 3"),
    ("Softmax2d", {}, (TensorType((8, 8)),), "SB302", None,
     "Softmax2d takes [channels, height, width], but the input is [8, 8]", "with one channel it is [1, 8, 8]"),
]  # fmt: skip
