"""Shape: what is drawn, and what was found out about torch."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import DIMS, Case, Refused, Run, some


def merges_the_batch(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    rank = len(inputs[0].shape) + 1
    start, end = arguments.get("start_dim", 1), arguments.get("end_dim", -1)
    return -rank <= start < rank and -rank <= end < rank and start % rank == 0 != end % rank


def cuts_the_batch(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    rank = len(inputs[0].shape) + 1
    return -rank <= arguments["dim"] < rank and arguments["dim"] % rank == 0


CASES: dict[str, Case] = {
    "Flatten": Case(some(start_dim=DIMS, end_dim=DIMS), refused=merges_the_batch),
    "Unflatten": Case(
        some({"dim": DIMS, "unflattened_size": st.lists(st.sampled_from([1, 2, 3, 4, 5, -1, 0]), max_size=4)}),
        st.lists(st.sampled_from([1, 2, 4, 6, 12, 20]), max_size=3).map(tuple),
        refused=cuts_the_batch,
        required={"dim": 1, "unflattened_size": (1, 2)},
    ),
}  # fmt: skip

RUNS: list[Run] = [
    ("Flatten", {"start_dim": 0, "end_dim": 0}, (), "float32", (), "float32"),
    ("Flatten", {"start_dim": -1}, (2, 3), "float32", (2, 3), "float32"),
    ("Unflatten", {"dim": -1, "unflattened_size": [1, -1, 1]}, (2, 6), "bool", (2, 1, 6, 1), "bool"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("Flatten", {}, (), "float32"),
    ("Flatten", {"start_dim": 0}, (3,), "float32"),
    ("Unflatten", {"dim": 1, "unflattened_size": []}, (1,), "float32"),
    ("Unflatten", {"dim": 1, "unflattened_size": [0, -1]}, (4,), "float32"),
    ("Unflatten", {"dim": 0, "unflattened_size": [-1, 1]}, (4,), "float32"),
]  # fmt: skip
