"""The settings of `train` against loops written by hand in torch."""

from __future__ import annotations

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import TensorDataset

from specbuild.api import build, check, evaluate, infer, load, reload, train
from specbuild.data import open_data
from specbuild.errors import DataError
from specbuild.training.fitting import Fit, compiled
from specbuild.training.refusing import refusals_told
from specbuild.training.reporting import Silent

torch.set_num_threads(1)

DOCUMENT: dict[str, Any] = {
    "specbuild": 1,
    "name": "digits",
    "input": [1, 8, 8],
    "layers": [
        {"name": "conv", "type": "Conv2d", "out_channels": 4, "kernel_size": 3},
        {"name": "norm", "type": "BatchNorm2d"},
        "ReLU",
        {"type": "Dropout", "p": 0.1},
        "Flatten",
        {"name": "head", "type": "Linear", "out_features": 10},
    ],
    "loss": {"type": "CrossEntropyLoss", "label_smoothing": 0.1},
    "optimizer": {"type": "SGD", "lr": 0.1, "momentum": 0.9},
    "data": {
        "train": {"dataset": "Digits", "transforms": ["ToTensor"], "loader": {"batch_size": 32}},
        "val": {"split": 0.2},
    },
}
BATCHES = 36
"""Of an epoch: 1,150 samples."""


def document(train: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**deepcopy(DOCUMENT), "train": train, **changes}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def fit_of(written: dict[str, Any]) -> Fit:
    spec = load(written)
    fit = Fit(spec, infer(spec), torch.device("cpu"), open_data(spec), Silent())
    number = 0
    while fit.limits.reason is None:
        number += 1
        fit.limits.after_epoch(fit.epoch(number), timed_out=False)
    return fit


def begun(written: dict[str, Any]) -> tuple[nn.Sequential, Any]:
    """The network of a loop by hand, drawn from the same seed, and its batches."""
    spec = load(written)
    splits = open_data(spec)
    torch.manual_seed(0)
    model = build(spec).to(memory_format=torch.channels_last)
    model.train()
    return model, (batch for epoch in (1, 2, 3, 4) for batch in splits["train"].batches(epoch, "cpu"))


def images(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    return batch["input"].contiguous(memory_format=torch.channels_last)


def equal(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


@pytest.mark.parametrize("fused", [None, True])
def test_fifty_steps_of_sgd_and_one_cycle(fused: bool | None) -> None:
    written = document(
        {"epochs": 3, "max_steps": 50, "precision": "float32"},
        optimizer={"type": "SGD", "lr": 0.1, "momentum": 0.9, "fused": fused},
        scheduler={"type": "OneCycleLR", "max_lr": 0.2},
    )  # fmt: skip
    fit = fit_of(written)
    model, batches = begun(written)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=fused)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=50)
    for _ in range(50):
        batch = next(batches)
        loss = nn.functional.cross_entropy(model(images(batch)), batch["target"], label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    assert fit.limits.steps == 50
    assert equal(fit.model, model)


def test_fifty_steps_of_adamw_clipped_accumulated_and_averaged() -> None:
    written = document(
        {
            "epochs": 9, "max_steps": 50, "precision": "float32", "accumulate": 5, "clip_grad_norm": 0.5,
            "ema": {"decay": 0.9, "every": 2},
        },
        optimizer={"type": "AdamW", "lr": 3e-3},
        scheduler={"type": "LinearLR", "total_iters": 20, "interval": "step"},
        layers=[*DOCUMENT["layers"][:3], *DOCUMENT["layers"][4:]],
    )  # fmt: skip
    fit = fit_of(written)
    spec = load(written)
    train_split = open_data(spec)["train"]
    model, _ = begun(written)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, total_iters=20)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    steps = 0
    for epoch in range(1, 10):
        batches = list(train_split.batches(epoch, "cpu"))
        for first in range(0, BATCHES, 5):
            if steps == 50:
                break
            group = batches[first : first + 5]  # the last of an epoch has a single one
            optimizer.zero_grad()
            for batch in group:
                loss = nn.functional.cross_entropy(model(images(batch)), batch["target"], label_smoothing=0.1)
                (loss / len(group)).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            scheduler.step()
            steps += 1
            if steps % 2 == 0:
                average.update_parameters(model)
    assert steps == fit.limits.steps == 50
    assert equal(fit.model, model)
    assert fit.average is not None
    assert equal(fit.average.model, average.module)


