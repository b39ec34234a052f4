"""What a training was, written down in the middle of an epoch and put together again, goes on to the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import TensorDataset

from specbuild.api import infer, load, train
from specbuild.catalogue.optimizers import OPTIMIZERS
from specbuild.catalogue.schedulers import SCHEDULERS
from specbuild.data import open_data
from specbuild.errors import DataError
from specbuild.runs import checkpoints
from specbuild.runs.checkpoints import Aside
from specbuild.training.fitting import Fit
from specbuild.training.reporting import Silent
from specbuild.training.state import captured, captured_own, restore
from specbuild.training.turning import Keeper

torch.set_num_threads(1)

DOCUMENT: dict[str, Any] = {
    "specbuild": 1,
    "name": "resumed",
    "input": [1, 6, 6],
    "layers": [
        {"name": "conv", "type": "Conv2d", "out_channels": 3, "kernel_size": 3},
        {"name": "norm", "type": "BatchNorm2d"},
        "ReLU",
        {"type": "Dropout", "p": 0.2},
        "Flatten",
        {"name": "head", "type": "Linear", "out_features": 4},
    ],
    "loss": "CrossEntropyLoss",
    "data": {"train": {"dataset": "FakeData", "loader": {"batch_size": 10}}, "val": {"split": 0.2}},
    "train": {"epochs": 3, "precision": "float32"},
}
OPTIMIZER = {"type": "SGD", "lr": 0.05, "momentum": 0.9}
SPARSE = {
    "input": {"shape": [6], "dtype": "int64"},
    "layers": [
        {"name": "words", "type": "Embedding", "num_embeddings": 9, "embedding_dim": 4, "sparse": True},
        {"type": "Dropout", "p": 0.2},
        "Flatten",
        {"type": "Softmax", "dim": 1},
    ],
}
"""Without a dense parameter: SparseAdam takes none."""
MATRICES = {"layers": ["Flatten", *({"type": "Linear", "out_features": n, "bias": False} for n in (8, 4))]}
"""Muon takes nothing else."""
OPTIMIZED: dict[str, dict[str, Any]] = {
    **{name: {"optimizer": {"type": name, "lr": 0.01}} for name in OPTIMIZERS},
    "LBFGS": {"optimizer": {"type": "LBFGS", "lr": 0.1, "max_iter": 3, "line_search_fn": "strong_wolfe"}},
    "Muon": {"optimizer": {"type": "Muon", "lr": 0.01}, **MATRICES},
    "SparseAdam": {"optimizer": {"type": "SparseAdam", "lr": 0.01}, **SPARSE},
    "SGD, fused, in groups": {
        "optimizer": {**OPTIMIZER, "groups": [{"parameters": "*.bias", "lr": 0.01, "weight_decay": 0.1}]},
        "train": {"epochs": 3},
    },
    "AdamW, amsgrad": {"optimizer": {"type": "AdamW", "amsgrad": True}},
    "Adam, fused": {"optimizer": {"type": "Adam", "fused": True}},
    "RMSprop, centered": {"optimizer": {"type": "RMSprop", "centered": True, "momentum": 0.5}},
}
SCHEDULED: dict[str, dict[str, Any]] = {
    **{name: {"type": name} for name in SCHEDULERS},
    "StepLR": {"type": "StepLR", "step_size": 1},
    "MultiStepLR": {"type": "MultiStepLR", "milestones": [3, 3, 10], "interval": "step"},
    "ExponentialLR": {"type": "ExponentialLR", "gamma": 0.9, "interval": "step"},
    "LinearLR": {"type": "LinearLR", "total_iters": 11, "interval": "step"},
    "ConstantLR": {"type": "ConstantLR", "total_iters": 1},
    "CosineAnnealingLR": {"type": "CosineAnnealingLR", "interval": "step"},
    "CosineAnnealingWarmRestarts": {"type": "CosineAnnealingWarmRestarts", "T_0": 5, "interval": "step"},
    "CyclicLR": {"type": "CyclicLR", "base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "mode": "exp_range"},
    "OneCycleLR": {"type": "OneCycleLR", "max_lr": 0.1, "three_phase": True},
    "ReduceLROnPlateau": {"type": "ReduceLROnPlateau", "patience": 0, "threshold": 0.5},
    "PolynomialLR": {"type": "PolynomialLR", "total_iters": 9, "power": 2.0, "interval": "step"},
    "SequentialLR": {
        "type": "SequentialLR", "milestones": [6], "interval": "step",
        "schedulers": [{"type": "LinearLR", "total_iters": 6}, {"type": "CosineAnnealingLR", "T_max": 9}],
    },
    "ChainedScheduler": {
        "type": "ChainedScheduler", "interval": "step",
        "schedulers": [{"type": "ConstantLR", "total_iters": 7}, {"type": "ExponentialLR", "gamma": 0.95}],
    },
}  # fmt: skip
TRAININGS = {
    **OPTIMIZED,
    **{name: {"scheduler": entry} for name, entry in SCHEDULED.items()},
    "ema": {"train": {"epochs": 3, "ema": {"decay": 0.8, "every": 2}, "precision": "float32"}},
    "bfloat16": {"train": {"epochs": 3, "precision": "bfloat16"}},
    "accumulate": {"train": {"epochs": 3, "accumulate": 3, "clip_grad_value": 0.1, "precision": "float32"}},
    "early stopping": {"train": {"epochs": 3, "early_stopping": {"patience": 3}, "precision": "float32"}},
    "channels last": {"train": {"epochs": 3, "memory_format": "channels_last", "precision": "float32"}},
}


def fit_of(changes: dict[str, Any]) -> Fit:
    spec = load({**deepcopy(DOCUMENT), "optimizer": OPTIMIZER, **deepcopy(changes)})
    drawn = torch.Generator().manual_seed(0)
    words = "layers" in changes and changes["layers"] is SPARSE["layers"]
    input = torch.randint(0, 9, (75, 6), generator=drawn) if words else torch.rand(75, 1, 6, 6, generator=drawn)
    own = TensorDataset(input, torch.randint(0, 4, (75,), generator=drawn))
    return Fit(spec, infer(spec), torch.device("cpu"), open_data(spec, train=own), Silent())


class Stopped(Exception):  # noqa: N818  it says what was done
    """The training was left between two steps."""


class Stopping(Keeper):
    """Ends the training after the sixth batch of its second epoch."""

    def __init__(self, fit: Fit) -> None:
        self.fit = fit

    def begin(self) -> None:
        if self.fit.position.epoch == 2:
            self.fit.turn.at = 6

    def pause(self) -> None:
        raise Stopped


def trained(fit: Fit) -> Iterator[dict[str, Any]]:
    """Train to the end; what is measured in each epoch."""
    while fit.position.epoch <= fit.spec.train.epochs:
        record = fit.epoch(fit.position.epoch)
        better, last = fit.candidate(record)
        fit.kept, fit.last = better or fit.kept, last
        fit.limits.after_epoch(record, False)
        yield {name: value for name, value in record.items() if name not in ("seconds", "samples_per_second")}


def assert_same(one: Any, other: Any, where: str = "") -> None:
    """Nested values are equal, tensors bit for bit and in their strides; seconds are a matter of the clock."""
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
        assert steps(one) == steps(other), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one.keys() - {"seconds"}:
            assert_same(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other), where
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            assert_same(left, right, f"{where}.{index}")
    else:
        assert one == other, where


def steps(tensor: torch.Tensor) -> list[int]:
    """The strides that matter: along an axis of one number there is no step."""
    return [step for size, step in zip(tensor.shape, tensor.stride(), strict=True) if size > 1]


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_that_goes_on_ends_in_the_same_bits(name: str, tmp_path: Path) -> None:
    changes = TRAININGS[name]
    straight = fit_of(changes)
    expected = [*trained(straight)]

    left = fit_of(changes)
    left.keeper = Stopping(left)
    actual = []
    with pytest.raises(Stopped):  # noqa: PT012  what was measured before is part of it
        for record in trained(left):
            actual.append(record)
    aside = Aside(tmp_path, checkpoints.name_of(1, left.taken))
    aside.begin()
    aside.put({**captured(left), **captured_own(left)})
    written = aside.appear("0" * 32)

    torch.manual_seed(12345)
    resumed = fit_of(changes)
    torch.rand(7)
    checkpoints.verified(written)
    state = checkpoints.read(written)
    restore(resumed, state, state)
    assert_same(captured(left), captured(resumed))
    actual += trained(resumed)

    assert actual == expected
    assert_same(captured(straight), captured(resumed))
    assert_same(captured_own(straight), captured_own(resumed))


def test_own_data_sets_that_are_others_are_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def own(size: int) -> TensorDataset:
        return TensorDataset(torch.rand(size, 1, 6, 6), torch.arange(size) % 4)

    document = {key: value for key, value in DOCUMENT.items() if key != "data"} | {"optimizer": OPTIMIZER}
    for size, more in ((20, None), (20, own(8))):
        other = own(8) if more is None else None
        run = tmp_path / ("with" if more else "without")
        document["train"] = {"epochs": 1}
        train(document, train=own(size), val=more, run=run, device="cpu")
        document["train"] = {"epochs": 2}
        with pytest.raises(DataError, match="was trained with samples of train"):
            train(document, train=own(size), val=other, run=run, device="cpu", resume=True)
    report = Silent()
    said: list[str] = []
    report.say = said.append  # type: ignore[method-assign, assignment]
    train(document, train=own(30), val=own(8), run=tmp_path / "with", device="cpu", resume=True, report=report)
    assert 'samples was {"train": 20, "val": 8} and is {"train": 30, "val": 8}' in said


def test_a_table_that_is_another_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a,b,y\n" + "".join(f"{i % 7},{i % 3},{'yes' if i % 2 else 'no'}\n" for i in range(20)))
    document = {
        "specbuild": 1, "name": "table", "input": [2], "layers": [{"type": "Linear", "out_features": 2}],
        "loss": "CrossEntropyLoss", "optimizer": OPTIMIZER, "train": {"epochs": 1},
        "data": {"train": {"dataset": {"type": "Table", "path": str(table), "target": "y"}}},
    }  # fmt: skip
    train(document, run=tmp_path / "run", device="cpu")
    known = table.read_text()
    table.write_text(known.replace("6,", "600,"))
    with pytest.raises(DataError, match="the data of train have changed"):
        train(document, ["train.epochs=2"], run=tmp_path / "run", device="cpu", resume=True)
    table.write_text(known)
    assert len(train(document, ["train.epochs=2"], run=tmp_path / "run", device="cpu", resume=True).metrics) == 2


def test_only_what_follows_from_the_length_is_said_to(tmp_path: Path) -> None:
    own = TensorDataset(torch.rand(20, 1, 6, 6), torch.arange(20) % 4)
    document = DOCUMENT | {"optimizer": OPTIMIZER, "scheduler": SCHEDULED["OneCycleLR"], "train": {"epochs": 1}}
    del document["data"]
    train(document, train=own, run=tmp_path / "run", device="cpu")
    for change, because, fix in (
        ("train.epochs=2", True, "--set train.epochs=1, or a new training"),
        ("scheduler.max_lr=0.2", False, "--set scheduler.max_lr=0.1, or a new training"),
    ):
        with pytest.raises(DataError) as caught:
            train(document, [change], train=own, run=tmp_path / "run", device="cpu", resume=True)
        (problem,) = caught.value.diagnostics
        assert ("length of the training" in (problem.because or ""), problem.fix) == (because, fix)
