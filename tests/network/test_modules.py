"""A routed network is an `nn.Sequential` in all that routes can keep, and refuses what they cannot."""

from __future__ import annotations

import copy
import gc
import operator
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import specbuild
from specbuild.language import names
from specbuild.network import modules
from specbuild.network.routed import Routed
from tests.network.naive import same

KEPT = r"^a routed network keeps its children: change the spec and build again$"
RESIDUAL: list[Any] = [
    {"name": "conv", "type": "Conv2d", "out_channels": 3, "kernel_size": 3, "padding": 1},
    "BatchNorm2d",
    {"type": "Add", "from": ["batchnorm2d_1", "input"]},
]


def network(layers: list[Any], input: Any = (3, 6, 6), **more: Any) -> nn.Sequential:
    """A network in eval mode, its weights the same every time."""
    torch.manual_seed(0)
    inputs = {} if "inputs" in more else {"input": list(input)}
    return specbuild.build({"specbuild": 1, **inputs, **more, "layers": layers}).eval()


NESTED: list[Any] = [
    {"name": "stem", "type": "Sequential", "layers": RESIDUAL},
    {"name": "pool", "type": "MaxPool2d", "kernel_size": 2},
    {"name": "stages", "repeat": 2, "type": "Sequential", "layers": RESIDUAL},
    {"name": "shift", "type": "Parameter", "shape": [3, 1, 1], "batch": False, "init": "normal_"},
    {"type": "Add", "from": ["stages", "shift"]},
    {"name": "token", "type": "Parameter", "shape": [1, 3, 3, 3], "init": "ones_"},
    {"type": "Concat", "from": ["add_1", "token", "pool"]},
]
SEVERAL: list[Any] = [
    {"name": "pixels", "type": "Linear", "from": "image", "out_features": 4},
    {"name": "numbers", "type": "Linear", "from": "meta", "out_features": 4},
    {"name": "both", "type": "Multiply", "from": ["pixels", "numbers"]},
    {"name": "head", "type": "Linear", "out_features": 2},
]
SEVERAL_ENDS: dict[str, Any] = {"inputs": {"image": [5], "meta": [3]}, "outputs": ["head", "both"]}


