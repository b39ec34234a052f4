"""What `specbuild predict` refuses before it reads anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from specbuild.cli.app import app
from specbuild.runs.run import Run
from tests.predicting import trained


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained.digits_run(tmp_path_factory.mktemp("commands"))


def test_an_input_is_not_written_over(digits: Run, tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    Image.new("L", (8, 8)).save(folder / "a.png")
    np.save(tmp_path / "x.npy", np.zeros((2, 8, 8), np.uint8))
    for given, output in ((tmp_path / "x.npy", tmp_path / "x.npy"), (folder, folder / "a.png")):
        before = output.read_bytes()
        done = CliRunner().invoke(app, ["predict", str(digits.path), str(given), "--output", str(output)])
        assert done.exit_code == 1
        assert "error[SB506]: it is one of the inputs, which are not written over" in done.stderr
        assert output.read_bytes() == before
    told = folder / "told.json"  # beside the inputs is a place for what is told, also the second time
    for _ in range(2):
        command = ["predict", str(digits.path), str(folder), "--output", str(told), "--format", "json"]
        assert CliRunner().invoke(app, command).exit_code == 0


def test_an_onnx_file_has_one_set_of_weights() -> None:
    done = CliRunner().invoke(app, ["predict", "x.onnx", "a.png", "--weights", "last"])
    assert done.exit_code == 2
    assert "an ONNX file has the weights that it was exported with" in done.stderr
