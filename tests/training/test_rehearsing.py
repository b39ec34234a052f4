"""A training that is only tried."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import TensorDataset

from specbuild.api import dry_run
from specbuild.errors import DataError

torch.set_num_threads(1)

SPECBUILD = Path(sys.executable).with_name("specbuild")

DOCUMENT: dict[str, Any] = {
    "specbuild": 1,
    "name": "digits",
    "input": [1, 8, 8],
    "layers": ["Flatten", {"name": "head", "type": "Linear", "out_features": 10}],
    "loss": "CrossEntropyLoss",
    "optimizer": {"type": "Adam", "lr": 1e-3},
    "data": {
        "train": {"dataset": "Digits", "transforms": ["ToTensor"], "loader": {"batch_size": 50}},
        "val": {"split": 0.2},
    },
    "train": {"epochs": 4},
}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_says_what_the_training_will_be_and_leaves_nothing(tmp_path: Path) -> None:
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    tried = dry_run(DOCUMENT)
    assert torch.equal(torch.rand(2), wanted)
    assert list(tmp_path.iterdir()) == []
    assert (tried.samples, tried.batches, tried.batch_size) == ({"train": 1150, "val": 287}, 23, 50)
    assert (tried.epochs, tried.steps, tried.parameters) == (4, 92, 650)
    assert (tried.precision, tried.device, tried.optimizer) == ("float32", "cpu", "Adam, fused")
    assert 2 <= tried.tried <= 20
    assert 0 < tried.seconds_per_batch < tried.seconds_per_epoch < tried.seconds
    assert tried.loss == pytest.approx(2.3, abs=0.4)
    heading, samples, *_ = str(tried).splitlines()
    assert heading == "digits: nothing was trained, nothing was written"
    assert samples == "  samples     1,150 train, 287 val"
    assert "  precision   float32, contiguous_format" in str(tried).splitlines()


def test_limits_are_counted_in() -> None:
    tried = dry_run(DOCUMENT, ["train.max_steps=30", "train.accumulate=2", "train.max_minutes=0.001"])
    assert (tried.steps, tried.epochs) == (30, 3)  # 12 steps an epoch
    assert tried.seconds <= 0.06


def test_one_batch_is_told_as_one() -> None:
    own = TensorDataset(torch.rand(20, 1, 8, 8), torch.zeros(20, dtype=torch.int64))
    assert "an epoch    1 batch of 20\n" in str(dry_run({**DOCUMENT, "data": None}, train=own))


def test_what_fails_in_the_first_steps_is_told() -> None:
    own = TensorDataset(torch.rand(100, 1, 8, 8), torch.full((100,), 11))
    with pytest.raises(DataError) as raised:
        dry_run({**DOCUMENT, "data": None}, train=own)
    assert raised.value.diagnostics[0].code == "SB402"


def test_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text(json.dumps(DOCUMENT))
    done = subprocess.run(
        [SPECBUILD, "train", "spec.json", "--dry-run", "--set", "data.train.loader.batch_size=600", "--format", "json"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["steps"] == 8
    assert done.stderr == ""
    assert [path.name for path in tmp_path.iterdir()] == ["spec.json"]
