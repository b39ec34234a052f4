"""`make torture`: trainings that are killed, and interrupted, at every moment. Exits with 1 if one was harmed.

Each part prints a line of what it did, and a line for each failure.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.kill.documents import AVERAGED, DOCUMENTS, HOLDING, SHORT
from tests.kill.dying import Death
from tests.kill.kills import Tally, Training, every_operation, moments
from tests.kill.nursery import nursery
from tests.kill.signals import Answers, Signalled, at_hard_moments, at_random, of_all_kinds

PLUGINS = ("tests.kill.layers",)
AT_ONCE = 5
"""Times that one training is killed or interrupted."""


class Asked(NamedTuple):
    """How much of it."""

    kills: int
    signals: int
    seed: int
    processes: int


Part = Callable[[Path, Asked], tuple[str, list[str]]]
"""What is done in a folder; what it came to, and what failed."""


def kills(folder: Path, asked: Asked) -> tuple[str, list[str]]:
    """SIGKILL at each operation of one training, at two of them in turn, and at random moments of others."""
    tally = Tally()
    with ThreadPoolExecutor(asked.processes) as pool:
        for share in pool.map(lambda number: killed(folder / str(number), asked, number), range(asked.processes)):
            tally.add(share)
    failures = tally.failures
    if tally.kills < asked.kills:
        failures.append(f"{tally.kills} kills are fewer than {asked.kills}")
    return str(tally), failures


def killed(folder: Path, asked: Asked, number: int) -> Tally:
    """The share of one process."""
    draw, tally, of = random.Random(f"{asked.seed} {number}"), Tally(), asked.processes
    with nursery(folder / "nursery", PLUGINS) as made:
        training = Training(made, folder / "short", SHORT, in_turn=True)
        for death in every_operation(training)[number::of]:
            training.killed_at(death)
        for _ in range(10 // of):
            first, second = (draw.randrange(1, len(training.operations)) for _ in range(2))
            training.killed_twice(Death(first), Death(second))
        tally.add(training.tally)
        trainings = [Training(made, folder / name, document) for name, document in DOCUMENTS.items()]
        rounds = 0
        while rounds < len(trainings) or tally.kills + sum(t.tally.kills for t in trainings) < asked.kills / of:
            training = trainings[rounds % len(trainings)]
            training.killed_at_random(moments(training, draw, AT_ONCE))
            rounds += 1
        for training in trainings:
            tally.add(training.tally)
    return tally


def signals(folder: Path, asked: Asked) -> tuple[str, list[str]]:
    """SIGTERM at random moments and at hard ones, the other signals, and a second one."""
    answers = Answers()
    with nursery(folder / "nursery", PLUGINS) as made:
        holding = Signalled(Training(made, folder / "holding", HOLDING), answers)
        at_hard_moments(holding, 30.0, None)
        of_all_kinds(holding)
        averaged = Signalled(Training(made, folder / "averaged", AVERAGED), answers)
        at_random(averaged, random.Random(asked.seed), asked.signals, AT_ONCE)
    return str(answers), answers.failures


PARTS: dict[str, Part] = {"kills": kills, "signals": signals}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.kill.torture", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all, unless some are named")
    parser.add_argument("--kills", type=int, default=300, help="SIGKILLs at least")
    parser.add_argument("--signals", type=int, default=50, help="SIGTERMs at random moments")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--processes", type=int, default=1, help="trainings at a time")
    given = parser.parse_args(arguments)
    if unknown := set(given.parts) - PARTS.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    asked = Asked(given.kills, given.signals, given.seed, given.processes)
    failed = 0
    for name in given.parts or PARTS:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="specbuild_torture_") as folder:
            told, failures = PARTS[name](Path(folder), asked)
        print(f"{name}: {told} ({time.monotonic() - begun:.0f} s)", flush=True)
        for failure in failures:
            print(f"{name}: FAILED: {failure}", flush=True)
        failed += len(failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
