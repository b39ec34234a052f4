"""One training of each kind of data, from files made on the spot to a quality that is stated."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from specbuild.api import evaluate, load, reload, train
from specbuild.catalogue.datasets.digits import Digits
from specbuild.data import open_data
from specbuild.data.opening import open_dataset
from specbuild.data.sources import TensorSource
from specbuild.runs.run import Run

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def trained(document: dict[str, Any]) -> Run:
    """The run, read back from its folder."""
    train(load({"specbuild": 1, **document}), run="run")
    return reload("run")


def judged(run: Run, split: Any = "test") -> dict[str, torch.Tensor]:
    """All samples of a split, and under `output` what the reloaded model makes of them."""
    opened = open_data(run.spec, splits=[split], preprocessing=run.preprocessing)[split]
    batches = list(opened.batches(0, "cpu"))
    whole = {name: torch.cat([batch[name] for batch in batches]) for name in opened.fields}
    with torch.no_grad():
        return {**whole, "output": run.model(whole["input"])}


def digits(train: bool) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The real digits, bytes `[N, 8, 8]`, and their labels."""
    source = open_dataset(Digits(train=train), None)
    assert isinstance(source, TensorSource)
    batch = source.batch(torch.arange(len(source)))
    return batch["input"].squeeze(1).numpy(), batch["target"].numpy()


NOISE = 0.2


def write_table(name: str, rows: int, seed: int) -> None:
    """A smooth function of two numbers and a category, with noise."""
    draw = np.random.default_rng(seed)
    with open(name, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["x", "y", "colour", "result"])
        for _ in range(rows):
            x, y, colour = draw.uniform(-2, 2), draw.uniform(100, 300), draw.integers(3)
            result = math.sin(2 * x) + ((y - 200) / 100) ** 2 + (-1, 0, 1)[colour] * x + NOISE * draw.normal()
            writer.writerow([x, y, ("red", "green", "blue")[colour], result])


def test_a_regression_table_comes_close_to_its_noise() -> None:
    write_table("train.csv", 1500, 0)
    write_table("test.csv", 500, 1)
    run = trained(
        {
            "input": [5],
            "layers": [
                {"type": "Linear", "out_features": 64},
                "Tanh",
                {"type": "Linear", "out_features": 64},
                "Tanh",
                {"type": "Linear", "out_features": 1},
            ],
            "loss": "MSELoss",
            "optimizer": {"type": "Adam", "lr": 0.01},
            "data": {
                "train": {"dataset": {"type": "Table", "path": "train.csv", "target": "result"}},
                "val": {"split": 0.1},
                "test": {"dataset": {"type": "Table", "path": "test.csv", "target": "result"}},
            },
            "train": {"epochs": 30, "seed": 0},
        }
    )
    found = judged(run)
    error = (found["output"] - found["target"]).square().mean().item()
    variance = found["target"].var(correction=0).item()
    bound = 1 - NOISE**2 / variance
    assert evaluate("run")["loss"] == pytest.approx(error, rel=1e-4)
    assert bound > 0.95
    assert 1 - error / variance > 0.98 * bound


def test_noisy_images_are_restored() -> None:
    draw = np.random.default_rng(0)
    for split in (True, False):
        for folder in ("noisy", "clean"):
            Path(f"{folder}/{split}").mkdir(parents=True)
        for k, clean in enumerate(digits(split)[0][::2]):
            noisy = np.clip(clean + draw.normal(0, 80, clean.shape), 0, 255).astype(np.uint8)
            Image.fromarray(clean).save(f"clean/{split}/{k}.png")
            Image.fromarray(noisy).save(f"noisy/{split}/{k}.png")
    conv = {"type": "Conv2d", "kernel_size": 3, "padding": 1}
    pairs = {"type": "ImagePairs", "mode": "L"}
    run = trained(
        {
            "input": [1, 8, 8],
            "layers": [
                {**conv, "out_channels": 32},
                "ReLU",
                {**conv, "out_channels": 32},
                "ReLU",
                {**conv, "name": "noise", "out_channels": 1},
                {"type": "Add", "from": ["input", "noise"]},
            ],
            "loss": "MSELoss",
            "optimizer": {"type": "Adam", "lr": 3e-3},
            "data": {
                "train": {
                    "dataset": {**pairs, "inputs": "noisy/True", "targets": "clean/True"},
                    "transforms": ["ToTensor"],
                    "loader": {"batch_size": 32},
                },
                "test": {"dataset": {**pairs, "inputs": "noisy/False", "targets": "clean/False"}},
            },
            "train": {"epochs": 12, "seed": 0},
        }
    )
    found = judged(run)
    before, after = (
        -10 * math.log10((found[name] - found["target"]).square().mean().item()) for name in ("input", "output")
    )
    assert after > before + 3


