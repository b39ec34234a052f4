"""Training on a CUDA device: images a second beside the loop written by hand, synchronizations, and how busy it is.

    python benchmarks/gpu.py --data cifar10.npz [--spec specs/cifar_resnet18.yaml] [--rounds 5]

Three things, on the real CIFAR-10 (`x_train` uint8 [N, 32, 32, 3], and `y_train`):

- images a second of specbuild and of the hand-tuned loop (`loops.Tuned`), an epoch at a turn, interleaved, medians;
- steps under `torch.cuda.set_sync_debug_mode("error")`, which raises where one waits for the device;
- the share of the time in which the device computes: the sum of its kernels by torch's profiler over the wall time.

Without a CUDA device it says so, and measures nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from loops import Tuned

import specbuild
from specbuild.data import open_data, probe
from specbuild.network.inference import infer
from specbuild.training.fitting import Fit
from specbuild.training.reporting import Silent

ROOT = Path(__file__).resolve().parent.parent
BATCH = 512
STEPS = 50
"""Steps that are looked at closely."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--spec", type=Path, default=ROOT / "specs" / "cifar_resnet18.yaml")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    if not torch.cuda.is_available():
        print("no CUDA device is at hand: nothing was measured")
        return
    with np.load(asked.data, allow_pickle=False) as archive:
        arrays, labels = archive["x_train"], archive["y_train"].reshape(-1).astype(np.int64)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "data.npz", x=arrays, y=labels)
        fit = prepared(asked.spec, Path(folder) / "data.npz")
        images = torch.from_numpy(arrays).permute(0, 3, 1, 2).contiguous()
        tuned = Tuned(specbuild.load(asked.spec), images, torch.from_numpy(labels), BATCH, device="cuda")
        compare(fit, tuned, len(images) // BATCH * BATCH, asked.rounds)
        print(f"synchronizations in {STEPS} steps: {synchronizations(fit)}")
        print(f"the device computes {busy(fit):.1%} of the time (budget 95%)")


def prepared(spec_path: Path, data: Path, device: str = "cuda") -> Fit:
    """specbuild's training of the spec on the device, its data held there."""
    dataset = f"{{type: Arrays, path: {data}, fields: {{input: x, target: y}}}}"
    settings = [
        f"data.train.dataset={dataset}", "data.val=null", "data.test=null", "data.cache=device", "train.best=null",
        f"data.train.loader.batch_size={BATCH}", "data.train.loader.drop_last=true",
    ]  # fmt: skip
    spec = specbuild.load(spec_path, settings)
    plan = infer(spec)
    splits = open_data(spec, splits=("train",))
    for split in splits.values():
        probe(split, plan)
    return Fit(spec, plan, torch.device(device), splits, Silent())


def compare(fit: Fit, tuned: Tuned, count: int, rounds: int) -> None:
    """Images a second of both."""
    seconds: dict[str, list[float]] = {"hand-tuned": [], "specbuild": []}
    fit.epoch(1)
    tuned.epoch()
    for number in range(rounds):
        for name, epoch in (("hand-tuned", tuned.epoch), ("specbuild", lambda n=number + 2: fit.epoch(n))):
            torch.cuda.synchronize()
            begun = perf_counter()
            epoch()
            torch.cuda.synchronize()
            seconds[name].append(perf_counter() - begun)
    rates = {name: count / statistics.median(values) for name, values in seconds.items()}
    print(f"{torch.cuda.get_device_name()}, batch {BATCH}")
    for name, rate in rates.items():
        print(f"{name:<12}{rate:10,.0f} images/s   {rate / rates['hand-tuned']:.3f} of the hand-tuned loop")


def some_steps(fit: Fit) -> Iterator[None]:
    """Steps as an epoch makes them: the batch, the step on it, what is measured."""
    learn, meter = fit.learning.epoch(STEPS), fit.meter()
    fit.module.train()
    for batch in islice(fit.splits["train"].batches(100, fit.device), STEPS):
        meter.add(*learn(batch))
        yield


def synchronizations(fit: Fit) -> str:
    """Whether a step waits for the device."""
    steps = some_steps(fit)
    next(steps)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in steps:
            pass
    except RuntimeError as error:
        return f"at least one: {error}"
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return "none"


def busy(fit: Fit) -> float:
    """The share of the time in which kernels run."""
    from torch.profiler import ProfilerActivity, profile

    steps = some_steps(fit)
    next(steps)
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CUDA]) as profiled:
        begun = perf_counter()
        for _ in steps:
            pass
        torch.cuda.synchronize()
        wall = perf_counter() - begun
    kernels = sum(event.device_time for event in profiled.events() if event.device_type.name == "CUDA")
    return kernels / 1e6 / wall


if __name__ == "__main__":
    sys.exit(main())
