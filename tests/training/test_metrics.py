"""Metrics against formulas written by hand, over passes of several batches."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from specbuild.catalogue.losses import Loss
from specbuild.catalogue.losses.binary import BCELoss, BCEWithLogitsLoss, MultiLabelSoftMarginLoss
from specbuild.catalogue.losses.cross_entropy import CrossEntropyLoss, NLLLoss
from specbuild.catalogue.losses.likelihood import PoissonNLLLoss
from specbuild.catalogue.losses.margin import SoftMarginLoss
from specbuild.catalogue.losses.regression import MSELoss
from specbuild.catalogue.metrics import METRICS
from specbuild.catalogue.types import TensorType
from specbuild.errors import DataError
from specbuild.training.measuring import Meter
from specbuild.training.world import ALONE, World

CPU = torch.device("cpu")
Array = Any


def measured(loss: Loss, metrics: list[Any], output: torch.Tensor, target: torch.Tensor, cuts: Any = (5, 7, 6)) -> Any:
    """Results and tables of a pass over batches of the sizes `cuts`, and of what is left."""
    entries = [METRICS[metric]() if isinstance(metric, str) else metric for metric in metrics]
    meter = Meter({"head": loss}, entries, CPU, 0, {"head": TensorType(tuple(output.shape[1:]))})
    begin = 0
    for size in (*cuts, len(output)):
        if len(output[begin : begin + size]):
            batch = output[begin : begin + size].clone(), target[begin : begin + size].clone()
            meter.add([torch.zeros(())], *batch)
            for tensor in batch:  # as a buffer that the next batch comes in
                tensor.zero_()
        begin += size
    results = meter.results()
    del results["loss"]
    return results, meter.tables()


def drawn(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def labels(classes: int, *shape: int) -> torch.Tensor:
    return torch.randint(classes, shape, generator=torch.Generator().manual_seed(2))


def counts(answers: Array, truth: Array, classes: range) -> tuple[Array, Array, Array]:
    """True positives, false positives and false negatives by class."""
    hit = [np.sum((answers == k) & (truth == k)) for k in classes]
    wrong = [np.sum((answers == k) & (truth != k)) for k in classes]
    missed = [np.sum((answers != k) & (truth == k)) for k in classes]
    return np.array(hit, float), np.array(wrong, float), np.array(missed, float)


def area(scores: Array, truth: Array) -> float:
    """How probably a positive ranks above a negative; half of a tie."""
    above = scores[truth == 1][:, None] - scores[truth == 0][None, :]
    return float(np.mean((above > 0) + 0.5 * (above == 0)))


def precision_over_recall(scores: Array, truth: Array) -> float:
    total, before = 0.0, 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        chosen = scores >= threshold
        recall = float(np.sum(truth[chosen]) / np.sum(truth))
        total += (recall - before) * float(np.mean(truth[chosen]))
        before = recall
    return total


def softmax(x: Array) -> Array:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


@pytest.mark.parametrize("loss", [CrossEntropyLoss(), NLLLoss()])
def test_classes(loss: Loss) -> None:
    output, target = drawn(40, 5).log_softmax(1), labels(4, 40)  # class 4 never occurs
    averages = [METRICS[name](average=average) for name in ("precision", "recall", "f1")
                for average in ("macro", "micro", "weighted")]  # fmt: skip
    metrics = [*averages, "auroc", METRICS["auroc"](average="weighted"), "average_precision",
               METRICS["average_precision"](average="weighted"), "perplexity", "confusion_matrix"]  # fmt: skip
    results, tables = measured(loss, metrics, output, target)
    x, truth = output.double().numpy(), target.numpy()
    answers, share = x.argmax(1), softmax(x)
    hit, wrong, missed = counts(answers, truth, range(5))
    support = hit + missed
    values = {
        "precision": hit / np.maximum(hit + wrong, 1),
        "recall": hit / np.maximum(hit + missed, 1),
        "f1": 2 * hit / np.maximum(2 * hit + wrong + missed, 1),
    }
    there = hit + wrong + missed > 0
    for name, each in values.items():
        assert results[name] == pytest.approx(each[there].mean())
        assert results[f"{name}_weighted"] == pytest.approx((each * support).sum() / support.sum())
        assert results[f"{name}_micro"] == pytest.approx((answers == truth).mean())
    areas = [area(share[:, k], truth == k) for k in range(4)]
    averaged = [precision_over_recall(share[:, k], truth == k) for k in range(4)]
    assert results["auroc"] == pytest.approx(np.mean(areas))
    assert results["auroc_weighted"] == pytest.approx(np.average(areas, weights=support[:4]))
    assert results["average_precision"] == pytest.approx(np.mean(averaged))
    assert results["average_precision_weighted"] == pytest.approx(np.average(averaged, weights=support[:4]))
    assert results["perplexity"] == pytest.approx(np.exp(-np.log(share[np.arange(40), truth]).mean()))
    matrix = [[int(np.sum((truth == row) & (answers == column))) for column in range(5)] for row in range(5)]
    assert tables == {"confusion_matrix": matrix}


@pytest.mark.parametrize("ignored", [-100, 3])
@pytest.mark.parametrize("dim", [1, -1])
def test_positions(ignored: int, dim: int) -> None:
    output, target = drawn(20, 4, 3, 3), labels(4, 20, 3, 3)
    target[:, 0] = ignored
    kept = target.numpy() != ignored
    given_output = output if dim == 1 else output.movedim(1, -1)
    metrics = ["mean_iou", "dice", "f1", "perplexity", "auroc"]
    results, _ = measured(CrossEntropyLoss(ignore_index=ignored, class_dim=dim), metrics, given_output, target)
    x = output.double().numpy().transpose(0, 2, 3, 1)[kept]
    truth, share = target.numpy()[kept], softmax(x)
    classes = [k for k in range(4) if k != ignored]
    hit, wrong, missed = (each[classes] for each in counts(x.argmax(1), truth, range(4)))
    assert results["mean_iou"] == pytest.approx(np.mean(hit / (hit + wrong + missed)))
    assert results["dice"] == results["f1"] == pytest.approx(np.mean(2 * hit / (2 * hit + wrong + missed)))
    assert results["perplexity"] == pytest.approx(np.exp(-np.log(share[np.arange(len(truth)), truth]).mean()))
    assert results["auroc"] == pytest.approx(np.mean([area(share[:, k], truth == k) for k in classes]))


@pytest.mark.parametrize("loss", [CrossEntropyLoss(), NLLLoss(), CrossEntropyLoss(ignore_index=255)])
def test_a_sample_whose_label_the_loss_ignores_is_left_out(loss: Loss) -> None:
    """Against torchmetrics on the samples that are kept; one label a sample."""
    from torchmetrics import classification

    output, target = drawn(40, 4).log_softmax(1), labels(4, 40)
    target[::3] = target[:5] = loss.ignored  # the first batch has none that counts
    kept = target != loss.ignored
    names = {
        "accuracy": ("Accuracy", {"average": "micro"}), "f1": ("F1Score", {}), "precision": ("Precision", {}),
        "recall": ("Recall", {}), "auroc": ("AUROC", {}), "average_precision": ("AveragePrecision", {}),
    }  # fmt: skip
    metrics = [*names, "perplexity", "confusion_matrix"]
    results, tables = measured(loss, metrics, output, target)
    for name, (oracle, given_) in names.items():
        value = getattr(classification, f"Multiclass{oracle}")(num_classes=4, **given_)(output[kept], target[kept])
        assert results[name] == pytest.approx(float(value), abs=1e-6), name
    assert results["perplexity"] == pytest.approx(math.exp(nn.functional.nll_loss(output[kept], target[kept])))
    matrix = classification.MulticlassConfusionMatrix(num_classes=4)(output[kept], target[kept])
    assert tables == {"confusion_matrix": matrix.tolist()}
    assert nn.functional.nll_loss(output[kept], target[kept]) == pytest.approx(
        float(loss.build(nn, torch.tensor)(output, target))
    )


@pytest.mark.parametrize("loss", [BCELoss(), BCEWithLogitsLoss(), SoftMarginLoss()])
@pytest.mark.parametrize("flat", [True, False])
def test_yes_or_no(loss: Loss, flat: bool) -> None:
    logits, yes = 8 * drawn(30, 1), labels(2, 30)
    output = logits.sigmoid() if isinstance(loss, BCELoss) else logits
    target = yes * 2 - 1 if isinstance(loss, SoftMarginLoss) else yes
    metrics = ["precision", "recall", "f1", "auroc", "average_precision", "confusion_matrix"]
    results, tables = measured(loss, metrics, output, target if flat else target[:, None].float())
    x, truth = output[:, 0].double().numpy(), yes.numpy()
    answers = logits[:, 0].numpy() > 0
    hit, wrong, missed = (float(each[0]) for each in counts(answers, truth, range(1, 2)))
    assert results == pytest.approx(
        {
            "precision": hit / (hit + wrong),
            "recall": hit / (hit + missed),
            "f1": 2 * hit / (2 * hit + wrong + missed),
            "auroc": area(x, truth),
            "average_precision": precision_over_recall(x, truth),
        }
    )
    assert tables == {"confusion_matrix": [[30 - hit - wrong - missed, wrong], [missed, hit]]}


@pytest.mark.parametrize(("loss", "axis"), [(BCEWithLogitsLoss(), 1), (MultiLabelSoftMarginLoss(), -1)])
def test_several_answers_by_yes_or_no(loss: Loss, axis: int) -> None:
    output, target = drawn(24, 3, 3), labels(2, 24, 3, 3)
    metrics = ["f1", METRICS["f1"](average="micro"), "mean_iou", "auroc", "confusion_matrix"]
    results, tables = measured(loss, metrics, output, target.float())
    x, truth = (np.moveaxis(each.double().numpy(), axis, -1).reshape(-1, 3) for each in (output, target))
    hit, wrong, missed = (
        np.array([counts(x[:, k] > 0, truth[:, k], range(1, 2))[part][0] for k in range(3)]) for part in range(3)
    )
    assert results["f1"] == pytest.approx(np.mean(2 * hit / (2 * hit + wrong + missed)))
    assert results["f1_micro"] == pytest.approx(2 * hit.sum() / (2 * hit + wrong + missed).sum())
    assert results["mean_iou"] == pytest.approx(np.mean(hit / (hit + wrong + missed)))
    assert results["auroc"] == pytest.approx(np.mean([area(x[:, k], truth[:, k]) for k in range(3)]))
    assert [table[1][1] for table in tables["confusion_matrix"]] == hit.tolist()


def test_numbers() -> None:
    output, target = drawn(21, 3), 1000 + drawn(21, 3, seed=5)
    results, _ = measured(MSELoss(), ["mae", "mse", "rmse", "r2"], output + 1000, target)
    x, t = (output + 1000).double().numpy(), target.double().numpy()
    squares = ((x - t) ** 2).mean()
    explained = 1 - ((x - t) ** 2).sum(0) / ((t - t.mean(0)) ** 2).sum(0)
    expected = {"mae": np.abs(x - t).mean(), "mse": squares, "rmse": math.sqrt(squares), "r2": explained.mean()}
    assert results == pytest.approx(expected)


def test_numbers_are_what_the_loss_takes_them_for() -> None:
    output, target = drawn(9, 1), labels(2, 9)
    assert measured(BCEWithLogitsLoss(), ["mae"], output, target)[0]["mae"] == pytest.approx(
        (output[:, 0].sigmoid() - target).abs().mean().item()
    )
    assert measured(PoissonNLLLoss(), ["mae"], output, target)[0]["mae"] == pytest.approx(
        (output[:, 0].exp() - target).abs().mean().item()
    )


def similarity(a: Array, b: Array) -> float:
    """SSIM by its formula with a window of 11 x 11, the images mirrored at their borders."""
    a, b = (np.pad(each, ((0, 0), (5, 5), (5, 5)), mode="reflect") for each in (a, b))
    at = np.arange(11) - 5
    line = np.exp(-(at**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    values = []
    for channel in range(a.shape[0]):
        for top in range(a.shape[1] - 10):
            for left in range(a.shape[2] - 10):
                x, y = (each[channel, top : top + 11, left : left + 11] for each in (a, b))
                mean_x, mean_y = (window * x).sum(), (window * y).sum()
                var_x, var_y = (window * x * x).sum() - mean_x**2, (window * y * y).sum() - mean_y**2
                both = (window * x * y).sum() - mean_x * mean_y
                values.append((2 * mean_x * mean_y + 1e-4) * (2 * both + 9e-4)
                              / ((mean_x**2 + mean_y**2 + 1e-4) * (var_x + var_y + 9e-4)))  # fmt: skip
    return float(np.mean(values))


def test_images() -> None:
    target = torch.rand(8, 2, 14, 15, generator=torch.Generator().manual_seed(3))
    output = (target + 0.2 * drawn(8, 2, 14, 15)).to(memory_format=torch.channels_last)
    results, _ = measured(MSELoss(), ["psnr", "ssim"], output, target, (3, 4))
    x, t = output.double().numpy(), target.double().numpy()
    assert results["psnr"] == pytest.approx(-10 * math.log10(((x - t) ** 2).mean()))
    assert results["ssim"] == pytest.approx(np.mean([similarity(a, b) for a, b in zip(x, t, strict=True)]), abs=1e-4)


def test_what_is_not_defined_is_none() -> None:
    nothing = {"f1": None, "auroc": None, "average_precision": None, "mean_iou": None}
    empty = torch.zeros(0, 1, 2, 2)
    assert measured(BCEWithLogitsLoss(), list(nothing), empty, empty)[0] == nothing
    no = torch.zeros(6, 1)  # nowhere a yes, and nowhere one is answered
    results, _ = measured(BCEWithLogitsLoss(), ["f1", "auroc", "average_precision"], no - 1, no)
    assert results == {"f1": None, "auroc": None, "average_precision": None}
    results, _ = measured(CrossEntropyLoss(), ["auroc", "recall"], drawn(6, 3), torch.ones(6, dtype=torch.int64))
    assert results["auroc"] is None
    assert results["recall"] is not None
    one = torch.ones(1, 1)
    assert measured(MSELoss(), ["r2", "mae"], one, one)[0] == {"r2": None, "mae": 0.0}
    image = torch.rand(2, 1, 12, 12)
    assert measured(MSELoss(), ["psnr"], image, image)[0] == {"psnr": None}
    numbers = {"mae": None, "r2": None, "psnr": None, "ssim": None}
    assert measured(MSELoss(), list(numbers), torch.zeros(0, 1, 12, 12), torch.zeros(0, 1, 12, 12))[0] == numbers


def test_a_target_of_another_shape_is_refused() -> None:
    with pytest.raises(DataError, match="mae compare element with element: the network gives"):
        measured(MSELoss(), ["mae"], torch.zeros(4, 3), torch.zeros(4, 2))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 9), max_size=40), st.randoms(use_true_random=False))
def test_neither_the_order_nor_the_batches_matter(cuts: list[int], random: Any) -> None:
    order = list(range(50))
    random.shuffle(order)
    for loss, metrics, output, target in (
        (CrossEntropyLoss(), ["f1", "auroc", "average_precision", "perplexity"], drawn(50, 4), labels(4, 50)),
        (MSELoss(), ["mae", "rmse", "r2"], drawn(50, 2), drawn(50, 2, seed=9)),
    ):
        whole = measured(loss, metrics, output, target, ())
        assert measured(loss, metrics, output[order], target[order], cuts)[0] == pytest.approx(whole[0])


class Two(World):
    """The second of two processes; `other` has the sums of the first."""

    size = 2
    other: list[torch.Tensor] | None = None

    def summed(self, tensors: list[torch.Tensor]) -> list[torch.Tensor]:
        if self.other is None:
            self.other = tensors
            return tensors
        return [one + two for one, two in zip(self.other, tensors, strict=True)]


def test_results_of_several_processes_are_of_all_their_samples() -> None:
    output, target = drawn(30, 4), labels(4, 30)
    criterion = nn.CrossEntropyLoss()

    def results(part: slice, world: World) -> Any:
        meter = Meter({"head": CrossEntropyLoss()}, [METRICS["accuracy"]()], CPU, world=world)
        meter.add([criterion(output[part], target[part])], output[part], target[part])
        return meter.results()

    world = Two()
    results(slice(20, 30), world)
    assert results(slice(0, 20), world) == pytest.approx(results(slice(0, 30), ALONE))


def one_of_two(rank: int, path: str) -> None:
    """A process that measures its part: the second has no samples at all in the end."""
    import json
    from pathlib import Path

    from torch import distributed

    distributed.init_process_group("gloo", init_method=f"file://{path}", rank=rank, world_size=2)
    found = {}
    for name, cut in (("even", 25), ("uneven", 31), ("one", 40)):
        part = slice(0, cut) if rank == 0 else slice(cut, 40)
        found[name] = [
            measured(loss, metrics, output[part], target[part], (10,))[0] for loss, metrics, output, target in PASSES
        ]
    Path(f"{path}.{rank}").write_text(json.dumps(found))
    distributed.destroy_process_group()


PASSES: list[tuple[Loss, list[Any], torch.Tensor, torch.Tensor]] = [
    (CrossEntropyLoss(), ["f1", "auroc", "perplexity"], drawn(40, 4), labels(4, 40)),
    (BCEWithLogitsLoss(), ["average_precision", "recall"], drawn(40, 3), labels(2, 40, 3).float()),
    (MSELoss(), ["mae", "r2"], drawn(40, 2), drawn(40, 2, seed=9)),
]


def test_torchmetrics_gathers_what_each_process_has(tmp_path: Any) -> None:
    import json

    from torch import multiprocessing

    whole = [measured(*each, ())[0] for each in PASSES]  # imports torchmetrics once, before the fork
    multiprocessing.start_processes(one_of_two, (str(tmp_path / "store"),), nprocs=2, start_method="fork")  # type: ignore[no-untyped-call]
    for rank in range(2):
        for found in json.loads((tmp_path / f"store.{rank}").read_text()).values():
            for one, expected in zip(found, whole, strict=True):
                assert one == pytest.approx(expected)


def test_a_training_reports_what_it_measures(tmp_path: Any) -> None:
    from torch.utils.data import TensorDataset

    import specbuild

    x = drawn(60, 6)
    document = {
        "specbuild": 1, "input": [6], "layers": [{"type": "Linear", "out_features": 1}], "loss": "BCEWithLogitsLoss",
        "optimizer": {"type": "Adam", "lr": 0.1}, "metrics": ["auroc", "f1", "confusion_matrix"],
        "scheduler": {"type": "ReduceLROnPlateau", "metric": "val_auroc", "mode": "max"}, "train": {"epochs": 3},
    }  # fmt: skip
    yes = (x[:, 0] > 0).float()
    run = specbuild.train(
        document, run=tmp_path / "run", train=TensorDataset(x, yes), val=TensorDataset(x[yes == 1], yes[yes == 1])
    )
    assert [record["val_auroc"] for record in run.metrics] == [None] * 3
    assert [record["best"] for record in run.metrics] == [True, False, False]
    assert 0.5 < run.metrics[-1]["train_auroc"] <= 1
    assert '"val_auroc": null' in (tmp_path / "run" / "metrics.jsonl").read_text()
    import json

    ((none, also_none), (missed, found)) = json.loads((tmp_path / "run" / "confusion_matrix.json").read_text())
    assert (none, also_none, missed + found) == (0, 0, int(yes.sum()))
