from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from specbuild.api import train
from specbuild.data import open_data, weighed
from specbuild.network.checking import judge
from specbuild.network.inference import infer
from tests.data.documents import document, problems

COUNTS = (60, 30, 10)


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    """A hundred samples in three classes."""
    labels = np.repeat(np.arange(3), COUNTS)
    images = np.random.default_rng(0).normal(size=(100, 1, 8, 8)).astype(np.float32)
    np.savez(tmp_path / "a.npz", x=images, y=labels)
    return tmp_path / "a.npz"


def data(path: Path) -> dict[str, object]:
    fields = {"input": "x", "target": "y"}
    return {"train": {"dataset": {"type": "Arrays", "path": str(path), "fields": fields}}}


@pytest.mark.parametrize("loss", ["CrossEntropyLoss", "NLLLoss", "MultiMarginLoss"])
def test_weights_are_n_by_k_times_the_number_of_each_class(loss: str, arrays: Path) -> None:
    layers = ["Flatten", {"type": "Linear", "out_features": 3}]
    spec = document(data(arrays), layers=layers, loss={"type": loss, "weight": "balanced"})
    settled = weighed(spec, open_data(spec)["train"], infer(spec))
    assert settled.loss is not None
    assert settled.loss.weight == pytest.approx([100 / (3 * count) for count in COUNTS])  # type: ignore[attr-defined]


def test_the_run_has_the_numbers(arrays: Path, tmp_path: Path) -> None:
    layers = ["Flatten", {"type": "Linear", "out_features": 3}]
    loss = {"type": "CrossEntropyLoss", "weight": "balanced"}
    spec = document(data(arrays), layers=layers, loss=loss, train={"epochs": 1})
    run = train(spec, run=tmp_path / "run")
    weights = [100 / (3 * count) for count in COUNTS]
    assert run.spec.loss is not None
    assert run.spec.loss.weight == pytest.approx(weights)  # type: ignore[attr-defined]
    criterion = run.spec.loss.build(torch.nn, torch.tensor)
    torch.testing.assert_close(criterion.weight, torch.tensor(weights))


def test_a_class_without_samples_has_no_weight(arrays: Path) -> None:
    spec = document(data(arrays), loss={"type": "CrossEntropyLoss", "weight": "balanced"})
    message = "weight: balanced divides by the samples of each class, and train has none of class 3"
    assert problems(lambda: weighed(spec, open_data(spec)["train"], infer(spec))) == [("SB410", "loss.weight", message)]


def test_weights_of_classes_need_labels() -> None:
    spec = document({"train": {"dataset": {"type": "Arrays", "path": "a.npz", "fields": {"input": "x"}}}},
                    loss={"type": "CrossEntropyLoss", "weight": "balanced", "target": "input"})  # fmt: skip
    assert not [found for found in judge(spec) if found.code == "SB410"], "what is not known is not judged"
