"""Parts of an axis and means: what is drawn, and what was found out about torch."""

from __future__ import annotations

from functools import partial

import torch
from hypothesis import strategies as st

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import ANY, BOOLS, DIMS, Case, Computed, Message, Refused, Run, some

NEAR = st.integers(-6, 6)

CASES: dict[str, Case] = {
    "Mean": Case(
        some({"dim": st.one_of(DIMS, DIMS, st.lists(DIMS, max_size=3))}, keepdim=BOOLS), ANY,
        torch=lambda dim, keepdim=False: Computed(partial(torch.mean, dim=dim, keepdim=keepdim)),
        required={"dim": 1},
    ),
    "Narrow": Case(
        some({"dim": DIMS, "start": NEAR, "length": st.integers(-1, 5)}), ANY,
        torch=lambda dim, start, length: Computed(partial(torch.narrow, dim=dim, start=start, length=length)),
        required={"dim": 1, "start": 0, "length": 1},
    ),
    "Select": Case(
        some({"dim": DIMS, "index": NEAR}), ANY,
        torch=lambda dim, index: Computed(partial(torch.select, dim=dim, index=index)),
        required={"dim": 1, "index": 0},
    ),
}  # fmt: skip

RUNS: list[Run] = [
    ("Mean", {"dim": [-1, 1]}, (2, 3), "bfloat16", (), "bfloat16"),
    ("Mean", {"dim": [2], "keepdim": True}, (2, 3), "float64", (2, 1), "float64"),
    ("Narrow", {"dim": 1, "start": -3, "length": 3}, (3,), "bool", (3,), "bool"),
    ("Select", {"dim": -1, "index": -3}, (2, 3), "int8", (2,), "int8"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("Mean", {"dim": 1}, (3,), "int64"),
    ("Mean", {"dim": []}, (3,), "float32"),  # torch takes it for all, and the batch with them
    ("Mean", {"dim": 0, "keepdim": True}, (3,), "float32"),
    ("Mean", {"dim": [1, -1]}, (3,), "float32"),
    ("Narrow", {"dim": 1, "start": 3, "length": 1}, (3,), "float32"),
    ("Narrow", {"dim": 1, "start": -1, "length": 2}, (3,), "float32"),
    ("Narrow", {"dim": 1, "start": 3, "length": 0}, (3,), "float32"),  # torch gives no elements
    ("Narrow", {"dim": 0, "start": 0, "length": 2}, (3,), "float32"),
    ("Select", {"dim": 0, "index": 0}, (3,), "float32"),
    ("Select", {"dim": 1, "index": 3}, (3,), "float32"),
]  # fmt: skip

IMAGE = (TensorType((3, 8, 8)),)
MESSAGES: list[Message] = [
    ("Mean", {"dim": 1}, (TensorType(()),), "SB306", "dim",
     "`dim` is 1, but the input [], a single number, has no axis but the batch", "leave the layer out"),
    ("Mean", {"dim": [1, 4]}, IMAGE, "SB306", "dim",
     "`dim` is 4, but the input [3, 8, 8] has 4 axes, the batch counted", "axes from 1 to 3"),
    ("Select", {"dim": 0, "index": 0}, IMAGE, "SB306", "dim", "`dim: 0` is the batch, which is not cut", "dim: 1"),
    ("Select", {"dim": 1, "index": 3}, IMAGE, "SB306", "index",
     "`index` is 3, but axis 1 of the input [3, 8, 8] has size 3", "a number from -3 to 2"),
    ("Narrow", {"dim": -4, "start": 0, "length": 1}, IMAGE, "SB306", "dim",
     "`dim: -4` is the batch, which is not cut", "dim: 1"),
    ("Narrow", {"dim": 1, "start": 1, "length": 3}, IMAGE, "SB306", "length",
     "`start: 1` and `length: 3` reach past the ends of axis 1 of the input [3, 8, 8], which has size 3",
     "length of at most 2"),
    ("Narrow", {"dim": 1, "start": -2, "length": 3}, IMAGE, "SB306", "length",
     "`start: -2` and `length: 3` reach past the ends of axis 1 of the input [3, 8, 8], which has size 3",
     "length of at most 2"),
    ("Narrow", {"dim": 1, "start": 3, "length": 1}, IMAGE, "SB306", "start",
     "`start: 3` and `length: 1` reach past the ends of axis 1 of the input [3, 8, 8], which has size 3",
     "start from -3 to 2"),
    ("Narrow", {"dim": 1, "start": -4, "length": 1}, IMAGE, "SB306", "start",
     "`start: -4` and `length: 1` reach past the ends of axis 1 of the input [3, 8, 8], which has size 3",
     "start from -3 to 2"),
    ("Mean", {"dim": [2, 0]}, IMAGE, "SB306", "dim",
     "`dim: 0` is the batch, which is not averaged", "axes from 1 to 3"),
    ("Mean", {"dim": []}, IMAGE, "SB304", "dim",
     "`dim` names at least one axis; got [], which torch takes for all, and the batch with them", "dim: 1"),
    ("Mean", {"dim": 1}, (TensorType((3,), "int64"),), "SB305", None,
     "Mean takes float64, float32, float16 or bfloat16, but the input is int64",
     "give the network an input of dtype float32"),
]  # fmt: skip
