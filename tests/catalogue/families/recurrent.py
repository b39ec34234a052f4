"""Recurrent layers: what is drawn, and what was found out about torch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from specbuild.catalogue.types import ITEM_BYTES, TensorType
from tests.catalogue.drawing import BOOLS, Case, Message, seldom, some

FEATURES = st.integers(1, 5)
USUAL = seldom(st.just("float32"), *sorted(ITEM_BYTES))


@st.composite
def sequences(draw: st.DrawFn, *, states: int) -> tuple[TensorType, ...]:
    """A sequence, mostly, and now and then the states before it, of shapes that may fit."""
    length, features = draw(st.integers(1, 6)), draw(FEATURES)
    types = [TensorType(draw(seldom(st.just((length, features)), (), (length,), (2, 1, 3))), draw(USUAL))]
    shape = draw(st.tuples(st.sampled_from([1, 1, 2, 2, 4]), st.just(2)))
    for _ in range(draw(st.sampled_from([0, states, *range(states + 1)]))):
        types.append(TensorType(draw(seldom(st.just(shape), (2,), (1, 3), (1, 2, 2))), draw(USUAL)))
    return tuple(types)


class Whole(nn.Module):
    """A recurrent layer of torch's own, its output and states put as ours are."""

    def __init__(self, kind: type[nn.RNNBase], all: bool, returns: str = "sequence", **arguments: Any) -> None:
        super().__init__()
        self.all, self.returns, self.kind = all, returns, kind
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a dropout that has no layers to stand between
            made = kind(batch_first=True, **arguments)
        self.parts = [made]  # outside of the named parameters' prefix
        for name, parameter in made.named_parameters():
            self.register_parameter(name, parameter)

    def forward(self, input: Tensor, *states: Tensor) -> Any:
        (module,) = self.parts
        module.train(self.training)
        given = [state.transpose(0, 1) for state in states]
        if self.kind is nn.LSTM:
            if len(given) == 1:
                raise ValueError("torch takes both states or none")
            output, ends = module(input, tuple(given) or None)
        else:
            output, end = module(input, *given)
            ends = (end,)
        if input.dim() != 3:
            raise ValueError("torch takes a sequence without a batch")
        if self.returns == "last":
            module_ends = ends[0].reshape(module.num_layers, -1, *ends[0].shape[1:])[-1]
            output = torch.cat(list(module_ends), dim=1)
        return (output, *(end.transpose(0, 1) for end in ends)) if self.all else output


def whole(kind: type[nn.RNNBase], *, all: bool = False) -> Callable[..., nn.Module]:
    return lambda **arguments: Whole(kind, all, **arguments)


