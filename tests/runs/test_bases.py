"""A run of a document that builds on another needs neither of the two."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch

from specbuild import load, reload, train
from specbuild.errors import SpecError
from specbuild.language.loading import read
from specbuild.runs.asking import document_of
from tests.runs.training import TEXT

torch.set_num_threads(1)

TOP = """\
specbuild: 1
name: top
base: net.yaml
set: {train.epochs: 2, train.checkpoint.epochs: 1, layers.head.bias: false}
optimizer: {type: SGD, lr: 0.2}
"""


@pytest.fixture(autouse=True)
def beside_a_net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(TEXT)
    Path("top.yaml").write_text(TOP)


def test_a_run_holds_all_of_it_and_goes_on_without_the_base() -> None:
    changed = {"train": {"epochs": 2, "checkpoint": {"epochs": 1}}, "optimizer": {"type": "SGD", "lr": 0.2}}
    written = {**read(TEXT).tree, "name": "top", **changed}
    written["layers"] = ["Flatten", {"name": "head", "type": "Linear", "out_features": 10, "bias": False}]
    train(written, run="whole")
    train("top.yaml", ["train.epochs=1", "train.seed=0"], run="halves")
    assert json.loads(Path("halves/source.json").read_bytes()) == written
    assert json.loads(Path("halves/overrides.json").read_bytes()) == ["train.epochs=1", "train.seed=0"]
    assert not Path("halves/source.yaml").exists()
    Path("net.yaml").unlink()
    Path("top.yaml").unlink()
    assert reload("halves").spec.train.epochs == 1
    train(None, ["train.epochs=2"], run="halves", resume=True)
    one, other = (hashlib.sha256(Path(run, "model.safetensors").read_bytes()) for run in ("whole", "halves"))
    assert one.digest() == other.digest()


def test_a_training_goes_on_by_the_document_that_builds_on_another() -> None:
    """The file of the document that it began with is gone, not beside the new one."""
    train(TEXT, ["train.epochs=1", "train.checkpoint.epochs=1"], run="run")
    assert Path("run/source.yaml").exists()
    same = {"specbuild": 1, "name": "digits", "base": "net.yaml", "set": {"train.epochs": 2}}
    finished = train(same, ["train.checkpoint.epochs=1"], run="run", resume=True)
    assert len(finished.metrics) == 2
    assert (Path("run/source.yaml").exists(), Path("run/source.json").exists()) == (False, True)
    assert len(train(None, ["train.epochs=3"], run="run", resume=True).metrics) == 3


def test_a_document_in_a_run_names_no_file() -> None:
    """A run may come from anywhere: it does not have files of this machine read."""
    Path("run").mkdir()
    Path("run/run.json").write_text('{"id": "0"}')
    Path("run/overrides.json").write_text("[]")
    Path("run/source.yaml").write_text("specbuild: 1\nname: other\nbase: ../net.yaml\n")
    with pytest.raises(SpecError, match=r"run/source.yaml:3:1: error\[SB114\]: a document in a run, or in an exported"):
        document_of(Path("run"))
    with pytest.raises(SpecError, match=r"run/source.yaml:3:1: error\[SB114\]: a document in a run, or in an exported"):
        train(None, run="run", resume=True)
    assert load("run/source.yaml").name == "other"  # of the person who names it
