"""`specbuild diff` as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_cli import NETWORK, run

OTHER = NETWORK.replace("out_features: 4", "out_features: 5")


def test_of_two_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(NETWORK)
    done = run("diff", tmp_path / "a.yaml", "-", stdin=OTHER)
    assert (done.returncode, done.stderr) == (0, "")
    assert "  ~ fc  Linear, out_features: 4 → 5\n" in done.stdout
    assert done.stdout.startswith(f"{tmp_path}/a.yaml → <stdin>\n")


@pytest.mark.parametrize(("text", "status"), [(NETWORK, 0), (OTHER, 1)])
def test_exit_code_tells_whether_they_differ(text: str, status: int, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(NETWORK)
    assert run("diff", "--exit-code", tmp_path / "a.yaml", "-", stdin=text).returncode == status


def test_json() -> None:
    done = run("diff", "specs/resnet18.yaml", "specs/cifar_resnet18.yaml", "--format", "json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["same"], found["parameters"]) == (0, False, {"old": 11_689_512, "new": 11_173_962})


def test_a_broken_document_has_its_diagnostics() -> None:
    done = run("diff", "specs/lenet5.yaml", "examples/broken.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert "examples/broken.yaml:9:45: error[SB301]" in done.stderr


def test_standard_input_is_one_of_the_two() -> None:
    assert run("diff", "-", "-", stdin=NETWORK).returncode == 2


def test_a_run_is_its_spec(tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text(json.dumps({"specbuild": 1, "input": [16], "layers": ["ReLU"]}))
    done = run("diff", tmp_path, "-", stdin='{"specbuild": 1, "input": [16], "layers": ["ReLU"]}')
    assert done.stdout == f"{tmp_path} and <stdin> mean the same\n"
