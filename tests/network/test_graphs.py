"""Whole documents are to specbuild what a naive reading of them is to torch.

SPECBUILD_EXAMPLES multiplies how many are drawn.
"""

from __future__ import annotations

import json
import os
import warnings
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from torch import nn

import specbuild
from specbuild.errors import SpecError
from specbuild.network.plan import Plan
from specbuild.network.resolve import resolved
from tests.catalogue.oracle import batch_of
from tests.network.drawing import documents
from tests.network.naive import Graph, Naive, Refused, same

EXAMPLES = float(os.environ.get("SPECBUILD_EXAMPLES", "1"))


def batches(naive: Naive, size: int) -> list[torch.Tensor]:
    """An input of each kind: numbers of all sorts, or small integers."""
    return [
        (torch.randn(size, *type.shape) * 3).to(getattr(torch, type.dtype))
        if type.dtype.startswith("float")
        else batch_of(size, type)
        for type in naive.inputs.values()
    ]


def types_of(output: Any, naive: Naive) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shapes and dtypes of what a network returned, by name; the batch left out."""
    named = output if isinstance(output, dict) else dict(zip(naive.outputs, [output], strict=True))
    return {
        name: (tuple(tensor.shape[naive.outputs[name].batched :]), str(tensor.dtype).removeprefix("torch."))
        for name, tensor in named.items()
    }


def hold_equal(document: dict[str, Any]) -> str:
    """specbuild and torch agree on a document; says whether they refuse it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            naive = Naive(document)
    except Refused:
        with pytest.raises(SpecError) as caught:
            specbuild.infer(document)
        assert {problem.severity for problem in caught.value.diagnostics} == {"error"}
        return "refused"
    spec = specbuild.load(document)
    plan = specbuild.infer(spec)
    assert [(step.name, step.output) for step in plan.layers()] == naive.trace
    assert dict(plan.outputs) == naive.outputs
    assert list(plan.outputs) == list(naive.outputs)
    network = specbuild.build(plan)
    hold_modules_equal(network, naive)
    hold_parameters_equal(plan, network, naive)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        hold_outputs_equal(network, naive)
        hold_resolved_equal(spec, plan, network, naive)
    return "straight" if plan.scope.straight else "routed"


def hold_modules_equal(network: nn.Module, naive: Naive) -> None:
    """The same names in the same order; a straight line is a plain Sequential, and only that is."""
    ours = dict(network.named_modules())
    theirs = dict(naive.network.named_modules())
    assert list(ours) == list(theirs)
    for name, module in theirs.items():
        if isinstance(module, Graph):
            assert (type(ours[name]) is nn.Sequential) == module.straight, name


def hold_parameters_equal(plan: Plan, network: nn.Module, naive: Naive) -> None:
    """Keys in order, shapes and dtypes; what is tied counts once."""
    ours, theirs = network.state_dict(), naive.network.state_dict()
    assert [(k, t.shape, t.dtype) for k, t in ours.items()] == [(k, t.shape, t.dtype) for k, t in theirs.items()]
    parameters = dict(naive.network.named_parameters())
    assert plan.parameters() == sum(parameter.numel() for parameter in parameters.values())
    assert [name for name, _ in network.named_parameters()] == list(parameters)
    everything = dict(naive.network.named_parameters(remove_duplicate=False))
    planned = {name: storage.shape for name, storage in plan.storages()}
    assert planned == {name: tuple(everything[name].shape) for name in planned}
    assert set(everything) == set(planned) | set(plan.tie)


def hold_outputs_equal(network: nn.Module, naive: Naive) -> None:
    """Shapes and dtypes in training and in eval mode, and in eval mode every bit."""
    wanted = {name: type[:2] for name, type in naive.outputs.items()}
    for size in (2, 3):
        given_batches = batches(naive, size)
        for training in (True, False):
            for module in (network, naive.network):
                module.train(training)
                assert types_of(module(*[given.clone() for given in given_batches]), naive) == wanted
    naive.network.load_state_dict(network.state_dict())
    for size in (2, 3):
        given_batches = batches(naive, size)
        wanted_outputs = naive.network(*given_batches)
        assert same(network(*given_batches), wanted_outputs)
        if type(network) is not nn.Sequential:
            by_name = dict(reversed([*zip(naive.inputs, given_batches, strict=True)]))
            assert same(network(**by_name), wanted_outputs)


