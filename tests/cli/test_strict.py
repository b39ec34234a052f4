"""`check --strict`: warnings count as errors."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from specbuild.cli.app import app

ODD = "specbuild: 1\ninput: [4]\nlayers:\n  - {type: Linear, out_features: 2}\n  - Dropout\n"
RIGHT = ODD.replace("  - Dropout\n", "")


def test_a_warning_fails() -> None:
    done = CliRunner().invoke(app, ["check", "--strict", "-"], input=ODD)
    assert done.exit_code == 1
    assert done.stdout.startswith("<stdin>:5:5: error[SB810]: dropout_1: it is the last layer")
    assert "ok" not in done.stdout
    assert CliRunner().invoke(app, ["check", "-"], input=ODD).exit_code == 0


def test_it_is_an_error_in_every_form() -> None:
    done = CliRunner().invoke(app, ["check", "--strict", "--format", "json", "-"], input=ODD)
    assert done.exit_code == 1
    assert [(found["code"], found["severity"]) for found in json.loads(done.stdout)] == [("SB810", "error")]


def test_what_is_right_or_silenced_passes() -> None:
    for text in (RIGHT, ODD + "ignore: [SB810]\n", ODD.replace("Dropout\n", "Dropout  # specbuild: ignore[SB810]\n")):
        done = CliRunner().invoke(app, ["check", "--strict", "-"], input=text)
        assert (done.exit_code, done.stdout) == (0, "<stdin>: ok\n")
