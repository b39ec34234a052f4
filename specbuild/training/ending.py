"""How trainings end: what is said of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.runs import checkpoints, weights


class Over(Exception):  # noqa: N818  it says what was found
    """A training that has ended already; its text says why."""


def counted(epochs: int) -> str:
    """`1 finished epoch`."""
    return f"{epochs} finished epoch{'s' if epochs != 1 else ''}"


def after(checkpoint: Path) -> str:
    """Where a checkpoint goes on."""
    steps = checkpoints.place_of(checkpoint)[1]
    return f"after step {steps}" if steps else "from the start"


def with_checkpoint(error: RunError, newest: Path | None, run: Path) -> RunError:
    """A run that could not be written, with what there is of it."""
    if newest is None:
        file = run / weights.NAME
        if not file.exists():
            return error
        because = f"the best weights are in {file}; there is no checkpoint to go on from"
        return RunError(replace(problem, because=because) for problem in error.diagnostics)
    because = f"what was trained up to step {checkpoints.place_of(newest)[1]} is in {newest}"
    fix = f"`train --resume --run {run}`, once it can be written"
    return RunError(replace(problem, because=because, fix=fix) for problem in error.diagnostics)


def other_processes(run: Path, before: int, now: int) -> Diagnostic:
    """SB509: another number of processes."""
    message = (
        f"was trained by {before} process{'es' if before > 1 else ''}, and now there {'are' if now > 1 else 'is'} {now}"
    )
    return Diagnostic("SB509", message, file=str(run), fix=f"--nproc {before}")


def other_splits(run: Path, before: Iterable[str], now: Iterable[str]) -> Diagnostic:
    """SB509: data sets of one's own, of which one is not given again, or one more is."""
    had, has = " and ".join(before), " and ".join(now)
    message = f"was trained with samples of {had}, and now there are those of {has}"
    return Diagnostic("SB509", message, file=str(run), fix=f"give the data sets that it began with: {had}")


def other_statistics(run: Path) -> Diagnostic:
    """SB509: another table or other texts: the weights were learned from inputs scaled and numbered by the old ones."""
    message = "was trained with other means, categories or words: the data of train have changed"
    return Diagnostic("SB509", message, file=str(run), fix="the data as they were, or a new training")
