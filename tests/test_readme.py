"""The README shows what the commands print."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SPECBUILD = Path(sys.executable).with_name("specbuild")
INDENT = "    "


def consoles() -> dict[str, str]:
    """What the README says that each command prints; by the command, without `specbuild`."""
    text = (ROOT / "README.md").read_text()
    shown = re.findall(r"^    \$ specbuild (.+)\n((?:(?: {4}.*)?\n)*?)(?=\S|    \$ )", text, re.MULTILINE)
    return {
        command: "\n".join(line.removeprefix(INDENT) for line in out.splitlines()).strip() for command, out in shown
    }


@pytest.mark.parametrize(
    "command", ["check specs/digits_cnn.yaml", "check examples/broken.yaml", "summary specs/digits_cnn.yaml"]
)
def test_output(command: str) -> None:
    done = subprocess.run([SPECBUILD, *command.split()], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == ""
    printed = re.sub(r"fits in .*", "fits in 16.00 GiB", done.stdout)  # as much as the machine has
    assert printed.strip() == consoles()[command]


def test_training_and_what_follows() -> None:
    shown = consoles()
    for command in ("train specs/digits_cnn.yaml", "evaluate runs/digits_cnn/1", "reload runs/digits_cnn/1"):
        assert shown[command]


def test_nothing_was_left_to_fill_in() -> None:
    assert "@@" not in (ROOT / "README.md").read_text()
