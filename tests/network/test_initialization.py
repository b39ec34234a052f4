"""`init`: the weights are those that the same calls of torch.nn.init make, in the order of the parameters."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import init

import specbuild
from specbuild.catalogue.layers import LAYERS
from specbuild.network.resolve import resolved
from tests.catalogue.test_layer_examples import document_of, examples

STEM = {"name": "stem", "type": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": 1}
BLOCK = {
    "name": "layer1", "type": "Sequential", "repeat": 2, "layers": [
        {"name": "conv1", "type": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": 1, "bias": False},
        {"name": "bn1", "type": "BatchNorm2d"},
        "ReLU",
        {"name": "conv2", "type": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": 1, "bias": False},
        {"name": "bn2", "type": "BatchNorm2d"},
    ],
}  # fmt: skip
ENDS = ["Flatten", {"name": "fc", "type": "Linear", "out_features": 256}, {"name": "out", "type": "Linear",
                                                                            "out_features": 256}]  # fmt: skip


def network(rules: Any, **more: Any) -> dict[str, Any]:
    """A document of convolutions, norms and linear layers."""
    return {"specbuild": 1, "input": [3, 8, 8], "layers": [STEM, BLOCK, *ENDS], "init": rules, **more}


def built(document: dict[str, Any]) -> nn.Sequential:
    torch.manual_seed(5)
    return specbuild.build(document)


def test_types_then_names_and_the_later_win() -> None:
    rules = {
        "Conv2d": {"weight": {"type": "kaiming_normal_", "mode": "fan_out", "nonlinearity": "relu"}, "bias": "zeros_"},
        "BatchNorm2d": {"weight": "ones_", "bias": {"type": "uniform_", "a": -0.1, "b": 0.1}},
        "layer*.*.bn2": {"weight": "zeros_"},
        "fc": {"w*": {"type": "orthogonal_", "gain": 2}},
    }
    ours = built(network(rules))
    theirs = built(network(None))
    for name, module in theirs.named_modules():
        if isinstance(module, nn.Conv2d):
            init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            init.constant_(module.weight, 0.0 if name.endswith("bn2") else 1.0)
            init.uniform_(module.bias, -0.1, 0.1)
        elif name == "fc":
            init.orthogonal_(module.weight, 2)
    wanted, found = theirs.state_dict(), ours.state_dict()
    assert list(wanted) == list(found)
    for key, tensor in wanted.items():
        assert torch.equal(found[key], tensor), key
    assert all(parameter.requires_grad and parameter.is_leaf for parameter in ours.parameters())
    assert found["layer1.1.bn2.weight"].count_nonzero() == 0
    assert found["layer1.1.bn1.weight"].count_nonzero() == 4


def test_an_earlier_rule_does_not_win_by_being_narrower() -> None:
    model = built(network({"fc": {"bias": "ones_"}, "Linear": {"b*": "zeros_"}, "o*": {"bias": "ones_"}}))
    assert model.get_parameter("fc.bias").count_nonzero() == 0
    assert model.get_parameter("out.bias").min() == 1


def test_without_rules_the_weights_are_torchs_own() -> None:
    plain = built(network(None)).state_dict()
    for rules in ({}, None):
        assert all(torch.equal(tensor, plain[key]) for key, tensor in built(network(rules)).state_dict().items())


@pytest.mark.parametrize(
    ("scheme", "arguments"),
    [
        ("constant_", {"val": 0.3}), ("eye_", {}), ("kaiming_normal_", {}), ("kaiming_uniform_", {"a": 0.1}),
        ("normal_", {"std": 0.02}), ("ones_", {}), ("orthogonal_", {}), ("sparse_", {"sparsity": 0.9}),
        ("trunc_normal_", {"std": 0.02}), ("uniform_", {"a": -1}), ("xavier_normal_", {}),
        ("xavier_uniform_", {"gain": 2}), ("zeros_", {}),
    ],
)  # fmt: skip
def test_each_scheme_is_torchs(scheme: str, arguments: dict[str, Any]) -> None:
    ours = built(network({"fc": {"weight": {"type": scheme, **arguments}}}))
    theirs = built(network(None))
    getattr(init, scheme)(theirs.get_parameter("fc.weight"), **arguments)
    assert torch.equal(ours.get_parameter("fc.weight"), theirs.get_parameter("fc.weight"))


def test_the_identity_of_a_convolution() -> None:
    model = built(network({"layer1.*.conv?": {"weight": "dirac_"}}))
    image = torch.randn(2, 4, 8, 8)
    assert torch.equal(model.get_submodule("layer1.0.conv1")(image), image)


def test_a_tied_parameter_begins_as_the_one_it_is_tied_to() -> None:
    tie = {"out.weight": "fc.weight"}
    model = built(network({"Linear": {"weight": "eye_"}}, tie=tie))
    assert model.get_parameter("out.weight") is model.get_parameter("fc.weight")
    assert torch.equal(model.get_parameter("fc.weight"), torch.eye(256))
    # the rule of the tied one does not count, even as the later one
    model = built(network({"fc": {"weight": "zeros_"}, "*": {"weight": "normal_"}, "o*": {"bias": "ones_"}}, tie=tie))
    assert model.get_parameter("fc.weight").count_nonzero() > 0
    plan = specbuild.infer(network({"Linear": {"weight": "eye_", "bias": "zeros_"}}, tie=tie))
    assert list(plan.init) == ["fc.weight", "fc.bias", "out.bias"]


def test_a_parameter_of_a_scope_keeps_its_own() -> None:
    layers = [
        {"name": "offset", "type": "Parameter", "shape": [1, 4], "init": "ones_"},
        {"name": "sum", "type": "Add", "from": ["input", "offset"]},
        {"name": "fc", "type": "Linear", "out_features": 2},
    ]
    model = built({"specbuild": 1, "input": [4], "layers": layers, "init": {"*": {"*": "zeros_"}}})
    assert model.get_parameter("offset").min() == 1
    assert model.get_parameter("fc.weight").count_nonzero() == 0


def test_the_resolved_document_has_the_same_rules() -> None:
    rules = {"Conv2d": {"weight": {"type": "kaiming_normal_", "mode": "fan_out"}}, "layer*.bn?": {"*": "zeros_"}}
    spec = specbuild.load(network(rules))
    plan = specbuild.infer(spec)
    document = resolved(spec, plan)
    assert list(document["init"]) == list(rules)
    assert document["init"]["Conv2d"]["weight"] == {
        "type": "kaiming_normal_", "a": 0, "mode": "fan_out", "nonlinearity": "leaky_relu"
    }  # fmt: skip
    again = specbuild.load(document)
    assert resolved(again, specbuild.infer(again)) == document
    wanted = built(network(rules)).state_dict()
    assert all(torch.equal(tensor, wanted[key]) for key, tensor in built(document).state_dict().items())


def test_expressions_and_overrides_reach_it() -> None:
    document = network({"fc": {"bias": {"type": "constant_", "val": "${b}"}}}, vars={"b": 0.5})
    assert specbuild.build(specbuild.load(document)).get_parameter("fc.bias").unique().tolist() == [0.5]
    spec = specbuild.load(document, ["vars.b=0.25"])
    assert specbuild.build(spec).get_parameter("fc.bias").unique().tolist() == [0.25]


def test_on_the_meta_device_nothing_is_drawn() -> None:
    rules = {"fc": {"weight": "orthogonal_"}, "out": {"weight": {"type": "sparse_", "sparsity": 0.1}},
             "Conv2d": {"weight": "dirac_"}}  # fmt: skip
    with torch.device("meta"):
        model = built(network(rules))
    assert all(parameter.is_meta for parameter in model.parameters())


def test_the_schemes_are_imported_by_those_who_name_them() -> None:
    import subprocess
    import sys

    code = (
        "import sys, specbuild\n"
        "spec = {'specbuild': 1, 'input': [4], 'layers': ['ReLU']}\n"
        "assert specbuild.check(spec) == ()\n"
        "print('specbuild.catalogue.initialization' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("kind", sorted(set(LAYERS) - {"Parameter"}))
def test_the_parameters_of_every_layer(kind: str) -> None:
    """All of a layer's parameters are found, and filled in the order in which torch holds them."""
    for match in examples(kind):
        document = document_of(match) | {"init": {kind: {"*": {"type": "normal_", "std": 0.5}}}}
        plain = {**document, "init": None}
        if not specbuild.infer(plain).parameters():
            (found,) = specbuild.check(document)
            assert found.code == "SB218"
            continue
        ours, theirs = built(document), built(plain)
        with torch.no_grad():
            for parameter in theirs.parameters():
                init.normal_(parameter, std=0.5)
        wanted, found_ = theirs.state_dict(), ours.state_dict()
        assert list(wanted) == list(found_)
        assert all(torch.equal(found_[key], tensor) for key, tensor in wanted.items())


