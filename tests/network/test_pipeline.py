from __future__ import annotations

from typing import Any

import pytest
import torch

from specbuild.api import build, check
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.codes.training import DIGITS, TRAINING
from specbuild.errors import SpecError
from specbuild.network.inference import infer
from specbuild.network.metrics import best_of, metric_names, metrics_of
from specbuild.network.pipeline import check_data, missing_for_training
from specbuild.network.samples import image_field
from tests.data.documents import document

TRAIN: dict[str, Any] = {"dataset": "Digits", "transforms": ["ToTensor"]}


def found(data: Any, **changes: Any) -> list[tuple[str, str, str]]:
    """Code, path and message of all that is wrong with a training."""
    try:
        spec = document(data, **changes)
    except SpecError as error:
        diagnostics = list(error.diagnostics)
    else:
        diagnostics = check_data(spec, infer(spec))
    return [(d.code, ".".join(map(str, d.path)), d.message) for d in diagnostics]


def arrays(*fields: str) -> dict[str, Any]:
    return {"type": "Arrays", "path": "x.npz", "fields": dict.fromkeys(fields, "x")}


def linear(outputs: int, *after: str) -> list[Any]:
    return ["Flatten", {"type": "Linear", "out_features": outputs}, *after]


@pytest.mark.parametrize("code", [code for code in TRAINING if not code.failing.startswith("$")], ids=lambda c: c.code)
def test_the_examples_of_the_codes(code: Any) -> None:
    assert [d.code for d in check(code.failing)] == [code.code]
    assert check(code.mended) == ()


def test_the_examples_build_on_a_whole_training() -> None:
    assert check(DIGITS) == ()


