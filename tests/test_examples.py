"""The examples run as their first lines say."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SPECBUILD = Path(sys.executable).with_name("specbuild")


def test_from_python() -> None:
    done = subprocess.run([sys.executable, "examples/from_python.py"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "digits_w8_k9: conv: " in done.stdout
    assert "digits_w8_k3: 810 parameters" in done.stdout
    assert done.stdout.endswith("reloaded: Sequential with conv, relu_1, maxpool2d_1, flatten_1, head\n")


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_from_another_language() -> None:
    done = subprocess.run(
        ["node", "examples/generate.mjs"],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "SPECBUILD": str(SPECBUILD)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["depth_3: ok", "depth_5: ok"]
    assert lines[2].startswith("depth_6: SB303 at layers[17].kernel_size: maxpool2d_6: ")


def test_a_family_from_a_program_that_knows_nothing_but_json() -> None:
    """The standard library alone: what is certain is mended, what is not is dropped, the first is trained."""
    program = ROOT / "examples/generate_family.py"
    imported = {
        name.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(program.read_text()))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in node.names
    }
    assert {str(name).partition(".")[0] for name in imported} <= sys.stdlib_module_names
    done = subprocess.run(
        [sys.executable, program, "--train", "1"],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "SPECBUILD": str(SPECBUILD)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    head, narrow, *rest = done.stdout.splitlines()
    assert head.split() == ["network", "repaired", "parameters", "validation", "accuracy"]
    assert narrow.split()[:2] == ["narrow", "410"]
    assert float(narrow.split()[2]) > 0.5
    assert [" ".join(line.split()[:5]) for line in rest] == [
        "wide 1,610",
        "deep 1,898",
        "counted SB301 810",
        "misspelt SB204 SB204 SB201 810",
        "large dropped: SB303 /layers/2/kernel_size",
        "trailing SB104 810",
        "unfinished dropped: SB104 /data/val",
    ]