def hold_resolved_equal(spec: specbuild.Spec, plan: Plan, network: nn.Module, naive: Naive) -> None:
    """`spec.json` is the same network again."""
    document = json.loads(json.dumps(resolved(spec, plan)))
    again = specbuild.load(document)
    plan_again = specbuild.infer(again)
    assert resolved(again, plan_again) == document
    assert [step[:-1] for step in plan_again.layers()] == [step[:-1] for step in plan.layers()]
    assert (plan_again.inputs, plan_again.outputs, plan_again.tie) == (plan.inputs, plan.outputs, plan.tie)
    network_again = specbuild.build(plan_again).eval()
    assert list(network_again.state_dict()) == list(network.state_dict())
    network_again.load_state_dict(network.state_dict())
    given_batches = batches(naive, 2)
    assert same(network_again(*given_batches), network(*given_batches))


@settings(max_examples=int(400 * EXAMPLES), suppress_health_check=list(HealthCheck))
@given(documents(), st.data())
def test_documents(document: dict[str, Any], data: st.DataObject) -> None:
    if data.draw(st.integers(0, 4)) == 4:
        try:
            parameters = list(dict(Naive(document).network.named_parameters())) or ["none"]
        except Refused:
            parameters = ["nothing"]
        keys = st.sampled_from([*parameters, *parameters, "head.weight"])
        document["tie"] = data.draw(st.dictionaries(keys, keys, max_size=2), label="tie")
    event(hold_equal(document))


