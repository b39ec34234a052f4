from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset, TensorDataset

from specbuild.api import build, check, evaluate, load, reload, train
from specbuild.data import open_data
from specbuild.errors import DataError, RunError, SpecbuildError
from specbuild.training import closing
from specbuild.training.interruption import Interrupted
from specbuild.training.reporting import Silent

torch.set_num_threads(1)

DOCUMENT: dict[str, Any] = {
    "specbuild": 1,
    "name": "digits",
    "input": [1, 8, 8],
    "layers": [
        "Flatten",
        {"type": "Linear", "out_features": 16},
        "ReLU",
        {"type": "Linear", "out_features": 10},
    ],
    "loss": "CrossEntropyLoss",
    "optimizer": {"type": "SGD", "lr": 0.2, "momentum": 0.9},
    "data": {
        "train": {"dataset": "Digits", "transforms": ["ToTensor"]},
        "val": {"split": 0.2},
        "test": {"dataset": {"type": "Digits", "train": False}},
    },
    "train": {"epochs": 2},
}


def document(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in {**deepcopy(DOCUMENT), **changes}.items() if value is not None}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Told(Silent):
    """Keeps what it is told; runs something at the end of an epoch."""

    def __init__(self, at_epoch: Callable[[int], None] = lambda number: None) -> None:
        self.at_epoch = at_epoch
        self.told: list[Any] = []

    def start(self, start: Any) -> None:
        self.told.append(start)

    def epoch(self, record: Mapping[str, Any]) -> None:
        self.told.append(dict(record))
        self.at_epoch(record["epoch"])

    def end(self, run: Path | None) -> None:
        self.told.append(run)


