"""What a training leaves to look at, and that nothing of it can end the training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from specbuild import api
from specbuild.errors import DataError
from specbuild.reports import curves, tensorboard
from specbuild.reports.observing import Observed, Pictures
from specbuild.reports.sheets import SHOWN, Look
from specbuild.training.fitting import Fit
from specbuild.training.reporting import Silent

DOCUMENT: dict[str, Any] = {
    "specbuild": 1,
    "name": "digits",
    "input": [1, 8, 8],
    "layers": ["Flatten", {"type": "Linear", "out_features": 10}],
    "loss": "CrossEntropyLoss",
    "optimizer": {"type": "Adam", "lr": 0.01},
    "metrics": ["accuracy", "confusion_matrix"],
    "data": {
        "train": {"dataset": "Digits", "transforms": ["ToTensor", {"type": "Normalize", "mean": [0.3], "std": [0.4]}],
                  "loader": {"batch_size": 256}},
        "val": {"split": 0.1},
    },
    "train": {"epochs": 2},
}  # fmt: skip


class Kept(Silent):
    """Keeps what is said, and the fit."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.fit: Fit | None = None

    def say(self, text: str) -> None:
        self.said.append(text)

    def close(self, fit: Fit, folder: Path, status: str) -> None:
        self.fit = fit


def test_pictures_are_in_the_run(tmp_path: Path) -> None:
    report = Kept()
    run = api.train(DOCUMENT, run=tmp_path / "run", report=report, pictures=True)
    for name in ("curves.png", "confusion_matrix.png", "mistakes.png"):
        with Image.open(run.path / name) as image:
            assert image.format == "PNG"
            assert min(image.size) > 200
    listed = json.loads((run.path / "manifest.json").read_text())["files"]
    assert {"curves.png", "confusion_matrix.png", "mistakes.png", "confusion_matrix.json"} <= set(listed)
    assert report.said == []
    assert report.fit is not None
    look = Look(report.fit)
    look.go()
    table = json.loads((run.path / "confusion_matrix.json").read_text())
    assert look.counts.reshape(10, 10).tolist() == table
    (batch,) = report.fit.splits["val"].batches(0, "cpu")
    losses = torch.nn.functional.cross_entropy(run.model(batch["input"]), batch["target"], reduction="none")
    assert [mistake.loss for mistake in look.worst] == pytest.approx(losses.topk(SHOWN).values.tolist(), rel=1e-4)
    worst = int(losses.argmax())
    assert look.worst[0].truth == str(int(batch["target"][worst]))
    assert look.worst[0].answer == str(int(run.model(batch["input"])[worst].argmax()))


def test_a_label_that_the_loss_ignores_has_no_row(tmp_path: Path) -> None:
    report = Kept()
    loss = {"type": "CrossEntropyLoss", "ignore_index": 0}
    run = api.train({**DOCUMENT, "loss": loss}, ["train.epochs=1"], run=tmp_path / "run", report=report)
    assert report.fit is not None
    look = Look(report.fit)
    look.go()
    (batch,) = report.fit.splits["val"].batches(0, "cpu")
    table = look.counts.reshape(10, 10)
    assert table[0].tolist() == [0] * 10
    assert table.sum().item() == (batch["target"] != 0).sum().item()
    assert torch.equal(table.sum(1)[1:], torch.bincount(batch["target"], minlength=10)[1:])
    assert "0" not in {mistake.truth for mistake in look.worst}
    assert run.metrics


def test_without_val_there_are_none(tmp_path: Path) -> None:
    document = {**DOCUMENT, "data": {"train": DOCUMENT["data"]["train"]}}
    run = api.train(document, ["train.epochs=1"], run=tmp_path / "run", pictures=True)
    assert sorted(path.name for path in run.path.glob("*.png")) == []


def test_curves_are_left_out_where_matplotlib_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "find_spec", lambda name: None)
    assert curves.missing() == "curves.png is left out: it needs matplotlib (pip install 'specbuild[tensorboard]')"


class Failing(Silent):
    def epoch(self, record: Any) -> None:
        raise OSError("no space\nleft")


def test_an_observer_that_fails_is_told_no_more(tmp_path: Path) -> None:
    report = Kept()
    api.train(DOCUMENT, run=tmp_path / "run", report=Observed(report, [Failing(), Pictures(report.note)]))
    assert report.said == ["warning: Failing failed, the training goes on: no space"]
    assert (tmp_path / "run" / "mistakes.png").exists()


def test_tensorboard_reads_what_was_measured(tmp_path: Path) -> None:
    report = Kept()
    document = {**DOCUMENT, "train": {"epochs": 2, "tensorboard": True}}
    run = api.train(document, run=tmp_path / "run", report=report)
    (file,) = (run.path / "tensorboard").iterdir()
    assert f"tensorboard/{file.name}" in json.loads((run.path / "manifest.json").read_text())["files"]
    assert report.said[0] == f"to look at it: tensorboard --logdir {tmp_path / 'run' / 'tensorboard'}"
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run.path / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    for tag, name in (("loss/val", "val_loss"), ("accuracy/train", "train_accuracy"), ("lr", "lr")):
        assert [event.step for event in events.Scalars(tag)] == [1, 2]
        expected = [record[name] for record in run.metrics]
        assert [event.value for event in events.Scalars(tag)] == pytest.approx(expected)
    assert tags["images"]
    assert sorted(tags["histograms"]) == ["weights/linear_1.bias", "weights/linear_1.weight"]
    assert tags["graph"]
    assert api.reload(run.path).status == "finished"
    (file.parent / "another").write_text("")
    with pytest.raises(Exception, match="tensorboard/another is not in the manifest"):
        api.reload(run.path)


def test_tensorboard_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    document = {**DOCUMENT, "train": {"tensorboard": True}}
    with pytest.raises(DataError, match="tensorboard is true, but the package tensorboard is not installed"):
        api.train(document, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()
