"""Checking imports neither torch nor anything else that is slow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SLOW = ("torch", "torchvision", "numpy", "rich", "PIL", "torchinfo", "safetensors")


@pytest.mark.parametrize(
    "command",
    [
        ["check", "specs/cifar_cnn.yaml"],
        ["summary", "specs/cifar_cnn.yaml"],
        ["schema"],
        ["--help"],
        ["runs", "list", "specs"],
    ],
    ids=lambda command: command[0],
)
def test_no_slow_imports(command: list[str]) -> None:
    program = (
        "import sys\nfrom specbuild.cli.app import app\n"
        f"app({command!r}, standalone_mode=False)\n"
        f"print([name for name in {SLOW!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
