"""SIGINT, SIGTERM and SIGHUP, taken so that a training ends with a whole run or with none."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

TAKEN = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))


class Interrupted(KeyboardInterrupt):
    """A training was told to end. Its text says what was kept."""

    def __init__(self, signal: int = signal.SIGINT, message: str = "", run: Path | None = None) -> None:
        super().__init__(message)
        self.signal = signal
        self.run = run
        """The run directory, if an epoch was finished."""

    @property
    def status(self) -> int:
        """The exit status that tells the signal: 130, 143 or 129."""
        return 128 + self.signal


class Signals:
    """While entered, the first SIGINT, SIGTERM or SIGHUP raises `Interrupted`; a shield puts it off.

    A SIGHUP that is ignored, as under `nohup`, stays so.

    Only the first one raises: who is saving what was good is not to be interrupted again.
    Outside the main thread, which alone can take signals, it does nothing.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        """The first signal that came, whether or not it has raised."""
        self.shielded = False
        self.process = os.getpid()
        self.before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in TAKEN:
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
        if os.getpid() != self.process:  # a worker, forked with this handler: it ends without a word
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self.let_workers_go()
        if self.received is not None:
            return
        self.received = number
        if not self.shielded:
            raise Interrupted(number)

    def let_workers_go(self) -> None:
        """Keep torch's SIGCHLD handler from raising, where a signal to the group ended its workers too."""
        if hasattr(signal, "SIGCHLD") and signal.SIGCHLD not in self.before:
            self.before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, nothing)

    def shield(self) -> None:
        """Put signals off from here on."""
        self.shielded = True

    def unshield(self) -> None:
        """Let signals through again. One that came is raised now.

        So is one that was raised before where Python drops exceptions, such as in a `__del__`.
        """
        self.shielded = False
        if self.received is not None:
            raise Interrupted(self.received)

    def instead_of(self, error: BaseException | None) -> BaseException | None:
        """What ended the training: the signal, if one came and `error` is none or may be its doing.

        That is a RuntimeError, as torch raises when a signal to the whole group has ended its workers.
        """
        if self.received is not None and (error is None or isinstance(error, RuntimeError)):
            return Interrupted(self.received)
        return error


def nothing(number: int, frame: FrameType | None) -> None:
    """A handler that does nothing. (SIG_IGN makes Python complain where a signal is under way.)"""
