"""The command lines in the table of SB5xx, run as they are written."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from specbuild.catalogue.plugged import PLUGGED, unplug
from specbuild.cli.app import app
from specbuild.diagnostics.codes.code import Code
from specbuild.diagnostics.codes.runs import RUNS

torch.set_num_threads(1)

ROOT = Path(__file__).resolve().parent.parent.parent
RUNNABLE = [pytest.param(code, id=code.code) for code in RUNS if code.code != "SB504"]  # needs another torch


def last_of(lines: str) -> tuple[int, str]:
    """Exit status and standard error of the last command; all before it must end well."""
    status, told = 0, ""
    for line in lines.splitlines():
        assert status == 0, told
        assert line.startswith("$ ")
        words = shlex.split(line[2:])
        if words[0] == "specbuild":
            result = CliRunner().invoke(app, words[1:])
            status, told = result.exit_code, result.stderr
            forget_plugins()
        else:
            status = subprocess.run(line[2:], shell=True, check=False).returncode
    return status, told


def forget_plugins() -> None:
    """As in a new process."""
    for name in [*PLUGGED]:
        sys.modules.pop(PLUGGED[name].__module__, None)
        unplug(name)


@pytest.mark.parametrize("code", RUNNABLE)
def test_the_failing_example_earns_its_code_and_the_mended_one_does_not(
    code: Code, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, lines in (("failing", code.failing), ("mended", code.mended)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "specs").symlink_to(ROOT / "specs")
        (folder / "my_layers.py").symlink_to(ROOT / "examples" / "my_layers.py")
        monkeypatch.chdir(folder)
        status, told = last_of(lines)
        if name == "failing":
            assert status == 1
            assert f"error[{code.code}]" in told
        else:
            assert status == 0
