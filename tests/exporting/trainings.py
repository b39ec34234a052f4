"""Every ready spec with data as a program that trains: `python -m tests.exporting.trainings [NAME...]`.

Each is written, held against ruff, and run for an epoch where specbuild cannot be imported, on as few samples as are
needed: those in the folder `SPECBUILD_DATA` where its data are there (MNIST, FashionMNIST, cifar10.npz), else on some
of their shape that are made up. Prints a table.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import numpy as np

import specbuild
from tests.exporting.python.apart import laid_out
from tests.exporting.python.programs import run_programs, written

SPECS = Path(__file__).parents[2] / "specs"
SHAPES = {"MNIST": (28, 28), "FashionMNIST": (28, 28), "CIFAR10": (32, 32, 3)}
STEPS = ["train.max_steps=3", "train.device=cpu", "data.test=null", "data.val=null"]


def names() -> list[str]:
    """The ready specs that have data."""
    return [path.stem for path in sorted(SPECS.glob("*.yaml")) if specbuild.load(path).data is not None]


def prepare(name: str, folder: Path) -> str:
    """The program of a spec and what it reads; gives what its data are."""
    spec = specbuild.load(SPECS / f"{name}.yaml")
    assert spec.data is not None
    kind = spec.data.train.dataset.type
    overrides, real = STEPS, "its own"
    given = os.environ.get("SPECBUILD_DATA")
    folder.mkdir(exist_ok=True)
    if kind == "Text":
        (folder / "input.txt").write_text("to be or not to be, that is the question\n" * 200, encoding="utf-8")
        real = "made up"
    elif kind in ("MNIST", "FashionMNIST") and given is not None:
        (folder / "data").symlink_to(given)
        real = "real"
    elif kind in SHAPES:
        fields = "{input: x_train, target: y_train}"
        overrides = [*STEPS, f"data.train.dataset={{type: Arrays, path: data.npz, fields: {fields}}}"]
        images = np.random.default_rng(0).integers(0, 256, (512, *SHAPES[kind]), dtype=np.uint8)
        labels, real = np.arange(512) % 10, "made up"
        if kind == "CIFAR10" and given is not None:
            with np.load(Path(given) / "cifar10.npz", allow_pickle=False) as arrays:
                images, labels, real = arrays["x_train"][:512], arrays["y_train"][:512], "real, as Arrays"
        np.savez(folder / "data.npz", x_train=images, y_train=labels)
    written(SPECS / f"{name}.yaml", folder, overrides)
    return real


def main(arguments: list[str]) -> int:
    chosen = arguments or names()
    failed = 0
    print("| spec | lines | data | ruff | an epoch of three steps |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        data, lines = {}, {}
        for name in chosen:
            lines[name] = written(SPECS / f"{name}.yaml", folder / name).count("\n")
            ruff = laid_out(folder / name)
            data[name] = (prepare(name, folder / name), "clean" if not ruff + laid_out(folder / name) else "not clean")
        done = run_programs(folder)
        for name in chosen:
            said = (done[name].said.strip().splitlines() or [""])[-1].partition(": ")[2]
            verdict = said if done[name].failed is None else str(done[name].failed).strip().splitlines()[-1]
            failed += done[name].failed is not None or data[name][1] != "clean"
            print(f"| {name} | {lines[name]} | {data[name][0]} | {data[name][1]} | {verdict} |")
    print(f"\n{len(chosen)} trainings: {failed} fail")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
