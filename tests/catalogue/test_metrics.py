"""What each metric asks of the output and its loss, and what its result is called."""

from __future__ import annotations

from typing import Any

import pytest

from specbuild.catalogue.metrics import METRICS, Metric
from specbuild.diagnostics import render
from specbuild.language.loading import load
from specbuild.language.training import mode_of
from specbuild.network.inference import infer
from specbuild.network.metrics import check_metrics, metric_names, metrics_of
from specbuild.network.resolve import resolved

CONV = [{"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": 1}]
ONE = [{"type": "Conv2d", "out_channels": 1, "kernel_size": 3, "padding": 1}]
FLAT: list[Any] = ["Flatten", {"type": "Linear", "out_features": 4}]
CLASSES = {"accuracy", "precision", "recall", "f1", "auroc", "average_precision", "confusion_matrix"}
MASKS = {"mean_iou", "dice"}
NUMBERS = {"mae", "mse", "rmse", "r2"}
IMAGES = {"psnr", "ssim"}


def written(metrics: Any, loss: Any, layers: Any = FLAT) -> Any:
    return load({"specbuild": 1, "input": [3, 16, 16], "layers": layers, "loss": loss, "metrics": metrics})


def refused(spec: Any) -> list[str]:
    return [diagnostic.message for diagnostic in check_metrics(spec, infer(spec))]


@pytest.mark.parametrize(
    ("loss", "layers", "fitting"),
    [
        ("CrossEntropyLoss", FLAT, CLASSES | {"perplexity"}),
        ("NLLLoss", CONV, CLASSES | MASKS | {"perplexity"}),
        ("MultiMarginLoss", FLAT, CLASSES),
        ("BCEWithLogitsLoss", FLAT, CLASSES),
        ("BCEWithLogitsLoss", ONE, CLASSES | MASKS),
        ("MultiLabelSoftMarginLoss", FLAT, CLASSES),
        ("SoftMarginLoss", FLAT, CLASSES),
        ("MSELoss", FLAT, NUMBERS),
        ({"type": "L1Loss", "target": "input"}, CONV, NUMBERS | IMAGES),
        ({"type": "BCEWithLogitsLoss", "target": "input"}, CONV, CLASSES | MASKS | NUMBERS | IMAGES),
        ("PoissonNLLLoss", FLAT, NUMBERS),
        ("KLDivLoss", FLAT, set()),
        ("HingeEmbeddingLoss", FLAT, set()),
        ("MultiLabelMarginLoss", FLAT, set()),
    ],
)
def test_metrics_fit_the_loss_and_the_output(loss: Any, layers: Any, fitting: set[str]) -> None:
    assert {name for name in METRICS if not refused(written([name], loss, layers))} == fitting


def test_every_metric_is_known_by_the_name_that_a_document_uses() -> None:
    for name, cls in METRICS.items():
        assert (cls().type, cls().label, cls.__base__ is not Metric) == (name, name, True)
    spec = written([{"type": "f1", "average": "micro"}, {"type": "auroc", "thresholds": 9}], "CrossEntropyLoss")
    assert resolved(spec, infer(spec))["metrics"] == [
        {"type": "f1", "output": None, "average": "micro"},
        {"type": "auroc", "output": None, "average": "macro", "thresholds": 9},
    ]


def test_what_tells_metrics_apart_is_in_their_names() -> None:
    spec = load(
        {
            "specbuild": 1,
            "input": [3],
            "layers": [{"name": "a", "type": "Linear", "out_features": 4},
                       {"name": "b", "type": "Linear", "out_features": 4}],
            "outputs": ["a", "b"],
            "loss": {"a": "CrossEntropyLoss", "b": {"type": "MSELoss", "target": "size"}},
            "metrics": ["confusion_matrix", {"type": "accuracy", "top_k": 2}, {"type": "recall", "average": "weighted"},
                        {"type": "auroc", "average": "weighted"}, {"type": "rmse", "output": "b"}],
        }
    )  # fmt: skip
    assert refused(spec) == []
    assert next(metric.label for metric in metrics_of(spec)) == "confusion_matrix"
    assert metric_names(spec, val=False) == (
        "train_loss", "train_a_loss", "train_b_loss", "train_accuracy_top2", "train_recall_weighted",
        "train_auroc_weighted", "train_b_rmse",
    )  # fmt: skip


def test_two_metrics_of_one_name_are_refused() -> None:
    both = [{"type": "ssim", "data_range": 1}, {"type": "ssim", "data_range": 255}]
    (message,) = refused(written(both, {"type": "MSELoss", "target": "input"}, CONV))
    assert message == "ssim is measured already: two numbers would have one name"


def test_less_of_an_error_is_better() -> None:
    less = {name for name in METRICS if mode_of(f"val_{name}", None) == "min"}
    assert less == {"mae", "mse", "rmse", "perplexity"}


def test_best_by_default_is_the_first_that_is_a_number() -> None:
    from specbuild.network.metrics import best_of

    assert best_of(written(["confusion_matrix", "f1"], "CrossEntropyLoss"), val=True).metric == "val_f1"
    assert best_of(written(["confusion_matrix"], "CrossEntropyLoss"), val=True).metric == "val_loss"


def test_a_plateau_goes_by_the_errors_as_by_losses() -> None:
    document = {
        "specbuild": 1, "input": [3], "layers": [{"type": "Linear", "out_features": 1}], "loss": "MSELoss",
        "optimizer": "SGD", "metrics": ["mae", "r2"],
    }  # fmt: skip
    from specbuild.api import check

    plateau = {"type": "ReduceLROnPlateau", "metric": "train_mae", "patience": 3}
    assert check({**document, "scheduler": plateau}) == ()
    found = check({**document, "scheduler": {**plateau, "metric": "train_r2"}})
    assert "more of train_r2 is better, but mode is min, torch's default" in render.text(found)
