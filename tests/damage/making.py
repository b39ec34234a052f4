"""Runs that were really trained, to be damaged: finished, interrupted, and killed without a manifest."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch

from specbuild.api import train
from specbuild.training.interruption import Interrupted
from specbuild.training.reporting import Silent

torch.set_num_threads(1)

DOCUMENT: dict[str, Any] = {
    "specbuild": 1,
    "name": "beans",
    "input": [5],
    "layers": [
        {"type": "Linear", "out_features": 6}, "ReLU", {"type": "Dropout", "p": 0.2},
        {"name": "head", "type": "Linear", "out_features": 3},
    ],
    "loss": "CrossEntropyLoss",
    "optimizer": {"type": "AdamW", "lr": 0.02},
    "scheduler": {"type": "OneCycleLR", "max_lr": 0.1},
    "metrics": ["accuracy", "auroc", "confusion_matrix"],
    "data": {
        "train": {
            "dataset": {"type": "Table", "path": "beans.csv", "target": "kind"},
            "loader": {"batch_size": 8, "shuffle": True},
        },
        "val": {"split": 0.25},
    },
    "train": {
        "epochs": 4, "device": "cpu", "precision": "float32", "ema": {"decay": 0.9},
        "checkpoint": {"epochs": 1, "steps": 5, "last": 3},
    },
}  # fmt: skip
WITHOUT_EMA = {"ema": None}
OTHERS: dict[str, dict[str, Any]] = {
    "nadam": {
        "optimizer": {"type": "NAdam", "lr": 0.01, "groups": [{"parameters": "*.bias", "weight_decay": 0.0}]},
        "scheduler": {"type": "SequentialLR", "milestones": [2],
                      "schedulers": [{"type": "LinearLR", "total_iters": 2}, {"type": "StepLR", "step_size": 1}]},
        "train": {**WITHOUT_EMA, "early_stopping": {"patience": 9}},
    },
    "sgd": {
        "optimizer": {"type": "SGD", "lr": 0.05, "momentum": 0.9},
        "scheduler": {"type": "MultiStepLR", "milestones": [1, 3]}, "train": {"accumulate": 2},
        "metrics": ["accuracy", "f1"],
    },
    "lbfgs": {
        "optimizer": {"type": "LBFGS", "lr": 0.1, "max_iter": 3, "history_size": 4},
        "scheduler": {"type": "ReduceLROnPlateau", "patience": 1}, "train": WITHOUT_EMA,
    },
    "adafactor": {
        "optimizer": {"type": "Adafactor", "lr": 0.01},
        "scheduler": {"type": "CosineAnnealingWarmRestarts", "T_0": 2, "T_mult": 2}, "train": WITHOUT_EMA,
    },
}  # fmt: skip
"""Documents with other optimizers, schedulers and metrics."""


def document(name: str | None = None, **settings: Any) -> dict[str, Any]:
    """The document, or one of `OTHERS`; settings: of `train`."""
    changes = OTHERS[name] if name is not None else {}
    made = deepcopy({**DOCUMENT, **changes})
    made["train"] = {**deepcopy(DOCUMENT["train"]), **changes.get("train", {}), **settings}
    made["train"] = {key: value for key, value in made["train"].items() if value is not None}
    return made


def text(name: str | None = None, **settings: Any) -> str:
    """The same as YAML, which JSON is."""
    return f"# beans of three kinds\n{json.dumps(document(name, **settings), indent=1)}\n"


class Watching(Silent):
    """Does something at the end of an epoch; keeps what it is told."""

    def __init__(self, at: int = 0, snapshot: Path | None = None) -> None:
        self.at, self.snapshot = at, snapshot
        self.run = Path()
        self.notes: list[str] = []

    def ready(self, fit: Any, folder: Path) -> None:
        self.run = folder

    def epoch(self, record: Mapping[str, Any]) -> None:
        if record["epoch"] != self.at:
            return
        if self.snapshot is None:
            os.kill(os.getpid(), signal.SIGTERM)
            return
        time.sleep(0.3)  # the last checkpoint is on its way
        hidden = shutil.ignore_patterns(".*")
        shutil.copytree(self.run, self.snapshot, ignore=hidden)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def say(self, text: str) -> None:
        self.notes.append(text)


def data(folder: Path) -> None:
    """A table of 64 beans of three kinds."""
    generator = torch.Generator().manual_seed(1)
    lines = ["length,width,weight,soil,kind"]
    for index in range(64):
        kind = index % 3
        length, width, weight = (torch.randn(3, generator=generator) + kind).tolist()
        lines.append(f"{length:.4f},{width:.4f},{weight:.4f},{'clay' if index % 5 else 'sand'},{'abc'[kind]}")
    (folder / "beans.csv").write_text("\n".join(lines) + "\n")


def made(folder: Path, *, others: bool = False) -> dict[str, Path]:
    """The runs, by name; others: of `OTHERS`, too, each killed."""
    data(folder)
    runs = {"finished": folder / "finished", "interrupted": folder / "interrupted", "killed": folder / "killed"}
    train(text(), run=runs["finished"], data_root=folder, report=Watching(3, runs["killed"]))
    with suppress(Interrupted):
        train(text(), run=runs["interrupted"], data_root=folder, report=Watching(2))
    train(text(seed=1), run=folder / "other", data_root=folder)
    for name in OTHERS if others else ():
        runs[name] = folder / name
        train(text(name), run=folder / f"whole-{name}", data_root=folder, report=Watching(3, runs[name]))
    best = [json.loads(line)["best"] for line in (runs["finished"] / "metrics.jsonl").read_text().splitlines()]
    assert not best[-1], "the best epoch is not the last one"
    return runs


def linked(run: Path, place: Path) -> Path:
    """A copy of a run by hard links; whoever changes a file must write it anew."""
    return Path(shutil.copytree(run, place, copy_function=os.link, ignore=shutil.ignore_patterns(".*")))