OFF: dict[str, Any] = {"type": "ReLU", "when": False}
EMPTY: dict[str, Any] = {"type": "Sequential", "name": "s", "layers": [OFF]}
POOL: dict[str, Any] = {"name": "pool", "type": "MaxPool2d", "kernel_size": 2}
CONSTANT: dict[str, Any] = {"name": "p", "type": "Parameter", "shape": [4], "batch": False, "init": "normal_"}
SPREAD: dict[str, Any] = {"name": "q", "type": "Parameter", "shape": [1, 4], "init": "normal_"}
LINE = {"specbuild": 1, "input": [4]}
PLANE = {"specbuild": 1, "input": [1, 4, 4]}
FOUND: dict[str, tuple[str, dict[str, Any]]] = {
    "a scope of which all is left out stands for its input": (
        "straight", {**LINE, "layers": [EMPTY, "Tanh"]}
    ),
    "a network of which all is left out": ("refused", {**LINE, "layers": [OFF]}),
    "a block of several inputs of which all is left out": (
        "refused",
        {**LINE, "blocks": {"b": {"inputs": ["x", "y"], "layers": [{**OFF, "from": "y"}]}},
         "layers": ["Tanh", {"type": "b", "from": ["tanh_1", "input"]}]},
    ),
    "a repeat of what is left out": ("straight", {**LINE, "layers": ["Tanh", {**EMPTY, "repeat": 2}]}),
    "a left-out end that stands for what is not the last": (
        "refused",
        {**LINE, "layers": ["ReLU", {"type": "Tanh", "from": "relu_1"}, {**OFF, "from": "relu_1"}]},
    ),
    "a left-out end that stands for a second result": (
        "refused", {**PLANE, "layers": [POOL, {**OFF, "from": "pool.indices"}]}
    ),
    "a left-out layer has no name to clash with": (
        "straight", {**LINE, "layers": [{"name": "a", "type": "ReLU"}, {"name": "a", "type": "Tanh", "repeat": 0}]}
    ),
    "what is computed for nothing, beside something that is left out": (
        "routed", {**LINE, "layers": ["ReLU", {"type": "Add", "from": ["input", "input"]}, OFF]}
    ),
    "what is computed for something that is left out": (
        "refused", {**LINE, "layers": ["ReLU", {"type": "Add", "from": ["input", "relu_1"], "when": False}]}
    ),
    "an automatic name that is an input's": (
        "refused", {"specbuild": 1, "inputs": {"relu_1": [4]}, "layers": ["ReLU"]}
    ),
    "a second result as an output": (
        "routed", {**PLANE, "layers": [POOL, "ReLU"], "outputs": ["relu_1", "pool.indices"]}
    ),
    "a second result alone": ("routed", {**PLANE, "layers": [POOL], "outputs": ["pool.indices"]}),
    "a second result that no scope has": (
        "refused",
        {**PLANE, "layers": [{"name": "s", "type": "Sequential", "layers": [POOL]}], "outputs": ["s.indices"]},
    ),
    "an output in the middle of a line": ("routed", {**LINE, "layers": ["ReLU", "Tanh"], "outputs": ["relu_1"]}),
    "an output that is called by a number": (
        "straight", {**LINE, "vars": {"n": 3}, "layers": [{"name": "${n}", "type": "ReLU"}], "outputs": ["${n}"]}
    ),
    "a parameter that spans the batch of a later input": (
        "routed",
        {
            **LINE,
            "blocks": {"b": {"inputs": ["x", "y"], "layers": [SPREAD, {"type": "Add", "from": ["q", "x", "y"]}]}},
            "layers": [CONSTANT, {"type": "b", "from": ["p", "input"]}],
        },
    ),
    "a parameter that spans a batch where there is none": (
        "refused",
        {
            **LINE,
            "blocks": {"b": {"layers": [SPREAD, {"type": "Add", "from": ["q", "input"]}]}},
            "layers": [CONSTANT, {"type": "b", "from": "p"}, {"type": "Add", "from": ["b_1", "input"]}],
        },
    ),
    "a constant to a layer that takes a batch": ("refused", {**LINE, "layers": [CONSTANT, "ReLU"]}),
    "a constant for an output": ("routed", {**LINE, "layers": ["ReLU", CONSTANT], "outputs": ["relu_1", "p"]}),
    "inputs of a block by name, in another order": (
        "routed",
        {
            **LINE,
            "blocks": {"b": {"inputs": ["x", "y"], "layers": [{"type": "Concat", "from": ["x", "y"]}]}},
            "layers": ["Tanh", {"type": "b", "from": {"y": "input", "x": "tanh_1"}}],
        },
    ),
    "layers called as a module is inside": (
        "routed",
        {**LINE, "layers": [{"name": "routes", "type": "Tanh"}, {**SPREAD, "name": "slots"},
                            {"name": "inputs", "type": "Add", "from": ["routes", "slots"]}]},
    ),
    "a tie": (
        "straight",
        {**LINE, "layers": [{"type": "Linear", "out_features": 4}, {"type": "Linear", "out_features": 4}],
         "tie": {"linear_2.weight": "linear_1.weight"}},
    ),
    "a tie of a scope's own parameter": (
        "routed",
        {**LINE, "layers": [SPREAD, {**SPREAD, "name": "r"}, {"type": "Add", "from": ["q", "r", "input"]}],
         "tie": {"r": "q"}},
    ),
    "a tie to itself": (
        "refused", {**LINE, "layers": [SPREAD, {"type": "Add", "from": ["q", "input"]}], "tie": {"q": "q"}}
    ),
    "a chain of ties": (
        "refused",
        {**LINE, "layers": [{"type": "Linear", "out_features": 4, "repeat": 3, "name": "r"}],
         "tie": {"r.1.weight": "r.0.weight", "r.2.weight": "r.1.weight"}},
    ),
}  # fmt: skip
"""What drawing found out, each in its smallest form."""


@pytest.mark.parametrize("name", FOUND)
def test_findings(name: str) -> None:
    wanted, document = FOUND[name]
    assert hold_equal(document) == wanted