class TestChildren:
    def test_a_straight_line_is_a_plain_sequential(self) -> None:
        line = network([{"type": "Sequential", "layers": ["ReLU", "Tanh"]}, {"repeat": 2, "type": "Identity"}])
        assert {type(module) for module in line.modules()} == {nn.Sequential, nn.ReLU, nn.Tanh, nn.Identity}

    def test_only_the_scope_with_branches_routes(self) -> None:
        built = network([{"name": "block", "type": "Sequential", "layers": RESIDUAL}, "ReLU"])
        assert type(built) is nn.Sequential
        assert type(built.block) is Routed

    @pytest.mark.parametrize(
        "layers",
        [
            [{"name": "a", "type": "ReLU"}, {"type": "Tanh", "from": "input"}],
            [{"name": "p", "type": "Parameter", "shape": [1, 3, 6, 6]}],
            ["ReLU", {"type": "MaxPool2d", "kernel_size": 2}, {"type": "Identity", "from": "maxpool2d_1.indices"}],
        ],
        ids=["branch", "parameter", "second result"],
    )
    def test_what_makes_a_scope_route(self, layers: list[Any]) -> None:
        assert type(network(layers)) is Routed

    def test_it_is_a_sequential_to_look_at(self) -> None:
        built = network(RESIDUAL)
        assert isinstance(built, nn.Sequential)
        assert len(built) == 3
        assert list(built) == [built.conv, built.batchnorm2d_1, built.add_1]
        assert built[0] is built.conv
        assert built[-1] is built.add_1
        assert repr(built).splitlines()[0] == "Routed("

    def test_a_child_may_be_replaced_in_its_place(self) -> None:
        """Its route stays: this is how a layer is wrapped, quantized or taken out."""
        built, given = network(RESIDUAL), torch.randn(2, 3, 6, 6)
        built[1] = nn.Identity()
        assert torch.equal(built(given), built[0](given) + given)

    @pytest.mark.parametrize(
        "change",
        [
            lambda built: built.append(nn.ReLU()),
            lambda built: built.extend([nn.ReLU()]),
            lambda built: built.insert(0, nn.ReLU()),
            lambda built: built.pop(0),
            lambda built: operator.delitem(built, 0),
            lambda built: operator.delitem(built, slice(0, 1)),
            lambda built: built + nn.Sequential(nn.ReLU()),
            lambda built: nn.Sequential(nn.ReLU()) + built,
            lambda built: built.__iadd__(nn.Sequential(nn.ReLU())),
            lambda built: built * 2,
            lambda built: 2 * built,
            lambda built: built.__imul__(2),
            lambda built: built[0:2],
            lambda built: built[:],
        ],
        ids=["append", "extend", "insert", "pop", "del", "del slice", "+", "+ on the right", "+=", "*",
             "* on the left", "*=", "slice", "whole slice"],
    )  # fmt: skip
    def test_what_routes_cannot_keep_raises(self, change: Callable[[nn.Sequential], Any]) -> None:
        built = network(RESIDUAL)
        before = list(built.state_dict())
        with pytest.raises(TypeError, match=KEPT):
            change(built)
        assert list(built.state_dict()) == before
        assert len(built) == 3

    def test_no_name_of_a_layer_hides_what_routes(self) -> None:
        attributes = {name for name in dir(network(["ReLU", {"type": "Add", "from": ["input", "relu_1"]}]))
                      if names.NAME.fullmatch(name)}  # fmt: skip
        assert attributes - {"relu_1", "add_1"} <= names.RESERVED

    @pytest.mark.parametrize("name", ["routes", "inputs", "outputs", "slots", "routing", "children_"])
    @pytest.mark.parametrize("kind", ["Tanh", {"type": "Parameter", "shape": [1, 3, 6, 6]}], ids=["layer", "parameter"])
    def test_names_that_are_free(self, name: str, kind: Any) -> None:
        layer = kind if isinstance(kind, dict) else {"type": kind}
        built = network([{**layer, "name": name}, {"type": "Add", "from": ["input", name]}])
        assert built(torch.zeros(2, 3, 6, 6)).shape == (2, 3, 6, 6)


class TestCalls:
    def test_inputs_by_order_and_by_name(self) -> None:
        built = network(SEVERAL, **SEVERAL_ENDS)
        image, meta = torch.randn(2, 5), torch.randn(2, 3)
        output = built(image, meta)
        assert list(output) == ["head", "both"]
        assert same(built(meta=meta, image=image), output)
        assert same(built(image, meta=meta), output)

    @pytest.mark.parametrize(
        ("given", "named", "got"),
        [
            (1, [], "1 by order"),
            (3, [], "3 by order"),
            (0, ["image"], "0 by order, `image`"),
            (1, ["image"], "1 by order, `image`"),
            (1, ["metas"], "1 by order, `metas`"),
            (2, ["meta"], "2 by order, `meta`"),
            (0, [], "0 by order"),
        ],
    )
    def test_inputs_that_do_not_fit(self, given: int, named: list[str], got: str) -> None:
        built = network(SEVERAL, **SEVERAL_ENDS)
        with pytest.raises(TypeError, match=rf"^the inputs are image, meta; got {got}$"):
            built(*[torch.ones(2, 5)] * given, **{name: torch.ones(2, 3) for name in named})

    def test_the_batch_is_that_of_an_input_which_has_one(self) -> None:
        """A block whose first input is a constant, and which has a parameter to spread."""
        blocks = {"shifted": {"inputs": ["constant", "x"], "layers": [
            {"name": "own", "type": "Parameter", "shape": [1, 3], "init": "ones_"},
            {"type": "Add", "from": ["constant", "x", "own"]},
        ]}}  # fmt: skip
        layers = [
            {"name": "constant", "type": "Parameter", "shape": [3], "batch": False, "init": "ones_"},
            {"type": "shifted", "from": ["constant", "input"]},
        ]
        built = network(layers, (3,), blocks=blocks)
        for batch in (1, 2, 5):
            assert torch.equal(built(torch.zeros(batch, 3)), torch.full((batch, 3), 2.0))

    def test_a_batch_that_no_input_has(self) -> None:
        blocks = {"own": {"layers": [
            {"name": "q", "type": "Parameter", "shape": [1, 3]}, {"type": "Add", "from": ["q", "input"]},
        ]}}  # fmt: skip
        layers = [
            {"name": "p", "type": "Parameter", "shape": [3], "batch": False},
            {"name": "used", "type": "own", "from": "p"},
            {"type": "Add", "from": ["used", "input"]},
        ]
        with pytest.raises(specbuild.SpecError) as raised:
            network(layers, (3,), blocks=blocks)
        assert [(d.code, d.instance, d.message) for d in raised.value.diagnostics] == [
            ("SB302", "used.q", "it spans the batch, but no input of its scope has one")
        ]

    def test_a_gradient_reaches_every_parameter(self) -> None:
        built = network(NESTED).train()
        built(torch.randn(2, 3, 6, 6)).square().sum().backward()
        assert [name for name, parameter in built.named_parameters() if parameter.grad is None] == []