@pytest.mark.parametrize("clip", [{}, {"clip_grad_value": 0.01}])
def test_bfloat16_is_autocast(clip: dict[str, Any]) -> None:
    written = document({"epochs": 1, "max_steps": 20, "precision": "bfloat16", **clip})
    fit = fit_of(written)
    model, batches = begun(written)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
    for _ in range(20):
        batch = next(batches)
        with torch.autocast("cpu", torch.bfloat16):
            loss = nn.functional.cross_entropy(model(images(batch)), batch["target"], label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        if clip:
            nn.utils.clip_grad_value_(model.parameters(), 0.01)
        optimizer.step()
    assert equal(fit.model, model)
    assert {parameter.dtype for parameter in fit.model.parameters()} == {torch.float32}


def test_float16_scales_the_loss() -> None:
    written = document({"epochs": 1, "max_steps": 12, "precision": "float16", "clip_grad_norm": 1.0})
    fit = fit_of(written)
    model, batches = begun(written)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
    scaler = torch.amp.GradScaler("cpu")
    for _ in range(12):
        batch = next(batches)
        with torch.autocast("cpu", torch.float16):
            loss = nn.functional.cross_entropy(model(images(batch)), batch["target"], label_smoothing=0.1)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
    assert equal(fit.model, model)


def test_a_run_says_what_auto_came_to_and_is_judged_in_it() -> None:
    run = train(document({"epochs": 1, "precision": "bfloat16"}))
    settled = json.loads((run.path / "spec.json").read_text())
    assert run.environment["precision"] == "bfloat16"
    assert (settled["train"]["precision"], settled["train"]["memory_format"]) == ("bfloat16", "channels_last")
    assert settled["optimizer"]["fused"] is True
    found = evaluate(run, "val")
    assert found["loss"] == pytest.approx(run.metrics[-1]["val_loss"], rel=1e-6)
    small = train(document({"epochs": 1}))  # too little work for bfloat16 to pay
    assert small.environment["precision"] == "float32"


def test_auto_is_bfloat16_where_there_is_enough_work(monkeypatch: pytest.MonkeyPatch) -> None:
    from specbuild.training import precision

    monkeypatch.setattr(precision, "fast", lambda device: True)
    device = torch.device("cpu")

    def settled(**changes: Any) -> str:
        spec = load(document({"epochs": 1}, **changes))
        plan = infer(spec)
        return precision.settled(spec, plan, build(spec), device)

    wide = [
        {"type": "Conv2d", "out_channels": 128, "kernel_size": 3, "padding": 1},
        {"type": "Conv2d", "out_channels": 32, "kernel_size": 3, "padding": 1},
    ]
    ends = ["Flatten", {"type": "Linear", "out_features": 10}]
    assert settled(layers=[*wide, *ends]) == "bfloat16"
    assert settled(layers=ends) == "float32"
    decoder = [*wide, {"type": "Conv2d", "out_channels": 1, "kernel_size": 1}]
    assert settled(layers=decoder, loss={"type": "MSELoss", "target": "input"}) == "float32"


def test_what_torch_has_no_half_precision_for_is_refused() -> None:
    layers = [{"type": "Conv2d", "out_channels": 4, "kernel_size": 3}, "RReLU", *DOCUMENT["layers"][4:]]
    with pytest.raises(DataError) as raised:
        fit_of(document({"epochs": 1, "precision": "float16"}, layers=layers))
    (problem,) = raised.value.diagnostics
    assert (problem.code, problem.path) == ("SB410", ("train", "precision"))
    assert "rrelu" in (problem.because or "")


def test_memory_format_is_as_written() -> None:
    fit = fit_of(document({"epochs": 1, "max_steps": 1, "memory_format": "contiguous_format"}))
    assert fit.layout is torch.contiguous_format
    assert fit.model.get_parameter("conv.weight").is_contiguous()


def test_deterministic_runs_are_equal_and_leave_torch_as_it_was() -> None:
    before = torch.are_deterministic_algorithms_enabled()
    first, again = (train(document({"epochs": 1, "max_steps": 5, "deterministic": True})) for _ in range(2))
    assert equal(first.model, again.model)
    assert torch.are_deterministic_algorithms_enabled() is before


def test_without_a_deterministic_algorithm_there_is_a_diagnostic() -> None:
    layers = [
        {"type": "MaxPool2d", "kernel_size": 2, "name": "pool"},
        {"type": "MaxUnpool2d", "kernel_size": 2, "from": ["pool", "pool.indices"]},
        *DOCUMENT["layers"][4:],
    ]  # fmt: skip
    written = document({"epochs": 1, "deterministic": True}, layers=layers)
    with pytest.raises(DataError) as raised:
        train(written)
    (problem,) = raised.value.diagnostics
    assert (problem.code, problem.path) == ("SB410", ("train", "deterministic"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_network_has_the_same_parameters_and_keys() -> None:
    spec = load(document({"epochs": 1, "compile": "reduce-overhead"}))
    model = build(spec)
    called = compiled(model, spec)
    assert called is not model
    assert [id(p) for p in called.parameters()] == [id(p) for p in model.parameters()]
    fit = Fit(spec, infer(spec), torch.device("cpu"), open_data(spec), Silent())
    assert list(fit.world.state_of(fit.model)) == list(model.state_dict())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiler_that_fails_is_told() -> None:
    spec = load(document({"epochs": 1, "compile": True}))
    with pytest.raises(DataError) as raised, refusals_told(spec):
        torch.compile(lambda x: x + 1, backend=failing)(torch.rand(2))
    (problem,) = raised.value.diagnostics
    assert (problem.code, problem.path) == ("SB410", ("train", "compile"))
    assert "no compiler" in (problem.because or "")


def failing(graph: Any, inputs: Any) -> Any:
    """A backend of torch.compile."""
    raise RuntimeError("no compiler")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"accumulate": 2}, ("train", "accumulate")),
        ({"clip_grad_norm": 1.0}, ("train", "clip_grad_norm")),
        ({"clip_grad_value": 1.0}, ("train", "clip_grad_value")),
        ({"precision": "float16"}, ("train", "precision")),
        ({"memory_format": "channels_last"}, ("train", "memory_format")),
    ],
)
def test_what_lbfgs_cannot_do_is_refused_without_torch(changes: dict[str, Any], path: Any) -> None:
    (problem,) = check(document({"epochs": 1, **changes}, optimizer="LBFGS"))
    assert (problem.code, problem.path) == ("SB410", path)


