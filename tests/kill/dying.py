"""In a process that is to die: what it does is written down as it does it, and the n-th operation on the run kills it.

The operations are those of `os` that write, force to disk, name or remove what is in the run.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

When = Literal["before", "half", "after"]

BY_PATH = ("open", "mkdir", "rename", "replace", "unlink", "rmdir")
BY_DESCRIPTOR = ("write", "fsync", "ftruncate")
STEP_SECONDS = 0.004
"""What a step takes at least: as long as the disk takes for a checkpoint of two or three."""

NOTES: list[Callable[[str], None]] = []
"""What notes a line in the trace of this process."""

REAL: dict[str, Any] = {name: getattr(os, name) for name in (*BY_PATH, *BY_DESCRIPTOR)}


class Death(NamedTuple):
    """At which operation on the run a process kills itself."""

    number: int
    """From 1 on."""
    when: When = "before"
    """`half`: with half of what was to be written."""


class Watched:
    """The process that is watched: it alone, none that is forked off it."""

    def __init__(self, run: Path, trace: Path, death: Death | None) -> None:
        self.run, self.death, self.count = os.path.abspath(run), death, 0
        self.process = os.getpid()
        self.file = REAL["open"](trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)

    def note(self, line: str) -> None:
        """A line of the trace, unbuffered."""
        if os.getpid() == self.process:
            REAL["write"](self.file, f"{line}\n".encode())

    def place(self, what: Any) -> str | None:
        """The path in the run; None for what is elsewhere."""
        if isinstance(what, int):
            try:
                path = os.readlink(f"/proc/self/fd/{what}")
            except OSError:
                return None
        else:
            path = os.path.abspath(os.fsdecode(what))
        return path[len(self.run) :].lstrip("/") if path.startswith(self.run) else None

    def operation(self, name: str, place: str, done: Callable[[], Any], half: Callable[[], Any] | None = None) -> Any:
        """Do it, or die of it."""
        self.count += 1
        death = self.death
        fatal = death is not None and self.count == death.number
        self.note(f"{name} {place}")
        if fatal and death is not None and death.when != "after":
            if death.when == "half" and half is not None:
                half()
            self.die()
        result = done()
        if fatal:
            self.die()
        return result

    def die(self) -> None:
        """The end."""
        os.kill(os.getpid(), signal.SIGKILL)

    def wrapped(self, name: str) -> Callable[..., Any]:
        """A function of `os` that is watched."""
        real = REAL[name]

        def by_path(path: Any, *rest: Any, **others: Any) -> Any:
            if os.getpid() != self.process:
                return real(path, *rest, **others)
            reads = name == "open" and not rest[0] & (os.O_WRONLY | os.O_RDWR)
            inside = others.get("dir_fd")
            place = self.place(path) if inside is None else self.place(inside)
            if place is None or reads:
                return real(path, *rest, **others)
            shown = place if inside is None else f"{place}/{path}"
            return self.operation(name, shown, lambda: real(path, *rest, **others))

        def by_descriptor(descriptor: int, *rest: Any) -> Any:
            place = None if os.getpid() != self.process else self.place(descriptor)
            if place is None:
                return real(descriptor, *rest)
            half = (lambda: real(descriptor, rest[0][: len(rest[0]) // 2])) if name == "write" else None
            return self.operation(name, place, lambda: real(descriptor, *rest), half)

        return by_path if name in BY_PATH else by_descriptor


def watch(run: Path, trace: Path, death: Death | None = None, *, in_turn: bool = False) -> Watched:
    """Watch this process. in_turn: it learns no step while a checkpoint is written, so what it does has one order."""
    from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook

    from specbuild.training.fitting import Fit
    from specbuild.training.saving import Saver

    watched = Watched(run, trace, death)
    NOTES[:] = [watched.note]
    for name in REAL:
        setattr(os, name, watched.wrapped(name))
    save, measured, learned = Saver.save, Fit.measured, Fit.learned
    savers: list[Saver] = []
    learners: list[Optimizer] = []

    def saved(self: Saver) -> None:
        savers[:] = [self]
        save(self)
        if in_turn:
            self.wait()

    def judged(self: Fit, number: int) -> Any:
        watched.note("measuring")
        return measured(self, number)

    def learning(self: Fit, number: int) -> None:
        learners[:] = [self.optimizer]
        watched.note("learning")
        learned(self, number)

    def stepped(optimizer: Optimizer, *rest: Any) -> None:
        if not any(optimizer is each for each in learners):  # one that a checkpoint is judged by takes steps too
            return
        busy = any(saver.busy for saver in savers)
        watched.note("step\nbeside" if busy else "step")  # the latter: beside a checkpoint that is being written
        time.sleep(STEP_SECONDS)

    Saver.save, Fit.measured, Fit.learned = saved, judged, learning  # type: ignore[method-assign]
    register_optimizer_step_post_hook(stepped)
    return watched
