"""SIGTERM and its like, at moments that are hard: the exit status, what is kept, and what that comes to."""

from __future__ import annotations

import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from specbuild.errors import RunError
from specbuild.runs import checkpoints
from tests.kill.kills import FROM, Disturbed, Training, result_of
from tests.kill.nursery import Child, Ended

MOST_SECONDS = 10.0
OUTSIDE = 6.0
"""COMPUTE: a second or two, and more than the time that the signal takes to come and a step then has to end."""


@dataclass
class Answers(Disturbed):
    """What came of the signals."""

    signals: int = 0
    answered: int = 0
    """With the exit status of the signal, a checkpoint that is whole, and in time."""
    slowest: float = 0.0
    """Seconds."""

    def __str__(self) -> str:
        return (
            f"{self.signals} signals: {self.answered} answered with a checkpoint, the slowest after "
            f"{self.slowest:.1f} s, {self.equal} of {self.trainings} trainings equal"
        )


def wait_for(child: Child, line: str, times: int = 1) -> bool:
    """Until it has done something so often; False where it ended before."""
    while child.lines().count(line) < times:
        if child.nursery.answered(0.002):
            return False
    return True


class Signalled:
    """A training that is sent signals."""

    def __init__(self, training: Training, answers: Answers) -> None:
        self.training, self.answers = training, answers

    def sent(
        self,
        run: Path,
        number: int,
        line: str,
        times: int = 1,
        after: float = 0.0,
        *,
        expected: int | None = None,
        also: tuple[str, ...] = (),
        again: float | None = None,
        grace: float | None = None,
        **environment: str,
    ) -> Ended | None:
        """One sitting, and a signal so many seconds after it has done something; None where it ended before.

        again: seconds until a second one.
        """  # fmt: skip
        training, answers = self.training, self.answers
        arguments = [*training.arguments(run), *also]
        child = training.nursery.start(arguments, run, grace=grace, **environment)
        there = wait_for(child, line, times)
        time.sleep(after)
        if not there or child.nursery.answered(0):
            ended = child.ended()
            if ended.status != 0:
                answers.failures.append(f"exit {ended.status}: {ended.output}")
            return None
        begun = time.monotonic()
        child.signal(number)
        if again is not None:
            time.sleep(again)
            child.signal(number)
        ended = child.ended()
        seconds = time.monotonic() - begun
        answers.signals += 1
        answers.slowest = max(answers.slowest, seconds)
        problems = []
        if ended.status == 0:  # it came after the last step that could have ended by it
            answers.signals -= 1
            return ended
        if ended.status != (expected or 128 + number):
            problems.append(f"exit {ended.status}: {ended.output}")
        if seconds > MOST_SECONDS:
            problems.append(f"took {seconds:.1f} s")
        found = checkpoints.found(run)
        try:
            for path in found:
                checkpoints.verified(path)
        except RunError as error:
            problems.append(str(error))
        if not found:
            problems.append(f"no checkpoint: {ended.output}")
        answers.answered += not problems
        where = f"{training.folder.name}, signal {number} {after:.3f} s after {times} x {line}"
        answers.failures += [f"{where}: {problem}" for problem in problems]
        return ended

    def goes_on(self, run: Path) -> Ended:
        """To the end, which is held against that of the training that was never disturbed."""
        ended = self.training.sitting(run)
        self.answers.trainings += 1
        problem = None
        if ended.status != 0 or "passed over" in ended.output or "altered" in ended.output:
            problem = f"exit {ended.status}: {ended.output}"
        elif result_of(run) != self.training.expected:
            problem = "ended in another result"
        if problem is None:
            self.answers.equal += 1
        else:
            self.answers.failures.append(f"{run}: {problem}")
        return ended


def at_random(signalled: Signalled, draw: random.Random, count: int, chain: int = 5) -> None:
    """SIGTERM so often: in the first batch, in validation, anywhere; after `chain` of them it goes on to its end."""
    answers, training = signalled.answers, signalled.training
    until = answers.signals + count
    while answers.signals < until and not answers.failures:
        run = training.new_run()
        for _ in range(min(chain, until - answers.signals)):
            line = draw.choice(["learning", "measuring", "step", "step"])
            after = draw.uniform(0, 0.02) if line != "step" else draw.uniform(0, 0.2)
            ended = signalled.sent(run, signal.SIGTERM, line, draw.randint(1, 3), after)
            if ended is None or ended.status == 0:
                break
        signalled.goes_on(run)


def at_hard_moments(signalled: Signalled, long: float, grace: float | None) -> None:
    """While something takes `long` seconds: a step, a step outside Python, the data, validation."""
    steps_lost = {"LEARN": 0, "JUDGE": 3, "SAMPLE": 0, "COMPUTE": 1}
    for name, steps in steps_lost.items():
        run = signalled.training.new_run()
        seconds = long if name != "COMPUTE" else OUTSIDE
        line, after = {"JUDGE": ("measuring", 0.3), "COMPUTE": ("computing", 0.0)}.get(name, ("learning", 0.3))
        signalled.sent(run, signal.SIGTERM, line, after=after, grace=grace, **{name: str(seconds)})
        ended = signalled.goes_on(run)
        found = FROM.search(ended.output)
        if found is None or int(found[2]) != steps:
            signalled.answers.failures.append(f"{name}: goes on elsewhere than after step {steps}: {ended.output}")


def of_all_kinds(signalled: Signalled) -> None:
    """SIGINT, one that is named, and a second one that ends it at once."""
    for number, also in ((signal.SIGINT, ()), (signal.SIGUSR1, ("--signal", "USR1"))):
        run = signalled.training.new_run()
        signalled.sent(run, number, "learning", after=0.1, also=also, LEARN="0.2")
        signalled.goes_on(run)
    run = signalled.training.new_run()
    ended = signalled.sent(run, signal.SIGTERM, "learning", after=0.2, again=0.8, LEARN="30")
    if ended is None or "ended at once: the newest checkpoint is" not in ended.output:
        signalled.answers.failures.append(f"a second one: {ended and ended.output}")
    signalled.goes_on(run)
