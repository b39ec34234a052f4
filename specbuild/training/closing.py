"""The end of one sitting of a training: what is saved, written and said of it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from signal import SIGINT
from time import monotonic
from typing import TYPE_CHECKING

from specbuild.errors import RunError, SpecbuildError
from specbuild.runs import checkpoints, weights
from specbuild.runs.environment import environment
from specbuild.runs.files import full
from specbuild.runs.manifest import Status
from specbuild.runs.place import unwritable
from specbuild.runs.recording import Unrecorded
from specbuild.training.ending import Over, after, counted, with_checkpoint
from specbuild.training.interruption import Interrupted
from specbuild.training.saving import size_of

if TYPE_CHECKING:
    from specbuild.training.session import Session

PATIENCE, AGAIN, AGAIN_MOST = 600.0, 5.0, 60.0
"""Seconds that a finished training waits for a disk, and from one try to the next at first and, doubling, at most."""


def closed(session: Session, raised: BaseException | None) -> Path | None:
    """Save, write the run, and say where it is; or raise what ended the training, with what was kept of it."""
    ended_by = session.signals.instead_of(raised)
    if isinstance(ended_by, Over):
        session.recorder.leave()
        session.report.end(session.folder)
        session.report.say(f"nothing is left to train in {session.folder}: {ended_by}")
        return session.folder if session.world.writer else None
    written: Path | None = None
    try:
        if session.saver is not None:
            # of several processes each does the same: a signal that came since then is of one
            session.saver.last(ended_by if session.world.size == 1 else raised)
        written = finished(session, ended_by)
    finally:
        leave(session, ended_by, written)
        session.report.end(written)
    ended_by = session.signals.instead_of(ended_by)
    if ended_by is not None:
        raise explained(session, ended_by, written) from None
    assert written is not None or not session.world.writer, "a training that ended well has written its run"
    return written


def finished(session: Session, ended_by: BaseException | None) -> Path | None:
    """Write the run with the best weights so far, where there are some."""
    fit, recorder, saver = session.fit, session.recorder, session.saver
    if fit is None or saver is None or fit.kept is None or isinstance(recorder, Unrecorded):
        return None
    if isinstance(ended_by, RunError) and not session.begun:
        return None
    status: Status = "finished"
    if ended_by is not None:
        status = "interrupted" if isinstance(ended_by, KeyboardInterrupt) else "failed"
    recorder.spec = replace(
        recorder.spec,
        losses=fit.spec.losses,
        optimizer=fit.spec.optimizer,
        train=fit.spec.train,
        scheduler=fit.schedule.settled,
    )
    recorder.preprocessing = fit.splits["train"].source.statistics
    recorder.samples = fit.splits["train"].source.described()
    reason = fit.limits.reason or "interrupted"
    if isinstance(ended_by, SpecbuildError):
        reason = ended_by.diagnostics[0].message
    elif ended_by is not None and status == "failed":
        reason = type(ended_by).__name__
    session.report.close(fit, session.folder, status)
    layout = str(fit.layout).removeprefix("torch.").removesuffix("_format")
    made_with = environment(fit.device, layout, fit.precision)
    last = None if fit.last is None or fit.last.weights is fit.kept.weights else fit.last.weights
    needed, pause, until = size_of(fit.kept.weights) + size_of(last), AGAIN, monotonic() + PATIENCE
    while True:
        try:
            return recorder.finish(
                status, fit.kept.weights, made_with, last=last, tables=fit.kept.tables, reason=reason
            )
        except OSError as error:
            make_room(session, error, needed, pause, until)
            pause = min(2 * pause, AGAIN_MOST)
            saver.once_more()


def make_room(session: Session, error: OSError, needed: int, pause: float, until: float) -> None:
    """Where a disk is full, or nothing but this process holds what was trained, wait until it can be written.

    Older checkpoints are removed first. Raises `RunError` (SB506) where that has no hope.
    """
    assert session.saver is not None
    if session.saver.made_room(error):
        return
    newest = session.saver.newest
    hope = full(error) or newest is None
    why = session.saver.shortage(error, needed)
    if not hope or monotonic() >= until or session.signals.received is not None:
        raise with_checkpoint(unwritable(error, session.folder, why), newest, session.folder) from None
    session.report.note(f"the run cannot be written: {why}; tries again in {pause:.0f} s")
    session.signals.wait(pause)


def leave(session: Session, ended_by: BaseException | None, written: Path | None) -> None:
    """Let go of the folder; where nothing in it is worth keeping, it goes."""
    fit = session.fit
    weighed = fit is not None and fit.kept is not None and (session.folder / weights.NAME).exists()
    if written is not None or session.found is not None or kept(session, ended_by) is not None or weighed:
        session.recorder.leave()
    else:
        session.recorder.discard()


def kept(session: Session, ended_by: BaseException | None) -> Path | None:
    """The newest checkpoint; that of the start alone is worth something only to who was interrupted."""
    newest = None if session.saver is None else session.saver.newest
    if newest is None or checkpoints.place_of(newest) > (0, 0):
        return newest
    interrupted = isinstance(ended_by, KeyboardInterrupt) and (
        session.world.size == 1 or getattr(ended_by, "agreed", False)
    )
    return newest if interrupted else None


def explained(session: Session, ended_by: BaseException, written: Path | None) -> BaseException:
    """What ended the training, with what was kept of it."""
    newest = kept(session, ended_by)
    if isinstance(ended_by, KeyboardInterrupt):
        number = ended_by.signal if isinstance(ended_by, Interrupted) else SIGINT
        folder = os.path.relpath(session.folder) if session.world.size > 1 else session.folder
        on = "" if newest is None else f"; `specbuild train --resume --run {folder}` goes on {after(newest)}"
        if written is not None:
            done = counted(session.recorder.epochs)
            return Interrupted(number, f"interrupted after {done}: the run is in {written}{on}", written)
        nothing = ": nothing was kept" if newest is None and session.found is None else on
        run = None if newest is None else session.folder
        return Interrupted(number, f"interrupted before an epoch was finished{nothing}", run)
    if isinstance(ended_by, SpecbuildError) and written is not None:
        note = f"the best epoch before it is kept in {written}"
        return type(ended_by)(
            replace(problem, because=f"{problem.because}; {note}" if problem.because else note)
            for problem in ended_by.diagnostics
        )
    return ended_by
