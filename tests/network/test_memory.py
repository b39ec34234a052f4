"""A layer that overwrites its input is refused where that changes what somebody reads, and only there.

The oracle runs the network twice, with the layers in place and with the same layers out of place, and looks
at what every reader is given: each layer, the outputs, and the loss.

SPECBUILD_EXAMPLES multiplies how many are drawn.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import specbuild
from specbuild.errors import SpecError
from tests.network.naive import Graph, Naive, Refused, same

EXAMPLES = float(os.environ.get("SPECBUILD_EXAMPLES", "1"))
LEAKY: dict[str, Any] = {"type": "LeakyReLU", "negative_slope": 0.5}
"""What stays a number of its own however often it is applied."""
FEATURES = 20
"""So many that some are negative, which layers in place change."""


def faults(layers: list[Any], **more: Any) -> list[tuple[str, str, str]]:
    """Code, layer and message of all that is wrong with a network of three features."""
    inputs = {} if "inputs" in more else {"input": [3]}
    try:
        specbuild.infer({"specbuild": 1, **inputs, **more, "layers": layers})
    except SpecError as error:
        return [(d.code, d.instance or "", d.message) for d in error.diagnostics]
    return []


def in_place(name: str, source: str | None = None) -> dict[str, Any]:
    return {"name": name, "type": "ReLU", "inplace": True, **({"from": source} if source else {})}


LINEAR: dict[str, Any] = {"name": "a", "type": "Linear", "out_features": 3}
READ_BY_SUM: list[tuple[str, str, str]] = [("SB309", "b", "it overwrites its input, which `sum` reads later")]
SUM: dict[str, Any] = {"name": "sum", "type": "Add"}


class TestRefused:
    def test_a_layer_reads_it_again(self) -> None:
        assert faults([LINEAR, in_place("b"), {**SUM, "from": ["a", "b"]}]) == READ_BY_SUM

    @pytest.mark.parametrize("view", ["Flatten", "Identity", "Dropout", {"type": "Unflatten", "dim": 1,
                                      "unflattened_size": [1, 3]}])  # fmt: skip
    def test_through_a_view(self, view: Any) -> None:
        element = {**(view if isinstance(view, dict) else {"type": view}), "name": "view"}
        layers = [LINEAR, element, in_place("b"), {"name": "flat", "type": "Flatten"}, {**SUM, "from": ["a", "flat"]}]
        assert faults(layers) == READ_BY_SUM
        other_way = [LINEAR, element, in_place("b", "a"), {"name": "flat", "type": "Flatten", "from": "view"},
                     {**SUM, "from": ["b", "flat"]}]  # fmt: skip
        assert faults(other_way) == [("SB309", "b", "it overwrites its input, which `flat` reads later")]

    def test_through_a_scope(self) -> None:
        scope = {"name": "s", "type": "Sequential", "layers": ["Identity", in_place("b")]}
        assert faults([LINEAR, scope, {**SUM, "from": ["a", "s"]}]) == [
            ("SB309", "s.b", "it overwrites its input, which `sum` reads later")
        ]

    def test_read_within_a_scope(self) -> None:
        scope = {"name": "s", "type": "Sequential", "from": "a", "layers": ["Tanh"]}
        assert faults([LINEAR, in_place("b"), scope, {**SUM, "from": ["b", "s"]}]) == [
            ("SB309", "b", "it overwrites its input, which `s.tanh_1` reads later")
        ]

    def test_what_comes_out_of_a_scope(self) -> None:
        """The scope's output is the memory of its input."""
        scope = {"name": "s", "type": "Sequential", "layers": ["Identity"]}
        assert faults([LINEAR, scope, in_place("b"), {**SUM, "from": ["a", "b"]}]) == READ_BY_SUM

    def test_through_a_block(self) -> None:
        blocks = {"gated": {"inputs": ["x", "y"], "layers": [in_place("b", "x"), {**SUM, "from": ["y", "b"]}]}}
        both = {"name": "g", "type": "gated", "from": {"y": "a", "x": "a"}}
        assert faults([LINEAR, both], blocks=blocks) == [
            ("SB309", "g.b", "it overwrites its input, which `g.sum` reads later")
        ]
        apart = {"name": "g", "type": "gated", "from": {"y": "input", "x": "a"}}
        assert faults([LINEAR, apart], blocks=blocks) == []

    def test_in_a_repeat(self) -> None:
        blocks = {"step": {"inputs": ["x", "y"], "layers": [{**SUM, "from": ["x", "y"]}, in_place("b")]}}
        assert faults([LINEAR, {"name": "r", "type": "step", "repeat": 3, "from": ["a", "input"]}], blocks=blocks) == []
        blocks["step"]["layers"] = [in_place("b", "y"), {**SUM, "from": ["x", "b"]}]
        assert faults([LINEAR, {"name": "r", "type": "step", "repeat": 2, "from": ["a", "input"]}], blocks=blocks) == [
            ("SB309", "r.0.b", "it overwrites its input, which `r.1.b` reads later")
        ]

    def test_what_a_gradient_is_computed_from(self) -> None:
        """By the layer that made it, or by one that read it."""
        by = "it overwrites its input, which the gradient of `{}` is computed from"
        assert faults([LINEAR, in_place("b"), in_place("c")]) == [("SB309", "c", by.format("b"))]
        assert faults([LINEAR, {"name": "s", "type": "Sigmoid"}, in_place("c")]) == [("SB309", "c", by.format("s"))]
        dropped = {"name": "c", "type": "Dropout", "inplace": True}
        assert faults([LINEAR, {"name": "r", "type": "ReLU"}, dropped]) == [("SB309", "c", by.format("r"))]
        read = [
            LINEAR,
            {"name": "l", "type": "Linear", "out_features": 3},
            in_place("r", "a"),
            {**SUM, "from": ["l", "r"]},
        ]
        assert faults(read) == [("SB309", "r", by.format("l"))]
        assert faults([{"name": "s", "type": "Sigmoid"}, in_place("c"), LINEAR]) == []  # no gradient flows back to it

    @pytest.mark.parametrize("outputs", [["a", "b"], ["a"]])
    def test_an_output_reads_it(self, outputs: list[str]) -> None:
        """Though the layers stand in a straight line."""
        assert faults([LINEAR, in_place("b")], outputs=outputs) == [
            ("SB309", "b", "it overwrites its input, which the output `a` reads later")
        ]

    def test_the_loss_reads_the_input(self) -> None:
        layers = [in_place("b"), {**LINEAR, "out_features": 3}]
        loss = {"type": "MSELoss", "target": "input"}
        assert faults(layers, loss=loss) == [
            ("SB309", "b", "it overwrites its input, which the loss, whose target is `input` reads later")
        ]
        assert faults(layers, loss="CrossEntropyLoss") == []

    @pytest.mark.parametrize("batch", [True, False])
    def test_a_parameter(self, batch: bool) -> None:
        parameter = {"name": "p", "type": "Parameter", "shape": [1, 3] if batch else [3], "batch": batch}
        found = faults([parameter, "Identity", in_place("b"), {**SUM, "from": ["b", "input"]}])
        if batch:
            assert found == [("SB309", "b", "it would overwrite a parameter")]
        else:
            assert [(code, message) for code, _, message in found] == [
                ("SB302", "Identity takes a batch, but `p` is [3] without a batch")
            ]


