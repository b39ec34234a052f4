"""A network being fitted: model, loss and optimizer, epoch by epoch, and the best weights so far."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from time import perf_counter
from typing import Any

import torch
from torch import nn

from specbuild.data import Split
from specbuild.data.mixing import averaged
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.errors import DataError
from specbuild.language.document import Spec
from specbuild.language.sections import SplitName
from specbuild.language.training import Best
from specbuild.network.compile import build
from specbuild.network.metrics import best_of, metric_names, metrics_of
from specbuild.network.plan import Plan
from specbuild.network.training import check_average, closes_over
from specbuild.runs.taking import take
from specbuild.runs.transfer import Held
from specbuild.training import precision
from specbuild.training.averaging import Average, Kept, copied
from specbuild.training.freezing import Modes
from specbuild.training.guarding import UNKNOWN, Culprit, NotFinite, Watch, culprit, finite, unlabelled
from specbuild.training.indexing import lookups_told
from specbuild.training.layout import NAMES, memory_format
from specbuild.training.learning import Learning
from specbuild.training.limits import Limits
from specbuild.training.measuring import Meter
from specbuild.training.objective import Objective
from specbuild.training.passes import Feed, learn, measure
from specbuild.training.refusing import refusals_told
from specbuild.training.reporting import Reporter
from specbuild.training.state import Position, generators
from specbuild.training.stepping import Schedule, fused, optimizer_of
from specbuild.training.turning import Keeper, Turn
from specbuild.training.world import ALONE, World

FIX = "a smaller learning rate, or inputs scaled to about -1 to 1"


class Fit:
    """One training under way. Draws the first weights; `epoch` does one epoch.

    Everything random that is not data comes from torch's global generator, seeded once.
    """

    def __init__(
        self,
        spec: Spec,
        plan: Plan,
        device: torch.device,
        splits: Mapping[str, Split],
        report: Reporter,
        world: World = ALONE,
        weights: Iterable[Held] = (),
    ) -> None:
        """weights: what the network begins with; none for a training that goes on, which has its own."""
        self.plan, self.device, self.splits, self.report, self.world = plan, device, splits, report, world
        self.metrics = metrics_of(spec)
        self.best = chosen_by(spec, "val" in splits)
        self.layout = memory_format(spec, plan, device)
        torch.manual_seed(spec.train.seed)
        built = build(plan, spec)
        take(built, weights)
        self.model: nn.Sequential = built.to(device).to(memory_format=self.layout)  # type: ignore[call-overload]
        self.precision = precision.settled(spec, plan, self.model, device)
        self.spec = spec = replace(
            spec,
            optimizer=fused(spec, plan, device) if world.has_whole else spec.optimizer,
            train=spec.train.model_copy(
                update={"precision": self.precision, "memory_format": NAMES[self.layout]},
            ),
        )
        """The document with what its `auto` came to."""
        self.called = compiled(self.model, spec)
        """The model as it is called on one's own, such as on val."""
        self.module = world.wrapped(self.called)
        """The model as it is called in learning."""
        self.modes = Modes(self.model, self.module, plan)
        self.objective = Objective(spec, device)
        self.feed = Feed(plan, self.layout)
        self.autocast = precision.autocast(device, self.precision)
        self.optimizer = optimizer_of(spec, plan, self.model, device)
        batches = splits["train"].steps
        steps = -(-batches // spec.train.accumulate)
        problems = list(check_average(spec, steps))
        if problems:
            raise DataError(spec.place(problems))
        self.schedule = Schedule(spec, self.optimizer, steps, val="val" in splits)
        self.limits = Limits(spec, self.best, batches)
        self.average = Average(spec.train.ema, self.model) if spec.train.ema is not None else None
        self.watch = Watch(device)
        self.learning = self.steps()
        self.kept: Kept | None = None
        """The best weights so far."""
        self.last: Kept | None = None
        """Those of the last epoch that was finished."""
        self.tables: dict[str, Any] = {}
        """What the last epoch's metrics measured that is not one number."""
        self.position = Position()
        """How far it is."""
        self.turn = Turn()
        """Where the steps may be left."""
        self.keeper = Keeper()
        """Who is asked what to do there."""
        self.meter()  # imports torchmetrics, if need be, before an epoch is timed

    def steps(self) -> Learning:
        """What the steps of this training are made of."""
        train = self.spec.train
        after = (self.average.after_step if self.average is not None else None, self.schedule.after_step)
        return Learning(
            self.module,
            self.objective,
            self.optimizer,
            self.feed,
            self.watch,
            precision=None if self.precision == "float32" else self.autocast,
            scaler=torch.amp.GradScaler(self.device.type) if self.precision == "float16" else None,
            accumulate=train.accumulate,
            clip_norm=train.clip_grad_norm,
            clip_value=train.clip_grad_value,
            closure=closes_over(self.spec),
            after_step=tuple(call for call in after if call is not None),
            world=self.world,
        )

    @property
    def taken(self) -> int:
        """Steps of the optimizer so far."""
        if self.position.learned:
            return self.limits.steps
        return self.limits.steps - (-self.position.batches // self.spec.train.accumulate)

    @property
    def judged(self) -> nn.Module:
        """The network that is measured on val and kept: the average, where there is one."""
        return self.called if self.average is None else self.average.model

    def epoch(self, number: int) -> dict[str, Any]:
        """Learn from train, measure on val; what was measured, by name.

        Raises `DataError` where the loss is no longer a finite number (SB409), or a lookup fails (SB404).
        """
        self.learned(number)
        return self.recorded(number, self.measured(number))

    def learned(self, number: int) -> None:
        """Learn from train, or from what is left of it."""
        position = self.position
        if position.epoch != number:
            self.position = position = Position(number)
        if position.learned:
            return
        begun, before = perf_counter(), position.seconds
        meter = position.meter or self.train_meter()
        position.meter = meter
        with self.told(number):
            self.learn(number, position, meter, begun - before)
        position.seconds = before + perf_counter() - begun
        position.generators, position.learned = generators(self.device), True

    def measured(self, number: int) -> dict[str, Any]:
        """What learning came to, and what is measured on val. Nothing changes by it that the training goes on with."""
        position, begun = self.position, perf_counter()
        meter = position.meter
        assert meter is not None, "an epoch is learned before it is measured"
        record: dict[str, Any] = {"epoch": number, **meter.results("train_")}
        self.tables = meter.tables()
        (samples,) = self.world.summed([torch.tensor(float(meter.samples))])
        self.require_finite(record["train_loss"], "the loss", number)
        if "val" in self.splits:
            meter = self.meter()
            batches = self.keeper.heeding(self.splits["val"].batches(number, self.device))
            called = averaged(self.judged, self.splits["val"].views)
            with self.told(number):
                measure(called, self.objective, batches, self.feed, meter, self.autocast, self.world)
            record |= meter.results("val_")
            self.tables = meter.tables()
            if not math.isfinite(record["val_loss"]):
                found = NotFinite("the loss on val", record["val_loss"]).found
                raise self.refused(f"the loss on val became {found} in epoch {number}", self.spoiling(number), "val")
        record |= self.schedule.rates
        record["samples_per_second"] = round(float(samples) / max(position.seconds, 1e-9), 1)
        record["seconds"] = round(position.seconds + perf_counter() - begun, 3)
        return record

    def recorded(self, number: int, record: dict[str, Any]) -> dict[str, Any]:
        """The epoch is over: the scheduler goes on by it, and the next one comes."""
        for split in self.splits.values() if self.world.writer else ():
            if split.skipped is not None and (news := split.skipped.news()) is not None:
                self.report.note(news)
        self.schedule.after_epoch(record)
        self.position = Position(number + 1)
        return record

    def learn(self, number: int, position: Position, meter: Meter, begun: float) -> None:
        """An epoch of learning, or what the limits leave of one; begun: when, had it never been left."""
        train = self.splits["train"]
        count = max(self.limits.batches_left, position.batches)  # fewer steps may be asked for than were taken

        def tick(meter: Meter) -> bool:
            if self.world.writer:
                self.report.batch(number, meter.samples, len(train), meter.loss())
            self.keeper.tick()
            return self.world.size == 1 and self.limits.timed_out

        def keep(done: int) -> bool:
            """Note how far it is; false where gradients wait for more."""
            position.batches, position.read = done, train.read
            position.seconds = perf_counter() - begun
            return done % self.spec.train.accumulate == 0 or done >= count

        def pause(done: int) -> None:
            if keep(done):
                self.watch.look(done)
                self.keeper.pause()

        batches = train.batches(number, self.device, position.read)
        if count < train.steps:
            batches = islice(batches, count - position.batches)
        self.modes.train()
        self.watch.begin(position.batches)
        step = self.learning.epoch(count, position.batches)
        self.turn.begun = self.turn.done = position.batches
        self.keeper.begin()
        try:
            done = learn(step, batches, meter, tick, self.watch, self.turn, pause, position.batches)
        except BaseException:
            if self.turn.clean and not keep(self.turn.done):
                self.turn.begun = -1
            raise
        keep(done)
        self.limits.learned(done)

    @contextmanager
    def told(self, number: int) -> Iterator[None]:
        """Failures of a pass in epoch `number`, as diagnostics."""
        with lookups_told(self.spec, self.plan, self.model), refusals_told(self.spec), warnings.catch_warnings():
            # float16 searches for its scale: its first steps are left out, and the scheduler's are not
            warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step")
            warnings.filterwarnings("ignore", "Sparse invariant checks are implicitly disabled")
            try:
                yield
            except NotFinite as found:
                raise self.diverged(found, number) from None

    def diverged(self, found: NotFinite, number: int) -> DataError:
        """SB409 with the step in which something was no longer finite, and the layer in which it was first."""
        step = self.limits.steps + -(-found.number // self.spec.train.accumulate)
        self.modes.train()
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []), self.autocast:
            where = culprit(self.model, self.plan, self.feed(found.batch)) if self.world.has_whole else UNKNOWN
        message = f"{found.what} became {found.found} in step {step}, in epoch {number}"
        if where.fix is None and where.layer is None:
            where = unlabelled(self.spec.losses.values(), found.batch) or where
        return self.refused(message, where, "train")

    def refused(self, message: str, where: Culprit | None, split: SplitName) -> DataError:
        """SB409 at the learning rate, or at the data where they are not finite themselves."""
        because = None if where is None else where.words
        if where is not None and where.fix is not None:
            path: Path = ("data", split, "dataset")
            problem = Diagnostic("SB409", message, path, because=because, fix=where.fix)
        else:
            fix = f"precision: bfloat16, {FIX}" if self.precision == "float16" else FIX
            problem = Diagnostic("SB409", message, ("optimizer", "lr"), because=because, fix=fix)
        return DataError(self.spec.place([problem]))

    def spoiling(self, number: int) -> Culprit | None:
        """What of the judged network, or of val, is first not finite; None where one process cannot tell."""
        if self.world.size > 1:
            return None
        model = self.model if self.average is None else self.average.model
        where: Culprit | None = None
        for batch in self.splits["val"].batches(number, self.device):
            with self.autocast:
                where = culprit(model, self.plan, self.feed(batch))
            if where.fix is not None or where.layer is not None:
                break
            where = unlabelled(self.spec.losses.values(), batch) or where
        return where

    def candidate(self, record: Mapping[str, Any]) -> tuple[Kept | None, Kept]:
        """A copy of the weights if what was measured of them is better than all before, and those of this epoch.

        Raises `DataError` (SB409) for weights that are not finite.
        """
        score = record[self.best.metric]
        sign = 1 if self.best.settled_mode == "max" else -1
        if score is None:  # it was not defined: better than nothing
            score = -sign * math.inf
        better = self.kept is None or sign * score > sign * self.kept.score
        model = self.model if self.average is None else self.average.model
        weights = copied(self.world.state_of(model))
        bad = [name for name, tensor in weights.items() if not finite(tensor)]
        if bad:
            self.require_finite(math.nan, "a weight", record["epoch"], f"the weights in {bad[0]} are not finite")
        last = Kept(score, weights, self.tables)
        return (last if better else None), last

    def train_meter(self) -> Meter:
        """An empty meter of an epoch of learning."""
        return self.meter(all="val" not in self.splits)

    def meter(self, *, all: bool = True) -> Meter:
        """An empty meter, of all metrics or of those that are numbers."""
        metrics = [metric for metric in self.metrics if all or metric.number]
        return Meter(self.spec.losses, metrics, self.device, self.objective.judged, self.plan.outputs, self.world)

    def require_finite(self, value: float, what: str, number: int, because: str | None = None) -> None:
        """SB409 unless `value` is a finite number."""
        if not math.isfinite(value):
            found = "not a number" if math.isnan(value) else "infinite"
            message = f"{what} became {found} in epoch {number}"
            problem = Diagnostic("SB409", message, ("optimizer", "lr"), because=because, fix=FIX)
            raise DataError(self.spec.place([problem]))


def compiled(model: nn.Module, spec: Spec) -> nn.Module:
    """The model through `torch.compile`, if the document says so; it has the same parameters."""
    wanted = spec.train.compile
    if wanted is False:
        return model
    compiled: nn.Module = torch.compile(model, mode=None if wanted is True else wanted)  # type: ignore[assignment]
    return compiled


def chosen_by(spec: Spec, has_val: bool) -> Best:
    """The number that the best epoch is chosen by; raises `DataError` where this training has none such."""
    best, measured = best_of(spec, val=has_val), metric_names(spec, val=has_val)
    stopping = spec.train.early_stopping
    for section, metric in (("best", best.metric), ("early_stopping", stopping.metric if stopping else None)):
        if metric is not None and metric not in measured:
            message = f"{section}.metric is {metric}, but an epoch ends with {', '.join(measured)}"
            raise DataError(spec.place([Diagnostic("SB411", message, ("train", section, "metric"))]))
    return best
