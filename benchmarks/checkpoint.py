"""What checkpoints every 50 steps cost `specs/cifar_cnn.yaml`: `python benchmarks/checkpoint.py --data cifar10.npz`.

Two trainings of the same network on the same images take turns, epoch by epoch, one of them with a checkpoint every
so many steps; each is its own run directory on the same disk. Printed are medians and their ratio, and how long the
loop itself waits for a checkpoint: for the copy to host memory.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch

from specbuild.api import infer, load
from specbuild.data import open_data
from specbuild.runs import checkpoints
from specbuild.training.fitting import Fit
from specbuild.training.interruption import Signals
from specbuild.training.reporting import Silent
from specbuild.training.saving import Saver

SPEC = Path(__file__).parent.parent / "specs" / "cifar_cnn.yaml"


class Timed(Saver):
    """Knows how long the loop waited."""

    waited: list[float]

    def save(self) -> None:
        """Save, timed."""
        begun = perf_counter()
        super().save()
        self.waited.append(perf_counter() - begun)


def training(data: Path, images: int, steps: int | None, folder: Path) -> tuple[Fit, Timed]:
    """A training of the first images, with a checkpoint every so many steps; None for none."""
    with_checkpoints = "null" if steps is None else f"{{steps: {steps}, minutes: null}}"
    dataset = f"{{type: Arrays, path: {data}, fields: {{input: x_train, target: y_train}}}}"
    spec = load(
        SPEC,
        [
            f"data.train.dataset={dataset}",
            "data.val=null",
            "data.test=null",
            f"train.checkpoint={with_checkpoints}",
            "train.best=null",
        ],
    )
    splits = open_data(spec, splits=("train",))
    splits["train"].indices = splits["train"].indices[:images]
    splits["train"].sampling.indices = splits["train"].indices
    fit = Fit(spec, infer(spec), torch.device("cpu"), splits, Silent())
    saver = Timed(fit, folder, "0" * 32, Signals(), lambda: {"document": {}, "records": []})
    saver.waited = []
    fit.keeper = saver
    return fit, saver


def main() -> None:
    """Take turns, and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--data", type=Path, required=True, help="cifar10.npz, with x_train and y_train")
    asked.add_argument("--images", type=int, default=12800, help="of an epoch")
    asked.add_argument("--steps", type=int, default=50, help="from one checkpoint to the next")
    asked.add_argument("--rounds", type=int, default=9)
    given = asked.parse_args()
    folder = Path(tempfile.mkdtemp(dir="."))
    try:
        bare, _ = training(given.data, given.images, None, folder)
        kept, saver = training(given.data, given.images, given.steps, folder)
        seconds: dict[str, list[float]] = {"without": [], "with": []}
        for number in range(1, given.rounds + 2):
            turns: list[tuple[str, Any]] = [("without", bare), ("with", kept)]
            for name, fit in turns if number % 2 else reversed(turns):
                begun = perf_counter()
                fit.learned(number)
                if name == "with":
                    saver.wait()
                seconds[name].append(perf_counter() - begun)
                fit.position = type(fit.position)(number + 1)
        report(seconds, saver, given.images, folder)
    finally:
        shutil.rmtree(folder)


def report(seconds: dict[str, list[float]], saver: Timed, images: int, folder: Path) -> None:
    """The first turn of each warms up."""
    without, beside = median(seconds["without"][1:]), median(seconds["with"][1:])
    ratios = [w / s for s, w in zip(seconds["without"][1:], seconds["with"][1:], strict=True)]
    size = sum(path.stat().st_size for path in files(checkpoints.found(folder)[0]))
    saved = len(saver.waited)
    print(f"without checkpoints     {images / without:8,.0f} images/s")
    print(
        f"a checkpoint every {saver.wanted.steps:3} {images / beside:8,.0f} images/s; {saved} of {size / 2**20:.2f} MiB"
    )
    print(f"the loop waited         {1e3 * median(saver.waited):8.2f} ms for each, to copy what it holds")
    print(f"cost                    {100 * (median(ratios) - 1):8.2f}% by the median of the rounds (budget 3%)")
    print(f"                        {100 * (beside / without - 1):8.2f}% by the medians of the turns")


def files(folder: Path) -> Iterator[Path]:
    """What is in a folder."""
    return (path for path in folder.iterdir() if path.is_file())


if __name__ == "__main__":
    main()
