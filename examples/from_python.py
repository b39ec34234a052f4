"""Generate networks as dicts, keep those that check, train the best of them by size, reload it.

python examples/from_python.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import specbuild


def network(width: int, kernel_size: int) -> dict[str, Any]:
    """A small convolutional network for the digits that come with specbuild."""
    return {
        "specbuild": 1,
        "name": f"digits_w{width}_k{kernel_size}",
        "input": [1, 8, 8],
        "layers": [
            {"name": "conv", "type": "Conv2d", "out_channels": width, "kernel_size": kernel_size},
            "ReLU",
            {"type": "MaxPool2d", "kernel_size": 2},
            "Flatten",
            {"name": "head", "type": "Linear", "out_features": 10},
        ],
        "loss": "CrossEntropyLoss",
        "optimizer": {"type": "Adam", "lr": 0.003},
        "metrics": ["accuracy"],
        "data": {
            "train": {"dataset": "Digits", "transforms": ["ToTensor"], "loader": {"batch_size": 32}},
            "val": {"split": 0.2},
        },
        "train": {"epochs": 5},
    }


def main() -> None:
    sizes: dict[int, dict[str, Any]] = {}
    for width in (8, 16):
        for kernel_size in (3, 5, 9):  # the last is larger than the image
            spec = network(width, kernel_size)
            problems = specbuild.check(spec)
            if problems:
                print(f"{spec['name']}: {problems[0].text}")
                continue
            plan = specbuild.infer(spec)
            sizes[plan.parameters()] = spec
            print(f"{spec['name']}: {plan.parameters():,} parameters")

    smallest = sizes[min(sizes)]
    with tempfile.TemporaryDirectory() as folder:
        run = specbuild.train(smallest, run=Path(folder) / "run")
        print(f"{smallest['name']}: validation accuracy {run.best['val_accuracy']:.3f}")
        model = specbuild.reload(run.path).model
        print(f"reloaded: {type(model).__name__} with {', '.join(name for name, _ in model.named_children())}")


if __name__ == "__main__":
    main()
