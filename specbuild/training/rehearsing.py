"""A training that is only tried: everything up to its steps, and a few of these to measure them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import chain, islice
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import torch
from torch.utils.data import Dataset

from specbuild.catalogue.optimizers import Optimizer
from specbuild.data import open_data, weighed
from specbuild.data.settling import at_first
from specbuild.language.document import Spec
from specbuild.network.cost import in_bytes, memory_of
from specbuild.network.inference import infer
from specbuild.network.plan import Plan
from specbuild.runs.transfer import held
from specbuild.training.device import choose, require_room
from specbuild.training.disk import Space, space_of
from specbuild.training.fitting import Fit
from specbuild.training.layout import NAMES
from specbuild.training.passes import learn, measure
from specbuild.training.reporting import Silent
from specbuild.training.reproducing import determined, generator_kept

LEAST, MOST, SECONDS = 2, 20, 2.0
"""How many batches are learned from at least and at most, and for how long."""


class Rehearsal(NamedTuple):
    """What a training will be, as far as a few steps of it tell."""

    name: str
    samples: dict[str, int]
    """Of each split."""
    batches: int
    """Of an epoch of train."""
    batch_size: int
    epochs: int
    """At most: `max_steps` is counted in."""
    steps: int
    """Of the optimizer, in all of them."""
    parameters: int
    memory: int
    """Bytes to learn from a batch, estimated."""
    disk: Space
    """Bytes that it takes on disk at most, estimated."""
    device: str
    precision: str
    memory_format: str
    optimizer: str
    loss: float
    """Of the batches that were learned from."""
    tried: int
    """Batches that were learned from."""
    seconds_per_batch: float
    """From one batch to the next, the data's part in it."""
    seconds_per_epoch: float
    """Learning and measuring on val."""
    seconds: float
    """The whole training, estimated."""

    def __str__(self) -> str:
        splits = ", ".join(f"{count:,} {split}" for split, count in self.samples.items())
        rows = {
            "samples": splits,
            "an epoch": f"{counted(self.batches, 'batch', 'es')} of {self.batch_size}",
            "training": f"{counted(self.epochs, 'epoch')}, {counted(self.steps, 'step')}",
            "parameters": f"{self.parameters:,}",
            "memory": f"about {in_bytes(self.memory)}",
            "disk": str(self.disk),
            "device": self.device,
            "precision": f"{self.precision}, {self.memory_format}",
            "optimizer": self.optimizer,
            "loss": f"{self.loss:.4f} after {counted(self.tried, 'batch', 'es')}",
            "a batch": f"{in_time(self.seconds_per_batch)} "
            f"({self.batch_size / max(self.seconds_per_batch, 1e-9):,.0f} samples/s)",
            "time": f"about {in_time(self.seconds_per_epoch)} an epoch, {in_time(self.seconds)} in all",
        }
        lines = [f"{self.name}: nothing was trained, nothing was written"]
        return "\n".join([*lines, *(f"  {what:<11} {value}" for what, value in rows.items())])


def rehearse(
    spec: Spec,
    plan: Plan | None = None,
    *,
    device: str | None = None,
    data_root: str | os.PathLike[str] | None = None,
    train: Dataset[Any] | None = None,
    val: Dataset[Any] | None = None,
) -> Rehearsal:
    """Do all that a training does before its first epoch, then learn from a few batches; leave nothing behind.

    Raises what the training would: `DataError` and `SpecError`.
    """
    from specbuild.training.loop import judge, opened

    plan = plan or infer(spec)
    if spec.dims:
        root = None if data_root is None else Path(data_root)
        spec = at_first(spec, open_data(spec, splits=("train",), data_root=root, train=train, val=val)["train"])
        plan = infer(spec)
    judge(spec, plan, own_data=train is not None)
    target = choose(spec, device)
    require_room(spec, plan, target)
    with generator_kept(target), determined(spec.train.deterministic):
        sources = held(spec, plan)
        splits = opened(spec, plan, data_root, train, val)
        fit = Fit(weighed(spec, splits["train"], plan), plan, target, splits, Silent(), weights=sources)
        tried, loss, pace = few_steps(fit)
        judging = few_measured(fit) if "val" in fit.splits else 0.0
    return summed_up(fit, tried, loss, pace, judging)


