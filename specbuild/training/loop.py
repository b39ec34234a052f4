"""Training, from a checked document to a run directory."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from specbuild.data import Split, open_data, probe, weighed
from specbuild.data.settling import at_first
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError
from specbuild.language.document import Spec
from specbuild.network.inference import infer
from specbuild.network.pipeline import check_data, missing_for_training
from specbuild.network.plan import Plan
from specbuild.runs.transfer import held
from specbuild.training.closing import closed
from specbuild.training.fitting import Fit
from specbuild.training.interruption import Interrupted, Signals
from specbuild.training.reporting import Lines, Reporter, Silent, Start
from specbuild.training.reproducing import determined, generator_kept
from specbuild.training.session import Session
from specbuild.training.world import ALONE, World

__all__ = ["Interrupted", "Lines", "Reporter", "Silent", "Start", "trained"]

Folder = str | os.PathLike[str]


def trained(
    spec: Spec,
    plan: Plan | None = None,
    *,
    world: World | None = None,
    run: Folder | None = None,
    resume: bool = False,
    device: str | None = None,
    data_root: Folder | None = None,
    train: Dataset[Any] | None = None,
    val: Dataset[Any] | None = None,
    report: Reporter | None = None,
    signals: Iterable[int] = (),
) -> Path | None:
    """Train, write the run, and say where it is, in the process of the world that wrote it.

    The test split is never opened. A training that is interrupted leaves a checkpoint, and once an epoch was finished
    a whole run with what was good; one that fails leaves what was good, else nothing.
    resume: go on with the run where it was left. signals: more of them that end a training.
    Raises `Interrupted` on SIGINT, SIGTERM and SIGHUP (in the main thread), `DataError` and `RunError`.
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
    with (
        Signals(signals, patient=world.size > 1) as taken,
        generator_kept(target),
        determined(spec.train.deterministic),
    ):
        taken.shield()
        session = Session(whole, over, world, taken, report)
        session.open(None if run is None else Path(run), resume)
        ended_by: BaseException | None = None
        try:
            taken.unshield()
            fresh = session.found is None or session.found.checkpoint is None
            weights = held(spec, plan) if fresh else ()  # a checkpoint has them all
            for source in weights:
                report.say(source.told)
            splits = opened(spec, plan, data_root, train, val)
            spec = weighed(spec, splits["train"], plan)
            world.shared(splits, plan)
            session.begin(Fit(spec, plan, target, splits, report, world, weights))
            session.go()
            taken.shield()
        except BaseException as error:  # whatever ends it, what was good is kept
            taken.shield()
            ended_by = world.ended(error, taken)
        return closed(session, ended_by)


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


def looked_at(spec: Spec, plan: Plan, data_root: Folder | None = None) -> None:
    """Open every split and hold it against the network; raises `DataError`."""
    root = None if data_root is None else Path(data_root)
    for split in open_data(spec, splits=("train", "val", "test"), data_root=root).values():
        probe(split, infer(at_first(spec, split)) if spec.dims else plan)


def first_samples(spec: Spec, plan: Plan, data_root: Folder | None = None) -> Split:
    """The split of train, opened, for a look at it; raises `DataError` where the document does not fit its data."""
    problems = [problem for problem in missing_for_training(spec) if "`data`" in problem.message]
    problems += [problem for problem in check_data(spec, plan) if problem.severity == "error"]
    if problems:
        raise DataError(spec.place(problems))
    split = open_data(spec, splits=("train",), data_root=None if data_root is None else Path(data_root))["train"]
    probe(split, infer(at_first(spec, split)) if spec.dims else plan)
    return split