class TestCopies:
    @pytest.mark.parametrize("layers", [RESIDUAL, NESTED], ids=["one scope", "nested"])
    def test_deepcopy(self, layers: list[Any]) -> None:
        built, given = network(layers), torch.randn(2, 3, 6, 6)
        twin = copy.deepcopy(built)
        assert type(twin) is type(built)
        assert torch.equal(twin(given), built(given))
        with torch.no_grad():
            for parameter in twin.parameters():
                parameter.zero_()
        assert not torch.equal(twin(given), built(given))

    def test_state_dict_goes_across(self) -> None:
        built = network(NESTED)
        torch.manual_seed(1)
        other = specbuild.build({"specbuild": 1, "input": [3, 6, 6], "layers": NESTED}).eval()
        given = torch.randn(2, 3, 6, 6)
        assert not torch.equal(other(given), built(given))
        other.load_state_dict(built.state_dict())
        assert torch.equal(other(given), built(given))

    def test_parameters_of_a_scope_come_first(self) -> None:
        keys = [key for key in network(NESTED).state_dict() if key.endswith(("shift", "token", "stem.conv.bias"))]
        assert keys == ["shift", "token", "stem.conv.bias"]


class TestExport:
    @pytest.mark.parametrize("layers", [RESIDUAL, NESTED], ids=["one scope", "nested"])
    def test_one_input(self, layers: list[Any]) -> None:
        built, given = network(layers), torch.randn(2, 3, 6, 6)
        exported = torch.export.export(built, (given,)).module()
        other = torch.randn(2, 3, 6, 6)
        assert torch.equal(exported(other), built(other))

    def test_any_batch(self) -> None:
        built = network(NESTED)
        sizes = {"inputs": ({0: torch.export.Dim("batch", min=1)},)}
        exported = torch.export.export(built, (torch.randn(3, 3, 6, 6),), dynamic_shapes=sizes).module()
        for batch in (2, 5):
            given = torch.randn(batch, 3, 6, 6)
            assert torch.equal(exported(given), built(given))

    def test_several_inputs_and_outputs(self) -> None:
        built = network(SEVERAL, **SEVERAL_ENDS)
        example = torch.randn(2, 5), torch.randn(2, 3)
        exported = torch.export.export(built, example).module()
        other = torch.randn(2, 5), torch.randn(2, 3)
        assert same(exported(*other), built(*other))

    def test_a_second_result(self) -> None:
        layers = [{"name": "pool", "type": "MaxPool2d", "kernel_size": 2}, "ReLU"]
        built = network(layers, outputs=["relu_1", "pool.indices"])
        given = torch.randn(2, 3, 6, 6)
        output = torch.export.export(built, (given,)).module()(given)
        assert same(output, built(given))
        assert output["pool.indices"].dtype == torch.int64


