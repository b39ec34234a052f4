"""Those who look at a training beside the reporter: none of them may end it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specbuild.language.document import Spec
from specbuild.training.reporting import Reporter, Silent, Start

if TYPE_CHECKING:
    from specbuild.training.fitting import Fit


class Observed(Silent):
    """A reporter, and observers who are told the same. An observer that fails is told no more, and a line says so."""

    def __init__(self, report: Reporter, observers: Sequence[Reporter]) -> None:
        self.report, self.observers = report, list(observers)

    def each(self, call: Callable[[Reporter], None]) -> None:
        """Tell every observer."""
        for observer in tuple(self.observers):
            try:
                call(observer)
            except Exception as error:  # whatever it is, a training is worth more than a picture of it
                self.observers.remove(observer)
                what = str(error).partition("\n")[0] or type(error).__name__
                self.report.note(f"{type(observer).__name__} failed, the training goes on: {what}")

    def start(self, start: Start) -> None:
        """To all."""
        self.report.start(start)
        self.each(lambda observer: observer.start(start))

    def ready(self, fit: Fit, folder: Path) -> None:
        """To all."""
        self.report.ready(fit, folder)
        self.each(lambda observer: observer.ready(fit, folder))

    def batch(self, epoch: int, done: int, total: int, loss: float) -> None:
        """To all."""
        self.report.batch(epoch, done, total, loss)
        self.each(lambda observer: observer.batch(epoch, done, total, loss))

    def epoch(self, record: Mapping[str, Any]) -> None:
        """To all."""
        self.report.epoch(record)
        self.each(lambda observer: observer.epoch(record))

    def close(self, fit: Fit, folder: Path, status: str) -> None:
        """To all."""
        self.report.close(fit, folder, status)
        self.each(lambda observer: observer.close(fit, folder, status))

    def end(self, run: Path | None) -> None:
        """To all."""
        self.each(lambda observer: observer.end(run))
        self.report.end(run)

    def say(self, text: str) -> None:
        """To the reporter."""
        self.report.say(text)


class Pictures(Silent):
    """Leaves curves, a confusion matrix and the worst mistakes in the run as PNG files, where there is a val."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say_line = say

    def close(self, fit: Fit, folder: Path, status: str) -> None:
        """Draw; of a training that was ended early only what is quick."""
        from specbuild.reports import curves
        from specbuild.runs import metrics

        if "val" not in fit.splits:
            return
        records = metrics.read(folder / metrics.NAME)
        if len(records) > 1:
            missing = curves.missing()
            if missing is None:
                curves.draw(records, folder / curves.NAME, fit.spec.name)
            else:
                self.say_line(missing)
        if status != "finished":
            return
        from specbuild.reports import sheets

        if sheets.wanted(fit):
            look = sheets.Look(fit)
            look.go()
            look.save(folder)


def observed(spec: Spec, report: Reporter, *, pictures: bool) -> Reporter:
    """The reporter with the observers that are asked for; raises `DataError` for what they need and is not there."""
    observers: list[Reporter] = []
    if spec.train.tensorboard:
        from specbuild.reports.tensorboard import Board, require

        require(spec)
        observers.append(Board(report.say))
    if pictures:
        observers.append(Pictures(report.note))
    return Observed(report, observers) if observers else report
