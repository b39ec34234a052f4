"""One sitting of a training: from an empty folder, or from a checkpoint, to where it ends."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError, RunError
from specbuild.language.document import Spec
from specbuild.network.plan import Plan
from specbuild.network.resolve import resolved
from specbuild.runs import checkpoints
from specbuild.runs.files import json_bytes
from specbuild.runs.place import Place
from specbuild.runs.reading import shown
from specbuild.runs.recording import Recorder, Unrecorded
from specbuild.training import resuming
from specbuild.training.disk import require_space
from specbuild.training.ending import (
    Over,
    after,
    counted,
    other_processes,
    other_splits,
    other_statistics,
)
from specbuild.training.fitting import Fit
from specbuild.training.holding import require
from specbuild.training.interruption import Signals
from specbuild.training.reporting import Reporter, Start
from specbuild.training.saving import Saver
from specbuild.training.state import restore
from specbuild.training.world import World

LINE = 400
"""Bytes of an epoch's line, about."""


class Session:
    """A training from its folder to its end, in one process of the world."""

    def __init__(self, spec: Spec, plan: Plan, world: World, signals: Signals, report: Reporter) -> None:
        """spec, plan: the document as it is, its sizes left open where they are."""
        self.spec, self.plan, self.world, self.signals, self.report = spec, plan, world, signals, report
        self.recorder: Recorder | Unrecorded = Unrecorded()
        self.found: resuming.Found | None = None
        self.fit: Fit | None = None
        self.saver: Saver | None = None
        self.folder, self.run_id = Path(), ""
        self.begun = False
        """Whether all was found fit to train: before that nothing is written at the end."""
        self.behind = False
        """Whether an epoch could not be written down yet."""

    def open(self, run: Path | None, resume: bool) -> None:
        """Take the folder; raises `RunError`. The others are told by the writer where it is."""
        if self.world.writer:
            if resume:
                run = self.find(run)
            if self.found is None:
                self.recorder = Recorder(self.spec, self.plan, run)
                self.folder, self.run_id = self.recorder.folder, self.recorder.id
                if resume:
                    self.report.note(f"there is nothing to go on with in {self.folder}: a new training")
        found = self.found
        name = None if found is None or found.checkpoint is None else found.checkpoint.name
        facts: dict[str, Any] = {"folder": os.path.abspath(self.folder), "id": self.run_id, "checkpoint": name}
        if found is not None:
            facts |= {"status": found.status, "reason": found.reason, "whole": found.whole}
        told = self.world.told(json.dumps(facts))
        if not self.world.writer:
            said = json.loads(told)
            self.folder, self.run_id = Path(said["folder"]), said["id"]
            if said["checkpoint"] is not None:
                path = self.folder / checkpoints.FOLDER / said["checkpoint"]
                state = checkpoints.read(path)
                notes = [] if said["whole"] else ["what the writer found"]
                self.found = resuming.Found(
                    self.folder, self.run_id, path, state, notes, said["status"], said["reason"]
                )

    def find(self, run: Path | None) -> Path | None:
        """Find what there is to go on with; where there is nothing yet, the folder to begin in."""
        run = run or resuming.newest_run(self.spec.name)
        if run is None or not resuming.is_training(run):
            return run
        place = Place.again(run)
        try:
            self.found = found = resuming.find(run)
            if found.status == "finished" and found.checkpoint is None:
                message = "has ended, and has no checkpoints: there is nothing to go on from"
                fix = "SPEC and --run with another folder begin anew"
                raise RunError([Diagnostic("SB510", message, file=str(run), fix=fix)])
            if found.checkpoint is not None:  # before any data are opened, or fetched
                known = found.state["document"]
                document = json.loads(json_bytes(resolved(self.spec, self.plan)))
                document |= {key: known[key] for key in ("scheduler",) if key in known and key in document}
                resuming.require_same(self.spec, found, document)
            for note in found.notes:
                self.report.note(note)
            self.folder, self.run_id = run, found.run_id
            self.recorder = Recorder.beside(self.spec, self.plan, place, found.run_id)
        except BaseException:
            place.settle()
            raise
        return run

    def begin(self, fit: Fit) -> None:
        """All is opened and built: put it where the last sitting left it.

        Raises `RunError` (SB506) where the disk is too small for it.
        """
        self.fit = fit
        small = require_space(fit.spec, fit.plan, self.folder) if self.world.writer else None
        if small is not None:
            self.report.note(small)
        found = self.found
        spec = replace(self.spec, scheduler=fit.schedule.settled)
        self.document = json.loads(json_bytes(resolved(spec, self.plan)))
        samples = {name: len(split) for name, split in fit.splits.items()}
        self.settled = {
            "precision": fit.precision, "memory_format": fit.spec.train.memory_format,
            "fused": getattr(fit.spec.optimizer, "fused", None),
            "samples": samples,
            "statistics": hashlib.sha256(json_bytes(fit.splits["train"].source.statistics)).hexdigest(),
        }  # fmt: skip
        recorder = self.recorder
        if isinstance(recorder, Recorder):
            checkpoints.tidy(self.folder)
        self.saver = fit.keeper = Saver(fit, self.folder, self.run_id, self.signals, self.facts)
        if found is not None and found.checkpoint is not None:
            self.go_on(fit, found)
        elif found is not None and isinstance(recorder, Recorder):
            recorder.again((), found.listed)
            self.report.note(f"{self.folder} has no checkpoint yet: it begins from the start")
        self.signals.last_words = self.last_words
        if isinstance(recorder, Recorder):
            self.report.start(self.started(fit))
            self.report.ready(fit, self.folder)
        self.begun = True
        if found is None or found.checkpoint is None:
            self.saver.save()

    def go_on(self, fit: Fit, found: resuming.Found) -> None:
        """Restore what a checkpoint holds; raises `DataError` (SB509) where the document is another one now."""
        state, checkpoint = found.state, found.checkpoint
        assert checkpoint is not None
        assert self.saver is not None
        try:
            told = resuming.require_same(self.spec, found, self.document)
            if state["processes"] != self.world.size:
                raise DataError([other_processes(found.run, state["processes"], self.world.size)])
            before = state["settled"].get("samples", fit.splits)
            if before.keys() != fit.splits.keys():
                raise DataError([other_splits(found.run, before, fit.splits)])
            if state["settled"].get("statistics", self.settled["statistics"]) != self.settled["statistics"]:
                raise DataError([other_statistics(found.run)])
            told += [
                f"{name} was {resuming.shown(before)} and is {resuming.shown(self.settled[name])}"
                for name, before in state["settled"].items()
                if before != self.settled[name]
            ]
            own = self.world.read(fit, checkpoint, state)
            require(fit, state, own, checkpoints.place_of(checkpoint))
            restore(fit, state, own)
            records = list(state["records"])
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, LookupError, ArithmeticError) as error:
            said = shown(str(error).partition("\n")[0])
            problem = Diagnostic("SB503", f"{checkpoint.name} does not fit this network: {said}", file=str(checkpoint))
            raise RunError([problem]) from None
        self.saver.newest = checkpoint
        self.require_more(fit, found, same=not told)
        if isinstance(self.recorder, Recorder):
            self.recorder.again(records, found.listed)
            for broken in found.broken:  # they would count as the newest ones
                checkpoints.drop(broken)
            for change in told:
                self.report.say(change)
            where = f"epoch {fit.position.epoch}, {after(checkpoint)}"
            if fit.limits.reason is not None:
                where = f"nothing is left to train ({fit.limits.reason}), and the run is written"
            self.report.say(f"goes on from checkpoint {checkpoint.name} of {found.run}: {where}")
        else:
            self.recorder.epochs = len(records)

    def require_more(self, fit: Fit, found: resuming.Found, *, same: bool) -> None:
        """Raise `Over` where nothing is left to do; where nothing is left to train, the run may be to be written yet.

        same: whether all of the document is as it was.
        """
        position, limits = fit.position, fit.limits
        finished = found.status == "finished" and same
        limits.reason = None
        if position.epoch > 1 and not position.batches and not position.learned:
            limits.ended(position.epoch - 1, finished and self.world.agreed(limits.timed_out))
        if not found.whole or found.status is None:
            if finished and limits.reason is not None:
                limits.reason = found.reason
        elif finished:
            raise Over(found.reason)
        elif position.epoch > self.spec.train.epochs:
            raise Over(f"{counted(position.epoch - 1)}, and {self.spec.train.epochs} are asked for")

    def facts(self) -> Mapping[str, Any]:
        """What a checkpoint holds beside the state."""
        recorder = self.recorder
        if not isinstance(recorder, Recorder):
            return {}
        best = [record["epoch"] for record in recorder.records if record["best"]]
        return {
            "document": self.document, "settled": self.settled, "processes": self.world.size,
            "sources": recorder.sources(), "records": list(recorder.records), "best_epoch": best[-1] if best else None,
        }  # fmt: skip

    def go(self) -> None:
        """Epoch by epoch, to the end."""
        fit, saver, signals = self.fit, self.saver, self.signals
        assert fit is not None
        assert saver is not None
        while fit.limits.reason is None and fit.position.epoch <= self.spec.train.epochs:
            number = fit.position.epoch
            with signals.steps(fit.turn):
                fit.learned(number)
            record = self.measured(number)
            signals.shield()
            over = self.record(number, record)
            if over:
                break
            saver.after_epoch(number)
            if self.world.size == 1:
                signals.unshield()
        saver.over()

    def measured(self, number: int) -> dict[str, Any]:
        """Measure; a signal ends that at once, unless several processes measure together."""
        assert self.fit is not None
        if self.world.size == 1:
            return self.fit.measured(number)
        with self.signals.steps(self.fit.turn):
            return self.fit.measured(number)

    def record(self, number: int, record: dict[str, Any]) -> bool:
        """Write down an epoch: the record, the best weights and the place in the data change together.

        Whether the training ends with it.
        """
        fit, saver = self.fit, self.saver
        assert fit is not None
        assert saver is not None
        better, last = fit.candidate(record)
        record["best"] = better is not None
        error = self.recorder.epoch(record)
        fit.kept, fit.last = better or fit.kept, last
        fit.recorded(number, record)
        if error is not None and not self.behind:
            why = saver.shortage(error, LINE * self.recorder.epochs)
            self.report.note(f"epoch {number} could not be written down yet: {why}; it is kept, and tried again")
        self.behind = error is not None
        if self.world.writer:
            self.report.epoch(record)
        return fit.limits.after_epoch(record, self.world.agreed(fit.limits.timed_out))

    def started(self, fit: Fit) -> Start:
        """What a reporter is told first."""
        samples = {name: len(split) for name, split in fit.splits.items()}
        spec, parameters = self.spec, fit.plan.parameters()
        return Start(
            spec.name, str(fit.device), spec.train.epochs, parameters, samples, fit.best.metric, fit.position.epoch,
            parameters - fit.plan.trainable(),
        )  # fmt: skip

    def last_words(self) -> str:
        """What is said where a second signal ends it all."""
        newest = None if self.saver is None else self.saver.newest
        return "" if newest is None else f"the newest checkpoint is {newest}"
