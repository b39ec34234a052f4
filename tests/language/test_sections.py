from __future__ import annotations

import inspect
from typing import Any

import pytest
from torch.utils.data import DataLoader

from specbuild.catalogue.datasets.digits import Digits
from specbuild.catalogue.rules import Violation
from specbuild.language.sections import Data, Loader, TestSplit, TrainSplit, ValSplit
from specbuild.language.training import Best, Training

OWN_DEFAULTS = {"batch_size": 64}
"""Where a loader's default is not torch's: torch's is 1."""


def test_a_loader_has_every_argument_of_torchs_or_refuses_it() -> None:
    theirs = dict(inspect.signature(DataLoader.__init__).parameters)
    for name in ("self", "dataset"):
        del theirs[name]
    ours = Loader.model_fields
    assert theirs.keys() == ours.keys() | Loader.refused.keys()
    assert not ours.keys() & Loader.refused.keys()
    for name, info in ours.items():
        assert info.default == OWN_DEFAULTS.get(name, theirs[name].default)


@pytest.mark.parametrize(
    "arguments", [{"prefetch_factor": 2}, {"persistent_workers": True}, {"timeout": 1}, {"num_workers": 2}]
)
def test_options_for_workers_need_workers_as_torch_says(arguments: dict[str, Any]) -> None:
    refusal = None
    try:
        Loader(**arguments).check()
    except Violation as violation:
        refusal = str(violation)
    if arguments == {"num_workers": 2}:
        assert refusal is None
        return
    [name] = arguments
    assert refusal == f"{name} is about workers, but num_workers is 0"
    with pytest.raises((ValueError, AssertionError)):
        iter(DataLoader([1], **arguments))  # type: ignore[arg-type]
    Loader(num_workers=1, **arguments).check()


def test_how_many_samples_are_held_out() -> None:
    def held_out(split: float, total: int) -> int:
        return Data(train=TrainSplit(dataset=Digits()), val=ValSplit(split=split)).counts(total)["val"]

    assert [held_out(0.1, total) for total in (1437, 10, 2, 1)] == [144, 1, 1, 0]
    assert held_out(0.99, 10) == 9


def test_test_is_held_out_before_val() -> None:
    def counts(val: float, test: float, total: int) -> list[int]:
        data = Data(train=TrainSplit(dataset=Digits()), val=ValSplit(split=val), test=TestSplit(split=test))
        found = data.counts(total)
        return [found["train"], found["val"], found["test"]]

    assert counts(0.1, 0.2, 100) == [70, 10, 20]
    assert counts(0.5, 0.5, 10) == [1, 4, 5]
    assert [counts(0.1, 0.1, total) for total in (3, 2, 1)] == [[1, 1, 1], [1, 0, 1], [1, 0, 0]]


def test_shuffle_is_for_train() -> None:
    data = Data(
        train=TrainSplit(dataset=Digits()),
        val=ValSplit(split=0.1),
        test=TestSplit(dataset=Digits(train=False)),
    )
    assert data.names() == ("train", "val", "test")
    assert [data.loader_of(name).shuffle for name in data.names()] == [True, False, False]


def test_best_is_the_least_loss_or_the_most_of_all_else() -> None:
    assert [Best(metric=name).settled_mode for name in ("val_loss", "val_accuracy")] == ["min", "max"]
    assert Best(metric="val_loss", mode="max").settled_mode == "max"


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1", "mps"])
def test_devices(device: str) -> None:
    Training(device=device).check()


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "cpu:1", "auto:0", ""])
def test_what_is_no_device(device: str) -> None:
    with pytest.raises(Violation) as raised:
        Training(device=device).check()
    assert str(raised.value) == f"there is no device {device!r}: use auto, cpu, cuda, cuda:1 or mps"
