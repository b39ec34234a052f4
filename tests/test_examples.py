"""The examples run as their first lines say."""

from __future__ import annotations

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
