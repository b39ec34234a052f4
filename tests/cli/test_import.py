"""`specbuild import` as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import specbuild
from tests.cli.test_cli import run

MODEL = """
import torch
from torch import nn


def small(classes: int = 3, deep: bool = False) -> nn.Module:
    if classes < 1:
        raise ValueError("so few classes\\nclasses must be positive")
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, classes))


def number() -> int:
    return 3
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "small_model.py"
    path.write_text(MODEL)
    return path


def test_a_factory_in_a_file(model: Path, tmp_path: Path) -> None:
    spec, weights = tmp_path / "small.yaml", tmp_path / "small.safetensors"
    done = run(
        "import",
        f"{model}:small",
        "--input",
        "[3, 2, 2]",
        "--argument",
        "classes=5",
        "--output",
        spec,
        "--weights",
        weights,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = len(spec.read_text().splitlines())
    assert f"{spec} and {weights}: {lines} lines, 149 parameters\n" in done.stdout
    network = specbuild.build(spec)
    network.load_state_dict(load_file(weights))
    assert network(torch.zeros(2, 3, 2, 2)).shape == (2, 5)
    again = run("import", f"{model}:small", "--input", "[3, 2, 2]", "--output", spec)
    assert (again.returncode, again.stderr.splitlines()[0]) == (1, f"{spec}: error[SB506]: something is there already")


def test_without_output_the_document_is_printed(model: Path) -> None:
    text = run("import", f"{model}:small", "--input", "[3, 2, 2]")
    assert specbuild.check(text.stdout) == ()
    tree = json.loads(run("import", f"{model}:small", "--input", "[3, 2, 2]", "--format", "json").stdout)
    assert tree["layers"][-1] == {"name": 3, "type": "Linear", "out_features": 3}


@pytest.mark.parametrize(
    ("source", "options", "told"),
    [
        ("small", ["--argument", "classes=0"], "fails: ValueError: classes must be positive"),
        ("smal", [], "has no `smal`"),
        ("number", [], "gives a int, not an nn.Module"),
        ("small", ["--argument", "wide=1"], "got an unexpected keyword argument 'wide'"),
    ],
)
def test_what_goes_wrong_is_one_line(source: str, options: list[str], told: str, model: Path) -> None:
    done = run("import", f"{model}:{source}", "--input", "[3, 2, 2]", *options)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[SB515]" in done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("source", "told"), [("leaves", "fails: SystemExit: 3"), ("plain", "the model is one Linear")])
def test_a_program_that_ends_is_no_model(source: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("import sys\nfrom torch import nn\nplain = nn.Linear(4, 2)\ndef leaves(): sys.exit(3)\n")
    done = run("import", f"{file}:{source}", "--input", "[4]")
    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr
    assert done.stderr.startswith(f"{file}:{source}: error[SB51")


def test_each_file_has_the_ending_of_what_is_in_it(model: Path, tmp_path: Path) -> None:
    sizes = ("import", f"{model}:small", "--input", "[3, 2, 2]")
    weights = run(*sizes, "--weights", str(tmp_path / "weights.pth"))
    output = run(*sizes, "--output", str(tmp_path / "net.safetensors"))
    assert (weights.returncode, output.returncode) == (2, 2)
    assert list(tmp_path.glob("weights*")) == list(tmp_path.glob("net*")) == []


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("nothing_here.py:f", "there is no file nothing_here.py"),
        ("no_such_package.module:f", "ModuleNotFoundError"),
        ("resnet18", "`resnet18` names no model"),
    ],
)
def test_sources_that_are_none(source: str, told: str) -> None:
    done = run("import", source)
    assert done.returncode == 1
    assert "error[SB515]" in done.stderr
    assert told in done.stderr


def test_an_input_has_to_be_said(model: Path) -> None:
    done = run("import", f"{model}:small")
    assert "takes inputs of an unknown shape" in done.stderr
    wrong = run("import", f"{model}:small", "--input", "[3, 0]")
    assert (wrong.returncode, "error[SB515]: --input: a size of the input" in wrong.stderr) == (1, True)
    assert run("import", f"{model}:small", "--input", "[3,").returncode == 2
