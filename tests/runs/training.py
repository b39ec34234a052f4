"""Runs that were really trained, for the tests of what is done with whole folders of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch

from specbuild.api import train
from specbuild.runs import manifest

torch.set_num_threads(1)

TEXT = """\
specbuild: 1
name: digits
input: [1, 8, 8]
layers:
  - Flatten
  - {name: head, type: Linear, out_features: 10}
loss: CrossEntropyLoss
optimizer: {type: SGD, lr: 0.1}
data:
  train: {dataset: Digits, transforms: [ToTensor]}
  val: {split: 0.2}
train: {epochs: 5}
"""
CHECKPOINTS = ("checkpoints/0001-00000018", "checkpoints/0002-00000036")
"""Those that `trained` leaves by default: 1,150 samples are 18 batches an epoch."""


def trained(folder: Path, *overrides: str, epochs: int = 2) -> Path:
    """A finished run with a checkpoint after each epoch."""
    return train(TEXT, [f"train.epochs={epochs}", "train.checkpoint.epochs=1", *overrides], run=folder).path


def sealed(run: Path, status: manifest.Status = "finished") -> Path:
    """The run with a manifest that agrees with what is in it now."""
    (run / manifest.NAME).unlink(missing_ok=True)
    manifest.write(run, status, "all 2 epochs", json.loads((run / "run.json").read_bytes())["id"])
    return run


def bare(run: Path) -> Path:
    """The run without its checkpoints."""
    shutil.rmtree(run / "checkpoints")
    return sealed(run)


def unfinished(run: Path) -> Path:
    """What a training that was killed has written, of a run that ended."""
    ended = ("spec.json", "samples.json", "model.safetensors", "environment.json", "golden.safetensors")
    for name in (manifest.NAME, *ended):
        (run / name).unlink()
    return run


def verdicts(files: Mapping[str, str], expected: Mapping[str, str]) -> None:
    """Hold the files that are not as written against those that should not be."""
    assert {name: told for name, told in files.items() if told != "as written"} == dict(expected)
