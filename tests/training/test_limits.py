"""What ends a training, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from specbuild.api import check, load, reload, train
from specbuild.language.training import Best
from specbuild.training.limits import Limits

torch.set_num_threads(1)

DOCUMENT: dict[str, Any] = {
    "specbuild": 1,
    "name": "digits",
    "input": [1, 8, 8],
    "layers": ["Flatten", {"name": "head", "type": "Linear", "out_features": 10}],
    "loss": "CrossEntropyLoss",
    "optimizer": {"type": "SGD", "lr": 0.1},
    "data": {"train": {"dataset": "Digits", "transforms": ["ToTensor"]}, "val": {"split": 0.2}},
}


def document(train: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**DOCUMENT, "train": train, **changes}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def ended_at(values: list[float], **stopping: Any) -> tuple[int, str | None]:
    """The epoch that a training ends with whose epochs give these numbers."""
    limits = Limits(load(document({"epochs": 99, "early_stopping": stopping})), Best(metric="val_loss"), 18)
    for number, value in enumerate(values, start=1):
        if limits.after_epoch({"epoch": number, "val_loss": value, "val_accuracy": value}, timed_out=False):
            return number, limits.reason
    return 0, None


def test_it_ends_after_so_many_epochs_without_an_improvement() -> None:
    losses = [5.0, 4.0, 4.1, 3.9, 4.0, 3.9, 3.95, 3.0]
    assert ended_at(losses, patience=3) == (
        7, "stopped early at epoch 7: val_loss has not become better for 3 epochs",
    )  # fmt: skip
    assert ended_at(losses, patience=1)[0] == 3
    assert ended_at(losses, patience=0)[0] == 3
    assert ended_at(losses, patience=4) == (0, None)
    assert ended_at(losses, patience=3, min_delta=0.5)[0] == 5
    assert ended_at(losses, patience=2, metric="val_accuracy")[0] == 3  # more of it is better
    assert ended_at(losses, patience=2, mode="max")[0] == 3


def test_a_training_ends_early_and_says_so() -> None:
    run = train(document({"epochs": 9, "early_stopping": {"patience": 2, "min_delta": 0.9}}))
    assert [record["epoch"] for record in run.metrics] == [1, 2, 3]
    assert run.reason == "stopped early at epoch 3: val_accuracy has not become better for 2 epochs"
    assert run.status == "finished"
    assert reload(run.path).reason == run.reason == json.loads((run.path / "manifest.json").read_text())["reason"]


def test_max_steps_ends_in_the_middle_of_an_epoch_and_settles_the_schedule() -> None:
    scheduler = {"type": "CosineAnnealingLR", "interval": "step"}
    run = train(document({"epochs": 9, "max_steps": 23}, scheduler=scheduler))  # 18 steps an epoch
    assert run.reason == "stopped at epoch 2: max_steps is 23"
    assert len(run.metrics) == 2
    assert json.loads((run.path / "spec.json").read_text())["scheduler"]["T_max"] == 23
    by_epoch = train(document({"epochs": 9, "max_steps": 23}, scheduler="CosineAnnealingLR"))
    assert json.loads((by_epoch.path / "spec.json").read_text())["scheduler"]["T_max"] == 2


def test_a_schedule_longer_than_max_steps_needs_not_fit_the_epochs() -> None:
    scheduler = {"type": "OneCycleLR", "max_lr": 0.1, "total_steps": 30}
    assert check(document({"epochs": 9, "max_steps": 30}, scheduler=scheduler)) == ()
    (problem,) = check(document({"epochs": 9, "max_steps": 31}, scheduler=scheduler))
    assert problem.message == "OneCycleLR ends after 30 steps, but the training has 31"
    accumulated = {"epochs": 4, "accumulate": 3}  # 6 steps an epoch
    (problem,) = check(document(accumulated, scheduler={**scheduler, "total_steps": 23}))
    assert problem.message == "OneCycleLR ends after 23 steps, but the training has 24"


def test_minutes_that_are_over_end_the_epoch_that_is_under_way() -> None:
    run = train(document({"epochs": 9, "max_minutes": 1e-6}))
    assert (len(run.metrics), run.reason) == (1, "stopped at epoch 1: max_minutes is 1e-06")


def test_all_epochs() -> None:
    assert train(document({"epochs": 2})).reason == "all 2 epochs"


def test_a_metric_that_is_not_measured_is_refused() -> None:
    (problem,) = check(document({"epochs": 2, "early_stopping": {"metric": "val_los"}}))
    assert (problem.code, problem.fix) == ("SB411", "did you mean val_loss?")
