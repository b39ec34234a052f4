from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from specbuild.reports.progress import Bar, reporter
from specbuild.training.reporting import Lines, Start

START = Start("net", "cpu", 2, 1210, {"train": 100, "val": 20}, "val_loss")
RECORD = {
    "epoch": 1,
    "train_loss": 0.5,
    "val_loss": 0.25,
    "samples_per_second": 1000.0,
    "seconds": 0.1,
    "best": True,
}


def test_plain_lines_where_there_is_no_terminal() -> None:
    assert isinstance(reporter(), Lines)


def test_the_bars_lines_are_the_plain_ones(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar()
    bar.start(START)
    bar.batch(1, 50, 100, 0.6)
    bar.epoch(RECORD)
    bar.end(Path("runs/net/1"))
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = [line.rstrip() for line in captured.err.splitlines() if line.strip()]
    assert lines[:2] == [
        "net: 1,210 parameters on cpu; samples: 100 train, 20 val",
        "epoch 1/2  train_loss 0.5000  val_loss 0.2500  0.1 s  1,000 samples/s *",
    ]


def test_ending_before_the_start_is_fine() -> None:
    Bar().end(None)


SCRIPT = """
from pathlib import Path
from specbuild.reports.progress import Bar, reporter
from specbuild.training.reporting import Start
bar = reporter()
assert isinstance(bar, Bar)
bar.start(Start("net", "cpu", 2, 1210, {"train": 100}, "train_loss"))
bar.batch(1, 50, 100, 0.625)
bar.progress.refresh()
bar.end(None)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_a_bar_on_a_terminal() -> None:
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    subprocess.run([sys.executable, "-c", SCRIPT], stderr=theirs, check=True, timeout=120, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # Linux says EIO at the end
        pass
    os.close(ours)
    text = shown.decode()
    assert "epoch 1/2" in text
    assert "50%" in text
    assert "loss 0.6250" in text
