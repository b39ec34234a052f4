"""Python source of networks: what is written, and that it is the same network where specbuild is not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import specbuild
from specbuild.catalogue.layers import LAYERS
from specbuild.exporting.python import source
from tests.exporting.python.apart import Trial, laid_out, verdicts_of
from tests.exporting.ready_specs import SMALL, SPECS, trial_of

EXPECTED = Path(__file__).parent / "expected"
LARGE = ["alexnet", "cifar_resnet18", "r3d_18", "resnet50", "vgg16", "vgg16_bn"]
"""Specs whose weights take long to write; `python -m tests.exporting.ready_specs` has them too."""
GOLDEN = ["char_lstm", "resnet18", "two_inputs", "unet", "vit_b_16"]

BRANCHES = """
specbuild: 1
name: branches
inputs: {a: [4, 8], b: [4, 8]}
layers:
  - {name: both, type: Add, from: [a, b]}
  - {name: my-sum, type: Add, from: [both, a]}
  - {name: lambda, type: Multiply, from: [my-sum, both]}
  - {name: __hidden, type: Linear, out_features: 8}
  - {name: torch, type: Concat, from: [__hidden, lambda]}
  - {name: x, type: Transpose, dim0: 1, dim1: 2}
  - {name: 0, type: LSTM, hidden_size: 3, returns: last, bidirectional: true}
  - {name: BATCH, type: Parameter, shape: [1, 6], init: {type: normal_, std: 0.1}}
  - {name: batch, type: Add, from: [BATCH, 0]}
  - {name: scale, type: Parameter, shape: [1, 6], init: ones_}
  - {name: class, type: Multiply, from: [batch, scale]}
  - {name: states, type: Identity, from: 0.hidden}
  - {name: out, type: Linear, out_features: 2, from: class}
outputs: [out, states]
tie: {}
"""

OPTIONAL = """
specbuild: 1
name: optional
input: [8, 6, 6]
blocks:
  unit:
    params: {channels: null, skip: true, squeeze: false, kernel: 3}
    layers:
      - {name: conv, type: Conv2d, out_channels: "${channels}", kernel_size: "${kernel}", padding: "${kernel // 2}"}
      - {name: gate, type: ReLU, when: "${squeeze}"}
      - {name: sum, type: Add, from: [gate, input], when: "${skip}"}
      - {name: act, type: ReLU}
layers:
  - {name: a, type: unit, channels: 8}
  - {name: b, type: unit, channels: 8, squeeze: true}
  - {name: c, type: unit, channels: 16, skip: false}
  - {name: d, type: unit, channels: 16, kernel: 5, squeeze: true}
  - {name: e, type: unit, channels: 16, repeat: 4}
init:
  Conv2d: {weight: {type: kaiming_normal_, nonlinearity: relu}, bias: zeros_}
  "e.*": {weight: {type: normal_, std: 0.1}}
"""


def test_ready_specs_are_equal_where_specbuild_is_not(tmp_path: Path) -> None:
    names = sorted(path.stem for path in SPECS.glob("*.yaml") if path.stem not in LARGE)
    verdicts, texts = verdicts_of([trial_of(name, SMALL.get(name, [])) for name in names], tmp_path)
    assert verdicts == dict.fromkeys(names)
    assert max(text.count("\n") for text in texts.values()) < 120
    assert laid_out(tmp_path) == ""


def test_odd_networks_are_equal(tmp_path: Path) -> None:
    specs = {"branches": specbuild.load(BRANCHES), "optional": specbuild.load(OPTIONAL)}
    verdicts, _ = verdicts_of([Trial(name, spec, specbuild.infer(spec)) for name, spec in specs.items()], tmp_path)
    assert verdicts == {"branches": None, "optional": None}
    assert laid_out(tmp_path) == ""


def test_a_network_that_is_called_network(tmp_path: Path) -> None:
    document = {"specbuild": 1, "name": "network", "input": [4], "init": {"Linear": {"weight": "zeros_"}},
                "layers": [{"type": "Linear", "out_features": 2}]}  # fmt: skip
    spec = specbuild.load(document)
    verdicts, _ = verdicts_of([Trial("network", spec, specbuild.infer(spec))], tmp_path)
    assert verdicts == {"network": None}


def test_a_block_is_one_class_whose_differences_are_parameters() -> None:
    spec = specbuild.load(OPTIONAL)
    text = source(spec, specbuild.infer(spec))
    tree = ast.parse(text)
    assert [node.name for node in tree.body if isinstance(node, ast.ClassDef)] == ["Unit"]
    assert "channels: int," in text
    assert "kernel: int = 3," in text
    assert "padding=kernel // 2" in text
    assert "e=nn.Sequential(*[Unit(16, 16) for _ in range(4)])" in text or "range(4)" in text


@pytest.mark.parametrize("name", GOLDEN)
def test_the_module_is_as_expected(name: str) -> None:
    spec = specbuild.load(SPECS / f"{name}.yaml")
    assert source(spec, specbuild.infer(spec)) == (EXPECTED / f"{name}.py").read_text(encoding="utf-8")


def test_resnet50_is_as_short_as_one_would_write_it() -> None:
    spec = specbuild.load(SPECS / "resnet50.yaml")
    text = source(spec, specbuild.infer(spec))
    assert text.count("\n") < 100
    assert "nn.Conv2d(channels, 4 * channels, kernel_size=1, bias=False)" in text


def test_no_module_names_specbuild() -> None:
    for path in sorted(SPECS.glob("*.yaml")):
        spec = specbuild.load(path)
        assert "specbuild" not in source(spec, specbuild.infer(spec))


def test_a_layer_of_a_plug_in_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LAYERS["ReLU"], "plugged", True)
    spec = specbuild.load("specbuild: 1\ninput: [3]\nlayers: [ReLU]\n")
    with pytest.raises(specbuild.RunError, match=r"`relu_1` is a ReLU of a plug-in, which Python source cannot"):
        source(spec, specbuild.infer(spec))
