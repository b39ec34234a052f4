"""Recurrent cells: what is drawn, and what was found out about torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from torch import Tensor, nn

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import BOOLS, Case, Message, seldom, some
from tests.catalogue.families.recurrent import USUAL


@st.composite
def steps(draw: st.DrawFn, *, states: int) -> tuple[TensorType, ...]:
    """One step, mostly, and now and then the state before it, of a shape that may fit."""
    types = [TensorType(draw(seldom(st.tuples(st.integers(1, 5)), (), (2, 3))), draw(USUAL))]
    for _ in range(draw(st.sampled_from([0, states, *range(states + 1)]))):
        types.append(TensorType(draw(seldom(st.just((2,)), (3,), (), (1, 2))), draw(USUAL)))
    return tuple(types)


class Pair(nn.LSTMCell):
    """torch's own, the states as inputs of their own."""

    all = False

    def forward(self, input: Tensor, *states: Tensor) -> Any:
        if len(states) == 1:
            raise ValueError("torch takes both states or none")
        hidden, cell = super().forward(input, states or None)
        return (hidden, cell) if self.all else hidden


class PairAndCell(Pair):
    all = True


def without_batch(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    """Refuses on purpose what torch takes for one sample without a batch, and a cell that torch has to convert."""
    return any(len(type.shape) != 1 for type in inputs) or any(type.dtype != "float32" for type in inputs[2:])


def macs(gates: int) -> Callable[[dict[str, Any], tuple[TensorType, ...]], int]:
    """Each gate is a product with the input and one with the state."""

    def count(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> int:
        hidden = arguments["hidden_size"]
        return gates * (hidden * inputs[0].size + hidden**2)

    return count


HIDDEN = {"hidden_size": seldom(st.sampled_from([2, 2, 3]), 0)}

CASES: dict[str, Case] = {
    "GRUCell": Case(
        some(HIDDEN, bias=BOOLS), several=steps(states=1), sizes=("input_size",), refused=without_batch,
        required={"hidden_size": 2}, macs=macs(3),
    ),
    "LSTMCell": Case(
        some(HIDDEN, bias=BOOLS), several=steps(states=2), sizes=("input_size",), refused=without_batch,
        torch=Pair, with_results=PairAndCell, required={"hidden_size": 2}, macs=macs(4),
        unlike_torch={"return_cell": "naming the second result switches it on"},
    ),
    "RNNCell": Case(
        some(HIDDEN, bias=BOOLS, nonlinearity=seldom(st.sampled_from(["tanh", "relu"]), "gelu")),
        several=steps(states=1), sizes=("input_size",), refused=without_batch,
        required={"hidden_size": 2}, macs=macs(1),
    ),
}  # fmt: skip

MESSAGES: list[Message] = [
    ("GRUCell", {"hidden_size": 3}, (TensorType((5, 8)),), "SB302", None,
     "GRUCell takes [input_size], but the input is [5, 8]", "type: GRU, which takes a sequence"),
    ("GRUCell", {"hidden_size": 3}, (TensorType(()),), "SB302", None,
     "GRUCell takes [input_size], but the input is []", "{type: Unsqueeze, dim: 1} before it gives [1]"),
    ("RNNCell", {"hidden_size": 3}, (TensorType((2, 3, 4)),), "SB302", None,
     "RNNCell takes [input_size], but the input is [2, 3, 4]", "Flatten before it"),
    ("LSTMCell", {"hidden_size": 3}, (TensorType((8,)), TensorType((3,))), "SB213", "from",
     "LSTMCell is given `hx` without `cx`", "from: {input: ..., hx: ..., cx: ...}"),
    ("LSTMCell", {"hidden_size": 3}, (TensorType((8,)), TensorType((3,)), TensorType((4,))), "SB303", "from",
     "LSTMCell takes `cx` of [3], which is [hidden_size], but it is [4]", "one of [3]"),
    ("RNNCell", {"hidden_size": 3, "input_size": 4}, (TensorType((8,)),), "SB301", "input_size",
     "input_size is 4, but the input has 8 features", "input_size: 8, or leave it out"),
    ("GRUCell", {"hidden_size": 3}, (TensorType((8,), "float64"),), "SB305", None,
     "GRUCell takes float32, but the input is float64", "give the network an input of dtype float32"),
    ("LSTMCell", {"hidden_size": 3}, (TensorType((8,)), TensorType((3,)), TensorType((3,), "float64")), "SB305", "from",
     "LSTMCell takes float32, but `cx` is float64", "one of dtype float32"),
]  # fmt: skip