def hidden_or_not(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_it_computes_what_a_hand_written_loop_computes() -> None:
    spec = load(document(train={"epochs": 2, "precision": "float32"}))
    splits = open_data(spec)
    torch.manual_seed(0)
    model = build(spec)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    expected = []
    for epoch in (1, 2):
        model.train()
        losses, hits, seen = 0.0, 0, 0
        for batch in splits["train"].batches(epoch, "cpu"):
            output = model(batch["input"])
            loss = nn.functional.cross_entropy(output, batch["target"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses += loss.item() * len(output)
            hits += int((output.argmax(1) == batch["target"]).sum())
            seen += len(output)
        model.eval()
        with torch.no_grad():
            batches = list(splits["val"].batches(epoch, "cpu"))
            target = torch.cat([batch["target"] for batch in batches])
            output = torch.cat([model(batch["input"]) for batch in batches])
        expected.append(
            {
                "epoch": epoch,
                "train_loss": losses / seen,
                "train_accuracy": hits / seen,
                "val_loss": nn.functional.cross_entropy(output, target).item(),
                "val_accuracy": (output.argmax(1) == target).double().mean().item(),
            }
        )
    run = train(spec)
    for record, wanted in zip(run.metrics, expected, strict=True):
        assert {name: record[name] for name in wanted} == pytest.approx(wanted, rel=1e-6)
    assert run.best["epoch"] == 2
    for name, tensor in model.state_dict().items():
        assert torch.equal(run.model.state_dict()[name], tensor)


def test_runs_are_numbered_and_told_of() -> None:
    told = Told()
    first, second = train(document(), report=told), train(document())
    assert (first.path, second.path) == (Path("runs/digits/1"), Path("runs/digits/2"))
    start, *epochs, end = told.told
    assert str(start) == "digits: 1,210 parameters on cpu; samples: 1,150 train, 287 val"
    assert (start.epochs, start.best) == (2, "val_accuracy")
    assert epochs == list(first.metrics)
    assert end == first.path


def without_times(run: Any) -> list[dict[str, Any]]:
    return [{k: v for k, v in record.items() if k not in ("seconds", "samples_per_second")} for record in run.metrics]


def test_the_seed_settles_everything() -> None:
    dropped = document(layers=["Flatten", {"type": "Dropout", "p": 0.2}, {"type": "Linear", "out_features": 10}])
    first, again = train(dropped), train(dropped)
    other = train(dropped, ["train.seed=1"])
    assert without_times(first) == without_times(again) != without_times(other)
    assert all(torch.equal(a, b) for a, b in zip(first.model.parameters(), again.model.parameters(), strict=True))


def test_the_callers_own_random_numbers_are_left_alone() -> None:
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    train(document())
    assert torch.equal(torch.rand(3), wanted)


def test_a_convolutional_network_learns_and_is_reloaded_bit_equal() -> None:
    layers = [
        {"type": "Conv2d", "out_channels": 8, "kernel_size": 3, "padding": 1}, "BatchNorm2d", "ReLU",
        {"type": "MaxPool2d", "kernel_size": 2}, "Flatten", {"type": "Linear", "out_features": 10},
    ]  # fmt: skip
    run = train(document(layers=layers), ["train.epochs=3"])
    assert run.environment["memory_format"] == "channels_last"
    assert run.verdict == "verified: every file has its SHA-256, and the outputs are equal bit for bit"
    assert run.best["val_accuracy"] > 0.9
    assert evaluate(run)["accuracy"] > 0.9


@pytest.mark.parametrize(
    ("best", "score", "better"),
    [
        ({"metric": "val_loss"}, "val_loss", min),
        ({"metric": "train_accuracy", "mode": "min"}, "train_accuracy", min),
    ],
)
def test_the_best_epoch_is_the_one_kept(best: dict[str, str], score: str, better: Callable[..., float]) -> None:
    run = train(document(optimizer={"type": "SGD", "lr": 3.0}), ["train.epochs=6", f"train.best={best}"])
    scores = [record[score] for record in run.metrics]
    assert run.best["epoch"] == 1 + scores.index(better(scores))
    flags = [value == better(scores[: k + 1]) and value not in scores[:k] for k, value in enumerate(scores)]
    assert [record["best"] for record in run.metrics] == flags


def test_evaluating_val_gives_the_best_epochs_numbers() -> None:
    run = train(document())
    found = evaluate(run, "val")
    assert found == pytest.approx({name.removeprefix("val_"): run.best[name] for name in ("val_loss", "val_accuracy")})


def test_the_test_split_is_never_opened() -> None:
    missing = {"dataset": {"type": "Arrays", "path": "nowhere.npz", "fields": {"input": "x", "target": "y"}}}
    run = train(document(data={**DOCUMENT["data"], "test": missing}))
    assert run.status == "finished"
    with pytest.raises(DataError, match=r"nowhere\.npz"):
        evaluate(run)


def own_set(size: int = 100) -> TensorDataset:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(size, 1, 8, 8, generator=generator)
    return TensorDataset(images, (images.mean((1, 2, 3)) * 10).long())


def test_data_sets_of_ones_own() -> None:
    run = train(document(data=None), train=own_set(), val=own_set(40))
    assert set(run.best) == {"epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"}
    alone = train(document(data=None), train=own_set())
    assert set(alone.best) == {"epoch", "train_loss", "train_accuracy"}
    with pytest.raises(DataError, match=r"\[SB401\]: the run's spec has no data\.test"):
        evaluate(run)


def test_an_autoencoder() -> None:
    layers = [
        "Flatten", {"type": "Linear", "out_features": 8}, "ReLU",
        {"type": "Linear", "out_features": 64}, "Sigmoid",
        {"type": "Unflatten", "dim": 1, "unflattened_size": [1, 8, 8]},
    ]  # fmt: skip
    run = train(document(layers=layers, loss={"type": "MSELoss", "target": "input"}))
    assert set(run.best) == {"epoch", "train_loss", "val_loss"}
    first, second = run.metrics
    assert second["val_loss"] < first["val_loss"]


def faults(error: type[SpecbuildError], *args: Any, **options: Any) -> list[str]:
    with pytest.raises(error) as caught:
        train(*args, **options)
    return [str(problem) for problem in caught.value.diagnostics]


def test_what_is_missing_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    bare = {key: DOCUMENT[key] for key in ("specbuild", "name", "input", "layers")}
    lacking = [fault.split(": ")[:3] for fault in faults(DataError, bare)]
    assert lacking == [["<dict>", "error[SB401]", f"`{key}` is missing"] for key in ("loss", "optimizer", "data")]
    assert check(bare) == ()
    no_weights = document(layers=["Flatten", "ReLU"], input=[1, 2, 5], data=None)
    message = "<dict>: layers: error[SB410]: the network has no parameters: there is nothing to train"
    assert faults(DataError, no_weights, train=own_set()) == [message]
    assert hidden_or_not(tmp_path) == []


def mnist_from_nowhere() -> dict[str, Any]:
    train = {"dataset": {"type": "MNIST", "root": "nowhere"}, "transforms": ["ToTensor"]}
    return document(data={"train": train}, input=[1, 28, 28])


def test_a_folder_that_is_taken_is_refused_before_the_data_is_opened(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").touch()
    assert faults(RunError, mnist_from_nowhere(), run="mine") == ["mine: error[SB505]: is not empty"]


def test_data_that_is_not_there_leaves_nothing(tmp_path: Path) -> None:
    (message,) = faults(DataError, mnist_from_nowhere())
    assert "error[SB403]: MNIST is not in " in message
    assert hidden_or_not(tmp_path) == []


def test_a_loss_that_is_no_number_ends_the_training(tmp_path: Path) -> None:
    (message,) = faults(DataError, document(optimizer={"type": "SGD", "lr": 1e30}))
    assert message == "<dict>: optimizer.lr: error[SB409]: the loss became not a number in step 2, in epoch 1"
    assert hidden_or_not(tmp_path) == []


class Souring(Dataset[Any]):
    """Good in its first epoch; infinite after it."""

    def __init__(self, then: Callable[[], float] = lambda: math.inf) -> None:
        self.good, self.served, self.then = own_set(), 0, then

    def __len__(self) -> int:
        return len(self.good)

    def __getitem__(self, index: int) -> Any:
        self.served += 1
        image, label = self.good[index]
        return (image if self.served <= 150 else image * self.then()), label


def test_what_was_good_before_the_loss_was_lost_is_kept() -> None:
    with pytest.raises(DataError) as caught:
        train(document(data=None), train=Souring())
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.because) == (
        "SB409",
        "the input has numbers that are not finite; the best epoch before it is kept in runs/digits/1",
    )
    run = reload("runs/digits/1")
    assert (run.status, len(run.metrics), run.best["epoch"]) == ("failed", 1, 1)


def test_an_error_in_a_data_set_of_ones_own_is_the_callers_and_the_run_is_kept() -> None:
    with pytest.raises(ZeroDivisionError, match=r"^division by zero$"):
        train(document(data=None), train=Souring(lambda: 1 / 0))
    assert reload("runs/digits/1").status == "failed"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_a_whole_run(number: int, status: int) -> None:
    told = Told(lambda epoch: os.kill(os.getpid(), number) if epoch == 2 else None)
    with pytest.raises(Interrupted) as caught:
        train(document(), ["train.epochs=50"], report=told)
    path = Path("runs/digits/1")
    assert (caught.value.status, caught.value.run, told.told[-1]) == (status, path, path)
    on = "`specbuild train --resume --run runs/digits/1` goes on after step 36"
    assert str(caught.value) == f"interrupted after 2 finished epochs: the run is in runs/digits/1; {on}"
    run = reload(path)
    assert (run.status, len(run.metrics)) == ("interrupted", 2)


class Stopping(Told):
    """Interrupts before the first step."""

    def start(self, start: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_before_an_epoch_is_finished_leaves_a_checkpoint() -> None:
    on = "`specbuild train --resume --run runs/digits/1` goes on from the start"
    with pytest.raises(Interrupted) as caught:
        train(document(), report=Stopping())
    assert (str(caught.value), caught.value.run) == (
        f"interrupted before an epoch was finished; {on}",
        Path("runs/digits/1"),
    )
    assert train(None, run="runs/digits/1", resume=True).status == "finished"


def test_without_checkpoints_it_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Interrupted, match=r"^interrupted before an epoch was finished: nothing was kept$"):
        train(document(), ["train.checkpoint=null"], report=Stopping())
    assert hidden_or_not(tmp_path) == []


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    monkeypatch.setattr(closing, "PATIENCE", 0.0)
    wide = document(
        layers=["Flatten", {"type": "Linear", "out_features": 2000}, {"type": "Linear", "out_features": 10}]
    )
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        (message,) = faults(RunError, wide, ["train.epochs=1"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "error[SB506]: cannot be written: " in message
    assert hidden_or_not(tmp_path) == []


def test_train_is_evaluated_as_val_is(tmp_path: Path) -> None:
    """Each of its samples once, without what draws or mixes, whatever it is learned from."""
    layers = ["Flatten", {"type": "Linear", "out_features": 10}]
    loader = {"sampler": {"type": "WeightedRandomSampler", "num_samples": 70}, "drop_last": True}
    transforms = [{"type": "RandomCrop", "size": 8, "padding": 3}, "ToTensor", "MixUp"]
    data = {"train": {"dataset": "Digits", "transforms": transforms, "loader": loader}, "val": {"split": 0.1}}
    document = {"specbuild": 1, "input": [1, 8, 8], "layers": layers, "loss": "CrossEntropyLoss", "optimizer": "SGD"}
    run = train({**document, "data": data, "train": {"epochs": 1}}, run=tmp_path / "run")
    plain = {"train": {"dataset": "Digits", "transforms": ["ToTensor"]}, "val": {"split": 0.1}}
    split = open_data(load({**document, "data": plain}))["train"]
    batches = list(split.batches(0, "cpu"))
    images, labels = (torch.cat([batch[name] for batch in batches]) for name in ("input", "target"))
    with torch.no_grad():
        output = run.model(images)
    found = evaluate(run, "train")
    assert found["loss"] == pytest.approx(float(torch.nn.functional.cross_entropy(output, labels)), rel=1e-5)
    assert found["accuracy"] == pytest.approx(float((output.argmax(1) == labels).float().mean()))
