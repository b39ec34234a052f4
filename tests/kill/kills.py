"""SIGKILL: what a training that was killed comes to, once it has gone on."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tests.kill.documents import INTERVAL
from tests.kill.dying import Death
from tests.kill.nursery import Ended, Nursery

WEIGHTS = ("model.safetensors", "last.safetensors", "golden.safetensors")
TIMED = ("seconds", "samples_per_second", "crc")
"""What of a record is a matter of the machine."""
FROM = re.compile(r"goes on from checkpoint (\d+)-(\d+) of")
BEGUN = re.compile(r"there is nothing to go on with|has no checkpoint yet")
HALF_A_LINE = re.compile(r"metrics.jsonl: altered: line \d+ does not have its CRC; it is written again")
OVER = re.compile(r"nothing is left to train")


class Result(NamedTuple):
    """What a training came to."""

    weights: Mapping[str, str]
    """SHA-256 by file."""
    records: tuple[Mapping[str, object], ...]
    """What was measured in each epoch."""


def result_of(run: Path) -> Result:
    """The weights and the records of a run that has ended."""
    weights = {name: hashlib.sha256((run / name).read_bytes()).hexdigest() for name in WEIGHTS if (run / name).exists()}
    lines = (run / "metrics.jsonl").read_text().splitlines()
    records = tuple(
        {key: value for key, value in json.loads(line).items() if key not in TIMED} for line in lines
    )  # fmt: skip
    return Result(weights, records)


@dataclass
class Disturbed:
    """What came of trainings that were disturbed."""

    trainings: int = 0
    equal: int = 0
    """Of them, those that ended in the bits of one that never was."""
    failures: list[str] = field(default_factory=list)


@dataclass
class Tally(Disturbed):
    """What came of the kills."""

    kills: int = 0
    resumed: int = 0
    """Of them, those after which the training went on by itself, nothing passed over."""
    lost: int = 0
    """The most steps that a kill cost, but for those that were done while a checkpoint was being written."""
    beside: int = 0
    """The most of the latter."""

    def __str__(self) -> str:
        return (
            f"{self.kills} kills: {self.resumed} resumed, {self.equal} of {self.trainings} trainings equal, "
            f"most steps lost {self.lost} of {INTERVAL}, and {self.beside} while a checkpoint was being written"
        )

    def add(self, other: Tally) -> None:
        """Count another's too."""
        self.kills, self.resumed = self.kills + other.kills, self.resumed + other.resumed
        self.trainings, self.equal = self.trainings + other.trainings, self.equal + other.equal
        self.lost, self.beside = max(self.lost, other.lost), max(self.beside, other.beside)
        self.failures += other.failures