class TestAllowed:
    @pytest.mark.parametrize(
        ("layers", "more"),
        [
            ([LINEAR, in_place("b"), {**LINEAR, "name": "d"}, in_place("c")], {}),
            ([LINEAR, in_place("b"), {**SUM, "from": ["b", "input"]}, in_place("c")], {}),
            ([LINEAR, {"name": "x", "type": "Tanh"}, in_place("b", "a"), {**SUM, "from": ["x", "b"]}], {}),
            ([LINEAR, in_place("b"), "Identity"], {"outputs": ["b", "identity_1"]}),
            ([in_place("b")], {}),
        ],
        ids=["a line", "what a merge made", "read before", "the result itself", "the network's input"],
    )
    def test_nobody_reads_what_was(self, layers: list[Any], more: dict[str, Any]) -> None:
        assert faults(layers, **more) == []

    def test_second_results_are_memory_of_their_own(self) -> None:
        layers = [{"name": "pool", "type": "MaxPool2d", "kernel_size": 2}, in_place("b")]
        assert faults(layers, input=[1, 4, 4], outputs=["b", "pool.indices"]) == []
        read = [*layers, {"name": "i", "type": "Identity", "from": "pool.indices"}, {**SUM, "from": ["b", "i"]}]
        assert faults(read, input=[1, 4, 4]) == []
        overwritten = [layers[0], in_place("b", "pool.indices"), {"name": "i", "type": "Tanh", "from": "pool.indices"},
                       {**SUM, "from": ["i", "pool"]}]  # fmt: skip
        assert faults(overwritten, input=[1, 4, 4], outputs=["sum", "b"]) == [
            ("SB309", "b", "it overwrites its input, which `i` reads later")
        ]


