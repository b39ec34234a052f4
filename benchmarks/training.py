"""Training `cifar_cnn` on the real CIFAR-10: images a second of specbuild, and of what it is held against.

    python benchmarks/training.py --data cifar10.npz [--images 50000] [--rounds 3]

Side by side in one run, a whole epoch at a turn, interleaved, medians: the usual loop (DataLoader, PIL transforms),
Lightning's Trainer on the same DataLoader, the network hand-tuned, and `specbuild.train` with all that it does beside:
progress, metrics, the best and last weights, the run directory. What that costs is told apart.

The data: a `.npz` with `x_train` (uint8, [N, 32, 32, 3]) and `y_train`. Lightning is in the extra `bench`; without it
its line is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import logging
import statistics
import tempfile
import warnings
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from loops import Tuned, Usual

import specbuild
from specbuild.data.vision import torchvision
from specbuild.training.reporting import Lines

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "specs" / "cifar_cnn.yaml"
BATCH = 64
Turn = Callable[[], float]
"""Trains one epoch; the seconds that it took."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with np.load(asked.data, allow_pickle=False) as archive:
        arrays, labels = archive["x_train"][: asked.images], archive["y_train"][: asked.images].reshape(-1)
    images = torch.from_numpy(arrays).permute(0, 3, 1, 2).contiguous()
    count = len(images) // BATCH * BATCH
    with tempfile.TemporaryDirectory() as folder:
        own = Specbuild(Path(folder), arrays, labels)
        turns = contenders(images, torch.from_numpy(labels.astype(np.int64)), own)
        seconds: dict[str, list[float]] = {name: [] for name in turns}
        for turn in turns.values():
            turn()  # compiles, fills caches
        own.told.clear()
        for _ in range(asked.rounds):
            for name, turn in turns.items():
                seconds[name].append(turn())
    rates = {name: count / statistics.median(values) for name, values in seconds.items()}
    print(
        f"cifar_cnn, {count:,} images an epoch, batch {BATCH}, {torch.get_num_threads()} threads, {asked.rounds} rounds"
    )
    for name, rate in rates.items():
        print(f"{name:<44}{rate:9,.0f} images/s   {rate / rates[USUAL]:.2f} of the usual")
    print(f"specbuild is {rates[OWN] / rates[USUAL]:.2f} of the usual loop (budget 2.0)")
    print(f"specbuild is {rates[OWN] / rates[TUNED]:.3f} of the hand-tuned loop (budget 0.98)")
    for what, share in own.losses(statistics.median(seconds[OWN])).items():
        print(f"  of its time, {what}: {share:.2%}")
    print(f"  counting the right answers: {rates[TUNED_BARE] / rates[TUNED] - 1:.2%} of the hand-tuned loop's time")


USUAL = "usual loop: DataLoader, PIL transforms"
LIGHTNING = "Lightning's Trainer on the same DataLoader"
TUNED = "hand-tuned"
TUNED_BARE = "hand-tuned, without counting right answers"
OWN = "specbuild train"


def contenders(images: torch.Tensor, labels: torch.Tensor, own: Specbuild) -> dict[str, Turn]:
    """A turn of each, by name."""
    spec = specbuild.load(SPEC)
    usual = Usual(spec, images, labels, BATCH)
    turns = {USUAL: timed(usual.epoch)}
    if importlib.util.find_spec("lightning") is not None:
        turns[LIGHTNING] = by_lightning(spec, usual.loader)
    turns[TUNED] = timed(Tuned(spec, images, labels, BATCH).epoch)
    turns[TUNED_BARE] = timed(Tuned(spec, images, labels, BATCH, count=False).epoch)
    turns[OWN] = own.turn
    return turns


def timed(epoch: Callable[[], Any]) -> Turn:
    """How long an epoch takes."""

    def turn() -> float:
        start = perf_counter()
        epoch()
        return perf_counter() - start

    return turn


def by_lightning(spec: Any, loader: Any) -> Turn:
    """Lightning's Trainer as its users set it up, a progress bar and accuracy logged."""
    torchvision()  # lightning imports it
    warnings.filterwarnings("ignore")
    import lightning

    for name in ("lightning", "lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.model = specbuild.build(spec)
            self.began = self.took = 0.0

        def training_step(self, batch: Any, index: int) -> torch.Tensor:
            images, labels = batch
            output = self.model(images)
            loss = torch.nn.functional.cross_entropy(output, labels)
            self.log("train_loss", loss, on_step=False, on_epoch=True, prog_bar=True)
            accuracy = (output.argmax(1) == labels).float().mean()
            self.log("train_accuracy", accuracy, on_step=False, on_epoch=True, prog_bar=True)
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)

        def on_train_epoch_start(self) -> None:
            self.began = perf_counter()

        def on_train_epoch_end(self) -> None:
            self.took = perf_counter() - self.began

    module = Module()

    def turn() -> float:
        nowhere = io.StringIO()
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(nowhere), redirect_stderr(nowhere):
            trainer = lightning.Trainer(
                max_epochs=1, accelerator="cpu", logger=False, enable_model_summary=False, default_root_dir=folder
            )
            trainer.fit(module, loader)
        return module.took

    return turn


class Told(Lines):
    """What the command line shows, into a stream that nobody reads; and how long each part of a training took."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())
        self.reporting = self.learned = 0.0
        self.began = self.ended = 0.0

    def start(self, start: Any) -> None:
        self.began = perf_counter()
        super().start(start)

    def batch(self, *told: Any, **more: Any) -> None:
        begun = perf_counter()
        super().batch(*told, **more)
        self.reporting += perf_counter() - begun

    def epoch(self, record: Mapping[str, Any]) -> None:
        begun = perf_counter()
        super().epoch(record)
        self.ended = perf_counter()
        self.learned, self.reporting = record["seconds"], self.reporting + self.ended - begun


class Specbuild:
    """`specbuild.train` on the spec as it stands, its data read from a file."""

    def __init__(self, folder: Path, arrays: Any, labels: Any) -> None:
        self.folder, self.told, self.runs = folder, list[Told](), 0
        np.savez(folder / "data.npz", x=arrays, y=labels)

    def turn(self) -> float:
        """From the first batch until the epoch is measured, recorded and told."""
        told = Told()
        self.runs += 1
        dataset = f"{{type: Arrays, path: {self.folder / 'data.npz'}, fields: {{input: x, target: y}}}}"
        specbuild.train(
            SPEC,
            [f"data.train.dataset={dataset}", "data.val=null", "data.test=null", "train.epochs=1",
             "train.best=null", "data.train.loader.drop_last=true"],
            run=self.folder / str(self.runs),
            report=told,
        )  # fmt: skip
        self.told.append(told)
        return told.ended - told.began

    def losses(self, seconds: float) -> dict[str, float]:
        """What of an epoch went into other things than learning, as shares."""
        median = statistics.median
        return {
            "telling of the progress": median(told.reporting for told in self.told) / seconds,
            "the best weights, the record of the epoch": median(
                max(0.0, told.ended - told.began - told.learned - told.reporting) for told in self.told
            )
            / seconds,
        }


if __name__ == "__main__":
    main()
