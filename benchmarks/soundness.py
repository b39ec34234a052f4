"""The catalogue's verdicts beside real torch's, on drawn layers, arguments (legal and not) and sizes.

    python benchmarks/soundness.py [--examples 100000] [--seed 0] [--processes 2] [--only Conv2d LSTM]

For each layer in turn arguments and inputs are drawn and torch is asked, on the CPU, in training and in eval
mode, on batches of 2 and of 3. Held against it: whether it works at all, shape and dtype of the output and of second
results, names, shapes and dtypes of parameters and buffers. What disagrees is printed; then the status is 1.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
import traceback
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.catalogue.cases import CASES
from tests.catalogue.test_soundness import drawn, verdicts

DRAWN_AT_ONCE = 500


class Found(NamedTuple):
    """What drawing for one layer found."""

    kind: str
    verdicts: Counter[bool]
    """How many torch runs, and how many it refuses."""
    fault: str


def draw(job: tuple[str, int, int]) -> Found:
    """Draw for one layer, with a seed, until something disagrees."""
    kind, examples, start = job
    torch.set_num_threads(1)
    counted: Counter[bool] = Counter()

    @seed(start)
    @settings(
        max_examples=examples, database=None, deadline=None, phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def agrees(data: st.DataObject) -> None:
        arguments, inputs = drawn(data, kind)
        expected, found = verdicts(kind, arguments, inputs)
        counted[expected is not None] += 1
        assert found == expected, f"{kind} {arguments} on {', '.join(map(str, inputs))}: {found} beside {expected}"

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            agrees()
        except BaseException:  # whatever it is, it is what was found
            return Found(kind, counted, traceback.format_exc())
    return Found(kind, counted, "")


def jobs(kinds: list[str], examples: int, start: int) -> list[tuple[str, int, int]]:
    """An equal share for each layer, in parts."""
    share = -(-examples // len(kinds))
    return [
        (kind, min(DRAWN_AT_ONCE, share - done), start + done)
        for done in range(0, share, DRAWN_AT_ONCE)
        for kind in kinds
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", nargs="+", metavar="LAYER", default=sorted(CASES))
    options = parser.parse_args()
    begun = time.perf_counter()
    total: Counter[bool] = Counter()
    faults: dict[str, str] = {}
    round_ = 0
    with ProcessPoolExecutor(options.processes, multiprocessing.get_context("spawn")) as pool:
        while total.total() < options.examples and not faults:  # layers with few arguments are soon drawn out
            missing = options.examples - total.total()
            round_ += 1
            parts = jobs(options.only, missing, options.seed + 1_000_000 * round_)
            for kind, result in [(kind, pool.submit(draw, (kind, *rest))) for kind, *rest in parts]:
                try:
                    found = result.result()
                except BrokenProcessPool:
                    print(f"torch ended its process, drawing for {kind} or what was drawn beside it", flush=True)
                    return 1
                total += found.verdicts
                if found.fault:
                    faults.setdefault(found.kind, found.fault)
                    print(f"{found.kind} disagrees:\n{found.fault}", flush=True)
    seconds = time.perf_counter() - begun
    print(
        f"{total.total():,} examples of {len(options.only)} layers in {seconds:.0f} s: torch runs {total[True]:,} and "
        f"refuses {total[False]:,}; {len(faults) or 'no'} layer{'' if len(faults) == 1 else 's'} with disagreements"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
