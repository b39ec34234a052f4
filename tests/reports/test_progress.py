from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from specbuild.reports.progress import Bar, cell, chosen, clock, reporter, row
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


def test_a_table_grows_above_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar()
    bar.start(START)
    bar.batch(1, 50, 100, 0.6)
    bar.epoch(RECORD)
    bar.epoch({**RECORD, "epoch": 2, "val_loss": None, "best": False})
    bar.say("something else")
    bar.end(Path("runs/net/1"))
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = [line.rstrip() for line in captured.err.splitlines() if line.strip()]
    assert lines[:5] == [
        "net: 1,210 parameters on cpu; samples: 100 train, 20 val",
        "epoch  train_loss   val_loss    seconds  samples/s",
        " *1/2      0.5000     0.2500        0.1      1,000",
        "  2/2      0.5000  undefined        0.1      1,000",
        "something else",
    ]


def test_the_table_fits_into_80_columns() -> None:
    metrics = ("loss", "accuracy", "accuracy_top5", "f1_weighted", "average_precision", "auroc")
    record = {**RECORD, "lr": 0.001, **{f"{split}_{name}": 0.5 for split in ("train", "val") for name in metrics}}
    columns = chosen(record, 100, 80)
    header = row(columns, columns, 100)
    cells = row([cell(name, record, 100) for name in columns], columns, 100)
    assert len(cells) == len(header) <= 80
    assert columns == ["epoch", "train_loss", "val_loss", "val_accuracy", "val_accuracy_top5", "seconds"]
    assert set(chosen(record, 100, 400)) == {"epoch", "lr", "seconds", "samples/s", *(
        name for name in record if name.startswith(("train_", "val_")))}  # fmt: skip


def test_the_time_that_is_left() -> None:
    assert [clock(seconds) for seconds in (7.4, 750, 11100)] == ["0:07", "12:30", "3:05:00"]
    bar = Bar()
    bar.epochs, bar.batch_size, bar.seconds, bar.begun = 3, 8, 20.0, (2, monotonic() - 10)
    state = bar.state(2, 50, 100, 0.5)
    assert state.split("  ") == ["7/13", "5 samples/s", "loss 0.5000", "0:10 of 0:30 left"]


def test_ending_before_the_start_is_fine() -> None:
    Bar().end(None)


SCRIPT = """
from pathlib import Path
from time import monotonic
from specbuild.reports.progress import Bar, cell, chosen, clock, reporter, row
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
    assert "50/100" in text
    assert "loss 0.6250" in text
