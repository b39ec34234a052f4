"""Damaged and forged runs, many of them: what `verify`, `reload` and `train --resume` make of each.

    python benchmarks/damage.py [--damaged 5000] [--forged 10000] [--seed 0] [--first 0] [--processes 2]

Damaged: one accident each (bytes cut off, flipped, added, files swapped, of another run, deleted, linked) in a run that
finished, one that was interrupted, one that was killed. Each must be named by all three and never loaded; every 25th is
gone on with, and must end in the bits of a training that was never stopped. Forged: values of any kind in checkpoints
and in the run's files, every checksum agreeing; `reload` and `--resume` under an audit hook may refuse them or go on,
and do nothing else: no pickle, no code, no module by a name of the run's, no writing outside of it.
A finding is printed; then the status is 1. What is done is a function of the seed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

SHARE = 100


def share(job: tuple[str, Path, int, int]) -> tuple[str, Counter[str], list[str]]:
    """A share of the damages, or of the forgeries: what became of them, and the findings."""
    from tests.damage.judging import fault_of
    from tests.damage.watching import Watch

    what, folder, first, count = job
    place = folder / f"copy-{os.getpid()}"
    outcomes: Counter[str] = Counter()
    findings = []
    if what == "damaged":
        names = ("finished", "interrupted", "killed")
        for seed in range(first, first + count):
            name, resumed = names[seed % 3], seed % 25 == 0
            told, fault = fault_of(
                folder / name, folder / "other", place, seed, resumed=resumed, bits=folder / "finished"
            )
            outcomes["gone on with" if resumed else "judged"] += 1
            findings += [f"{told}\n  {fault}"] if fault else []
        return what, outcomes, findings
    watch = Watch(folder, place)
    for seed in range(first, first + count):
        told, outcome, fault = watch.judged(seed)
        outcomes[outcome] += 1
        findings += [f"{told}\n  {fault}"] if fault else []
    return what, outcomes, findings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--damaged", type=int, default=5_000)
    parser.add_argument("--forged", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from tests.damage.making import made

    base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="damage-", dir=base))
    failed = 0
    try:
        made(folder, others=True)
        begun = time.perf_counter()
        totals: dict[str, Counter[str]] = {"damaged": Counter(), "forged": Counter()}
        start = options.seed * 10**6 + options.first
        jobs = [
            (what, folder, first, min(SHARE, start + count - first))
            for what, count in (("damaged", options.damaged), ("forged", options.forged))
            for first in range(start, start + count, SHARE)
        ]
        with multiprocessing.get_context("spawn").Pool(options.processes, maxtasksperchild=20) as pool:
            for number, (what, outcomes, findings) in enumerate(pool.imap_unordered(share, jobs), start=1):
                totals[what] += outcomes
                failed += len(findings)
                for finding in findings:
                    print(finding, flush=True)
                if number % 10 == 0:
                    said = "; ".join(f"{each} {sum(found.values()):,}" for each, found in totals.items())
                    print(f"{said}; {failed} findings; {time.perf_counter() - begun:.0f} s", flush=True)
        for what, outcomes in totals.items():
            print(f"{what}: {sum(outcomes.values()):,}: {', '.join(f'{n:,} {o}' for o, n in sorted(outcomes.items()))}")
        print(f"{failed or 'no'} findings, in {time.perf_counter() - begun:.0f} s")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
