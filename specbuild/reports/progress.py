"""How a training is shown: a table that grows and a bar below it on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from specbuild.training.reporting import Lines, Reporter, Silent, Start, figure

if TYPE_CHECKING:
    from rich.progress import Progress

    from specbuild.training.fitting import Fit

SMALLEST = 60
"""Columns of a terminal that are used in any case."""


def reporter() -> Reporter:
    """What suits standard error: results go to standard output, progress never."""
    return Bar() if sys.stderr.isatty() else Lines(sys.stderr)


class Bar(Silent):
    """A row for each finished epoch, and below them a bar for the one that runs."""

    def __init__(self) -> None:
        self.progress: Progress | None = None
        self.epochs = 0
        self.total = 1
        self.batch_size = 1
        self.fit: Fit | None = None
        self.begun = (1, monotonic())
        """The epoch that runs, and when it began."""
        self.before = 0
        """Samples of it that were learned from before that."""
        self.seconds: float | None = None
        """Of the last epoch."""
        self.columns: list[str] = []

    def start(self, start: Start) -> None:
        """Show what is trained, and the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self.epochs, self.total = start.epochs, start.samples["train"]
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[state]}"),
            console=Console(stderr=True, highlight=False),
            transient=True,
            expand=True,
        )
        self.say(str(start))
        self.progress.add_task(f"epoch {start.first}/{self.epochs}", total=self.total, state="")
        self.progress.start()

    def ready(self, fit: Fit, folder: Path) -> None:
        """What the bar reads its learning rate and its batches from."""
        self.fit, self.batch_size = fit, fit.splits["train"].loader.batch_size
        meter = fit.position.meter
        self.begun, self.before = (fit.position.epoch, monotonic()), 0 if meter is None else meter.samples

    def batch(self, epoch: int, done: int, total: int, loss: float) -> None:
        """Move the bar."""
        if self.progress is not None:
            state = self.state(epoch, done, total, loss)
            self.progress.update(
                self.progress.task_ids[0],
                description=f"epoch {epoch}/{self.epochs}",
                completed=done,
                total=total,
                state=state,
            )

    def state(self, epoch: int, done: int, total: int, loss: float) -> str:
        """Steps, samples a second, loss, learning rate, and the time left of the epoch and of the training."""
        if self.begun[0] != epoch:
            self.begun, self.before = (epoch, monotonic()), 0
        spent = max(monotonic() - self.begun[1], 1e-9)
        rate = max(done - self.before, 0) / spent
        left = (total - done) / max(rate, 1e-9)
        whole = left + (self.epochs - epoch) * (self.seconds or spent + left)
        parts = [f"{-(-done // self.batch_size)}/{-(-total // self.batch_size)}", f"{rate:,.0f} samples/s"]
        parts.append(f"loss {figure(loss)}")
        if self.fit is not None:
            parts.append(f"lr {next(iter(self.fit.schedule.rates.values())):.2g}")
        return "  ".join([*parts, f"{clock(left)} of {clock(whole)} left"])

    def epoch(self, record: Mapping[str, Any]) -> None:
        """Write the epoch's row above the bar, and begin it anew."""
        if self.progress is None:
            return
        width = max(self.progress.console.width, SMALLEST)
        if not self.columns:
            self.columns = chosen(record, self.epochs, width)
            self.say(row(list(self.columns), self.columns, self.epochs))
        self.say(row([cell(name, record, self.epochs) for name in self.columns], self.columns, self.epochs))
        self.seconds, self.begun, self.before = record["seconds"], (record["epoch"] + 1, monotonic()), 0
        if record["epoch"] < self.epochs:
            self.progress.reset(
                self.progress.task_ids[0], description=f"epoch {record['epoch'] + 1}/{self.epochs}", state=""
            )

    def note(self, text: str) -> None:
        """A line above the bar."""
        self.say(f"warning: {text}")

    def end(self, run: Path | None) -> None:
        """Take the bar away."""
        if self.progress is not None:
            self.progress.stop()
            self.progress = None

    def say(self, text: str) -> None:
        """A line above the bar."""
        if self.progress is not None:
            self.progress.console.print(text, markup=False, soft_wrap=True)


def chosen(record: Mapping[str, Any], epochs: int, width: int) -> list[str]:
    """The columns that fit into a width: losses and what is measured on val before the rest."""
    measured = [name for name in record if name.startswith(("train_", "val_"))]
    first = ["epoch", "train_loss", "seconds", *(name for name in measured if name.startswith("val_"))]
    order = [*first, "lr", "samples/s", *(name for name in measured if name not in first)]
    taken: list[str] = []
    for name in order:
        known = name in record or name == "samples/s"
        if known and sum(len_of(each, epochs) + 2 for each in [*taken, name]) <= width:
            taken.append(name)
    shown = [*(name for name in measured if name in taken), "lr", "seconds", "samples/s"]
    return ["epoch", *(name for name in shown if name in taken)]


def len_of(name: str, epochs: int) -> int:
    """The characters of a column."""
    return max(len(name), 2 * len(str(epochs)) + 2 if name == "epoch" else 9)


def row(cells: Sequence[str], columns: Sequence[str], epochs: int) -> str:
    """Cells under their columns; the mark of the best epoch hangs over."""
    aligned = [f"{text:>{len_of(name, epochs)}}" for text, name in zip(cells, columns, strict=True)]
    return "  ".join(aligned).rstrip()


def cell(name: str, record: Mapping[str, Any], epochs: int) -> str:
    """One number as the table has it; the best epoch so far has a star before its number."""
    if name == "epoch":
        return f"{'*' if record['best'] else ''}{record['epoch']}/{epochs}"
    if name == "lr":
        return f"{record['lr']:.3g}"
    if name == "seconds":
        return f"{record['seconds']:.1f}"
    if name == "samples/s":
        return f"{record['samples_per_second']:,.0f}"
    return figure(record[name])


def clock(seconds: float) -> str:
    """`0:07`, `12:30`, `3:05:00`."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