def test_weights_that_torch_packs_are_filled_in_place() -> None:
    layers = [
        {"name": "lstm", "type": "LSTM", "hidden_size": 4, "num_layers": 2, "bidirectional": True},
        {"name": "encoder", "type": "TransformerEncoderLayer", "nhead": 2, "dim_feedforward": 4},
    ]
    rules = {
        "lstm": {"weight_*": "orthogonal_", "bias_hh_*": "zeros_"},
        "enc*": {"self_attn.in_proj_weight": "xavier_uniform_"},
    }
    document = {"specbuild": 1, "input": [3, 5], "layers": layers, "init": rules}
    ours = built(document)
    theirs = built({**document, "init": None})
    lstm = theirs.get_submodule("lstm")
    for name, parameter in lstm.named_parameters():
        if name.startswith("weight_"):
            init.orthogonal_(parameter)
        elif name.startswith("bias_hh_"):
            init.zeros_(parameter)
    init.xavier_uniform_(theirs.get_parameter("encoder.self_attn.in_proj_weight"))
    for (key, found), wanted in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        assert torch.equal(found, wanted), key
    held = ours.get_submodule("lstm")
    assert isinstance(held, nn.LSTM)
    assert all(a is b for a, b in zip(held._flat_weights, held.parameters(), strict=True))
    sample = torch.randn(2, 3, 5)
    assert torch.equal(ours.eval()(sample), theirs.eval()(sample))
