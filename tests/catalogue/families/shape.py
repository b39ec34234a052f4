"""Shape: what is drawn, and what was found out about torch."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import DIMS, Case, Computed, Message, Refused, Run, some

SIZES = st.lists(st.sampled_from([1, 2, 3, 4, 5, -1, 0]), max_size=4)


def merges_the_batch(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    rank = len(inputs[0].shape) + 1
    start, end = arguments.get("start_dim", 1), arguments.get("end_dim", -1)
    return -rank <= start < rank and -rank <= end < rank and start % rank == 0 != end % rank


def cuts_the_batch(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    rank = len(inputs[0].shape) + 1
    return -rank <= arguments["dim"] < rank and arguments["dim"] % rank == 0


CASES: dict[str, Case] = {
    "Flatten": Case(some(start_dim=DIMS, end_dim=DIMS), refused=merges_the_batch),
    "Reshape": Case(
        some({"shape": SIZES}),
        st.lists(st.sampled_from([1, 2, 4, 6, 12, 20]), max_size=3).map(tuple),
        torch=lambda shape: Computed(lambda input: torch.reshape(input, (input.shape[0], *shape))),
        required={"shape": (1, 2)},
    ),
    "Unflatten": Case(
        some({"dim": DIMS, "unflattened_size": SIZES}),
        st.lists(st.sampled_from([1, 2, 4, 6, 12, 20]), max_size=3).map(tuple),
        refused=cuts_the_batch,
        required={"dim": 1, "unflattened_size": (1, 2)},
    ),
}  # fmt: skip

RUNS: list[Run] = [
    ("Flatten", {"start_dim": 0, "end_dim": 0}, (), "float32", (), "float32"),
    ("Flatten", {"start_dim": -1}, (2, 3), "float32", (2, 3), "float32"),
    ("Unflatten", {"dim": -1, "unflattened_size": [1, -1, 1]}, (2, 6), "bool", (2, 1, 6, 1), "bool"),
    ("Reshape", {"shape": []}, (1, 1), "int8", (), "int8"),
    ("Reshape", {"shape": [1, -1]}, (), "float32", (1, 1), "float32"),
    ("Reshape", {"shape": [-1, 4]}, (2, 6), "float32", (3, 4), "float32"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("Flatten", {}, (), "float32"),
    ("Flatten", {"start_dim": 0}, (3,), "float32"),
    ("Unflatten", {"dim": 1, "unflattened_size": []}, (1,), "float32"),
    ("Unflatten", {"dim": 1, "unflattened_size": [0, -1]}, (4,), "float32"),
    ("Unflatten", {"dim": 0, "unflattened_size": [-1, 1]}, (4,), "float32"),
    ("Reshape", {"shape": [-1, -1]}, (4,), "float32"),
    ("Reshape", {"shape": [3, -1]}, (4,), "float32"),
    ("Reshape", {"shape": []}, (2,), "float32"),
    ("Reshape", {"shape": [-2, 2]}, (4,), "float32"),
]  # fmt: skip

IMAGE = (TensorType((3, 8, 8)),)
MESSAGES: list[Message] = [
    ("Flatten", {}, (TensorType(()),), "SB306", "start_dim",
     "`start_dim` is 1, but the input [], a single number, has no axis but the batch", "leave the layer out"),
    ("Flatten", {"start_dim": 3, "end_dim": 2}, IMAGE, "SB306", "start_dim",
     "`start_dim` is axis 3, which comes after `end_dim`, axis 2", "start_dim of at most 2"),
    ("Flatten", {"end_dim": 0}, IMAGE, "SB306", "start_dim",
     "`start_dim` is axis 1, which comes after `end_dim`, axis 0", "end_dim: -1"),
    ("Reshape", {"shape": [3, 60]}, IMAGE, "SB306", "shape",
     "`shape` [3, 60] makes 180, but the input [3, 8, 8] has 192", "sizes that multiply to 192, or -1 for one of them"),
    ("Reshape", {"shape": [5, -1]}, IMAGE, "SB306", "shape",
     "`shape` [5, -1] leaves 192 / 5 for -1, which is not whole", "sizes whose product divides 192"),
    ("Reshape", {"shape": [-1, 0]}, IMAGE, "SB304", "shape",
     "`shape` takes positive sizes, one of which may be -1; got [-1, 0]", None),
]  # fmt: skip
