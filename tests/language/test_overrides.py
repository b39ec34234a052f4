from __future__ import annotations

from typing import Any

import pytest

import specbuild
from specbuild.diagnostics import render

SPEC: dict[str, Any] = {
    "specbuild": 1,
    "vars": {"width": 8},
    "input": [3, 16, 16],
    "layers": [
        {"name": "conv1", "type": "Conv2d", "out_channels": "${width}", "kernel_size": 3},
        "ReLU",
        {"name": "body", "type": "Sequential", "layers": ["ReLU", {"name": "1", "type": "Dropout"}]},
        "Flatten",
        {"type": "Linear", "out_features": 10},
    ],
}


@pytest.mark.parametrize(
    ("override", "layer", "field", "value"),
    [
        ("vars.width=16", "conv1", "out_channels", 16),
        ("layers.conv1.out_channels=4", "conv1", "out_channels", 4),
        ("layers[0].out_channels=4", "conv1", "out_channels", 4),
        ("layers.conv1.padding=same", "conv1", "padding", "same"),
        ("layers.conv1.kernel_size=[3, 5]", "conv1", "kernel_size", (3, 5)),
        ("layers.conv1.bias=false", "conv1", "bias", False),
        ("layers.linear_1.out_features = 3", "linear_1", "out_features", 3),
        ("layers.relu_1.inplace=true", "relu_1", "inplace", True),
        ("layers.body.layers.1.p=0.25", "body.1", "p", 0.25),
        ("layers[2].layers[1].p=1e-3", "body.1", "p", 0.001),
        ("layers.conv1.out_channels=${width * 3}", "conv1", "out_channels", 24),
    ],
)
def test_a_value_is_replaced(override: str, layer: str, field: str, value: Any) -> None:
    found = {step.name: step.layer for step in specbuild.infer(SPEC, [override]).layers()}
    assert getattr(found[layer], field) == value


def test_a_section_is_made_or_replaced() -> None:
    spec = specbuild.load(
        SPEC, ["train.epochs=3", "loss={type: MSELoss, reduction: sum}", "optimizer=Adam", "optimizer.lr=0.5"]
    )
    assert spec.train.epochs == 3
    assert spec.loss is not None
    assert spec.loss.type == "MSELoss"
    assert spec.optimizer is not None
    assert spec.optimizer.arguments()["lr"] == 0.5


def test_the_document_itself_is_left_alone() -> None:
    specbuild.load(SPEC, ["layers.conv1.out_channels=4"])
    assert SPEC["layers"][0]["out_channels"] == "${width}"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("vars.width", "--set: error[SB210]: an override reads PATH=VALUE\n"
                       "    |\n    | vars.width\n    = fix: layers.conv1.out_channels=64"),
        ("layers.conv2.stride=2", "--set: error[SB210]: there is no layer called `conv2`\n"
                                  "    |\n    | layers.conv2.stride=2\n    = fix: did you mean `conv1`?"),
        ("layers.l9.stride=2", "--set: error[SB210]: there is no layer called `l9`\n"
                               "    |\n    | layers.l9.stride=2\n    = fix: the layers are "
                               "conv1, relu_1, body, flatten_1, linear_1"),
        ("layers[9].stride=2", "--set: error[SB210]: there is no index 9: the list has 5 items\n"
                               "    |\n    | layers[9].stride=2\n    = fix: indices count from 0"),
        ("vars[0]=2", "--set: error[SB210]: `0` leads nowhere: `vars` is not a list\n    |\n    | vars[0]=2"),
        ("a..b=2", "--set: error[SB210]: `a..b` is not a path\n    |\n    | a..b=2\n"
                   "    = fix: keys are joined by dots: layers.conv1.stride, layers[3].stride"),
        ("layers.conv1.out_channels=eight",
         "--set: layers[0].out_channels: error[SB203]: `out_channels` must be a positive integer; got \"eight\"\n"
         "    |\n    | layers.conv1.out_channels=eight"),
        ("layers.conv1.strid=2", "--set: layers[0].strid: error[SB201]: unknown key `strid`\n"
                                 "    |\n    | layers.conv1.strid=2\n    = fix: did you mean `stride`?"),
    ],
    ids=lambda value: value.split("\n")[0],
)  # fmt: skip
def test_what_cannot_be_applied(override: str, expected: str) -> None:
    assert render.text(specbuild.check(SPEC, [override])) == expected