class Probe(nn.Module):
    """Notes what is still alive of what flowed before, then computes something new."""

    def __init__(self, alive: dict[str, weakref.ref[Tensor]], name: str, seen: dict[str, set[str]]) -> None:
        super().__init__()
        self.alive, self.name, self.seen = alive, name, seen

    def forward(self, *inputs: Tensor) -> Tensor:
        gc.collect()
        self.seen[self.name] = {name for name, reference in self.alive.items() if reference() is not None}
        output = sum(inputs) + 1
        assert isinstance(output, Tensor)
        self.alive[self.name] = weakref.ref(output)
        return output


class TestMemory:
    def probed(self, layers: list[Any], **more: Any) -> dict[str, set[str]]:
        """What was alive as each layer was called."""
        built = network(layers, (3,), **more)
        alive: dict[str, weakref.ref[Tensor]] = {}
        seen: dict[str, set[str]] = {}
        for name, module in list(built.named_modules()):
            if not list(module.children()):
                owner, _, local = name.rpartition(".")
                built.get_submodule(owner)._modules[local] = Probe(alive, name, seen)
        with torch.no_grad():
            output = built(torch.zeros(2, 3))
        assert output is not None
        return seen

    def test_each_value_is_freed_after_its_last_use(self) -> None:
        seen = self.probed(
            [
                {"name": "a", "type": "ReLU"},
                {"name": "b", "type": "ReLU"},
                {"name": "c", "type": "ReLU"},
                {"name": "d", "type": "Add", "from": ["c", "a"]},
                {"name": "e", "type": "ReLU"},
                {"name": "f", "type": "ReLU"},
            ]
        )
        assert seen == {"a": set(), "b": {"a"}, "c": {"a", "b"}, "d": {"a", "c"}, "e": {"d"}, "f": {"e"}}

    def test_what_nothing_reads_is_freed_at_once(self) -> None:
        seen = self.probed(
            [{"name": "a", "type": "ReLU"}, {"name": "b", "type": "ReLU", "from": "input"},
             {"name": "c", "type": "ReLU", "from": "a"}, {"name": "d", "type": "ReLU"}]
        )  # fmt: skip
        assert seen == {"a": set(), "b": {"a"}, "c": {"a"}, "d": {"c"}}

    def test_outputs_stay(self) -> None:
        layers = [{"name": name, "type": "ReLU"} for name in "abcd"]
        assert self.probed(layers, outputs=["b", "d"])["d"] == {"b", "c"}

    def test_inside_a_scope_too(self) -> None:
        inner: list[Any] = [
            {"name": "a", "type": "ReLU"}, {"name": "b", "type": "ReLU"}, {"name": "c", "type": "ReLU"},
            {"name": "d", "type": "Add", "from": ["c", "input"]},
        ]  # fmt: skip
        seen = self.probed([{"name": "first", "type": "ReLU"}, {"name": "s", "type": "Sequential", "layers": inner},
                            {"name": "last", "type": "Add", "from": ["s", "input"]}])  # fmt: skip
        assert seen["s.d"] == {"first", "s.c"}
        assert seen["last"] == {"s.d"}


class TestModules:
    def test_they_compute_what_they_say(self) -> None:
        a, b = torch.randn(2, 3, 4), torch.randn(2, 1, 4)
        assert torch.equal(modules.Add()(a, b, a), a + b + a)
        assert torch.equal(modules.Multiply()(a, b, a), a * b * a)
        assert torch.equal(modules.Concat()(a, b), torch.cat([a, b], 1))
        assert torch.equal(modules.Concat(dim=-1)(a, a), torch.cat([a, a], -1))
        assert modules.Positions()(a).tolist() == [[0, 1, 2]] * 2
        assert modules.Positions(dim=-1)(a).tolist() == [[0, 1, 2, 3]] * 2

    def test_they_say_what_they_are(self) -> None:
        assert repr(modules.Concat(dim=2)) == "Concat(dim=2)"
        assert repr(modules.Positions()) == "Positions(dim=1)"

    def test_positions_are_memory_of_their_own(self) -> None:
        """What torch expands, no layer may overwrite."""
        built = network([{"type": "Positions"}, {"type": "ReLU", "inplace": True}], (3,))
        assert built(torch.zeros(2, 3)).tolist() == [[0, 1, 2]] * 2