def macs(gates: int) -> Callable[[dict[str, Any], tuple[TensorType, ...]], int]:
    """Each gate is a product with the input and one with the state; a projection is one more."""

    def count(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> int:
        length, features = inputs[0].shape
        hidden, layers = arguments["hidden_size"], arguments.get("num_layers", 1)
        both, projected = 2 if arguments.get("bidirectional") else 1, arguments.get("proj_size", 0)
        state = projected or hidden
        widths = [features, *[both * state] * (layers - 1)]
        return length * both * sum(gates * hidden * width + gates * hidden * state + projected * hidden
                                   for width in widths)  # fmt: skip

    return count


OURS = {
    "batch_first": "axis 0 is always the batch",
    "returns": "ours: which part of torch's two outputs is the layer's",
    "return_hidden": "naming the second result switches it on",
    "return_cell": "naming the second result switches it on",
}
COMMON: dict[str, Any] = {
    "num_layers": seldom(st.integers(1, 3), 0),
    "bias": BOOLS,
    "dropout": seldom(st.sampled_from([0, 0.25, 1.0]), -0.1, 1.5),
    "bidirectional": BOOLS,
    "returns": st.sampled_from(["sequence", "last"]),
}
HIDDEN = {"hidden_size": seldom(st.sampled_from([2, 2, 3]), 0)}


def case(kind: type[nn.RNNBase], gates: int, states: int, **more: Any) -> Case:
    return Case(
        some(HIDDEN, **COMMON, **more), several=sequences(states=states), sizes=("input_size",),
        torch=whole(kind), with_results=whole(kind, all=True), required={"hidden_size": 2}, macs=macs(gates),
        unlike_torch={name: why for name, why in OURS.items() if name != "return_cell" or kind is nn.LSTM},
        kept=False,  # of few steps and features torch shares or pads what it keeps; `test_sequence_memory.py` has usual
    )  # fmt: skip


CASES: dict[str, Case] = {
    "GRU": case(nn.GRU, 3, 1),
    "LSTM": case(nn.LSTM, 4, 2, proj_size=seldom(st.sampled_from([0, 0, 1, 2]), -1)),
    "RNN": case(nn.RNN, 1, 1, nonlinearity=seldom(st.sampled_from(["tanh", "relu"]), "gelu")),
}

MESSAGES: list[Message] = [
    ("LSTM", {"hidden_size": 3}, (TensorType((5,)),), "SB302", None,
     "LSTM takes [length, input_size], but the input is [5]",
     "{type: Reshape, shape: [5, 1]} before it"),
    ("LSTM", {"hidden_size": 3}, (TensorType((5,), "int64"),), "SB302", None,
     "LSTM takes [length, input_size], but the input is [5] int64",
     "an Embedding before it gives each of the integers its features"),
    ("GRU", {"hidden_size": 3}, (TensorType((3, 8, 8)),), "SB302", None,
     "GRU takes [length, input_size], but the input is [3, 8, 8]",
     "{type: Flatten, start_dim: 2} and {type: Transpose, dim0: 1, dim1: 2} before it give [64, 3]"),
    ("GRU", {"hidden_size": 3}, (TensorType((1, 28, 28)),), "SB302", None,
     "GRU takes [length, input_size], but the input is [1, 28, 28]",
     "{type: Squeeze, dim: 1} before it gives [28, 28]"),
    ("GRU", {"hidden_size": 3}, (TensorType(()),), "SB302", None,
     "GRU takes [length, input_size], but the input is []",
     "{type: Reshape, shape: [1, 1]} before it"),
    ("RNN", {"hidden_size": 3}, (TensorType((5, 8), "int64"),), "SB305", None,
     "RNN takes float32, but the input is int64", "give the network an input of dtype float32"),
    ("RNN", {"hidden_size": 3, "input_size": 4}, (TensorType((5, 8)),), "SB301", "input_size",
     "input_size is 4, but the input has 8 features", "input_size: 8, or leave it out"),
    ("LSTM", {"hidden_size": 3}, (TensorType((5, 8)), TensorType((1, 3))), "SB213", "from",
     "LSTM is given `hx` without `cx`", "from: {input: ..., hx: ..., cx: ...}"),
    ("LSTM", {"hidden_size": 3, "proj_size": 2, "bidirectional": True},
     (TensorType((5, 8)), TensorType((1, 3)), TensorType((2, 3))), "SB303", "from",
     "LSTM takes `hx` of [2, 2], which is [2 · num_layers, proj_size], but it is [1, 3]", "one of [2, 2]"),
    ("LSTM", {"hidden_size": 3, "proj_size": 2},
     (TensorType((5, 8)), TensorType((1, 2)), TensorType((1, 2))), "SB303", "from",
     "LSTM takes `cx` of [1, 3], which is [num_layers, hidden_size], but it is [1, 2]", "one of [1, 3]"),
    ("GRU", {"hidden_size": 3}, (TensorType((5, 8)), TensorType((3,))), "SB302", "from",
     "GRU takes `hx` of [1, 3], which is [num_layers, hidden_size], but it is [3]", "one of [1, 3]"),
    ("GRU", {"hidden_size": 3}, (TensorType((5, 8)), TensorType((1, 3), "float64")), "SB305", "from",
     "GRU takes float32, but `hx` is float64", "one of dtype float32"),
    ("LSTM", {"hidden_size": 3, "proj_size": 3}, (TensorType((5, 8)),), "SB304", "proj_size",
     "`proj_size` must be below hidden_size: 3 is not below 3", "proj_size of at most 2, where 0 projects none"),
]  # fmt: skip
