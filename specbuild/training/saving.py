"""Checkpoints of a training under way: when they are due, and who writes them beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from errno import ENOSPC
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

import torch

from specbuild.language.training import Checkpoint
from specbuild.network.cost import in_bytes
from specbuild.runs import checkpoints
from specbuild.runs.checkpoints import Aside
from specbuild.runs.files import full
from specbuild.training.agreeing import Agreement
from specbuild.training.disk import free_in
from specbuild.training.interruption import Interrupted, Signals
from specbuild.training.state import captured, captured_own
from specbuild.training.turning import NEVER, Batches, Keeper

if TYPE_CHECKING:
    from specbuild.training.fitting import Fit
    from specbuild.training.sharding import Taken

RETRY, RETRY_MOST = 10.0, 300.0
"""Seconds after which a checkpoint that could not be written is tried again: at first, and, doubling, at most."""
FAILURES = 16
"""Failures in a row that are counted."""

Facts = Callable[[], Mapping[str, Any]]


class Saver(Keeper):
    """Keeps a training's checkpoints.

    A checkpoint is copied to host memory between two steps, and goes to disk in a thread of its own. Where it cannot be
    written the training goes on, and it is tried again.
    """

    def __init__(self, fit: Fit, run: Path, run_id: str, signals: Signals, facts: Facts) -> None:
        """facts: what else a checkpoint holds, as plain values: the document, what was measured."""
        self.fit, self.run, self.run_id, self.signals, self.facts = fit, run, run_id, signals, facts
        self.world, self.wanted = fit.world, fit.spec.train.checkpoint or NOTHING
        self.on = fit.spec.train.checkpoint is not None
        self.thread: Thread | None = None
        self.problem: Exception | None = None
        """What kept the last one from the disk."""
        self.size = 0
        """Bytes of the last one."""
        self.newest: Path | None = None
        """The last one that was written."""
        self.retry_at: float | None = None
        self.failed = 0
        """How often in a row it could not be written."""
        self.saved_at = monotonic()
        self.late = False
        """Whether one was due while the one before it was still being written."""
        self.learning, self.measuring = Agreement(self.world), Agreement(self.world)

    def begin(self) -> None:
        """Turn to the first thing that is due."""
        self.learning.begin(self.fit.position.batches)
        self.fit.turn.at = self.next_turn()
        if self.world.size == 1 and self.signals.received is not None:
            self.fit.turn.now()

    def tick(self) -> None:
        """See whether the clock, or a second try, asks for a checkpoint; say what went wrong."""
        self.tell()
        if self.world.size == 1 and self.due():
            self.fit.turn.now()

    def pause(self) -> None:
        """Save what is due; raise `Interrupted` where a signal has come, in all processes at the same step."""
        fit, wanted = self.fit, self.wanted
        received, due, busy = self.signals.received is not None, self.due(), self.busy
        if self.world.size > 1:
            received, due, busy = self.learning.ask(fit.position.batches, received, due, busy)
        self.end_together(received)
        by_steps = wanted.steps is not None and fit.taken % wanted.steps == 0 and not self.put_off
        due = due or self.late or by_steps
        self.late = due and busy  # the disk is slower than that: as soon as it can be
        if due and not busy:
            self.save()
        fit.turn.at = self.next_turn()
        if self.late and self.world.size == 1:
            fit.turn.now()

    def next_turn(self) -> int:
        """The batch of the epoch after which something may be due."""
        fit, every = self.fit, self.fit.spec.train.accumulate
        at = NEVER
        if self.on and self.wanted.steps is not None:
            following = (fit.taken // self.wanted.steps + 1) * self.wanted.steps
            at, last = (following - fit.limits.steps) * every, fit.limits.batches_left
            if at - every < last < at:  # the last step of an epoch has the batches that are left
                at = last
        if self.world.size > 1:
            at = min(at, self.learning.next)
        return at

    def heeding(self, batches: Batches) -> Batches:
        """The batches of val; a signal to one of several processes ends them in all, before the same batch."""
        if self.world.size == 1:
            yield from batches
            return
        self.measuring.begin(0)
        for number, batch in enumerate(batches):
            if number >= self.measuring.next:
                self.end_together(*self.measuring.ask(number, self.signals.received is not None))
            yield batch

    def end_together(self, received: bool) -> None:
        """Raise `Interrupted` where all processes know that one of them has a signal."""
        if received:
            raise Interrupted(self.signals.received or INTERRUPTED, agreed=True)

    def due(self) -> bool:
        """Whether the clock asks for one."""
        if not self.on:
            return False
        now = monotonic()
        if self.retry_at is not None:
            return now >= self.retry_at
        return self.wanted.minutes is not None and now - self.saved_at >= 60 * self.wanted.minutes

    @property
    def put_off(self) -> bool:
        """Whether the last one failed, and the clock asks for the next; several processes go on by the steps."""
        return self.retry_at is not None and self.world.size == 1

    def after_epoch(self, finished: int) -> None:
        """Save, if that is due now."""
        self.tell()
        every = self.wanted.epochs
        by_epochs = self.on and every is not None and finished % every == 0 and not self.put_off
        if self.world.agreed(self.due() or self.late) or by_epochs:
            self.save()
        self.over()

    def over(self) -> None:
        """Raise `Interrupted` where one of several processes has a signal: here none of them goes on alone."""
        if self.world.size > 1:
            self.end_together(self.world.agreed(self.signals.received is not None))

    @property
    def busy(self) -> bool:
        """Whether one is still being written."""
        return self.thread is not None and self.thread.is_alive()

    @property
    def name(self) -> str:
        """What a checkpoint of this moment is called."""
        return checkpoints.name_of(self.fit.position.epoch - 1, self.fit.taken)

    def save(self) -> None:
        """Copy all that a checkpoint holds, and have it written."""
        self.wait()
        self.tell()
        if not self.on or self.newest_name == self.name:
            return
        state = {**self.facts(), **captured(self.fit)} if self.world.writer else {}
        own, parts = captured_own(self.fit), self.world.parts(self.fit)
        self.size = size_of(state) + size_of(own) + (0 if parts is None else parts.nbytes)
        self.saved_at, self.retry_at, self.late = monotonic(), None, False
        aside = Aside(self.run, self.name)
        self.thread = Thread(target=self.write, args=(aside, state, own, parts), daemon=True)
        self.thread.start()

    @property
    def newest_name(self) -> str | None:
        """What the last one that was written is called."""
        return None if self.newest is None else self.newest.name

    def write(self, aside: Aside, state: dict[str, Any], own: dict[str, Any], parts: Taken | None) -> None:
        """Write one; what fails is told later, by `tell`."""
        try:
            try:
                self.newest = self.world.written(aside, state, own, parts, self.run_id)
            except OSError as error:
                if self.world.size > 1 or not self.made_room(error):
                    raise
                self.newest = self.world.written(aside, state, own, parts, self.run_id)
            if self.world.writer and self.newest is not None:
                checkpoints.keep(self.run, self.wanted.last, self.newest, state.get("best_epoch"))
        except Exception as error:  # a training is worth more than its checkpoint
            if self.world.writer:
                aside.discard()
                self.made_room(error)
            self.problem = error

    def made_room(self, error: Exception) -> bool:
        """On a full disk, remove all but the newest one; whether any went."""
        if not isinstance(error, OSError) or not full(error) or not self.world.writer or self.newest is None:
            return False
        try:
            return checkpoints.keep(self.run, 1, self.newest)
        except OSError:
            return False

    def wait(self) -> None:
        """Until nothing is being written."""
        if self.thread is not None:
            self.thread.join()
            self.thread = None

    def tell(self, *, over: bool = False) -> None:
        """Say what went wrong in writing, once, and when it is tried again; over: it is not."""
        error, self.problem = self.problem, None
        if error is None:
            if self.failed and self.retry_at is None and not self.busy:
                self.failed = 0
                if self.newest is not None and self.world.writer:
                    self.fit.report.say(f"checkpoints can be written again: the newest one is {self.newest}")
            return
        pause = min(RETRY * 2**self.failed, RETRY_MOST)
        self.failed += self.failed < FAILURES
        self.retry_at = monotonic() + pause
        if not self.world.writer:
            return
        kept = f"the newest one is {self.newest}" if self.newest is not None else "there is none yet"
        on = "" if over else f"; the training goes on, and tries again in {pause:.0f} s"
        self.fit.report.note(f"a checkpoint could not be written: {self.shortage(error, self.size)}; {kept}{on}")

    def shortage(self, error: Exception, needed: int) -> str:
        """What the system said, and of a full disk how much is missing. needed: bytes."""
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if not isinstance(error, OSError) or not full(error):
            return said
        return f"{said}: it needs {in_bytes(needed)}{free_in(self.run) if error.errno == ENOSPC else ''}"

    def last(self, ended_by: BaseException | None) -> None:
        """A checkpoint of the end, where what the training holds is of one moment."""
        together = ended_by is None
        if isinstance(ended_by, KeyboardInterrupt):
            together = self.world.size == 1 or getattr(ended_by, "agreed", False)
        if together and self.fit.turn.clean:
            self.save()
        self.wait()
        self.tell(over=True)
        if self.world.writer:
            with suppress(OSError):
                checkpoints.tidy(self.run)

    def once_more(self) -> None:
        """Try again the last one, where it could not be written; nothing is said."""
        if self.retry_at is not None and self.world.size == 1:
            self.save()
            self.wait()
            self.problem = None


NOTHING = Checkpoint(minutes=None)
"""What is wanted where no checkpoints are."""
INTERRUPTED = 15
"""SIGTERM: the signal of a process that another one has told of its own."""


def size_of(value: Any) -> int:
    """Bytes of the tensors in a tree."""
    if isinstance(value, torch.Tensor):
        return value.nbytes
    if isinstance(value, Mapping):
        return sum(size_of(part) for part in value.values())
    return sum(size_of(part) for part in value) if isinstance(value, (list, tuple)) else 0