class Training:
    """A document, trained again and again; what it comes to when nothing disturbs it is the measure."""

    def __init__(self, nursery: Nursery, folder: Path, document: str, *, in_turn: bool = False) -> None:
        """in_turn: it does the same operations in the same order each time."""
        self.in_turn = in_turn
        self.nursery, self.folder, self.count, self.tally = nursery, folder, 0, Tally()
        folder.mkdir(parents=True)
        self.spec = folder / "spec.yaml"
        self.spec.write_text(document)
        begun = time.monotonic()
        undisturbed = self.sitting(folder / "undisturbed")
        self.seconds = time.monotonic() - begun
        assert undisturbed.status == 0, undisturbed.output
        self.operations, self.steps = undisturbed.operations, undisturbed.steps
        self.expected = result_of(folder / "undisturbed")

    def arguments(self, run: Path) -> list[str]:
        """The command, the same however often it is given."""
        return ["train", str(self.spec), "--resume", "--run", str(run)]

    def sitting(self, run: Path, death: Death | None = None) -> Ended:
        """Train until the end, or until death."""
        return self.nursery.start(self.arguments(run), run, death, in_turn=self.in_turn).ended()

    def new_run(self) -> Path:
        """A folder that is not there yet."""
        self.count += 1
        return self.folder / f"run{self.count}"

    def killed_at(self, death: Death) -> None:
        """Kill one at an operation, and let it go on."""
        run, operation = self.new_run(), self.operations[death.number - 1]
        killed = self.sitting(run, death)
        assert killed.operations[-1:] == [operation], "a training in turn does the same each time"
        self.judge(f"{death.when} {death.number}, {operation}", run, [killed])

    def killed_twice(self, first: Death, second: Death) -> None:
        """Kill one at an operation, and once more at one of those of going on."""
        run = self.new_run()
        self.judge(f"at {first} and {second}", run, [self.sitting(run, first), self.sitting(run, second)])

    def killed_at_random(self, moments: Iterable[float]) -> None:
        """Kill one again and again, each time so many seconds after it went on."""
        run, sittings, told = self.new_run(), [], []
        for moment in moments:
            told.append(f"{moment:.3f}")
            child = self.nursery.start(self.arguments(run), run)
            time.sleep(moment)
            child.signal(signal.SIGKILL)
            sittings.append(child.ended())
            if sittings[-1].status == 0:
                break
        self.judge(f"after {', '.join(told)} s", run, sittings)

    def judge(self, what: str, run: Path, sittings: list[Ended]) -> None:
        """Hold what each sitting lost, and what all came to at last, against the training that was not disturbed."""
        tally = self.tally
        problems = []
        sittings = [*sittings, self.sitting(run)]
        reached = 0
        for before, after in pairwise(sittings):
            if before.status != -signal.SIGKILL:
                if before.status != 0:
                    problems.append(f"exit {before.status}: {before.output}")
                break
            tally.kills += 1
            reached += before.steps
            found, kept = FROM.search(after.output), 0
            if found is not None:
                kept = int(found[2])
            elif OVER.search(after.output):
                kept = reached
            elif not BEGUN.search(after.output) and after.status == 0:
                problems.append(f"says not from where it goes on: {after.output}")
            altered = "altered" in HALF_A_LINE.sub("", after.output)
            if "passed over" in after.output or altered or after.status not in (0, -signal.SIGKILL):
                problems.append(f"exit {after.status}: {after.output}")
            else:
                tally.resumed += 1
            if after.status == 0 or found is not None:
                problems += self.lost(before, reached - kept)
                reached = kept
            else:  # it was killed before it could say
                reached -= before.steps
        if sittings[-1].status != 0:
            problems.append(f"exit {sittings[-1].status}")
        else:
            actual = result_of(run)
            if actual != self.expected:
                problems.append(f"ended in another result: {actual} instead of {self.expected}")
        tally.trainings += 1
        tally.equal += not problems
        if not problems:
            shutil.rmtree(run)
        else:
            tally.failures.append(f"{self.folder.name}, {run.name}, killed {what}: " + "; ".join(problems))

    def lost(self, killed: Ended, lost: int) -> list[str]:
        """Hold the steps that are lost against an interval; those beside which the disk was at work are no part of it.

        For a checkpoint is what the training was when it was copied, and it goes on while that is written.
        """
        steps: list[bool] = []
        for line in killed.trace:
            if line == "step":
                steps.append(False)
            elif line == "beside":
                steps[-1] = True
        beside = sum(steps[-lost:]) if lost else 0
        self.tally.lost = max(self.tally.lost, lost - beside)
        self.tally.beside = max(self.tally.beside, beside)
        too_many = lost - beside > INTERVAL
        return [f"{lost} steps are lost, {beside} of them while the disk was at work"] * too_many


def every_operation(training: Training) -> list[Death]:
    """Each operation of the whole training, before it is done, and half of it for those that write."""
    deaths = []
    for number, operation in enumerate(training.operations, start=1):
        deaths.append(Death(number))
        if operation.startswith("write "):
            deaths.append(Death(number, "half"))
    return [*deaths, Death(len(training.operations), "after")]


def moments(training: Training, draw: random.Random, count: int) -> list[float]:
    """So many moments of it."""
    return [draw.uniform(0, training.seconds) for _ in range(count)]