@pytest.mark.parametrize(
    ("data", "changes", "wanted"),
    [
        ({"train": TRAIN}, {}, []),
        (None, {}, []),
        ({"train": TRAIN}, {"layers": linear(9)},
         [("SB402", "loss", "the network gives 9 classes, but the data has 10")]),
        ({"train": {"dataset": "Digits"}}, {},
         [("SB404", "data.train.dataset", "the network takes float32, but train gives uint8")]),
        ({"train": {"dataset": {"type": "MNIST", "root": "x"}, "transforms": ["ToTensor"]}}, {},
         [("SB404", "data.train.dataset", "the network takes [1, 8, 8], but train gives [1, 28, 28]")]),
        ({"train": {**TRAIN, "transforms": [{"type": "Normalize", "mean": [0], "std": [1]}, "ToTensor"]},
          "val": {"split": 0.1}, "test": {"dataset": "Digits"}}, {"layers": linear(9)},
         [("SB408", "data.train.transforms.0",
           "Normalize needs floating-point numbers, but what comes in is [1, 8, 8] uint8"),
          ("SB402", "loss", "the network gives 9 classes, but the data has 10")]),
        ({"train": TRAIN, "val": {"dataset": "Digits", "transforms": []}}, {},
         [("SB404", "data.val.dataset", "the network takes float32, but val gives uint8")]),
        ({"train": TRAIN, "val": {}}, {},
         [("SB410", "data.val",
           "val needs samples: `split`, a share of train's, or a `dataset` of its own")]),
        ({"train": TRAIN, "val": {"split": 0.1, "dataset": "Digits"}}, {},
         [("SB410", "data.val.split",
           "val has both `dataset` and `split`, and takes its samples from one of them")]),
        ({"train": TRAIN, "val": {"dataset": "Digits", "seed": 1}}, {},
         [("SB410", "data.val.seed",
           "seed chooses the samples of `split`, but val has a `dataset` of its own")]),
        ({"train": {**TRAIN, "loader": {"prefetch_factor": 2}}}, {},
         [("SB410", "data.train.loader.prefetch_factor",
           "prefetch_factor is about workers, but num_workers is 0")]),
        ({"train": {"dataset": arrays("input", "labels")}}, {},
         [("SB402", "loss", "the loss takes the field `target`, but train has input, labels")]),
        ({"train": {"dataset": arrays("image", "target")}}, {},
         [("SB404", "data.train.dataset",
           "the network is fed by the field `input`, but train has image, target")]),
        ({"train": TRAIN}, {"optimizer": {"type": "SGD", "nesterov": True}},
         [("SB410", "optimizer.nesterov",
           "nesterov needs a momentum above 0 and a dampening of 0, but momentum is 0 and dampening is 0")]),
        ({"train": TRAIN}, {"train": {"device": "gpu"}},
         [("SB407", "train.device", "there is no device 'gpu': use auto, cpu, cuda, cuda:1 or mps")]),
        ({"train": TRAIN}, {"loss": "BCELoss"},
         [("SB402", "loss", "BCELoss needs outputs from 0 to 1, but linear_1 is a Linear"),
          ("SB402", "loss", "BCELoss needs targets from 0 to 1, but the data has 10 classes")]),
        (None, {"loss": "BCELoss", "layers": linear(1, "Sigmoid")}, []),
        (None, {"loss": "MSELoss", "metrics": ["accuracy"]},
         [("SB411", "metrics.0", "accuracy is of labels, and MSELoss compares numbers")]),
        (None, {"metrics": [{"type": "accuracy", "top_k": 11}]},
         [("SB411", "metrics.0.top_k", "top_k is 11, but the network gives 10 classes")]),
        (None, {"loss": "BCEWithLogitsLoss", "metrics": [{"type": "accuracy", "top_k": 2}]},
         [("SB411", "metrics.0.top_k", "top_k is 2, but BCEWithLogitsLoss asks yes or no")]),
        ({"train": TRAIN}, {"train": {"best": {"metric": "val_loss"}}},
         [("SB411", "train.best.metric",
           "best.metric is val_loss, but an epoch ends with train_loss, train_accuracy")]),
        (None, {"loss": {"type": "CrossEntropyLoss", "weight": [1, 2]}},
         [("SB402", "loss.weight", "weight has 2 numbers, but the network gives 10 classes")]),
        ({"train": {**TRAIN, "dataset": {"type": "FakeData", "size": 1, "image_size": [1, 8, 8]}},
          "val": {"split": 0.5}}, {},
         [("SB412", "data.val.split", "split takes samples from train, which has 1")]),
        ({"train": {**TRAIN, "dataset": {"type": "ImageFolder", "root": "x"}}}, {},
         [("SB404", "data.train.dataset", "the network takes [1, 8, 8], but train gives [3, ?, ?]")]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_training(data: Any, changes: dict[str, Any], wanted: list[Any]) -> None:
    assert found(data, **changes) == wanted


@pytest.mark.parametrize(
    ("total", "split", "fails"), [(13, None, True), (12, None, False), (14, 0.1, True), (13, 0.1, False)]
)
def test_a_last_batch_of_one_is_foreseen(total: int, split: float | None, fails: bool) -> None:
    layers = [{"type": "Conv2d", "out_channels": 2, "kernel_size": 8}, "BatchNorm2d", *linear(10)]
    dataset = {"type": "FakeData", "size": total, "image_size": [1, 8, 8]}
    data: dict[str, Any] = {"train": {**TRAIN, "dataset": dataset, "loader": {"batch_size": 4}}}
    if split:
        data["val"] = {"split": split}
    count = total - (1 if split else 0)
    message = (
        "batchnorm2d_1 is a BatchNorm2d over one value a channel, and fails on a batch of one: "
        f"{count} samples in batches of 4 leave one"
    )
    assert found(data, layers=layers) == ([("SB406", "data.train.loader", message)] if fails else [])


def test_what_a_training_misses() -> None:
    spec = document(None, loss=None, optimizer=None)
    assert [(d.code, d.message) for d in missing_for_training(spec)] == [
        ("SB401", "`loss` is missing: what is made small"),
        ("SB401", "`optimizer` is missing: how the weights are changed"),
        ("SB401", "`data` is missing: what is learned from"),
    ]
    assert len(missing_for_training(spec, data=False)) == 2


def test_metrics_and_best_by_default() -> None:
    spec = document(None)
    assert [metric.label for metric in metrics_of(spec)] == ["accuracy"]
    assert metric_names(spec, val=True) == ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
    assert (best_of(spec, val=True).metric, best_of(spec, val=True).settled_mode) == ("val_accuracy", "max")
    assert (best_of(spec, val=False).metric, best_of(spec, val=False).settled_mode) == ("train_loss", "min")
    regression = document(None, loss="MSELoss")
    assert metrics_of(regression) == ()
    assert best_of(regression, val=True).metric == "val_loss"
    autoencoder = document(None, loss={"type": "BCEWithLogitsLoss", "target": "input"})
    assert metric_names(autoencoder, val=False) == ("train_loss",)
    five = document(None, metrics=["accuracy", {"type": "accuracy", "top_k": 5}])
    assert metric_names(five, val=False) == ("train_loss", "train_accuracy", "train_accuracy_top5")


def outputs(loss: Any, *layers: Any, **changes: Any) -> dict[str, Any]:
    """Changes that make a network of two outputs, `a` and `b`."""
    first = {"name": "a", "type": "Linear", "from": "flat", "out_features": 3}
    written = [{"name": "flat", "type": "Flatten"}, first, *layers]
    return {"layers": written, "outputs": ["a", "b"], "loss": loss} | changes


def test_each_output_is_held_against_its_own_loss() -> None:
    linear = {"name": "b", "type": "Linear", "from": "flat", "out_features": 1}
    nested = {"name": "b", "type": "Sequential", "from": "flat",
              "layers": [{"type": "Linear", "out_features": 1}, "Identity"]}  # fmt: skip
    sigmoid = {**nested, "layers": [{"type": "Linear", "out_features": 1}, "Sigmoid", "Identity"]}
    for layer, maker in ((linear, "b"), (nested, "b.linear_1"), (sigmoid, None)):
        wanted = [("SB402", "loss.b", f"BCELoss needs outputs from 0 to 1, but {maker} is a Linear")] if maker else []
        assert found(None, **outputs({"a": "CrossEntropyLoss", "b": "BCELoss"}, layer)) == wanted
    digits = outputs({"a": "CrossEntropyLoss", "b": {"type": "MSELoss", "target": "size"}}, linear)
    assert found({"train": TRAIN}, **digits) == [
        ("SB402", "loss.a", "the network gives 3 classes, but the data has 10"),
        ("SB402", "loss.b.target", "the loss takes the field `size`, but train has input, target"),
    ]


def test_an_output_without_a_batch_axis_has_no_loss() -> None:
    constant = {"name": "b", "type": "Parameter", "shape": [2, 3], "batch": False}
    assert found(None, **outputs({"b": "MSELoss"}, constant)) == [
        ("SB402", "loss.b", "b is [2, 3] without a batch: it has no batch axis to hold a target against")
    ]


def test_metrics_are_of_the_first_output_of_labels() -> None:
    linear = {"name": "b", "type": "Linear", "from": "flat", "out_features": 5}
    both = {"a": {"type": "MSELoss", "target": "size"}, "b": "CrossEntropyLoss"}
    spec = document(None, **outputs(both, linear))
    assert metric_names(spec, val=False) == ("train_loss", "train_a_loss", "train_b_loss", "train_accuracy")
    assert best_of(spec, val=True).metric == "val_accuracy"
    assert found(None, **outputs(both, linear, metrics=[{"type": "accuracy", "top_k": 6}])) == [
        ("SB411", "metrics.0.top_k", "top_k is 6, but the network gives 5 classes")
    ]
    assert found(None, **outputs(both, linear, train={"best": {"metric": "val_b_los"}})) == [
        ("SB411", "train.best.metric",
         "best.metric is val_b_los, but an epoch ends with train_loss, train_a_loss, train_b_loss, train_accuracy, "
         "val_loss, val_a_loss, val_b_loss, val_accuracy"),
    ]  # fmt: skip
    (missing,) = missing_for_training(document(None, **outputs(None, linear)), data=False)
    assert missing.fix == "add `loss: {a: CrossEntropyLoss, b: CrossEntropyLoss}`"


def test_the_field_that_transforms_are_applied_to() -> None:
    flat, image, other = TensorType((5,)), TensorType((3, 8, 8)), TensorType((1, 4, 4))
    assert image_field({"input": flat}) == "input"
    assert image_field({"meta": flat, "photo": image, "mask": other}) == "photo"
    assert image_field({"meta": flat, "more": flat}) is None


@pytest.mark.parametrize(
    "norm",
    [{"type": "GroupNorm", "num_groups": 2}, {"type": "GroupNorm", "num_groups": 1},
     *({"type": kind, "track_running_stats": kept} for kind in ("BatchNorm2d", "SyncBatchNorm")
       for kept in (True, False))],
)  # fmt: skip
@pytest.mark.parametrize("split", ["train", "val"])
def test_a_batch_of_one_is_refused_where_torch_refuses_it(norm: dict[str, Any], split: str) -> None:
    layers = [{"type": "Conv2d", "out_channels": 2, "kernel_size": 8}, norm, *linear(10)]
    dataset = {"type": "FakeData", "size": 13, "image_size": [1, 8, 8]}
    data: dict[str, Any] = {
        "train": {**TRAIN, "dataset": {**dataset, "size": 12}, "loader": {"batch_size": 4}},
        "val": {"dataset": dataset},
    }
    if split == "train":
        data["train"]["dataset"] = dataset
        data["val"]["dataset"] = {**dataset, "size": 12}
    model = build({"specbuild": 1, "input": [1, 8, 8], "layers": layers}).train(split == "train")
    fails = False
    try:
        model(torch.rand(1, 1, 8, 8))
    except ValueError:
        fails = True
    assert [(code, path) for code, path, _ in found(data, layers=layers)] == (
        [("SB406", f"data.{split}.loader")] if fails else []
    )