class Reads:
    """What each reader was given, copied as it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[str, list[Tensor]]] = []

    def run(self, naive: Naive, inputs: list[Tensor], training: bool) -> list[tuple[str, list[Tensor]]]:
        """Run a network; the outputs, and the inputs as the loss would see them, are read at the end."""
        self.given = []
        handles = [
            module.register_forward_pre_hook(lambda module, given, name=name: self.note(name, given))
            for name, module in naive.network.named_modules()
            if not isinstance(module, Graph)
        ]
        torch.manual_seed(1)
        with torch.no_grad():
            output = naive.network.train(training)(*inputs)
        self.note("outputs", list(output.values()) if isinstance(output, dict) else [output])
        for handle in handles:
            handle.remove()
        return self.given

    def note(self, name: str, given: Any) -> None:
        self.given.append((name, [tensor.clone() for tensor in given]))


def equal(a: list[tuple[str, list[Tensor]]], b: list[tuple[str, list[Tensor]]]) -> bool:
    return [name for name, _ in a] == [name for name, _ in b] and all(
        same(x, y) for (_, left), (_, right) in zip(a, b, strict=True) for x, y in zip(left, right, strict=True)
    )


def layers_in_place(network: nn.Module) -> Iterator[nn.Module]:
    return (module for module in network.modules() if getattr(module, "inplace", False))


def learns(naive: Naive, inputs: list[Tensor]) -> bool:
    """Whether the backward pass finds what the forward pass saved."""
    output = naive.network.train()(*inputs)
    outputs = list(output.values()) if isinstance(output, dict) else [output]
    try:
        for tensor in outputs:
            if tensor.requires_grad:
                tensor.sum().backward(retain_graph=True)
    except RuntimeError as error:
        if "modified by an inplace operation" not in str(error):
            raise
        return False
    return True


def spoils(document: Mapping[str, Any]) -> bool:
    """Whether computing in place changes what some reader is given; torch's own refusal counts."""
    naive = Naive(document)
    target_is_input = isinstance(document.get("loss"), dict)
    found = False
    for training in (False, True):
        torch.manual_seed(0)
        start = [torch.randn(2, *type.shape) for type in naive.inputs.values()]
        weights = {name: tensor.clone() for name, tensor in naive.network.state_dict().items()}
        pure_inputs = [tensor.clone() for tensor in start]
        chosen = list(layers_in_place(naive.network))
        for module in chosen:
            module.inplace = False  # type: ignore[assignment]
        seen = Reads().run(naive, pure_inputs, training)
        for module in chosen:
            module.inplace = True  # type: ignore[assignment]
        naive.network.load_state_dict(weights)
        inputs = [tensor.clone() for tensor in start]
        try:
            again = Reads().run(naive, inputs, training)
        except RuntimeError:
            return True
        if training and not learns(naive, [tensor.clone() for tensor in start]):
            return True
        changed = dict(naive.network.named_parameters())
        found |= any(not torch.equal(tensor, weights[name]) for name, tensor in changed.items())
        found |= not equal(seen, again)
        found |= target_is_input and not torch.equal(inputs[0], start[0])
        naive.network.load_state_dict(weights)
    return found


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """Networks of one width, with layers in place, views, scopes, blocks and merges.

    What works in place changes every value but 0, so that whoever reads it afterwards is given another.
    """

    def pick(options: Any) -> Any:
        return draw(st.sampled_from(list(options)))

    def scope(inputs: list[str], depth: int, prefix: str) -> list[Any]:
        layers: list[Any] = []
        known = list(inputs)
        for position in range(draw(st.integers(1, 5))):
            name = f"{prefix}{position}"
            form = draw(st.integers(0, 9))
            if form <= 2:
                kind = pick([{"type": "SELU"}, {"type": "SiLU"}, {"type": "Dropout", "p": 0.5}, {"type": "SELU"}])
                written: dict[str, Any] = {**kind, "inplace": True, "from": pick(known)}
            elif form <= 4:
                kind = pick([{"type": "Identity"}, {"type": "Flatten"}, {"type": "Dropout", "p": 0.5}])
                written = {**kind, "from": pick(known)}
            elif form <= 5:
                written = {
                    **pick([{"type": "Linear", "out_features": FEATURES}, LEAKY, {"type": "Tanh"}, {"type": "GELU"}]),
                    "from": pick(known),
                }
            elif form <= 7:
                written = {"type": pick(["Add", "Multiply"]), "from": [pick(known), pick(known)]}
            elif form == 8 and depth:
                inner = scope(["input"], depth - 1, "in")
                written = {"type": "Sequential", "from": pick(known), "layers": inner}
                if pick([False, False, True]):
                    written["repeat"] = 2
            elif form == 9 and depth:
                written = {"type": "block", "from": [pick(known), pick(known)]}
            else:
                written = {"type": "Parameter", "shape": [1, FEATURES], "init": "normal_"}
            layers.append({"name": name, **written})
            known.append(name)
        return layers

    block = {"inputs": ["x", "y"], "layers": scope(["x", "y"], 0, "b")}
    layers = scope(["input"], 1, "l")
    names = [layer["name"] for layer in layers]
    document = {"specbuild": 1, "blocks": {"block": block}, "input": [FEATURES], "layers": layers}
    if pick([False, True]):
        document["outputs"] = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
    elif pick([False, False, True]):
        document["loss"] = {"type": "MSELoss", "target": "input"}
    return document


@settings(max_examples=int(300 * EXAMPLES), suppress_health_check=list(HealthCheck))
@given(graphs())
def test_refused_where_it_would_spoil_something_and_nowhere_else(document: dict[str, Any]) -> None:
    try:
        spoiled = spoils(document)
    except Refused:
        event("no network")
        assert faults(**document)
        return
    event("spoiled" if spoiled else "sound")
    assert {code for code, _, _ in faults(**document)} == ({"SB309"} if spoiled else set())
