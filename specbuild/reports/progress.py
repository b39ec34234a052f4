"""How a training is shown: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specbuild.training.reporting import Lines, Reporter, Start, line

if TYPE_CHECKING:
    from rich.progress import Progress


def reporter() -> Reporter:
    """What suits standard error: results go to standard output, progress never."""
    return Bar() if sys.stderr.isatty() else Lines(sys.stderr)


class Bar:
    """A line for each finished epoch, and below them a bar for the one that runs."""

    def __init__(self) -> None:
        self.progress: Progress | None = None
        self.epochs = 0

    def start(self, start: Start) -> None:
        """Show what is trained, and the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self.epochs = start.epochs
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[loss]}"),
            console=Console(stderr=True, highlight=False),
            transient=True,
        )
        self.say(str(start))
        self.progress.add_task("epoch 1", total=start.samples["train"], loss="")
        self.progress.start()

    def batch(self, epoch: int, done: int, total: int, loss: float) -> None:
        """Move the bar."""
        if self.progress is not None:
            self.progress.update(
                self.progress.task_ids[0],
                description=f"epoch {epoch}/{self.epochs}",
                completed=done,
                total=total,
                loss=f"loss {loss:.4f}",
            )

    def epoch(self, record: Mapping[str, Any]) -> None:
        """Write the epoch's line above the bar, and begin it anew."""
        self.say(line(record, self.epochs))
        if self.progress is not None and record["epoch"] < self.epochs:
            self.progress.reset(
                self.progress.task_ids[0], description=f"epoch {record['epoch'] + 1}/{self.epochs}", loss=""
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