def test_the_last_weights_are_kept_beside_the_best() -> None:
    written = document({"epochs": 3, "best": {"metric": "val_loss", "mode": "max"}})  # the first epoch is the "best"
    run = train(written)
    assert run.best["epoch"] == 1
    last = reload(run.path, "last")
    assert last.weights == "last"
    assert not equal(run.model, last.model)
    assert evaluate(run.path, "val", weights="last")["loss"] == pytest.approx(run.metrics[-1]["val_loss"], rel=1e-6)
    assert evaluate(run.path, "val")["loss"] == pytest.approx(run.metrics[0]["val_loss"], rel=1e-6)
    good = train(document({"epochs": 1}))
    assert not (good.path / "last.safetensors").exists()
    assert equal(good.model, reload(good.path, "last").model)


def test_an_average_that_would_never_be_brought_up_to_date_is_refused(tmp_path: Path) -> None:
    own = TensorDataset(torch.randn(40, 1, 8, 8), torch.arange(40) % 10)
    written = {**DOCUMENT, "data": None, "train": {"epochs": 3, "accumulate": 2, "ema": {"every": 4}}}
    assert [each for each in check(written) if each.code == "SB410"] == []  # how many steps there are is not known
    with pytest.raises(
        DataError, match="every 4 steps, but there are only 3 steps: it would stay at the first"
    ) as raised:
        train(written, run=tmp_path / "run", train=own)
    assert raised.value.diagnostics[0].path == ("train", "ema", "every")
    train({**written, "train": {**written["train"], "ema": {"every": 3}}}, run=tmp_path / "run", train=own)


def test_an_empty_list_of_metrics_is_none(tmp_path: Path) -> None:
    run = train({**DOCUMENT, "metrics": [], "train": {"epochs": 1}}, run=tmp_path / "run")
    assert {"val_loss", "val_accuracy"} & set(run.best) == {"val_loss"}
    assert set(evaluate(reload(run.path), "val")) == {"loss"}


def test_sparse_gradients_in_adagrad_are_no_matter_of_warnings(tmp_path: Path) -> None:
    code = """
import torch, specbuild
from torch.utils.data import TensorDataset
layers = [{"type": "Embedding", "num_embeddings": 5, "embedding_dim": 3, "sparse": True}, "Flatten"]
written = {
    "specbuild": 1, "inputs": {"input": {"shape": [1], "dtype": "int64"}}, "layers": layers,
    "loss": "CrossEntropyLoss", "optimizer": "Adagrad", "train": {"epochs": 1},
}
specbuild.train(written, run="run", train=TensorDataset(torch.zeros(8, 1).long(), torch.zeros(8).long()))
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stderr == ""
