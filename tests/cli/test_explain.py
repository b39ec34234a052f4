"""`specbuild explain`."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import specbuild
from specbuild.cli.app import app
from specbuild.diagnostics.codes import CODES
from specbuild.reports.explanation import text_of

SB301 = """\
SB301: a written size that is not the input's

Sizes such as `in_channels`, `in_features` and `num_features` follow from the
input and may be left out. Where they are written, they are held against what
the layers before give; so is the `num_embeddings` of an Embedding of Positions.

This fails:

    specbuild: 1
    input: [3, 8, 8]
    layers:
      - Flatten
      - {type: Linear, in_features: 128, out_features: 10}

It prints:

    spec.yaml:5:33: error[SB301]: linear_1: in_features is 128, but the input has 192 features
       |
     5 |   - {type: Linear, in_features: 128, out_features: 10}
       |                                 ^^^
       = because: input [3, 8, 8] → flatten_1 [192]
       = fix: in_features: 192, or leave it out

This is right:

    specbuild: 1
    input: [3, 8, 8]
    layers:
      - Flatten
      - {type: Linear, in_features: 192, out_features: 10}
"""


@pytest.mark.parametrize("code", ["SB301", "sb301", "301"])
def test_one_code(code: str) -> None:
    done = CliRunner().invoke(app, ["explain", code])
    assert (done.exit_code, done.stdout, done.stderr) == (0, SB301, "")
    assert f"{specbuild.explain(code)}\n" == SB301


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_says_what_its_example_prints(code: str) -> None:
    explained = specbuild.explain(code)
    text = str(explained)
    assert text.startswith(f"{code}: {explained.title}\n")
    if explained.failing.startswith("$ "):
        assert "It prints:" not in text
    else:
        assert code in {found.code for found in explained.diagnostics}
        assert f"[{code}]: " in text
    prose = text_of(explained, 60).split("\n\n")[1]
    assert max(map(len, prose.split("\n"))) <= 60
    assert " ".join(prose.split()) == " ".join(explained.explanation.split())


def test_without_a_code_all_are_listed() -> None:
    done = CliRunner().invoke(app, ["explain"])
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  SB")] == list(CODES)
    assert done.stdout.startswith("SB1xx  Reading\n  SB101  the document cannot be read\n")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("SB3011", "there is no code SB3011: did you mean SB301?"),
        ("x", "there is no code x; `specbuild explain` lists"),
    ],
)
def test_an_unknown_code_is_a_wrong_command_line(code: str, message: str) -> None:
    done = CliRunner().invoke(app, ["explain", code])
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in " ".join(done.stderr.split())


def test_json() -> None:
    done = CliRunner().invoke(app, ["explain", "SB301", "--format", "json"])
    found = json.loads(done.stdout)
    assert list(found) == ["code", "title", "explanation", "failing", "diagnostics", "mended"]
    assert [each["code"] for each in found["diagnostics"]] == ["SB301"]
    listed = json.loads(CliRunner().invoke(app, ["explain", "--format", "json"]).stdout)
    assert listed == [{"code": entry.code, "title": entry.title} for entry in CODES.values()]


def test_it_imports_nothing_slow() -> None:
    program = (
        "import sys\nfrom specbuild.cli.app import app\napp(['explain', 'SB301'], standalone_mode=False)\n"
        "sys.exit(bool({'torch', 'numpy', 'rich'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0
