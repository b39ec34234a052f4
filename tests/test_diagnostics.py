"""The page about diagnostics shows what is printed, and so does a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/diagnostics.md").read_text()


@pytest.fixture(autouse=True)
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "examples/broken.yaml", tmp_path / "spec.yaml")
    monkeypatch.chdir(tmp_path)


def printed(*options: str) -> str:
    command = [sys.executable, "-m", "specbuild", "check", *options, "spec.yaml"]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8").stdout


@pytest.mark.parametrize("options", [(), ("--fix",)])
def test_what_is_shown_is_the_beginning_of_what_is_printed(options: tuple[str, ...]) -> None:
    command = " ".join(["specbuild check", *options, "spec.yaml"])
    shown = re.search(rf"```console\n\$ {command}\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    assert printed(*options).startswith(shown[1])


def test_the_json_that_is_shown_is_the_first_that_is_printed() -> None:
    shown = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    assert json.loads(printed("--format", "json"))[0] == json.loads(shown[1])


def on_a_terminal(columns: int, **environment: str) -> str:
    """What `check` prints on a terminal of so many columns."""
    controller, terminal = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    env |= {"COLUMNS": str(columns), **environment}
    command = [sys.executable, "-m", "specbuild", "check", "spec.yaml"]
    with subprocess.Popen(command, stdout=terminal, env=env) as process:
        os.close(terminal)
        parts = []
        while True:
            try:
                part = os.read(controller, 65536)
            except OSError:  # what Linux says at the end
                break
            if not part:
                break
            parts.append(part)
        process.wait()
    os.close(controller)
    return b"".join(parts).decode().replace("\r\n", "\n")


def test_colours_and_width_of_a_terminal() -> None:
    plain = printed()
    coloured = on_a_terminal(80, TERM="xterm")
    assert "\x1b[1;31merror[SB301]\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain
    narrow = on_a_terminal(50, TERM="xterm", NO_COLOR="1").split("\n")
    assert narrow[2:4] == [
        " 9 | …Linear, in_features: 4096, out_features: 10…",
        "   |                       ^^^^",
    ]


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}])
def test_no_colours(environment: dict[str, str]) -> None:
    assert on_a_terminal(80, **environment) == printed()
