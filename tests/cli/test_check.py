"""`check` of specs that are odd but not wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from specbuild.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
ODD = "tests/specs/broken/unused_branch.yaml"
NETWORK = "specbuild: 1\ninput: [4]\nlayers:\n  - {name: probe, type: Tanh}\n  - {type: ReLU, from: input}\n"


def test_warnings_are_printed_and_the_spec_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(app, ["check", ODD, "specs/lenet5.yaml"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == Path(f"{ODD}.txt").read_text() + f"{ODD}: ok, 3 warnings\nspecs/lenet5.yaml: ok\n"


def test_one_warning() -> None:
    done = CliRunner().invoke(app, ["check", "-"], input=NETWORK)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (
        "<stdin>:4:5: warning[SB801]: nothing reads `probe`: it is computed for nothing\n"
        "   |\n"
        " 4 |   - {name: probe, type: Tanh}\n"
        "   |     ^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "   = fix: leave it out, or name it in a `from`\n"
        "<stdin>: ok, 1 warning\n"
    )


def test_warnings_as_json() -> None:
    done = CliRunner().invoke(app, ["check", "-", "--format", "json"], input=NETWORK)
    assert done.exit_code == 0
    (found,) = json.loads(done.stdout)
    assert (found["code"], found["severity"], found["path"]) == ("SB801", "warning", "layers[0]")


def test_a_warning_beside_an_error() -> None:
    done = CliRunner().invoke(
        app, ["check", "-"], input=NETWORK.replace("ReLU,", "Linear, in_features: 3, out_features: 1,")
    )
    assert done.exit_code == 1
    assert "warning[SB801]" in done.stdout
    assert "error[SB301]" in done.stdout
    assert "ok" not in done.stdout


@pytest.mark.parametrize(
    "specs",
    [
        ["specs/lenet5.yaml"],
        [ODD, "specs/lenet5.yaml"],
        ["tests/specs/broken/classes.yaml"],
        ["tests/specs/broken/classes.yaml", ODD, "--format", "json"],
    ],
)
def test_without_options_it_is_the_same_by_the_short_way(specs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`main` goes past typer where there is no option to read but `--format json` at the end."""
    monkeypatch.chdir(ROOT)
    long = CliRunner().invoke(app, ["check", *specs])
    done = subprocess.run([sys.executable, "-m", "specbuild", "check", *specs], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (long.exit_code, long.stdout, long.stderr)
