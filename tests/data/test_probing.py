from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, TensorDataset

from specbuild.data import Split, open_data, probe
from specbuild.errors import DataError, SpecError
from specbuild.network.inference import infer
from tests.data.documents import document, problems

torch.set_num_threads(1)
IMAGES = np.zeros((6, 1, 8, 8), np.float32)
LABELS = np.arange(6)


def probed(spec: Any, name: str = "train", **given: Any) -> list[tuple[str, str, str]]:
    plan = infer(spec)
    return problems(lambda: probe(open_data(spec, splits=[name], **given)[name], plan))


@pytest.fixture
def arrays(tmp_path: Path) -> Any:
    """A training on arrays that are written on the spot."""

    def make(x: np.ndarray, y: np.ndarray, transforms: Any = (), loader: Any = None, **changes: Any) -> Any:
        np.savez(tmp_path / "a.npz", x=x, y=y)
        dataset = {"type": "Arrays", "path": str(tmp_path / "a.npz"), "fields": {"input": "x", "target": "y"}}
        train = {"dataset": dataset, "transforms": list(transforms), "loader": loader or {}}
        return document({"train": train}, **changes)

    return make


def test_data_that_fits_is_not_spoken_of(arrays: Any) -> None:
    spec = arrays(IMAGES, LABELS)
    probe(open_data(spec)["train"], infer(spec))


@pytest.mark.parametrize(
    ("x", "y", "transforms", "code", "path", "message"),
    [
        (np.zeros((6, 64), np.float32), LABELS, [], "SB404", "data.train.dataset",
         "the network takes [1, 8, 8], but train gives [64]"),
        (np.zeros((6, 8, 8), np.uint8), LABELS, [], "SB404", "data.train.dataset",
         "the network takes float32, but train gives uint8"),
        (np.zeros((6, 8, 8), np.uint8), LABELS, ["Grayscale", {"type": "Normalize", "mean": [0], "std": [1]}],
         "SB408", "data.train.transforms.1",
         "Normalize needs floating-point numbers, but what comes in is [1, 8, 8] uint8"),
        (IMAGES, LABELS + 1, [{"type": "Normalize", "mean": [1, 2], "std": [1]}],
         "SB408", "data.train.transforms.0.mean", "mean has 2 numbers, but what comes in has 1 channel"),
        (IMAGES, LABELS + 5, [], "SB402", "loss",
         "the network gives 10 classes, 0 to 9, but the labels of train go from 5 to 10"),
        (IMAGES, LABELS - 1, [], "SB402", "loss",
         "the network gives 10 classes, 0 to 9, but the labels of train go from -1 to 4"),
        (IMAGES, np.zeros((6, 2), np.int64), [], "SB402", "loss",
         "labels for an output [10] must be [], but the target is [2] int64"),
    ],
)  # fmt: skip
def test_what_does_not_fit(
    x: np.ndarray, y: np.ndarray, transforms: Any, code: str, path: str, message: str, arrays: Any
) -> None:
    assert probed(arrays(x, y, transforms)) == [(code, path, message)]


def test_a_label_that_is_ignored_is_allowed(arrays: Any) -> None:
    loss = {"type": "CrossEntropyLoss", "ignore_index": 255}
    spec = arrays(IMAGES, np.array([0, 1, 255, 9, 3, 2]), loss=loss)
    probe(open_data(spec)["train"], infer(spec))


def test_all_that_does_not_fit_is_said(arrays: Any) -> None:
    found = probed(arrays(np.zeros((6, 8, 8), np.uint8), LABELS + 5))
    assert [code for code, _, _ in found] == ["SB404", "SB402"]


def test_targets_of_a_binary_loss_are_from_0_to_1(arrays: Any) -> None:
    layers = ["Flatten", {"type": "Linear", "out_features": 1}]
    assert probed(arrays(IMAGES, LABELS, layers=layers, loss="BCEWithLogitsLoss")) == [
        (
            "SB402",
            "loss",
            "BCEWithLogitsLoss needs targets from 0 to 1, but `target` of train goes from 0 to 5",
        )
    ]


def test_class_probabilities_are_from_0_to_1(arrays: Any) -> None:
    shares = np.full((6, 10), 0.3, np.float32)  # they need not add up to 1
    probe(open_data(spec := arrays(IMAGES, shares))["train"], infer(spec))
    for value, found in ((-0.5, "-0.5 to 0.3"), (2, "0.3 to 2")):
        shares[3, 4] = value
        assert probed(arrays(IMAGES, shares)) == [
            ("SB402", "loss", f"CrossEntropyLoss needs targets from 0 to 1, but `target` of train goes from {found}")
        ]


