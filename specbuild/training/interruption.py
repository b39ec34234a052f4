"""The signals that end a training, taken so that nothing of it is lost."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from types import FrameType, TracebackType
from typing import Any, Literal

from specbuild.training.turning import Turn

TAKEN = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
GRACE = 4.0
"""Seconds that a step has to end by itself, once a signal has come."""
PATIENT = 15.0
"""The same of several processes, which end at the same step."""
SAME = 0.5
"""Seconds within which a second signal is the first once more: wrappers pass on what the terminal has sent already."""


class Interrupted(KeyboardInterrupt):
    """A training was told to end. Its text says what was kept."""

    def __init__(
        self, signal: int = signal.SIGINT, message: str = "", run: Path | None = None, *, agreed: bool = False
    ) -> None:
        super().__init__(message)
        self.signal = signal
        self.run = run
        """The run directory, if anything was kept."""
        self.agreed = agreed
        """Whether all processes of the training end at this step."""

    @property
    def status(self) -> int:
        """The exit status that tells the signal: 130, 143 or 129."""
        return 128 + self.signal


class Signals:
    """While entered, the first SIGINT, SIGTERM or SIGHUP ends the training, and so do the signals `also`.

    It raises `Interrupted`, at once or, in `steps`, after the step that is under way; a shield puts it off.
    A second SIGINT or SIGTERM ends the process there and then. A SIGHUP that is ignored, as under `nohup`, stays so.
    Outside the main thread, which alone can take signals, it does nothing.
    """

    def __init__(self, also: Iterable[int] = (), *, patient: bool = False) -> None:
        """patient: for one of several processes, that end a pass together: in `steps` and after them a signal is only
        kept. A second one is nothing new, as under a launcher, which passes on what the terminal has sent.
        """
        self.received: int | None = None
        """The first signal that came, whether or not it has raised."""
        self.numbers = (*TAKEN, *also)
        self.patient = patient
        self.mode: Literal["raise", "steps", "shield"] = "raise"
        self.turn: Turn | None = None
        self.at = 0.0
        """When it came."""
        self.last_words: Callable[[], str] = str
        """What is said where a second one ends the process."""
        self.process = os.getpid()
        self.before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in self.numbers:
                if number not in (signal.SIGINT, signal.SIGTERM) and signal.getsignal(number) is signal.SIG_IGN:
                    continue
                self.before[number] = signal.signal(number, self.take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self.before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def take(self, number: int, frame: FrameType | None) -> None:
        """The handler."""
        if os.getpid() != self.process:
            self.take_in_worker(number)
            return
        self.let_workers_go()
        if self.received is not None:
            again = number in (signal.SIGINT, signal.SIGTERM) and monotonic() - self.at > SAME
            if again and not self.patient:
                self.end_at_once(number)
            return
        self.received, self.at = number, monotonic()
        if self.mode == "raise":
            raise Interrupted(number)
        if self.mode == "steps":
            assert self.turn is not None
            if not self.patient:
                self.turn.now()
            self.wind()

    def take_in_worker(self, number: int) -> None:
        """The handler in a worker, which was forked with it: it ends without a word.

        One of several processes needs its batches until all of them end; the second SIGTERM is its own.
        """
        if self.patient and (number != signal.SIGTERM or self.received is None):
            self.received = number if number == signal.SIGTERM else self.received
            return
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def wind(self) -> None:
        """See to it that a step does not take too long to end."""
        if hasattr(signal, "setitimer"):
            self.before.setdefault(signal.SIGALRM, signal.signal(signal.SIGALRM, self.force))
            signal.setitimer(signal.ITIMER_REAL, PATIENT if self.patient else GRACE)

    def force(self, number: int, frame: FrameType | None) -> None:
        """The step has not ended in time."""
        if self.mode == "steps" and self.received is not None:
            raise Interrupted(self.received)

    def end_at_once(self, number: int) -> None:
        """End the process; what lies on the disk is whole, whatever was being written."""
        cursor = "\x1b[?25h\n" if sys.stderr.isatty() else ""  # a progress bar hides it
        words = self.last_words()
        os.write(2, f"{cursor}ended at once{': ' if words else ''}{words}\n".encode())
        os._exit(128 + number)

    def let_workers_go(self) -> None:
        """Keep torch's SIGCHLD handler from raising, where a signal to the group ended its workers too."""
        if hasattr(signal, "SIGCHLD") and signal.SIGCHLD not in self.before:
            self.before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, nothing)

    @contextmanager
    def steps(self, turn: Turn) -> Iterator[None]:
        """While entered, a signal waits for the step that is under way, for `GRACE` seconds; raises it at the end.

        In one of several processes nothing is raised, and from then on it is shielded: they end together.
        """
        self.mode, self.turn = "steps", turn
        if self.received is not None and self.patient:
            self.wind()
        elif self.received is not None:
            turn.now()
        try:
            yield
        finally:
            self.mode = "shield" if self.patient else "raise"
            if hasattr(signal, "setitimer") and self.received is not None:
                signal.setitimer(signal.ITIMER_REAL, 0)
        if self.received is not None and not self.patient:
            raise Interrupted(self.received)

    def shield(self) -> None:
        """Put signals off from here on."""
        self.mode = "shield"

    def unshield(self) -> None:
        """Let signals through again. One that came is raised now.

        So is one that was raised before where Python drops exceptions, such as in a `__del__`.
        """
        self.mode = "raise"
        if self.received is not None:
            raise Interrupted(self.received)

    def wait(self, seconds: float) -> None:
        """Wait, while shielded, until they are over or a signal comes."""
        until = monotonic() + seconds
        while self.received is None and monotonic() < until:
            sleep(0.1)

    def instead_of(self, error: BaseException | None) -> BaseException | None:
        """What ended the training: the signal, if one came and `error` is none or may be its doing.

        That is a RuntimeError, as torch raises when a signal to the whole group has ended its workers.
        """
        if self.received is not None and (error is None or isinstance(error, RuntimeError)):
            return Interrupted(self.received)
        return error


def nothing(number: int, frame: FrameType | None) -> None:
    """A handler that does nothing. (SIG_IGN makes Python complain where a signal is under way.)"""
