"""Ready specs with one random mistake each, beside real torch.

    python benchmarks/mutations.py [--count 5000] [--seed 0] [--processes 2] [--only lenet5 unet]

Each change drops a layer or a key, misspells a key, a type or a value by one letter, changes a number by one, swaps two
neighbouring layers, changes a dtype or where a layer takes its input from. Held are: every error stands within the
changed element, or within a layer or section that takes from it; there are at most three for one change; torch refuses
what specbuild refuses, and runs what it accepts. Torch has no opinion on names, on the language's own keys and sections
(`metrics`, `train`, `data`, `init`); a change to those is held to the first two alone. What is refused on purpose
although torch would run it is counted apart. Disagreements are printed; then the status is 1.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from tests.mutants.changing import KINDS, mutate
from tests.mutants.holding import Held, hold, tree_of
from tests.mutants.judging import Judge
from tests.mutants.reaching import Reach

ROOT = Path(__file__).resolve().parent.parent
SPECS = sorted((ROOT / "specs").glob("*.yaml"))


def of_spec(job: tuple[str, int, int]) -> list[Held]:
    """So many changes to one spec, each kind in turn."""
    name, count, seed = job
    torch.set_num_threads(1)
    text = (ROOT / "specs" / f"{name}.yaml").read_text()
    draw = random.Random(f"{name} {seed}")
    reach, judge = Reach(text), Judge(tree_of(text) or {})
    found: list[Held] = []
    seen: set[str] = set()
    tries = 0
    while len(found) < count and tries < 20 * count + 100:
        tries += 1
        mutant = mutate(text, draw.choice(KINDS), draw)
        if mutant is not None and mutant.text not in seen:
            seen.add(mutant.text)
            found.append(hold(mutant, reach, judge))
    return found


def told(name: str, held: Held) -> str:
    """A disagreement."""
    lines = [f"{name}: {held.mutant.kind}: {held.mutant.what[:300]}  ({'.'.join(map(str, held.mutant.path))})"]
    lines += [f"    {fault}" for fault in held.faults]
    lines += [f"    | {error}" for error in held.errors]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", nargs="+", metavar="SPEC", default=[path.stem for path in SPECS])
    options = parser.parse_args()
    begun = time.perf_counter()
    share, rest = divmod(options.count, len(options.only))
    jobs = [(name, share + (index < rest), options.seed) for index, name in enumerate(options.only)]
    table: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    faults = 0
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        for (name, *_), several in zip(jobs, pool.imap(of_spec, jobs), strict=True):
            for held in several:
                row = table[held.mutant.kind]
                row.update(["all", "rejected" if held.errors else "accepted", f"torch {held.verdict}"])
                if held.verdict == "runs" and held.errors and not held.faults:
                    row["on purpose"] += 1
                row[f"{len(held.errors)} errors"] += 1
                if held.faults:
                    faults += 1
                    row["disagreements"] += 1
                    print(told(name, held), flush=True)
    print_table(table)
    total = sum(row["all"] for row in table.values())
    seconds = time.perf_counter() - begun
    print(f"\n{total:,} changes to {len(jobs)} specs in {seconds:.0f} s: {faults or 'no'} disagreements")
    return 1 if faults else 0


def print_table(table: dict[str, Counter[str]]) -> None:
    """What came of each kind of change."""
    columns = (
        "all", "rejected", "accepted", "torch refuses", "torch runs", "torch has no opinion", "on purpose",
        "1 errors", "2 errors", "3 errors", "disagreements",
    )  # fmt: skip
    heads = (
        "all", "rejected", "accepted", "torch refuses", "runs", "no opinion", "on purpose", "1 error", "2", "3",
        "disagreements",
    )  # fmt: skip
    print(f"\n{'':<18}" + "  ".join(heads))
    table = {**table, "all": sum(table.values(), Counter())}
    for kind, row in table.items():
        cells = (f"{row[column]:,}".rjust(len(head)) for column, head in zip(columns, heads, strict=True))
        print(f"{kind:<18}" + "  ".join(cells))


if __name__ == "__main__":
    sys.exit(main())