@pytest.mark.parametrize(
    ("target", "loss", "fix"),
    [
        (LABELS[:, None], "CrossEntropyLoss", "labels without the last axis: `squeeze(-1)` when they are saved"),
        (np.eye(10, dtype=np.int64)[LABELS], "CrossEntropyLoss",
         "of one-hot labels, `argmax(-1)` when they are saved; as float32 they are class probabilities"),
        (np.eye(10, dtype=np.int64)[LABELS], "NLLLoss", "of one-hot labels, `argmax(-1)` when they are saved"),
        (LABELS[:, None].astype(np.float32), "CrossEntropyLoss",
         "labels of classes are integers, not floating-point numbers"),
    ],
)  # fmt: skip
def test_labels_in_another_shape(target: np.ndarray, loss: str, fix: str, arrays: Any) -> None:
    spec = arrays(IMAGES, target, loss=loss)
    with pytest.raises(DataError) as raised:
        probe(open_data(spec)["train"], infer(spec))
    (found,) = raised.value.diagnostics
    assert (found.code, found.fix) == ("SB402", fix)


def test_targets_of_a_likelihood_are_not_below_0(arrays: Any) -> None:
    logarithms = np.log(np.full((6, 10), 0.1, np.float32))
    divergence = {"type": "KLDivLoss", "log_target": True}
    probe(open_data(spec := arrays(IMAGES, logarithms, loss=divergence))["train"], infer(spec))
    for loss, fix in (("KLDivLoss", "log_target: true, if they are logarithms"), ("PoissonNLLLoss", None)):
        probe(open_data(spec := arrays(IMAGES, np.exp(logarithms) * 20, loss=loss))["train"], infer(spec))
        spec = arrays(IMAGES, logarithms, loss=loss)
        with pytest.raises(DataError) as raised:
            probe(open_data(spec)["train"], infer(spec))
        (found,) = raised.value.diagnostics
        assert found.message == f"{loss} needs targets from 0 on, but `target` of train is -2.30259"
        assert found.fix == fix


def test_targets_of_a_loss_of_signs_are_minus_1_and_1(arrays: Any) -> None:
    layers = ["Flatten", {"type": "Linear", "out_features": 1}]
    signs = np.array([1, -1, 1, 1, -1, -1])
    for loss in ("SoftMarginLoss", "HingeEmbeddingLoss"):
        spec = arrays(IMAGES, signs, layers=layers, loss=loss, metrics=[])
        probe(open_data(spec)["train"], infer(spec))
        assert probed(arrays(IMAGES, signs.clip(0), layers=layers, loss=loss, metrics=[])) == [
            ("SB402", "loss", f"{loss} needs targets of -1 and 1, but `target` of train holds 0")
        ]


def test_labels_of_margins(arrays: Any) -> None:
    lists = np.full((6, 10), -1)
    lists[:, 0] = LABELS
    spec = arrays(IMAGES, lists, loss="MultiLabelMarginLoss", metrics=[])
    probe(open_data(spec)["train"], infer(spec))
    lists[2, 1] = 10
    message = "the network gives 10 classes, 0 to 9, but the labels of train go from"
    assert probed(arrays(IMAGES, lists, loss="MultiLabelMarginLoss", metrics=[])) == [
        ("SB402", "loss", f"{message} 0 to 10")
    ]
    assert probed(arrays(IMAGES, LABELS - 1, loss="MultiMarginLoss")) == [("SB402", "loss", f"{message} -1 to 4")]
    assert probed(arrays(IMAGES, LABELS - 1, loss="NLLLoss")) == [("SB402", "loss", f"{message} -1 to 4")]


BATCHNORM = [
    {"type": "Conv2d", "out_channels": 4, "kernel_size": 8}, "BatchNorm2d", "Flatten",
    {"type": "Linear", "out_features": 10},
]  # fmt: skip


def test_a_last_batch_of_one_where_batchnorm_fails_on_it(arrays: Any) -> None:
    fact = "batchnorm2d_1 is a BatchNorm2d over one value a channel, and fails on a batch of one"
    found = probed(arrays(IMAGES, LABELS, loader={"batch_size": 5}, layers=BATCHNORM))
    assert found == [("SB406", "data.train.loader", f"{fact}: 6 samples in batches of 5 leave one")]
    found = probed(arrays(IMAGES, LABELS, loader={"batch_size": 1}, layers=BATCHNORM))
    assert found == [("SB406", "data.train.loader.batch_size", fact)]
    for loader in ({"batch_size": 5, "drop_last": True}, {"batch_size": 4}):
        spec = arrays(IMAGES, LABELS, loader=loader, layers=BATCHNORM)
        probe(open_data(spec)["train"], infer(spec))


