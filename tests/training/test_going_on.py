"""What is said, and kept, where somebody goes on with a training in an odd way."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import Dataset

from specbuild.api import reload, train
from specbuild.errors import DataError, RunError
from specbuild.runs import manifest
from specbuild.training.interruption import Interrupted
from specbuild.training.reporting import Lines

torch.set_num_threads(1)

DOCUMENT: dict[str, Any] = {
    "specbuild": 1,
    "name": "own",
    "input": [4],
    "layers": [{"type": "Linear", "out_features": 3}],
    "loss": "CrossEntropyLoss",
    "optimizer": {"type": "SGD", "lr": 0.1, "momentum": 0.9},
    "train": {"epochs": 3, "precision": "float32", "device": "cpu"},
}
DIGITS: dict[str, Any] = {
    **DOCUMENT,
    "input": [1, 8, 8],
    "layers": ["Flatten", {"name": "head", "type": "Linear", "out_features": 10}],
    "data": {"train": {"dataset": "Digits", "transforms": ["ToTensor"]}},
}


class Own(Dataset[Any]):
    """Sixty samples, or more; may interrupt at one of them, once."""

    def __init__(self, interrupt: int | None = None, count: int = 60) -> None:
        self.drawn = torch.randn(count, 4, generator=torch.Generator().manual_seed(0))
        self.left = interrupt

    def __len__(self) -> int:
        return len(self.drawn)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        if self.left is not None:
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt
        return self.drawn[index], index % 3


class Unread(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        raise BrokenPipeError


def message(caught: Any) -> str:
    return str(caught.value.diagnostics[0])


def test_an_interruption_from_a_data_set_keeps_a_checkpoint(tmp_path: Path) -> None:
    whole = train(DOCUMENT, train=Own(), run=tmp_path / "whole")
    with pytest.raises(Interrupted, match=r"goes on after step 1"):
        train(DOCUMENT, train=Own(interrupt=100), run=tmp_path / "run")  # a sample is looked at beforehand
    train(None, train=Own(), run=tmp_path / "run", resume=True)
    files = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "run")]
    assert files[0] == files[1]
    assert whole.status == "finished"


def test_data_sets_from_python_are_given_again(tmp_path: Path) -> None:
    train(DOCUMENT, train=Own(), run=tmp_path / "run")
    with pytest.raises(RunError) as caught:
        train(None, run=tmp_path / "run", resume=True)
    assert "SB510" in message(caught)
    assert "was trained with data sets that were given from Python" in message(caught)


def test_a_training_whose_output_nobody_reads_goes_on(tmp_path: Path) -> None:
    train(DOCUMENT, train=Own(), run=tmp_path / "run", report=Lines(Unread()))
    assert len(reload(tmp_path / "run").metrics) == 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothere", "there is no such folder"),
        ("file", "is a file; a run is a folder"),
        (".", "is not a run directory: it has no manifest.json"),
    ],
)
def test_what_is_no_run_is_not_gone_on_with(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError) as caught:
        train(None, run=tmp_path / name, resume=True)
    assert message(caught).endswith(f"error[SB501]: {said}")


def test_another_document_is_refused_before_its_data_are_opened(tmp_path: Path) -> None:
    train(DIGITS, ["train.epochs=1"], run=tmp_path / "run")
    missing = {"train": {"dataset": {"type": "MNIST", "root": str(tmp_path / "nowhere")}, "transforms": ["ToTensor"]}}
    with pytest.raises(DataError) as caught:
        train({**DIGITS, "input": [1, 28, 28], "data": missing}, run=tmp_path / "run", resume=True)
    said = [(problem.code, problem.message) for problem in caught.value.diagnostics]
    assert (
        "SB509",
        'data.train.dataset.type was "Digits" and is "MNIST": a training that goes on cannot change it',
    ) in said
    assert {code for code, _ in said} == {"SB509"}


def test_fewer_epochs_than_there_were(tmp_path: Path) -> None:
    class Said(Lines):
        def say(self, text: str) -> None:
            told.append(text)

    told: list[str] = []
    train(DIGITS, run=tmp_path / "run")
    train(DIGITS, ["train.epochs=2"], run=tmp_path / "run", resume=True, report=Said(io.StringIO()))
    assert told == [f"nothing is left to train in {tmp_path / 'run'}: 3 finished epochs, and 2 are asked for"]


@pytest.mark.parametrize("most", [2, 3])
def test_fewer_steps_than_were_taken(tmp_path: Path, most: int) -> None:
    """In the middle of an epoch, of two batches, which ends where it is: its results are of the batch that it had."""
    with pytest.raises(Interrupted, match=r"goes on after step 3"):
        train(DOCUMENT, train=Own(interrupt=200, count=120), run=tmp_path / "run")
    run = train(None, [f"train.max_steps={most}"], train=Own(count=120), run=tmp_path / "run", resume=True)
    whole = train(DOCUMENT, ["train.max_steps=3"], train=Own(count=120), run=tmp_path / "whole")
    more = ", and 3 steps were taken" if most < 3 else ""
    assert manifest.read(tmp_path / "run")["reason"] == f"stopped at epoch 2: max_steps is {most}{more}"
    assert [record["train_loss"] for record in run.metrics] == [record["train_loss"] for record in whole.metrics]
    files = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "run")]
    assert files[0] == files[1]


def test_a_checkpoint_after_a_last_step_of_fewer_batches(tmp_path: Path) -> None:
    """Three batches an epoch and two a step: the second step has one."""
    train_ = {**DOCUMENT["train"], "accumulate": 2, "checkpoint": {"steps": 2, "last": 9}}
    train({**DOCUMENT, "train": train_}, train=Own(count=180), run=tmp_path / "run")
    made = {path.name.partition("-")[2] for path in (tmp_path / "run" / "checkpoints").iterdir()}
    assert made >= {"00000002", "00000004", "00000006"}
    whole = (tmp_path / "run" / "model.safetensors").read_bytes()
    later = [path for path in (tmp_path / "run" / "checkpoints").iterdir() if not path.name.endswith("2")]
    for path in (*later, tmp_path / "run" / "manifest.json"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    train(None, train=Own(count=180), run=tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == whole
