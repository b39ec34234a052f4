"""The command lines in the table of codes, run as they are written."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from specbuild.catalogue.plugged import PLUGGED, unplug
from specbuild.cli.app import app
from specbuild.diagnostics.codes import CODES, Code

torch.set_num_threads(1)

ROOT = Path(__file__).resolve().parent.parent.parent
NOT_HERE = {
    "SB390": "a defect of specbuild",
    "SB504": "needs another torch",
    "SB511": "needs an exporter with a defect",
}
RUNNABLE = [
    pytest.param(code, id=code.code)
    for code in CODES.values()
    if code.failing.startswith("$ ") and code.code not in NOT_HERE
]


def last_of(lines: str) -> tuple[int, str]:
    """Exit status and output of the last command; all before it must end well."""
    status, told = 0, ""
    for line in lines.splitlines():
        assert status == 0, told
        assert line.startswith("$ ")
        words = shlex.split(line[2:])
        if words[0] == "specbuild":
            result = CliRunner().invoke(app, words[1:])
            status, told = result.exit_code, result.output
            forget_plugins()
        else:
            path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
            env = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
            done = subprocess.run(line[2:], shell=True, check=False, capture_output=True, text=True, env=env)
            status, told = done.returncode, done.stdout + done.stderr
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
        is_warning = code.code.startswith("SB8")
        said = f"{'warning' if is_warning else 'error'}[{code.code}]"
        assert (said in told) is (name == "failing"), told
        assert status == (1 if name == "failing" and not is_warning else 0), told
