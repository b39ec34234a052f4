"""Axes in another order: what is drawn, and what was found out about torch."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from hypothesis import strategies as st

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import ANY, DIMS, Case, Computed, Message, Refused, Run, odd, some

ONES = st.lists(st.sampled_from([1, 1, 2, 3]), max_size=4).map(tuple)
ORDERS = st.integers(1, 5).flatmap(lambda rank: st.permutations(range(rank)))
FIRST = ORDERS.map(lambda order: [0, *(index + 1 for index in order)])
FROM_THE_END = FIRST.map(lambda order: [index - len(order) if index else 0 for index in order])


def keeps_what_is_not_one(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    """Torch leaves an axis that is not 1 as it is, the batch too."""
    shape = (0, *inputs[0].shape)
    dims = arguments["dim"] if isinstance(arguments["dim"], list) else [arguments["dim"]]
    return any(-len(shape) <= dim < len(shape) and shape[dim] != 1 for dim in dims)


def of_the_batch(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    """The batch exchanged with itself."""
    rank = len(inputs[0].shape) + 1
    return arguments["dim0"] in (0, -rank) and arguments["dim1"] in (0, -rank)


CASES: dict[str, Case] = {
    "Permute": Case(
        some({"dims": odd(st.one_of(ORDERS, FIRST, FIRST, FROM_THE_END), [], [0], [0, 0], [0, 1, 1], [0, 9])}),
        torch=lambda dims: Computed(partial(torch.permute, dims=dims)),
        required={"dims": (0, 2, 1)},
    ),
    "Squeeze": Case(
        some({"dim": st.one_of(DIMS, DIMS, st.lists(DIMS, max_size=3))}), ONES,
        torch=lambda dim: Computed(partial(torch.squeeze, dim=dim)),
        refused=keeps_what_is_not_one,
        required={"dim": 1},
    ),
    "Transpose": Case(
        some({"dim0": DIMS, "dim1": DIMS}), ANY,
        torch=lambda dim0, dim1: Computed(partial(torch.transpose, dim0=dim0, dim1=dim1)),
        refused=of_the_batch,
        required={"dim0": 1, "dim1": 2},
    ),
    "Unsqueeze": Case(
        some({"dim": st.integers(-7, 7)}), ANY,
        torch=lambda dim: Computed(partial(torch.unsqueeze, dim=dim)),
        required={"dim": 1},
    ),
}  # fmt: skip

RUNS: list[Run] = [
    ("Permute", {"dims": [-3, -1, 1]}, (2, 3), "bool", (3, 2), "bool"),
    ("Permute", {"dims": [0]}, (), "float32", (), "float32"),
    ("Squeeze", {"dim": []}, (1, 3), "float32", (1, 3), "float32"),
    ("Squeeze", {"dim": [1, -1]}, (1, 3, 1), "int64", (3,), "int64"),
    ("Transpose", {"dim0": -1, "dim1": 2}, (3, 4), "float32", (3, 4), "float32"),
    ("Unsqueeze", {"dim": -1}, (), "float32", (1,), "float32"),
    ("Unsqueeze", {"dim": 3}, (3, 4), "float32", (3, 4, 1), "float32"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("Permute", {"dims": [1, 0, 2]}, (2, 3), "float32"),
    ("Permute", {"dims": [0, 1, -2]}, (2, 3), "float32"),
    ("Squeeze", {"dim": 1}, (3, 1), "float32"),  # torch leaves it as it is
    ("Squeeze", {"dim": 0}, (1,), "float32"),
    ("Squeeze", {"dim": [1, -1]}, (1,), "float32"),
    ("Transpose", {"dim0": 0, "dim1": 1}, (2,), "float32"),
    ("Transpose", {"dim0": 0, "dim1": 0}, (2,), "float32"),
    ("Unsqueeze", {"dim": 0}, (2,), "float32"),
    ("Unsqueeze", {"dim": -3}, (2,), "float32"),
    ("Unsqueeze", {"dim": -4}, (2,), "float32"),
]  # fmt: skip

IMAGE, NUMBER = (TensorType((3, 8, 8)),), (TensorType(()),)
MESSAGES: list[Message] = [
    ("Permute", {"dims": [1, 2, 0]}, IMAGE, "SB306", "dims",
     "`dims` names each of the 4 axes of the input [3, 8, 8] once, the batch counted; got [1, 2, 0]",
     "dims: [0, 2, 3, 1]"),
    ("Permute", {"dims": [2, 3, 1]}, IMAGE, "SB306", "dims",
     "`dims` names each of the 4 axes of the input [3, 8, 8] once, the batch counted; got [2, 3, 1]",
     "dims: [0, 2, 3, 1]"),
    ("Permute", {"dims": [0, 1, 1, 2]}, IMAGE, "SB306", "dims",
     "`dims` names each of the 4 axes of the input [3, 8, 8] once, the batch counted; got [0, 1, 1, 2]",
     "the numbers from 0 to 3, 0 first"),
    ("Permute", {"dims": [0, 1]}, NUMBER, "SB306", "dims",
     "`dims` names each of the 1 axes of the input [] once, the batch counted; got [0, 1]", "leave the layer out"),
    ("Permute", {"dims": [2, 3, 0, 1]}, IMAGE, "SB306", "dims",
     "`dims` [2, 3, 0, 1] moves the batch, which stays axis 0", "dims: [0, 2, 3, 1]"),
    ("Transpose", {"dim0": 0, "dim1": 1}, IMAGE, "SB306", "dim0",
     "`dim0: 0` is the batch, which stays axis 0", "axes from 1 to 3"),
    ("Transpose", {"dim0": 1, "dim1": -4}, IMAGE, "SB306", "dim1",
     "`dim1: -4` is the batch, which stays axis 0", "axes from 1 to 3"),
    ("Transpose", {"dim0": 1, "dim1": 4}, IMAGE, "SB306", "dim1",
     "`dim1` is 4, but the input [3, 8, 8] has 4 axes, the batch counted", "axes from 1 to 3"),
    ("Transpose", {"dim0": 0, "dim1": 1}, (TensorType((8,)),), "SB306", "dim0",
     "`dim0: 0` is the batch, which stays axis 0", "axis 1, the only one that is not the batch"),
    ("Squeeze", {"dim": 1}, (TensorType((3, 1, 8, 1)),), "SB306", "dim",
     "axis 1 of the input [3, 1, 8, 1] has size 3; only an axis of size 1 is taken away", "dim: 2 or 4"),
    ("Squeeze", {"dim": 1}, IMAGE, "SB306", "dim",
     "axis 1 of the input [3, 8, 8] has size 3; only an axis of size 1 is taken away", "leave the layer out"),
    ("Squeeze", {"dim": [0, 1]}, IMAGE, "SB306", "dim",
     "`dim: 0` is the batch, which stays axis 0", "axes from 1 to 3"),
    ("Squeeze", {"dim": 0}, NUMBER, "SB306", "dim",
     "`dim` is 0, but the input [], a single number, has no axis but the batch", "leave the layer out"),
    ("Squeeze", {"dim": [2, -2]}, (TensorType((3, 1, 8)),), "SB306", "dim",
     "`dim` [2, -2] names an axis twice", "dim: [2]"),
    ("Unsqueeze", {"dim": -5}, IMAGE, "SB306", "dim",
     "`dim: -5` would put an axis before the batch", "dim: 1"),
    ("Unsqueeze", {"dim": 5}, IMAGE, "SB306", "dim",
     "`dim` is 5, but with the new axis the input [3, 8, 8] has 5 axes, the batch counted", "a number from 1 to 4"),
]  # fmt: skip
