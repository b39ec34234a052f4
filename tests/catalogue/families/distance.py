"""Distance: what is drawn, and what was found out about torch."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import BOOLS, DIMS, NUMBERS, Case, Message, some
from tests.catalogue.families.merge import stretchable


def misaligned(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    """The batch of the one meets another axis of the other; or nothing has an axis, which torch takes for one of 1."""
    rank = max(type.rank for type in inputs)
    return rank == 0 or any(type.batched and type.rank < rank for type in inputs)


EPS = st.sampled_from([0, 1e-8, 1e-6, 0.1, 1.0, -0.3, 7e4])

CASES: dict[str, Case] = {
    "CosineSimilarity": Case(some(dim=st.one_of(st.just(1), st.just(-1), DIMS), eps=EPS),
        several=stretchable(most=2), refused=misaligned,
    ),
    "PairwiseDistance": Case(some(p=NUMBERS, eps=EPS, keepdim=BOOLS), several=stretchable(most=2),
        refused=misaligned,
    ),
}  # fmt: skip

IMAGE = TensorType((3, 8, 8))
MESSAGES: list[Message] = [
    ("CosineSimilarity", {"dim": 0}, (IMAGE, IMAGE), "SB306", "dim",
     "`dim` is 0, but [3, 8, 8] is compared along an axis from 1 to 3", "dim: 1"),
    ("CosineSimilarity", {}, (IMAGE, TensorType((4, 8, 8))), "SB308", "from",
     "[3, 8, 8] and [4, 8, 8] cannot be merged: their sizes have to be equal, or 1", None),
    ("CosineSimilarity", {}, (TensorType((8,), "int64"), TensorType((8,), "int64")), "SB305", None,
     "CosineSimilarity takes float64, float32, float16 or bfloat16, but the input is int64",
     "give the network an input of dtype float32"),
    ("PairwiseDistance", {}, (TensorType(()), TensorType(())), "SB302", None,
     "PairwiseDistance takes [..., features], but the inputs are [] and [], single numbers",
     "inputs with at least one axis: [1]"),
    ("PairwiseDistance", {}, (TensorType((8,)), TensorType((8,), "bool")), "SB305", None,
     "PairwiseDistance takes float64, float32, float16, bfloat16, int64, int32, int16, int8 or uint8, "
     "but the input is bool", "give the network an input of dtype float32"),
]  # fmt: skip