def test_batchnorm_really_fails_there_and_only_there() -> None:
    for size in (1, 2):
        norm = torch.nn.BatchNorm2d(4)
        if size == 1:
            with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
                norm(torch.zeros(1, 4, size, size))
        else:
            norm(torch.zeros(1, 4, size, size))


def test_a_batch_larger_than_all_samples_that_is_dropped(arrays: Any) -> None:
    found = probed(arrays(IMAGES, LABELS, loader={"batch_size": 7, "drop_last": True}))
    assert found == [
        ("SB412", "data.train.loader.drop_last", "drop_last leaves no batch: train has 6 samples, a batch 7")
    ]


def test_own_data_is_held_against_the_network_too() -> None:
    own = TensorDataset(torch.full((4, 1, 8, 8), float("nan")), torch.tensor([0, 1, 2, 10]))
    assert probed(document(None), train=own) == [
        ("SB405", "", "`input` of sample 0 holds NaN or an infinity"),
        ("SB402", "loss", "the network gives 10 classes, 0 to 9, but the labels of train go from 0 to 10"),
    ]


def test_an_autoencoder_is_held_against_its_input() -> None:
    layers = ["Flatten", {"type": "Linear", "out_features": 64}]
    loss = {"type": "MSELoss", "target": "input"}
    data = {"train": {"dataset": "Digits", "transforms": ["ToTensor"]}}
    assert probed(document(data, layers=layers, loss=loss)) == [
        ("SB402", "loss", "MSELoss compares element with element: the network gives [64], "
         "but the target is [1, 8, 8] float32"),
    ]  # fmt: skip
    unflattened = [*layers, {"type": "Unflatten", "dim": 1, "unflattened_size": [1, 8, 8]}]
    spec = document(data, layers=unflattened, loss=loss)
    probe(open_data(spec)["train"], infer(spec))


FAKES = {"type": "FakeData", "size": 6, "image_size": [1, 8, 8]}


@pytest.mark.parametrize(
    ("transform", "size"),
    [
        ({"type": "RandomShortestSize", "min_size": 10}, "[1, 10, 10]"),
        ({"type": "RandomZoomOut", "p": 1.0, "side_range": [2, 2]}, "[1, 16, 16]"),
    ],
)
def test_a_drawn_size_that_the_network_does_not_take(transform: dict[str, Any], size: str) -> None:
    spec = document({"train": {"dataset": FAKES, "transforms": ["ToTensor", transform]}})
    split = open_data(spec)["train"]
    probe(split, infer(spec))
    assert problems(lambda: next(split.batches(1, "cpu"))) == [
        ("SB404", "data.train.dataset", f"the network takes [1, 8, 8], but train gives {size}")
    ]


def test_a_drawn_size_that_is_not_promised() -> None:
    """Each batch is of one size; that of the first sample is not that of all."""
    spec = document(
        {
            "train": {
                "dataset": FAKES,
                "transforms": ["ToTensor", {"type": "RandomResize", "min_size": 8, "max_size": 12}],
                "loader": {"batch_size": 1},
            }
        },
        input=[1, "H", "W"],
        layers=[{"type": "AdaptiveAvgPool2d", "output_size": 1}, "Flatten", {"type": "Linear", "out_features": 10}],
        dims={"H": {"multiple_of": 2}, "W": {"multiple_of": 2}},
    ).at({"H": 8, "W": 8})
    split = open_data(spec)["train"]
    probe(split, infer(spec))
    odd = next(epoch for epoch in range(1, 20) if any(size % 2 for size in sizes(split, epoch)))
    with pytest.raises(SpecError) as raised:
        list(split.batches(odd, "cpu"))
    assert {diagnostic.code for diagnostic in raised.value.diagnostics} == {"SB314"}


def sizes(split: Split, epoch: int) -> list[int]:
    """The heights of an epoch's batches, not held against the network."""
    held, split.shapes = split.shapes, None
    found = [batch["input"].shape[-2] for batch in split.batches(epoch, "cpu")]
    split.shapes = held
    return found


class Changing(Dataset[Any]):
    """Ten samples with a target of one number, and ten with one of two."""

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(1, 8, 8), torch.zeros(1 + index // 10)


def test_a_target_that_changes_its_shape_is_not_broadcast() -> None:
    layers = ["Flatten", {"type": "Linear", "out_features": 1}]
    data = {"train": {"dataset": "Digits", "loader": {"batch_size": 1, "shuffle": False}}}
    spec = document(data, layers=layers, loss="MSELoss")
    split = open_data(spec, train=Changing())["train"]
    probe(split, infer(spec))
    message = "MSELoss compares element with element: the network gives [1], but the target is [2] float32"
    assert problems(lambda: list(split.batches(1, "cpu"))) == [("SB402", "loss", message)]