def few_steps(fit: Fit) -> tuple[int, float, float]:
    """Batches that were learned from, the mean loss, and the seconds from one batch to the next."""
    meter, begun, marks = fit.meter(), perf_counter(), list[float]()
    most = min(MOST, fit.limits.batches_left)
    source = islice(fit.splits["train"].batches(1, fit.device), most)

    def timed() -> Iterable[Mapping[str, torch.Tensor]]:
        for batch in source:
            yield batch
            synchronize(fit.device)
            marks.append(perf_counter())
            if len(marks) >= LEAST and marks[-1] - begun > SECONDS:
                return

    fit.modes.train()
    fit.watch.begin()
    with fit.told(1):
        done = learn(fit.learning.epoch(most), timed(), meter, lambda meter: False, fit.watch)
    first = marks[0] - begun
    pace = (marks[-1] - marks[0]) / (len(marks) - 1) if len(marks) > 1 else first
    return done, meter.loss(), pace


def few_measured(fit: Fit) -> float:
    """The seconds that val takes, by its first batches."""
    split, meter = fit.splits["val"], fit.meter()
    batches = split.batches(1, fit.device)
    with fit.told(1):
        first = next(batches, None)
        if first is None:
            return 0.0
        measure(fit.judged, fit.objective, [first], fit.feed, meter, fit.autocast)
        begun = perf_counter()
        measure(fit.judged, fit.objective, chain(islice(batches, LEAST), [first]), fit.feed, meter, fit.autocast)
        synchronize(fit.device)
    return (perf_counter() - begun) / min(split.steps, LEAST + 1) * split.steps


def summed_up(fit: Fit, tried: int, loss: float, pace: float, judging: float) -> Rehearsal:
    """The figures of a whole training from those of its first batches."""
    spec, train = fit.spec, fit.splits["train"]
    assert isinstance(spec.optimizer, Optimizer)
    steps_an_epoch = -(-train.steps // spec.train.accumulate)
    steps = min(spec.train.epochs * steps_an_epoch, spec.train.max_steps or spec.train.epochs * steps_an_epoch)
    epochs = -(-steps // steps_an_epoch)
    batches = min(steps * spec.train.accumulate, epochs * train.steps)
    memory = memory_of(fit.plan, precision=fit.precision, optimizer=spec.optimizer)
    averaged = memory.weights + memory.buffers if fit.average is not None else 0
    whole = batches * pace + epochs * judging
    if spec.train.max_minutes is not None:
        whole = min(whole, 60 * spec.train.max_minutes)
    return Rehearsal(
        name=spec.name,
        samples={name: len(split) for name, split in fit.splits.items()},
        batches=train.steps,
        batch_size=min(train.loader.batch_size, len(train)),
        epochs=epochs,
        steps=steps,
        parameters=fit.plan.parameters(),
        memory=memory.training(train.loader.batch_size) + averaged,
        disk=space_of(fit.spec, fit.plan),
        device=str(fit.device),
        precision=fit.precision,
        memory_format=NAMES[fit.layout],
        optimizer=spec.optimizer.type + (", fused" if getattr(spec.optimizer, "fused", None) else ""),
        loss=loss,
        tried=tried,
        seconds_per_batch=pace,
        seconds_per_epoch=train.steps * pace + judging,
        seconds=whole,
    )


def synchronize(device: torch.device) -> None:
    """Wait until the device has done its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def counted(number: int, what: str, many: str = "s") -> str:
    """`1 step`, `20 steps`."""
    return f"{number:,} {what}{'' if number == 1 else many}"


def in_time(seconds: float) -> str:
    """Seconds in ms, s, min or h."""
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"
