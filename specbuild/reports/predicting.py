"""How `specbuild predict` tells and writes what it finds: nothing is printed before all of it is known."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self, TextIO

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.predicting.answers import Mask
from specbuild.predicting.predicting import Network, OnError, each
from specbuild.predicting.reading import is_input
from specbuild.predicting.writing import ArrayFile, MaskFolder, unwritable
from specbuild.reports.predictions import Report
from specbuild.runs.files import write_whole

TICK = 0.1
"""Seconds between two looks of a terminal."""


class Writer:
    """Takes predictions, and in the end prints them or writes them where `--output` says."""

    def __init__(self, format: str, output: str | None, width: int) -> None:
        """output: a `.npz`, a folder for masks where it has no ending, else a file for what would be printed."""
        self.format, self.width = format, width
        self.path = None if output is None else Path(output).expanduser()
        self.arrays = ArrayFile(self.path) if self.path is not None and self.path.suffix.lower() == ".npz" else None
        self.folder: MaskFolder | None = None
        self.report = Report(format)
        self.count = Count(sys.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.count.end()
        for held in (self.arrays, self.folder):
            if held is not None:
                held.close()

    def all_of(
        self,
        network: Network,
        inputs: Sequence[str],
        *,
        top_k: int,
        batch_size: int | None,
        on_error: OnError,
        stdin: Callable[[], bytes],
    ) -> list[Diagnostic]:
        """Take all predictions; what was wrong with inputs that have none."""
        failed: list[Diagnostic] = []
        if self.path is not None and is_input(self.path, inputs, network.form):
            message, fix = "it is one of the inputs, which are not written over", "another name"
            raise RunError([Diagnostic("SB506", message, file=str(self.path), fix=fix)])
        found = each(network, inputs, top_k=top_k, batch_size=batch_size, on_error=on_error, stdin=stdin)
        for one in found:
            if isinstance(one, Diagnostic):
                failed.append(one)
            elif not (failed and on_error == "fail"):
                if self.arrays is not None:
                    self.arrays.add(one)
                if self.makes_masks(one.answers.values()):
                    self.folder = self.folder or MaskFolder(self.directory())
                    name = self.folder.add(one)
                    self.report.add(one, None if name is None else str(self.directory() / name))
                else:
                    self.report.add(one)
            self.count.one(len(failed))
        self.count.end()
        return failed

    def makes_masks(self, answers: object) -> bool:
        """Whether a folder of masks is asked for, and there is a mask."""
        asked = self.path is not None and not self.path.suffix
        return asked and any(isinstance(answer, Mask) for answer in answers)  # type: ignore[attr-defined]

    def directory(self) -> Path:
        """The folder that is asked for."""
        assert self.path is not None
        return self.path

    def finish(self) -> str:
        """Put in place what is written; what is to be printed."""
        text = self.report.text(self.width)
        if self.arrays is not None:
            self.arrays.finish()
        elif self.folder is not None:
            self.folder.finish()
        elif self.path is not None:
            try:
                write_whole(self.path, f"{text}\n".encode())
            except OSError as error:
                raise unwritable(self.path, error) from None
            return ""
        return text


class Count:
    """How many there are so far, on a terminal; nothing elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.shown = stream, stream.isatty()
        self.done, self.begun, self.due = 0, monotonic(), 0.0
        self.wrote = False

    def one(self, failed: int) -> None:
        """One more."""
        self.done += 1
        now = monotonic()
        if self.shown and now >= self.due:
            rate = self.done / max(now - self.begun, 1e-9)
            left = f", {failed:,} of them cannot be used" if failed else ""
            self.stream.write(f"\r\x1b[K{self.done:,} inputs{left}  {rate:,.0f}/s")
            self.stream.flush()
            self.due, self.wrote = now + TICK, True

    def end(self) -> None:
        """Take the line away."""
        if self.wrote:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self.wrote = False
