"""Which step and which layer is named where numbers are no longer finite."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import TensorDataset

from specbuild.api import infer, load, train
from specbuild.data import open_data
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError
from specbuild.training.fitting import Fit
from specbuild.training.guarding import NotFinite, Watch
from specbuild.training.reporting import Silent

torch.set_num_threads(1)

DOCUMENT: dict[str, Any] = {
    "specbuild": 1,
    "name": "tiny",
    "input": [4],
    "layers": [
        {"name": "first", "type": "Linear", "out_features": 8},
        "ReLU",
        {"name": "second", "type": "Linear", "out_features": 3},
    ],
    "loss": "CrossEntropyLoss",
    "optimizer": {"type": "SGD", "lr": 0.1},
}


def document(**changes: Any) -> dict[str, Any]:
    return {**DOCUMENT, "data": None, "train": {"epochs": 3, **changes.pop("train", {})}, **changes}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def drawn(samples: int) -> torch.Tensor:
    return torch.randn(samples, 4, generator=torch.Generator().manual_seed(0))


def fit_of(written: dict[str, Any]) -> Fit:
    own = TensorDataset(drawn(320), torch.arange(320) % 3)  # 5 batches an epoch
    spec = load(written)
    return Fit(spec, infer(spec), torch.device("cpu"), open_data(spec, splits=("train",), train=own), Silent())


def told(fit: Fit) -> Diagnostic:
    with pytest.raises(DataError) as raised:
        [fit.epoch(number) for number in range(1, 4)]
    (problem,) = raised.value.diagnostics
    assert problem.code == "SB409"
    return problem


def spoiling(fit: Fit, step: int, spoil: Any) -> None:
    """Do something to the model after a step of the optimizer."""
    taken = 0

    def hook(*_: Any) -> None:
        nonlocal taken
        taken += 1
        if taken == step:
            with torch.no_grad():
                spoil(fit.model)

    fit.optimizer.register_step_post_hook(hook)


def too_large(model: Any) -> None:
    """Make `second` give 8 times 1e38, which float32 has not, for whatever comes in."""
    model.first.weight.fill_(0.0)
    model.first.bias.fill_(1.0)
    model.second.weight.fill_(1e38)


def test_the_layer_whose_output_is_the_first() -> None:
    fit = fit_of(document())
    spoiling(fit, 13, too_large)
    problem = told(fit)
    assert problem.message == "the loss became not a number in step 14, in epoch 3"
    assert problem.because == "the output of second is the first that is not finite"


def test_weights_that_are_not_finite() -> None:
    fit = fit_of(document())
    spoiling(fit, 4, lambda model: model.first.bias.fill_(math.nan))
    problem = told(fit)
    assert problem.message == "the loss became not a number in step 5, in epoch 1"
    assert problem.because == "the weights in first.bias are not finite"


@pytest.mark.parametrize("clip", [{}, {"clip_grad_norm": 1.0}, {"clip_grad_value": 1.0}])
def test_a_gradient_that_is_not_finite_while_the_loss_is(clip: dict[str, Any]) -> None:
    fit = fit_of(document(train=clip))
    taken = 0

    def hook(gradient: torch.Tensor) -> torch.Tensor:
        nonlocal taken
        taken += 1
        return torch.full_like(gradient, math.inf) if taken == 3 else gradient

    fit.model.get_parameter("first.weight").register_hook(hook)
    problem = told(fit)
    # unclipped, the step is taken, and the next loss shows it
    where = "a gradient became infinite in step 3" if clip else "the loss became not a number in step 4"
    assert problem.message == f"{where}, in epoch 1"
    assert problem.because == "the gradient of first.weight was the first not to be finite"


def test_accumulated_batches_count_as_one_step() -> None:
    fit = fit_of(document(train={"accumulate": 4}))  # 2 steps an epoch
    spoiling(fit, 4, lambda model: model.second.bias.fill_(math.inf))
    assert told(fit).message.endswith("in step 5, in epoch 3")


def test_the_input_is_named() -> None:
    spoilt = drawn(40)
    spoilt[35] = math.nan
    with pytest.raises(DataError) as raised:
        train(document(), train=TensorDataset(spoilt, torch.arange(40) % 3))
    (problem,) = raised.value.diagnostics  # all samples are one batch
    assert problem.message == "the loss became not a number in step 1, in epoch 1"
    assert problem.because == "the input has numbers that are not finite"


def test_data_that_are_not_finite_are_no_matter_of_the_learning_rate() -> None:
    spoilt = torch.randn(40, 4)
    spoilt[35] = math.nan  # not among the first samples, which are looked at before the training
    own, good = TensorDataset(spoilt, torch.arange(40) % 3), TensorDataset(torch.randn(40, 4), torch.arange(40) % 3)
    for splits, words in (((own, None), "the loss became"), ((good, own), "the loss on val became")):
        with pytest.raises(DataError) as raised:
            train(document(optimizer={"type": "SGD", "lr": 0.1}), train=splits[0], val=splits[1])
        (problem,) = raised.value.diagnostics
        assert problem.message.startswith(words)
        assert problem.because == "the input has numbers that are not finite"
        assert (problem.path[0], problem.fix) == ("data", "data and transforms that give numbers")


def test_labels_that_are_all_ignored_are_named() -> None:
    good, none = (
        TensorDataset(torch.randn(8, 4), torch.arange(8) % 3),
        TensorDataset(torch.randn(8, 4), torch.zeros(8).long()),
    )
    for own, val in ((none, None), (good, none)):
        with pytest.raises(DataError) as raised:
            train(document(loss={"type": "CrossEntropyLoss", "ignore_index": 0}), train=own, val=val)
        (problem,) = raised.value.diagnostics
        assert problem.because is not None
        assert problem.because.startswith("all labels of the batch are 0, which the loss ignores")
        assert problem.path[0] == "data"


def test_the_layer_that_spoils_val_is_named() -> None:
    own = TensorDataset(torch.randn(8, 4), torch.arange(8) % 3)
    written = document(optimizer={"type": "SGD", "lr": 1e30}, train={"max_steps": 1})
    with pytest.raises(DataError) as raised:
        train(written, train=own, val=own)
    (problem,) = raised.value.diagnostics
    assert problem.message == "the loss on val became not a number in epoch 1"
    assert problem.because == "the output of second is the first that is not finite"
    assert problem.path == ("optimizer", "lr")


def test_float16_may_be_what_overflows() -> None:
    own = TensorDataset(1e5 * torch.randn(8, 4), torch.arange(8) % 3)
    with pytest.raises(DataError) as raised:
        train(document(train={"precision": "float16"}), train=own)
    (problem,) = raised.value.diagnostics
    assert problem.fix is not None
    assert problem.fix.startswith("precision: bfloat16, ")


@pytest.mark.parametrize("optimizer", ["SGD", "Adadelta", "Rprop"])
def test_a_step_that_torch_cannot_hold(optimizer: str) -> None:
    own = TensorDataset(torch.randn(8, 4), torch.arange(8) % 3)
    with pytest.raises(DataError) as raised:
        train(document(optimizer={"type": optimizer, "lr": 1e39}), train=own)
    (problem,) = raised.value.diagnostics
    assert (problem.code, problem.path) == ("SB409", ("optimizer", "lr"))
    assert problem.message == "a step of the optimizer is larger than a float32 can be"


def test_on_other_devices_losses_are_kept_and_looked_at_together() -> None:
    watch = Watch(torch.device("meta"))
    watch.begin()
    for value in (1.0, 2.0, math.inf, math.nan):
        watch.loss(torch.tensor(value))
    with pytest.raises(NotFinite) as raised:
        watch.look(4)
    assert (raised.value.number, raised.value.found) == (3, "infinite")
    for value in (1.0, math.nan):
        watch.loss(torch.tensor(value))
    with pytest.raises(NotFinite) as raised:
        watch.look(6)
    assert raised.value.number == 6
    for value in (1.0, math.inf):  # a norm for every other batch
        watch.norm(torch.tensor(value))
    with pytest.raises(NotFinite) as raised:
        watch.look(10)
    assert (raised.value.number, raised.value.what) == (10, "a gradient")
