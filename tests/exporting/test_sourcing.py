"""Python source with its weights, run where specbuild cannot be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import specbuild
from specbuild.exporting import sourcing
from tests.exporting.test_export import OPEN, PLAIN, TIED, initial

torch.set_num_threads(1)


@pytest.mark.parametrize("document", [TIED, OPEN])
def test_a_module_and_its_weights(document: str, tmp_path: Path) -> None:
    exported = specbuild.export(document, "python", tmp_path / "network.py")
    assert exported.parity.startswith("outputs equal bit for bit on ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["network.py", "network.safetensors"]
    assert exported.beside == (tmp_path / "network.safetensors",)


def test_what_the_module_gives(tmp_path: Path) -> None:
    specbuild.export(PLAIN, "python", tmp_path / "plain.py")
    program = (
        "import sys, torch\n"
        "sys.modules['specbuild'] = None\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "import plain\n"
        "print(plain.load(sys.argv[1] + '/plain.safetensors')(torch.ones(1, 4)).tolist())\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout == f"{initial(PLAIN)(torch.ones(1, 4)).tolist()}\n"


def test_a_module_that_gives_another_output_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = sourcing.source

    def wrong(*arguments: Any, **named: Any) -> str:
        return right(*arguments, **named).replace("nn.ReLU(inplace=True)", "nn.Sigmoid()")

    monkeypatch.setattr(sourcing, "source", wrong)
    with pytest.raises(specbuild.RunError, match=r"SB511.*the module gives another output") as raised:
        specbuild.export(PLAIN, "python", tmp_path / "wrong.py")
    assert str(raised.value.diagnostics[0].because).startswith("the first layer that differs is second, which differs")
    assert [*tmp_path.iterdir()] == []


def test_a_module_that_needs_specbuild_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = sourcing.source
    monkeypatch.setattr(sourcing, "source", lambda *a, **named: "import specbuild\n" + right(*a, **named))
    with pytest.raises(specbuild.RunError, match=r"SB511.*does not run where specbuild is not: ModuleNotFoundError"):
        specbuild.export(PLAIN, "python", tmp_path / "wrong.py")
    assert [*tmp_path.iterdir()] == []


def test_a_training_that_needs_its_digits_has_them_beside(tmp_path: Path) -> None:
    spec = Path(__file__).parents[2] / "specs" / "digits_cnn.yaml"
    exported = specbuild.export(spec, "python", tmp_path / "digits.py", training=True)
    names = ["digits.digits.npz", "digits.py", "digits.safetensors"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert [path.name for path in exported.beside] == ["digits.safetensors", "digits.digits.npz"]