NOUNS, VERBS = ("cat", "dog", "fox", "hen"), ("ran", "sat", "hid", "ate")


def test_a_character_model_comes_close_to_the_entropy() -> None:
    draw = np.random.default_rng(0)
    chosen = draw.integers(4, size=(1500, 2))
    Path("text.txt").write_text("".join(f"the {NOUNS[a]} {VERBS[b]}\n" for a, b in chosen))
    run = trained(
        {
            "input": {"shape": [48], "dtype": "int64"},
            "layers": [
                {"type": "Embedding", "num_embeddings": 18, "embedding_dim": 16},
                {"type": "GRU", "hidden_size": 48},
                {"type": "Linear", "out_features": 18},
            ],
            "loss": {"type": "CrossEntropyLoss", "class_dim": -1},
            "optimizer": {"type": "Adam", "lr": 0.01},
            "data": {
                "train": {
                    "dataset": {"type": "Text", "path": "text.txt", "window": 48, "stride": 24},
                    "loader": {"batch_size": 32},
                },
                "val": {"split": 0.1},
            },
            "train": {"epochs": 8, "seed": 0},
        }
    )
    assert run.preprocessing is not None
    assert run.preprocessing["vocabulary"] == "".join(sorted(set("the " + "".join(NOUNS + VERBS) + "\n")))
    found = judged(run, "val")
    entropy = 2 * math.log(4) / len("the cat ran\n")  # nats a character: two choices of four a sentence
    loss = torch.nn.functional.cross_entropy(found["output"].transpose(1, 2), found["target"]).item()
    assert evaluate("run", "val")["loss"] == pytest.approx(loss, rel=1e-4)
    assert math.exp(entropy) < math.exp(loss) < 1.1 * math.exp(entropy)


def test_a_folder_of_ten_classes_is_told_apart() -> None:
    for split in (True, False):
        for label in range(10):
            Path(f"{split}/{label}").mkdir(parents=True)
        for k, (image, label) in enumerate(zip(*digits(split), strict=True)):
            Image.fromarray(image).save(f"{split}/{label}/{k}.png")
    run = trained(
        {
            "input": [1, 8, 8],
            "layers": [
                {"type": "Conv2d", "out_channels": 32, "kernel_size": 3, "padding": 1},
                "ReLU",
                {"type": "Conv2d", "out_channels": 32, "kernel_size": 3, "padding": 1},
                "ReLU",
                {"type": "MaxPool2d", "kernel_size": 2},
                "Flatten",
                {"type": "Linear", "out_features": 10},
            ],
            "loss": "CrossEntropyLoss",
            "optimizer": {"type": "Adam", "lr": 3e-3},
            "data": {
                "train": {
                    "dataset": {"type": "ImageFolder", "root": "True"},
                    "transforms": ["Grayscale", "ToTensor"],
                    "loader": {"batch_size": 32},
                },
                "test": {"dataset": {"type": "ImageFolder", "root": "False"}},
            },
            "train": {"epochs": 6, "seed": 0},
        }
    )
    found = judged(run)
    assert len(found["target"]) == 360
    assert (found["output"].argmax(1) == found["target"]).double().mean() >= 0.95
