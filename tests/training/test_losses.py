"""Every loss in a training: a step is torch's own, and what a loss cannot take is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

import specbuild
from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.losses import LOSSES
from specbuild.errors import DataError
from specbuild.network.pipeline import KEEPS_RANGE, UNBOUNDED

torch.set_num_threads(1)
INPUTS = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def document(loss: Any, target: Any, *layers: Any) -> dict[str, Any]:
    """A training of one step, at a learning rate of 1, on six samples in a file."""
    np.savez("a.npz", x=INPUTS, y=np.asarray(target))
    arrays = {"type": "Arrays", "path": "a.npz", "fields": {"input": "x", "target": "y"}}
    return {
        "specbuild": 1, "name": "n", "input": [4], "loss": loss, "optimizer": {"type": "SGD", "lr": 1.0},
        "layers": [{"name": "fc", "type": "Linear", "out_features": 3}, *layers],
        "data": {"train": {"dataset": arrays, "loader": {"batch_size": 6}}}, "train": {"epochs": 1},
    }  # fmt: skip


def targets_of(name: str) -> list[Any]:
    """Targets in a file that a loss takes, of several dtypes."""
    cls = LOSSES[name]
    labels = np.arange(6) % 3
    shares = np.random.default_rng(1).random((6, 3))
    if cls.targets == "labels":
        of_classes = [shares.astype(np.float32)] if name == "CrossEntropyLoss" else []
        return [labels, labels.astype(np.uint8), labels.astype(np.int32), *of_classes]
    if cls.targets == "label lists":
        lists = np.full((6, 3), -1)
        lists[:, 0] = labels
        return [lists, lists.astype(np.int8)]
    if cls.targets == "signs":
        signs = np.where(shares > 0.5, 1, -1)
        return [signs, signs.astype(np.int8), signs.astype(np.float32)]
    whole = (shares > 0.5).astype(np.int64)
    return [shares, shares.astype(np.float16), shares.astype(np.float32), whole, whole.astype(bool)]


@pytest.mark.filterwarnings("ignore:.*reduction.*mean:UserWarning")  # of torch's own KLDivLoss
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", sorted(LOSSES))
def test_a_step_is_torchs(name: str, reduction: str) -> None:
    last = ["Sigmoid"] if name == "BCELoss" else []
    for number, target in enumerate(targets_of(name)):
        written = document({"type": name, "reduction": reduction}, target, *last)
        odd = {"KLDivLoss", "NLLLoss"} & {name}  # what they are given here are no logarithms of shares
        assert [found.code for found in specbuild.check(written)] == ["SB807" for _ in odd]
        run = specbuild.train(written, run=f"{number}", device="cpu")
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 3), *[nn.Sigmoid() for _ in last])
        wanted = torch.from_numpy(target)
        wanted = wanted.float() if wanted.is_floating_point() else wanted.long()
        if LOSSES[name].targets not in ("labels", "label lists"):
            wanted = wanted.float()
        loss = getattr(nn, name)(reduction=reduction)(model(torch.from_numpy(INPUTS)), wanted)
        loss.backward()
        torch.optim.SGD(model.parameters(), lr=1.0).step()
        found = run.model.get_submodule("fc")
        torch.testing.assert_close(found.weight, model[0].weight, rtol=1e-5, atol=1e-6)
        measured = float(loss.detach()) / (6 if reduction == "sum" else 1)
        assert run.metrics[0]["train_loss"] == pytest.approx(measured, rel=1e-5)


def test_the_layers_that_leave_the_range_or_keep_it_are_in_the_catalogue() -> None:
    assert {*LAYERS} >= UNBOUNDED | KEEPS_RANGE
    assert not UNBOUNDED & KEEPS_RANGE


class Late(Dataset[Any]):
    """Good in what is looked at before the training."""

    def __init__(self, input: float = 0.5, target: float = 0.5) -> None:
        self.input, self.target = input, target

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        late = index == 3
        given = torch.full((2,), self.input if late else 0.5)
        return given, torch.full((2,), self.target if late else 0.5)


@pytest.mark.parametrize(
    ("late", "code", "path", "message"),
    [
        ({"input": 2.0}, "SB402", ("loss",), "BCELoss needs outputs from 0 to 1, but the network gives others"),
        ({"target": 2.0}, "SB402", ("loss",), "BCELoss needs targets from 0 to 1, and came upon others"),
        ({"input": float("nan")}, "SB409", ("optimizer", "lr"), "what the network gives became not a number"),
    ],
)
@pytest.mark.parametrize("several", [False, True])
def test_what_a_loss_of_shares_comes_upon(
    late: dict[str, float], code: str, path: tuple[str, ...], message: str, several: bool
) -> None:
    written = document("BCELoss", [0])
    layers: list[Any] = [
        {"name": "factor", "type": "Parameter", "shape": [1, 2], "init": "ones_"},
        {"name": "out", "type": "Multiply", "from": ["input", "factor"]},
    ]
    written |= {"input": [2], "layers": layers, "data": None}
    if several:
        layers.append({"name": "other", "type": "Identity", "from": "out"})
        written |= {"outputs": ["other", "out"], "loss": {"other": "MSELoss", "out": "BCELoss"}}
        path = ("loss", "out") if path == ("loss",) else path
    with pytest.raises(DataError) as raised:
        specbuild.train(written, train=Late(**late), device="cpu")
    (found,) = raised.value.diagnostics
    assert (found.code, found.path, found.message) == (code, path, message)


def test_a_target_out_of_range_is_told_as_it_is() -> None:
    written = document("BCEWithLogitsLoss", [0]) | {"data": None}
    own = [(torch.zeros(2), torch.full((2,), 2.0))] * 4
    written |= {"input": [2], "layers": [{"type": "Linear", "out_features": 2}]}
    with pytest.raises(DataError, match=r"needs targets from 0 to 1, but `target` of train is 2$"):
        specbuild.train(written, train=own, device="cpu")  # type: ignore[arg-type]
