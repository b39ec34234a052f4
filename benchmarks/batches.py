"""Batches of CIFAR-10 with crop, flip and normalization, beside the usual DataLoader with Pillow and torchvision's v2.

    python benchmarks/batches.py CIFAR10.npz [--samples 5000] [--rounds 5] [--workers 2] [--batch-size 128]

The file has `x_train`, uint8 `[N, 32, 32, 3]`, and `y_train`. Two comparisons, each interleaved, medians of the rounds:

- the data alone, from memory: at least 5 times as many images a second;
- an epoch of training on a folder of PNG files, the first one, in which they are decoded: at most 1.1 times as long.
  Both sides do the same steps on the network of specs/cifar_cnn.yaml; only the batches come otherwise.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset

from specbuild import build, load
from specbuild.data import open_data
from specbuild.data.vision import torchvision

SPEC = Path(__file__).parent.parent / "specs" / "cifar_cnn.yaml"
MEAN, STD = [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]
FASTER, LONGER = 5.0, 1.1


class Pictures(Dataset[Any]):
    """What a hand-written script has: Pillow images, and transforms one by one."""

    def __init__(self, images: Any, labels: Any, transform: Callable[[Any], torch.Tensor]) -> None:
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


def usual_transforms() -> Callable[[Any], torch.Tensor]:
    """Those of specs/cifar_cnn.yaml as v2 has them."""
    v2 = torchvision().transforms.v2
    composed: Callable[[Any], torch.Tensor] = v2.Compose([
        v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip(), v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD),
    ])  # fmt: skip
    return composed


def seconds(run: Callable[[], object]) -> float:
    """The time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def through(batches: Iterable[object]) -> None:
    """All batches."""
    for _ in batches:
        pass


def trained(batches: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> None:
    """A network on these batches, once."""
    torch.manual_seed(0)
    model = build(load(SPEC))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    for images, labels in batches:
        optimizer.zero_grad()
        cross_entropy(model(images), labels).backward()
        optimizer.step()


def compared(rivals: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median seconds of each, taken in turn."""
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, run in rivals.items():
            times[name].append(seconds(run))
    return {name: statistics.median(measured) for name, measured in times.items()}


def from_memory(options: argparse.Namespace, images: Any, labels: Any, folder: Path) -> None:
    """The data alone."""
    np.savez(folder / "part.npz", x_train=images, y_train=labels)
    dataset = f"{{type: Arrays, path: {folder}/part.npz, fields: {{input: x_train, target: y_train}}}}"
    settings = [f"data.train.dataset={dataset}", "data.val=null", f"data.train.loader.batch_size={options.batch_size}"]
    split = open_data(load(SPEC, overrides=settings))["train"]
    pictures = Pictures(images, labels, usual_transforms())
    loader = DataLoader(pictures, options.batch_size, shuffle=True, num_workers=options.workers)
    medians = compared(
        {"DataLoader": lambda: through(loader), "specbuild": lambda: through(split.batches(1, "cpu"))}, options.rounds
    )
    for name, median in medians.items():
        print(f"  {name:<12} {len(images) / median:>9,.0f} images/s")
    ratio = medians["DataLoader"] / medians["specbuild"]
    print(f"  ratio {ratio:.1f}; wanted: at least {FASTER:g}: {'yes' if ratio >= FASTER else 'NO'}")


def from_files(options: argparse.Namespace, images: Any, labels: Any, folder: Path) -> None:
    """The first epoch of a training on PNG files."""
    for index, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / "photos" / str(int(label)) / f"{index:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    settings = [f"data.train.dataset={{type: ImageFolder, root: {folder}/photos}}", "data.val=null"]
    settings += [f"data.train.loader.batch_size={options.batch_size}"]

    def ours(cache: str) -> None:
        split = open_data(load(SPEC, overrides=[*settings, f"data.cache={cache}"]))["train"]
        trained((batch["input"], batch["target"]) for batch in split.batches(1, "cpu"))

    def usual() -> None:
        pictures = torchvision().datasets.ImageFolder(folder / "photos", usual_transforms())
        trained(DataLoader(pictures, options.batch_size, shuffle=True, num_workers=options.workers))

    held = open_data(load(SPEC, overrides=settings))["train"]
    through(held.batches(1, "cpu"))
    medians = compared(
        {
            "DataLoader": usual,
            "specbuild, the first epoch": lambda: ours("auto"),
            "specbuild, every later one": lambda: trained(
                (batch["input"], batch["target"]) for batch in held.batches(2, "cpu")
            ),
        },
        options.rounds,
    )
    for name, median in medians.items():
        print(f"  {name:<27} {len(images) / median:>9,.0f} images/s")
    ratio = medians["specbuild, the first epoch"] / medians["DataLoader"]
    print(f"  the first epoch takes {ratio:.2f} of the DataLoader's; wanted: at most {LONGER:g}: "
          f"{'yes' if ratio <= LONGER else 'NO'}")  # fmt: skip


def main() -> None:
    """Print both comparisons."""
    parser = argparse.ArgumentParser(description="Batches, beside the usual DataLoader.")
    parser.add_argument("path", type=Path, help="an .npz file with x_train and y_train of CIFAR-10")
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=128)
    options = parser.parse_args()
    with np.load(options.path, allow_pickle=False) as archive:
        images, labels = archive["x_train"][: options.samples], archive["y_train"][: options.samples].reshape(-1)
    labels = labels.astype(np.int64)
    print(
        f"{len(images):,} images, batches of {options.batch_size}, {options.workers} workers, "
        f"{options.rounds} rounds, {torch.get_num_threads()} threads"
    )
    with TemporaryDirectory() as folder:
        print("crop, flip and normalize, from memory:")
        from_memory(options, images, labels, Path(folder))
        print("training on PNG files:")
        from_files(options, images, labels, Path(folder))


if __name__ == "__main__":
    main()
