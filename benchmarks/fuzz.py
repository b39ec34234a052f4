"""The whole way of `check` on inputs drawn at random: bytes, trees and mutated specs.

    python benchmarks/fuzz.py [--count 200000] [--seed 0] [--processes 2] [--first 0] [--findings build/fuzz]

A finding is an exception that is no `SpecbuildError`, more than a second of the processor, memory that grows by more
than 300 MiB, output that is long, holds control characters or lacks a place. Each is printed and, made as small as is
soon found, written to a file; then the status is 1. An input is a function of seed and number: `--first N --count 1`
draws one of them again.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import sys
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.fuzzing.drawing import corpus, drawn
from tests.fuzzing.judging import fault_of, smaller

SHARE = 500
"""How many inputs a process takes at once."""


class Found(NamedTuple):
    """An input that does what none may."""

    number: int
    fault: str
    input: bytes


def share(job: tuple[int, int, int]) -> tuple[int, int, list[Found]]:
    """A share of the inputs: how many, how many of them have nothing wrong, and the findings."""
    seed, first, count = job
    findings, seen = [], set()
    for number in range(first, first + count):
        data = drawn(seed, number)
        fault = fault_of(data)
        if fault.startswith("slow"):  # the machine may have been busy
            fault = fault_of(data)
        if fault:
            key = fault.rpartition(" ")[2] + fault[:20]
            findings.append(Found(number, fault, data if key in seen else smaller(data, fault)))
            seen.add(key)
    return count, len(findings), findings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--findings", type=Path, default=Path("build/fuzz"))
    options = parser.parse_args()
    corpus()
    begun = time.perf_counter()
    last = options.first + options.count
    jobs = [(options.seed, first, min(SHARE, last - first)) for first in range(options.first, last, SHARE)]
    done = faulty = 0
    kinds: set[str] = set()
    with multiprocessing.get_context("spawn").Pool(options.processes, maxtasksperchild=20) as pool:
        for count, faults, findings in pool.imap_unordered(share, jobs):
            done, faulty = done + count, faulty + faults
            for found in findings:
                kind = found.fault.partition(":")[0] + found.fault.rpartition(" ")[2]
                if kind in kinds:
                    continue
                kinds.add(kind)
                options.findings.mkdir(parents=True, exist_ok=True)
                path = options.findings / hashlib.sha256(found.input).hexdigest()[:12]
                path.write_bytes(found.input)
                print(f"input {found.number}: {found.fault}\n  {path}", flush=True)
            if done % 10_000 < SHARE:
                print(f"{done:,} inputs, {faulty} findings, {time.perf_counter() - begun:.0f} s", flush=True)
    print(f"{done:,} inputs in {time.perf_counter() - begun:.0f} s: {faulty or 'no'} findings")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
