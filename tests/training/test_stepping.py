"""Optimizers, groups and schedulers in a training, against torch by hand."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import TensorDataset

from specbuild.api import build, infer, load, train
from specbuild.catalogue.optimizers import OPTIMIZERS
from specbuild.data import open_data
from specbuild.errors import DataError
from specbuild.network.resolve import resolved
from specbuild.training.fitting import Fit
from specbuild.training.reporting import Silent

torch.set_num_threads(1)

STEPS = 18
"""Batches an epoch: 1,150 samples in batches of 64."""
DOCUMENT: dict[str, Any] = {
    "specbuild": 1,
    "name": "digits",
    "input": [1, 8, 8],
    "layers": [
        {"name": "conv", "type": "Conv2d", "out_channels": 4, "kernel_size": 3},
        {"name": "norm", "type": "BatchNorm2d"},
        "ReLU",
        "Flatten",
        {"name": "head", "type": "Linear", "out_features": 10},
    ],
    "loss": "CrossEntropyLoss",
    "optimizer": {"type": "SGD", "lr": 0.1, "momentum": 0.9},
    "data": {"train": {"dataset": "Digits", "transforms": ["ToTensor"]}, "val": {"split": 0.2}},
    "train": {"epochs": 2, "precision": "float32"},
}


def document(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(DOCUMENT), **changes}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def fit_of(written: dict[str, Any]) -> Fit:
    spec = load(written)
    return Fit(spec, infer(spec), torch.device("cpu"), open_data(spec), Silent())


def watched(optimizer: torch.optim.Optimizer) -> list[list[Any]]:
    """What each step is taken with, as it is taken."""
    seen: list[list[Any]] = []
    optimizer.register_step_pre_hook(
        lambda optimizer, *_: seen.append(
            [(g["lr"], g.get("momentum"), g.get("betas")) for g in optimizer.param_groups]
        )
    )
    return seen


def trained(written: dict[str, Any]) -> tuple[Fit, list[list[Any]], list[dict[str, Any]]]:
    """A fit after its epochs: what its steps were taken with, and what it recorded."""
    fit = fit_of(written)
    seen = watched(fit.optimizer)
    return fit, seen, [fit.epoch(number) for number in range(1, fit.spec.train.epochs + 1)]


def by_hand(
    written: dict[str, Any], groups: Any, schedule: Any, *, by_step: bool = False
) -> tuple[nn.Module, list[Any]]:
    """The same network trained by a loop as people write it; groups: from the model to torch's groups."""
    spec = load(written)
    splits = open_data(spec)
    torch.manual_seed(0)
    model = build(spec).to(memory_format=torch.channels_last)
    arguments = {key: value for key, value in written["optimizer"].items() if key not in ("type", "groups")}
    optimizer = getattr(torch.optim, written["optimizer"]["type"])(groups(model), **arguments)
    scheduler = schedule(optimizer) if schedule else None
    seen = watched(optimizer)
    for epoch in range(1, spec.train.epochs + 1):
        model.train()
        for batch in splits["train"].batches(epoch, "cpu"):
            images = batch["input"].contiguous(memory_format=torch.channels_last)
            loss = nn.functional.cross_entropy(model(images), batch["target"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if scheduler is not None and by_step:
                scheduler.step()
        if scheduler is not None and not by_step:
            scheduler.step()
    return model, seen


def everything(model: nn.Module) -> Any:
    return model.parameters()


def equal(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_groups_are_torchs_param_groups_bit_for_bit() -> None:
    written = document(
        optimizer={
            "type": "AdamW", "lr": 3e-3, "weight_decay": 0.05,
            "groups": [
                {"parameters": "*.bias", "weight_decay": 0},
                {"types": ["BatchNorm2d"], "weight_decay": 0, "betas": [0.5, 0.9]},
                {"parameters": "head.*", "lr": 1e-3},
            ],
        }
    )  # fmt: skip

    def groups(model: Any) -> list[dict[str, Any]]:
        return [
            {"params": [model.conv.weight]},
            {"params": [model.conv.bias, model.norm.bias, model.head.bias], "weight_decay": 0},
            {"params": [model.norm.weight], "weight_decay": 0, "betas": (0.5, 0.9)},
            {"params": [model.head.weight], "lr": 1e-3},
        ]

    fit, seen, records = trained(written)
    model, wanted = by_hand(written, groups, None)
    assert seen == wanted
    assert equal(fit.model, model)
    assert [record["lr"] for record in records] == [3e-3, 3e-3]
    assert [record["lr_3"] for record in records] == [1e-3, 1e-3]


@pytest.mark.parametrize("name", sorted(set(OPTIMIZERS) - {"LBFGS", "SparseAdam", "Muon"}))
def test_every_optimizer_trains_as_by_hand(name: str) -> None:
    written = document(optimizer={"type": name}, train={"epochs": 1, "precision": "float32"})
    fit, _, _ = trained(written)
    assert equal(fit.model, by_hand(written, everything, None)[0])


L = lr_scheduler
SCHEDULES: list[tuple[Any, bool, Any]] = [
    ({"type": "StepLR", "step_size": 1}, False, lambda o: L.StepLR(o, 1)),
    ({"type": "StepLR", "step_size": 7, "interval": "step"}, True, lambda o: L.StepLR(o, 7)),
    ({"type": "MultiStepLR", "milestones": [1, 2]}, False, lambda o: L.MultiStepLR(o, [1, 2])),
    ({"type": "ConstantLR", "total_iters": 2}, False, lambda o: L.ConstantLR(o, total_iters=2)),
    ("LinearLR", False, L.LinearLR),
    ({"type": "ExponentialLR", "gamma": 0.9, "interval": "step"}, True, lambda o: L.ExponentialLR(o, 0.9)),
    ({"type": "PolynomialLR", "power": 2}, False, lambda o: L.PolynomialLR(o, power=2)),
    ("CosineAnnealingLR", False, lambda o: L.CosineAnnealingLR(o, 3)),
    ({"type": "CosineAnnealingLR", "interval": "step"}, True, lambda o: L.CosineAnnealingLR(o, 3 * STEPS)),
    ({"type": "CosineAnnealingWarmRestarts", "T_0": 5, "T_mult": 2, "interval": "step"}, True,
     lambda o: L.CosineAnnealingWarmRestarts(o, 5, 2)),
    ({"type": "OneCycleLR", "max_lr": 0.3}, True, lambda o: L.OneCycleLR(o, 0.3, epochs=3, steps_per_epoch=STEPS)),
    ({"type": "OneCycleLR", "max_lr": [0.3, 0.1]}, True, lambda o: L.OneCycleLR(o, [0.3, 0.1], 3 * STEPS)),
    ({"type": "OneCycleLR", "max_lr": 0.3, "interval": "epoch"}, False, lambda o: L.OneCycleLR(o, 0.3, 3)),
    ({"type": "CyclicLR", "base_lr": 0.01, "max_lr": 0.1, "step_size_up": 5, "mode": "triangular2"}, True,
     lambda o: L.CyclicLR(o, 0.01, 0.1, 5, mode="triangular2")),
    ({"type": "ChainedScheduler", "schedulers": ["LinearLR", {"type": "ExponentialLR", "gamma": 0.9}]}, False,
     lambda o: L.ChainedScheduler([L.LinearLR(o), L.ExponentialLR(o, 0.9)])),
    ({"type": "SequentialLR", "interval": "step", "milestones": [20],
      "schedulers": [{"type": "LinearLR", "start_factor": 0.1, "total_iters": 20}, "CosineAnnealingLR"]}, True,
     lambda o: L.SequentialLR(
         o, [L.LinearLR(o, 0.1, total_iters=20), L.CosineAnnealingLR(o, 3 * STEPS - 20)], [20])),
]  # fmt: skip


@pytest.mark.parametrize(("scheduler", "by_step", "schedule"), SCHEDULES, ids=[str(one[0])[:60] for one in SCHEDULES])
def test_learning_rates_are_torchs_step_by_step(scheduler: Any, by_step: bool, schedule: Any) -> None:
    optimizer = {**DOCUMENT["optimizer"], "groups": [{"parameters": "*.bias", "lr": 0.01}]}
    written = document(optimizer=optimizer, scheduler=scheduler, train={"epochs": 3, "precision": "float32"})

    def groups(model: Any) -> list[dict[str, Any]]:
        named = dict(model.named_parameters())
        return [
            {"params": [named[name] for name in named if not name.endswith("bias")]},
            {"params": [named[name] for name in named if name.endswith("bias")], "lr": 0.01},
        ]

    fit, seen, records = trained(written)
    model, wanted = by_hand(written, groups, schedule, by_step=by_step)
    assert seen == wanted
    assert len(seen) == 3 * STEPS
    assert equal(fit.model, model)
    for index, name in enumerate(("lr", "lr_1")):
        assert [record[name] for record in records] == [seen[k * STEPS - 1][index][0] for k in (1, 2, 3)]


def test_reduce_lr_on_plateau_goes_by_the_results() -> None:
    written = document(
        scheduler={"type": "ReduceLROnPlateau", "patience": 0, "factor": 0.5, "threshold": 0.2}, train={"epochs": 4}
    )
    fit, _, records = trained(written)
    assert fit.schedule.metric == "val_loss"
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    plateau = L.ReduceLROnPlateau(optimizer, patience=0, factor=0.5, threshold=0.2)
    rates = []
    for record in records:
        rates.append(optimizer.param_groups[0]["lr"])
        plateau.step(record["val_loss"])
    assert [record["lr"] for record in records] == rates
    assert rates[-1] < 0.1


def test_without_val_it_goes_by_the_loss_on_train() -> None:
    data = {"train": DOCUMENT["data"]["train"]}
    assert fit_of(document(scheduler="ReduceLROnPlateau", data=data)).schedule.metric == "train_loss"


def test_a_number_that_this_training_does_not_measure_is_refused() -> None:
    written = document(scheduler={"type": "ReduceLROnPlateau", "metric": "val_loss"}, data=None)
    spec = load(written)
    splits = open_data(spec, train=TensorDataset(torch.rand(30, 1, 8, 8), torch.arange(30) % 10))
    with pytest.raises(DataError, match="metric is val_loss, but an epoch ends with train_loss, train_accuracy"):
        Fit(spec, infer(spec), torch.device("cpu"), splits, Silent())


def test_lbfgs_is_torchs_by_hand() -> None:
    written = document(
        optimizer={"type": "LBFGS", "lr": 0.5, "max_iter": 3}, train={"epochs": 1, "precision": "float32"}
    )
    fit, _, (record,) = trained(written)
    spec = load(written)
    torch.manual_seed(0)
    model = build(spec)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=3)
    first, samples = 0.0, 0
    model.train()
    for batch in open_data(spec)["train"].batches(1, "cpu"):
        losses = []

        def evaluated(batch: Any = batch, losses: Any = losses) -> torch.Tensor:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(batch["input"]), batch["target"])
            loss.backward()
            losses.append(loss.item())
            return loss

        optimizer.step(evaluated)
        first += losses[0] * len(batch["target"])
        samples += len(batch["target"])
    assert equal(fit.model, model)
    assert record["train_loss"] == pytest.approx(first / samples)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this torch has no Muon")
def test_muon_trains_matrices_as_by_hand() -> None:
    layers = ["Flatten", {"type": "Linear", "out_features": 10, "bias": False}]
    written = document(
        layers=layers, optimizer={"type": "Muon", "lr": 0.02}, train={"epochs": 1, "precision": "float32"}
    )
    fit, _, _ = trained(written)
    assert equal(fit.model, by_hand(written, everything, None)[0])


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@pytest.mark.parametrize("optimizer", ["SparseAdam", "SGD", "Adagrad", "LBFGS"])
def test_sparse_gradients(optimizer: str) -> None:
    layers = [
        {"type": "Embedding", "num_embeddings": 7, "embedding_dim": 3, "sparse": True},
        {"type": "Flatten"},
    ]
    written = document(
        layers=layers, input={"shape": [1], "dtype": "int64"}, optimizer=optimizer, data=None, train={"epochs": 2}
    )
    words = torch.arange(70) % 7
    run = train(written, train=TensorDataset(words[:, None], words % 3))
    first, last = (record["train_loss"] for record in run.metrics)
    assert last < first


def test_a_schedule_that_is_too_short_is_refused_before_the_first_step() -> None:
    written = document(scheduler={"type": "OneCycleLR", "max_lr": 0.1, "total_steps": 9}, data=None)
    own = TensorDataset(torch.rand(300, 1, 8, 8), torch.arange(300) % 10)
    with pytest.raises(DataError) as raised:
        train(written, train=own)
    (problem,) = raised.value.diagnostics
    assert (problem.code, problem.path, problem.message) == (
        "SB415", ("scheduler", "total_steps"), "OneCycleLR ends after 9 steps, but the training has 10",
    )  # fmt: skip
    assert not Path("runs").exists() or not list(Path("runs").rglob("*.json"))


def test_a_run_has_the_settled_scheduler_and_the_groups() -> None:
    written = document(
        optimizer={"type": "SGD", "lr": 0.1, "groups": [{"parameters": "*.bias", "weight_decay": 0.1}]},
        scheduler={"type": "SequentialLR", "schedulers": ["LinearLR", "CosineAnnealingLR"], "milestones": [1]},
    )  # fmt: skip
    run = train(written, ["train.epochs=3"])
    document_of = json.loads((run.path / "spec.json").read_text())
    assert document_of["scheduler"]["schedulers"][1]["T_max"] == 2
    assert document_of["scheduler"]["interval"] == "epoch"
    assert document_of["optimizer"]["groups"][0]["weight_decay"] == 0.1
    assert resolved(run.spec, run.plan) == document_of
    again = train(run.path / "spec.json", run="again")
    assert [record["lr"] for record in again.metrics] == [record["lr"] for record in run.metrics]
    assert [record["train_loss"] for record in again.metrics] == [record["train_loss"] for record in run.metrics]
