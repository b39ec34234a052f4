"""What a training tells while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TextIO

if TYPE_CHECKING:
    from specbuild.training.fitting import Fit


class Start(NamedTuple):
    """What is known before the first step."""

    name: str
    device: str
    epochs: int
    parameters: int
    samples: Mapping[str, int]
    """Of each split."""
    best: str
    """The number by which the best epoch is chosen."""
    first: int = 1
    """The epoch that it begins with, or goes on in."""
    frozen: int = 0
    """How many of the parameters do not learn."""

    def __str__(self) -> str:
        stay = f" ({self.frozen:,} frozen)" if self.frozen else ""
        splits = ", ".join(f"{count:,} {split}" for split, count in self.samples.items())
        return f"{self.name}: {self.parameters:,} parameters{stay} on {self.device}; samples: {splits}"


class Reporter(Protocol):
    """Is told how a training goes. Every method returns soon: the training waits for it."""

    def ready(self, fit: Fit, folder: Path) -> None:
        """All is opened and built. folder: where the run is put together; what is left there is in the run."""

    def start(self, start: Start) -> None:
        """Training begins."""

    def batch(self, epoch: int, done: int, total: int, loss: float) -> None:
        """About twice a second: samples done of the epoch's, the mean loss so far."""

    def epoch(self, record: Mapping[str, Any]) -> None:
        """An epoch is finished; what was measured in it, as in `metrics.jsonl`."""

    def close(self, fit: Fit, folder: Path, status: str) -> None:
        """The last epoch is over and the best weights are known: the time to leave files in the run."""

    def end(self, run: Path | None) -> None:
        """Training has ended, well or not; where the run is, if one was written."""

    def say(self, text: str) -> None:
        """A line beside all that."""

    def note(self, text: str) -> None:
        """Something that is worth knowing and ends nothing."""


class Silent:
    """Tells nothing."""

    def ready(self, fit: Fit, folder: Path) -> None:
        """Nothing."""

    def start(self, start: Start) -> None:
        """Nothing."""

    def batch(self, epoch: int, done: int, total: int, loss: float) -> None:
        """Nothing."""

    def epoch(self, record: Mapping[str, Any]) -> None:
        """Nothing."""

    def close(self, fit: Fit, folder: Path, status: str) -> None:
        """Nothing."""

    def end(self, run: Path | None) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """A line that warns."""
        self.say(f"warning: {text}")


class Lines(Silent):
    """One plain line an epoch: for logs, pipes and continuous integration."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.epochs = 0

    def start(self, start: Start) -> None:
        """What is trained, on what."""
        self.epochs = start.epochs
        self.say(str(start))

    def epoch(self, record: Mapping[str, Any]) -> None:
        """The epoch's line."""
        self.say(line(record, self.epochs))

    def say(self, text: str) -> None:
        """A line, at once. One that a full disk does not take, or nobody reads any more, is not worth a training."""
        with suppress(OSError):
            print(text, file=self.stream, flush=True)


def line(record: Mapping[str, Any], epochs: int) -> str:
    """What was measured in one epoch; `*` marks the best so far."""
    width = len(str(epochs))
    measured = figures({name: value for name, value in record.items() if name.startswith(("train_", "val_"))})
    rate = f"  lr {record['lr']:.3g}" if "lr" in record else ""
    speed = f"{record['seconds']:.1f} s  {record['samples_per_second']:,.0f} samples/s"
    mark = " *" if record["best"] else ""
    return f"epoch {record['epoch']:>{width}}/{epochs}  {measured}{rate}  {speed}{mark}"


def figures(measured: Mapping[str, float | None]) -> str:
    """Losses and metrics with four decimals, a loss beyond all bounds with four digits."""
    return "  ".join(f"{name} {figure(value)}" for name, value in measured.items())


def figure(value: float | None) -> str:
    """One number; None is what is not defined."""
    if value is None:
        return "undefined"
    return f"{value:.4f}" if abs(value) < 1e6 else f"{value:.3e}"


def matrix(table: Sequence[Any]) -> str:
    """Counts in rows and columns; several matrices one below the other."""
    if table and isinstance(table[0][0], list):
        return "\n\n".join(matrix(each) for each in table)
    width = max(len(str(count)) for row in table for count in row)
    return "\n".join("  ".join(f"{count:>{width}}" for count in row) for row in table)
