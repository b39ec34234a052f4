"""Training, from a checked document to a run directory."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from signal import SIGINT
from typing import Any

from torch.utils.data import Dataset

from specbuild.data import Split, open_data, probe, weighed
from specbuild.data.settling import at_first
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError, SpecbuildError
from specbuild.language.document import Spec
from specbuild.network.inference import infer
from specbuild.network.pipeline import check_data, missing_for_training
from specbuild.network.plan import Plan
from specbuild.runs.environment import environment
from specbuild.runs.manifest import Status
from specbuild.runs.recording import Recorder, Unrecorded
from specbuild.training.fitting import Fit
from specbuild.training.interruption import Interrupted, Signals
from specbuild.training.reporting import Lines, Reporter, Silent, Start
from specbuild.training.reproducing import determined, generator_kept
from specbuild.training.world import ALONE, World

__all__ = ["Interrupted", "Lines", "Reporter", "Silent", "Start", "trained"]

Folder = str | os.PathLike[str]


def trained(
    spec: Spec,
    plan: Plan | None = None,
    *,
    world: World | None = None,
    run: Folder | None = None,
    device: str | None = None,
    data_root: Folder | None = None,
    train: Dataset[Any] | None = None,
    val: Dataset[Any] | None = None,
    report: Reporter | None = None,
) -> Path | None:
    """Train, write the run, and say where it is, in the process of the world that wrote it.

    The test split is never opened. A training that is interrupted, or that fails after an epoch was
    finished, leaves a whole run with what was good, else nothing. Raises `Interrupted` on SIGINT,
    SIGTERM and SIGHUP (in the main thread), `DataError` and `RunError`.
    """
    world = world or ALONE
    whole, over = spec, plan or infer(spec)
    plan = over
    if spec.dims:
        root = None if data_root is None else Path(data_root)
        spec = at_first(spec, open_data(spec, splits=("train",), data_root=root, train=train, val=val)["train"])
        plan = infer(spec)
    judge(spec, plan, own_data=train is not None)
    target = world.settled(spec, plan, device)
    world.require_room(spec, plan, target)
    report = (report if world.writer else None) or Silent()
    with Signals() as signals, generator_kept(target), determined(spec.train.deterministic):
        signals.shield()
        recorder = Recorder(whole, over, None if run is None else Path(run)) if world.writer else Unrecorded()
        fit: Fit | None = None
        ended_by: BaseException | None = None
        try:
            signals.unshield()
            splits = opened(spec, plan, data_root, train, val)
            spec = weighed(spec, splits["train"], plan)
            world.shared(splits, plan)
            fit = Fit(spec, plan, target, splits, report, world)
            if isinstance(recorder, Recorder):
                report.start(started(spec, plan, fit))
                report.ready(fit, recorder.folder)
            for number in range(1, spec.train.epochs + 1):
                record = one_epoch(fit, number, recorder, signals)
                if world.writer:
                    report.epoch(record)
                if fit.limits.after_epoch(record, world.agreed(fit.limits.timed_out)):
                    break
            signals.shield()
        except BaseException as error:  # whatever ends it, what was good is kept
            signals.shield()
            ended_by = world.ended(error, signals)
        ended_by = signals.instead_of(ended_by)
        written: Path | None = None
        try:
            written = close(recorder, fit, ended_by, report)
        finally:
            report.end(written)
        ended_by = signals.instead_of(ended_by)
        if ended_by is not None:
            raise explained(ended_by, recorder, written) from None
        assert written is not None or not world.writer, "a training that ended well has written its run"
    return written


def one_epoch(fit: Fit, number: int, recorder: Recorder | Unrecorded, signals: Signals) -> dict[str, Any]:
    """One epoch, recorded; the record and the best weights change together or not at all."""
    record = fit.epoch(number)
    signals.shield()
    better, last = fit.candidate(record)
    record["best"] = better is not None
    recorder.epoch(record)
    fit.kept, fit.last = better or fit.kept, last
    signals.unshield()
    return record


def judge(spec: Spec, plan: Plan, own_data: bool) -> None:
    """Raise `DataError` with all that stands against training and can be known without the data."""
    problems = missing_for_training(spec, data=not own_data)
    problems += check_data(replace(spec, data=None) if own_data else spec, plan)
    if not plan.parameters():
        message = "the network has no parameters: there is nothing to train"
        problems.append(Diagnostic("SB410", message, ("layers",)))
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise DataError(spec.place(errors))


def opened(
    spec: Spec, plan: Plan, data_root: Folder | None, train: Dataset[Any] | None, val: Dataset[Any] | None
) -> dict[str, Split]:
    """The splits of train and val, each held against the network."""
    root = None if data_root is None else Path(data_root)
    splits = open_data(spec, splits=("train", "val"), data_root=root, train=train, val=val)
    for split in splits.values():
        probe(split, plan if spec.origin is None else infer(at_first(spec.origin, split)))
    return splits


def first_samples(spec: Spec, plan: Plan, data_root: Folder | None = None) -> Split:
    """The split of train, opened, for a look at it; raises `DataError` where the document does not fit its data."""
    problems = [problem for problem in missing_for_training(spec) if "`data`" in problem.message]
    problems += [problem for problem in check_data(spec, plan) if problem.severity == "error"]
    if problems:
        raise DataError(spec.place(problems))
    split = open_data(spec, splits=("train",), data_root=None if data_root is None else Path(data_root))["train"]
    probe(split, infer(at_first(spec, split)) if spec.dims else plan)
    return split


def started(spec: Spec, plan: Plan, fit: Fit) -> Start:
    """What a reporter is told first."""
    samples = {name: len(split) for name, split in fit.splits.items()}
    return Start(spec.name, str(fit.device), spec.train.epochs, plan.parameters(), samples, fit.best.metric)


def close(
    recorder: Recorder | Unrecorded, fit: Fit | None, ended_by: BaseException | None, report: Reporter
) -> Path | None:
    """Write the run with the best weights so far; where there are none, leave nothing."""
    try:
        if fit is None or fit.kept is None or isinstance(recorder, Unrecorded):
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
        reason = fit.limits.reason or "interrupted"
        if isinstance(ended_by, SpecbuildError):
            reason = ended_by.diagnostics[0].message
        elif ended_by is not None and status == "failed":
            reason = type(ended_by).__name__
        recorder.tables(fit.kept.tables)
        report.close(fit, recorder.folder, status)
        layout = str(fit.layout).removeprefix("torch.").removesuffix("_format")
        made_with = environment(fit.device, layout, fit.precision)
        last = None if fit.last is None or fit.last.weights is fit.kept.weights else fit.last.weights
        return recorder.finish(status, fit.kept.weights, made_with, last=last, reason=reason)
    finally:
        recorder.discard()  # of a finished run, nothing


def explained(ended_by: BaseException, recorder: Recorder | Unrecorded, written: Path | None) -> BaseException:
    """What ended the training, with what was kept of it."""
    if isinstance(ended_by, KeyboardInterrupt):
        number = ended_by.signal if isinstance(ended_by, Interrupted) else SIGINT
        if written is None:
            return Interrupted(number, "interrupted before an epoch was finished: nothing was kept")
        epochs = f"{recorder.epochs} finished epoch{'s' if recorder.epochs > 1 else ''}"
        return Interrupted(number, f"interrupted after {epochs}: the run is in {written}", written)
    if isinstance(ended_by, SpecbuildError) and written is not None:
        note = f"the best epoch before it is kept in {written}"
        return type(ended_by)(
            replace(problem, because=f"{problem.because}; {note}" if problem.because else note)
            for problem in ended_by.diagnostics
        )
    return ended_by
