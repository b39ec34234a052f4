"""The metrics of one output that torchmetrics measures, over a pass.

torchmetrics takes a second to import: only a training that measures such a metric does.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from specbuild.catalogue.losses import Loss
from specbuild.catalogue.metrics import Metric
from specbuild.catalogue.types import TensorType
from specbuild.data.vision import torchvision
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError
from specbuild.training.averages import averaged, rates, support

BATCHES, NUMBERS = 32, 2**20
"""How many batches, or numbers, are put together for one update of torchmetrics, which costs 0.3 ms."""
RANKINGS = ("auroc", "average_precision")
COUNTED = ("precision", "recall", "f1", "dice", "mean_iou")

Value = float | None
"""A result; None where it is not defined."""


def torchmetrics() -> Any:
    """torchmetrics, which imports torchvision."""
    torchvision()
    import torchmetrics

    return torchmetrics


class Series:
    """What several metrics measure of one output over a pass: exact over all of it, however it is cut into batches.

    Among several processes torchmetrics gathers what each has when `results` is asked, which all of them do.
    """

    def __init__(self, loss: Loss, metrics: Sequence[Metric], output: TensorType, device: torch.device) -> None:
        self.loss, self.metrics, self.device = loss, metrics, device
        self.exact = torch.float32 if device.type == "mps" else torch.float64
        self.dim: int = getattr(loss, "class_dim", 1)
        self.labelled = loss.targets == "labels"
        self.ranked = any(metric.short in RANKINGS for metric in metrics)
        self.scored = any(metric.takes == "scores" for metric in metrics)
        self.of_numbers = all(metric.takes == "numbers" for metric in metrics)
        self.last = loss.type == "MultiLabelSoftMarginLoss"
        """Whether each answer by yes or no is on the last axis."""
        self.kind, self.count = self.task(output)
        self.shape = tuple(output.shape)
        self.ignored = loss.ignored
        self.held: list[tuple[torch.Tensor, ...]] = []
        self.numbers = 0
        self.seen = False
        self.counts = self.placed("StatScores", average=None) if self.counting() else None
        self.measures = {metric.label: self.built(metric) for metric in metrics if metric.short not in COUNTED}

    def task(self, output: TensorType) -> tuple[str, int]:
        """How torchmetrics calls what is asked of the output, and of how many classes or labels."""
        if self.labelled:
            return "Multiclass", int(output.shape[-1 if self.dim == -1 else 0])
        labels = int(output.shape[-1 if self.last else 0]) if output.shape else 1
        return ("Binary", 1) if labels == 1 else ("Multilabel", labels)

    def counting(self) -> bool:
        """Whether answers are counted by class: for what is made of the counts, and to know what is not defined."""
        return self.ranked or any(metric.short in COUNTED for metric in self.metrics)

    def placed(self, name: str, **arguments: Any) -> Any:
        """torchmetrics' class for the task, on the device."""
        size = {"Multiclass": {"num_classes": self.count}, "Multilabel": {"num_labels": self.count}, "Binary": {}}
        if self.kind == "Binary":
            arguments.pop("average", None)
        made = getattr(torchmetrics().classification, f"{self.kind}{name}")(
            **size[self.kind], **arguments, ignore_index=self.ignored, validate_args=False
        )
        return made.to(self.device)

    def built(self, metric: Metric) -> Any:
        """torchmetrics' measure of a metric, its sums in double precision."""
        library, short = torchmetrics(), metric.short
        if short == "confusion_matrix":
            return self.placed("ConfusionMatrix")
        if short in RANKINGS:
            name = {"auroc": "AUROC", "average_precision": "AveragePrecision"}[short]
            return self.placed(name, average="none", thresholds=metric.thresholds)  # type: ignore[attr-defined]
        given = {name: value for name, value in metric.arguments().items() if name != "output"}
        made = {
            "mae": lambda: library.MeanAbsoluteError(),
            "mse": lambda: library.MeanSquaredError(),
            "rmse": lambda: library.MeanSquaredError(squared=False),
            "r2": lambda: library.R2Score(),
            "psnr": lambda: library.image.PeakSignalNoiseRatio(**given),
            "ssim": lambda: library.image.StructuralSimilarityIndexMeasure(**given),
            "perplexity": lambda: library.text.Perplexity(ignore_index=self.ignored),
        }[short]()
        return made.to(self.device).set_dtype(self.exact)

    def add(self, output: torch.Tensor, target: torch.Tensor) -> None:
        """Put a batch by; what was put by is measured when it is worth it."""
        output = output.detach()
        if self.of_numbers:
            held = self.compared(output, target)
        elif self.labelled:
            held = self.chosen(output, target)
        else:
            held = self.answered(output, target)
        self.held.append(held)
        self.numbers += held[0].numel()
        if len(self.held) >= BATCHES or self.numbers >= NUMBERS:
            self.update()

    def compared(self, output: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Numbers against numbers, in one shape; copies: neither is kept from being written over."""
        if target.dim() == output.dim() - 1 and output.shape[-1] == 1:
            target = target.unsqueeze(-1)
        if output.shape != target.shape:
            names = " and ".join(metric.short for metric in self.metrics)
            shapes = f"the network gives {list(output.shape)}, but the target is {list(target.shape)}"
            raise DataError([Diagnostic("SB411", f"{names} compare element with element: {shapes}", ("metrics",))])
        return self.as_numbers(output.to(self.exact, copy=True)), target.to(self.exact, copy=True)

    def as_numbers(self, output: torch.Tensor) -> torch.Tensor:
        """What an output says, where the loss takes its logarithm or its logit."""
        if self.loss.threshold == 0.0:
            return output.sigmoid()
        return output.exp() if getattr(self.loss, "log_input", False) else output

    def chosen(self, output: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The highest class against the label, one after the other; and the outputs, classes last."""
        if target.is_floating_point():  # class probabilities
            target = target.argmax(self.dim)
        answers = output.argmax(self.dim).flatten()
        labels = target.flatten().to(torch.int64, copy=True)
        if not self.scored:
            return answers, labels
        return output.movedim(self.dim, -1).reshape(-1, self.count).to(torch.float32, copy=True), answers, labels

    def answered(self, output: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Yes or no against yes or no, one after the other; the labels of `Multilabel` last."""
        if target.dim() < output.dim():
            target = target.unsqueeze(-1)
        if self.kind == "Multilabel":
            axis = -1 if self.last else 1
            output = output.movedim(axis, -1).reshape(-1, self.count)
            target = target.movedim(axis, -1).reshape(-1, self.count)
        else:
            output, target = output.flatten(), target.flatten()
        assert self.loss.threshold is not None
        answers, labels = (output > self.loss.threshold).to(torch.int64), (target > 0.5).to(torch.int64)
        return (output.to(torch.float32, copy=True), answers, labels) if self.scored else (answers, labels)

    @torch.no_grad()
    def update(self) -> None:
        """Measure what was put by."""
        if not self.held:
            return
        parts = [torch.cat(each) for each in zip(*self.held, strict=True)]
        self.held, self.numbers, self.seen = [], 0, True
        with quiet():
            if self.of_numbers:
                self.update_numbers(*parts)
            else:
                self.update_labels(*parts)

    def update_numbers(self, output: torch.Tensor, target: torch.Tensor) -> None:
        """Elements of the batch, rows for what keeps outputs apart."""
        for metric in self.metrics:
            measure = self.measures[metric.label]
            if metric.short == "r2":
                rows = [each.reshape(len(each), -1).squeeze(-1) for each in (output, target)]
                measure.update(*rows)
            elif metric.short == "ssim":
                measure.update(output.float(), target.float())
            else:
                measure.update(output.contiguous(), target.contiguous())

    def update_labels(self, *parts: torch.Tensor) -> None:
        """Answers, or scores, against labels."""
        answers, labels = parts[-2:]
        if self.counts is not None:
            self.counts.update(answers, labels)
        scores = parts[0].to(self.exact) if self.scored else None
        shares = self.shares(scores) if scores is not None and self.ranked else None
        for metric in self.metrics:
            if metric.short in RANKINGS:
                self.measures[metric.label].update(shares, labels)
            elif metric.short == "perplexity":
                assert scores is not None
                self.measures[metric.label].update(scores.unsqueeze(0), labels.unsqueeze(0))
            elif metric.short == "confusion_matrix":
                self.measures[metric.label].update(answers, labels)

    def shares(self, scores: torch.Tensor) -> torch.Tensor:
        """Outputs as probabilities, which the loss alone decides, and never the values."""
        if self.labelled:
            return scores.softmax(-1)
        return scores if self.loss.takes_shares else scores.sigmoid()

    def results(self) -> dict[str, Value]:
        """Each metric that is a number by its label; None where it is not defined."""
        self.update()
        if not self.seen:
            self.update_shapes()
        with quiet():
            counts = None if self.counts is None else self.counts.compute().reshape(-1, 5)
            return {metric.label: self.result(metric, counts) for metric in self.metrics if metric.number}

    def state(self) -> dict[str, Any]:
        """All that was put by and measured so far."""
        return {
            "held": self.held,
            "seen": self.seen,
            "measures": {label: measure.state_dict() for label, measure in self.persistent()},
        }

    def require(self, state: Mapping[str, Any]) -> None:
        """Raise `ValueError` for a state that is not one of these metrics, or has labels that are none."""
        if state.keys() != {"held", "seen", "measures"} or type(state["seen"]) is not bool:
            raise ValueError("the metrics' state has other keys")
        if state["seen"]:
            self.update_shapes()
        wanted = {label: measure.state_dict() for label, measure in self.persistent()}
        if not isinstance(state["measures"], dict) or state["measures"].keys() != wanted.keys():
            raise ValueError("the metrics are others")
        for label, fresh in wanted.items():
            self.require_sums(state["measures"][label], fresh, label)
        if not isinstance(state["held"], list):
            raise ValueError("the batches that are held are none")
        for held in state["held"]:
            self.require_held(held)

    def require_sums(self, saved: Any, fresh: Mapping[str, Any], label: str) -> None:
        """Raise `ValueError` for sums of another form; what is kept of every sample is a list, of as many each."""
        if not isinstance(saved, dict) or saved.keys() != fresh.keys():
            raise ValueError(f"{label} has other sums")
        lengths = set()
        for name, value in fresh.items():
            if not isinstance(value, list):
                require_like(saved[name], value, label)
                continue
            if not isinstance(saved[name], list) or (saved[name] and not value):
                raise ValueError(f"{label} has other sums")
            for part in saved[name]:
                require_like(part, value[0], label, rows=True)
            lengths.add(tuple(len(part) for part in saved[name]))
            if name == "target":
                self.require_labels(saved[name], label)
        if len(lengths) > 1:
            raise ValueError(f"{label} has other sums")

    def require_held(self, held: Any) -> None:
        """Raise `ValueError` for what `add` does not put by."""
        if self.of_numbers:
            forms: list[tuple[tuple[int, ...] | None, torch.dtype]] = [(None, self.exact), (None, self.exact)]
        else:
            labels = (self.count,) if self.kind == "Multilabel" else ()
            scores = (self.count,) if self.kind != "Binary" else ()
            forms = [(labels, torch.int64), (labels, torch.int64)]
            if self.scored:
                forms.insert(0, (scores, torch.float32))
        if not isinstance(held, tuple) or len(held) != len(forms):
            raise ValueError("a batch that is held has other parts")
        for part, (shape, dtype) in zip(held, forms, strict=True):
            if not isinstance(part, torch.Tensor) or part.dtype != dtype or not part.dim() or len(part) != len(held[0]):
                raise ValueError("a batch that is held has another form")
            if part.shape[1:] != shape and (shape is not None or part.shape != held[0].shape):
                raise ValueError("a batch that is held has another form")
        if self.of_numbers and tuple(held[0].shape[1:]) != self.shape:
            raise ValueError("a batch that is held has another form")
        if not self.of_numbers:
            self.require_labels(held[-2:], "a batch that is held")

    def require_labels(self, parts: Sequence[torch.Tensor], where: str) -> None:
        """Raise `ValueError` for a label that is no class: torchmetrics counts up to the highest."""
        for part in parts:
            wrong = (part < 0) | (part >= (self.count if self.labelled else 2))
            if self.loss.ignored is not None:
                wrong &= part != self.loss.ignored
            if bool(wrong.any()):
                raise ValueError(f"{where} has labels that are none")

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.held = [tuple(tensor.to(self.device) for tensor in held) for held in state["held"]]
        self.numbers, self.seen = sum(held[0].numel() for held in self.held), state["seen"]
        for label, measure in self.persistent():
            measure.load_state_dict(state["measures"][label])
            measure.to(self.device)

    def persistent(self) -> Iterator[tuple[str, Any]]:
        """What torchmetrics sums up, by label, so that a `state_dict` has it."""
        counts = {} if self.counts is None else {"counts": self.counts}
        for label, measure in {**counts, **self.measures}.items():
            measure.persistent(True)
            yield label, measure

    def update_shapes(self) -> None:
        """Measure no samples: all processes gather tensors of as many axes, also one that had none."""
        scores = torch.zeros((0, self.count) if self.kind != "Binary" else (0,), dtype=self.exact, device=self.device)
        labels = torch.zeros(scores.shape if self.kind == "Multilabel" else (0,), dtype=torch.int64, device=self.device)
        for metric in self.metrics:
            if metric.short in RANKINGS:
                self.measures[metric.label].update(scores, labels)
            elif metric.short == "r2":
                elements = math.prod(self.shape)
                rows = torch.zeros((0, elements) if elements > 1 else (0,), dtype=self.exact, device=self.device)
                self.measures[metric.label].update(rows, rows)

    def tables(self) -> dict[str, Any]:
        """Each metric that is not: lists of counts."""
        self.update()
        with quiet():
            return {m.label: self.measures[m.label].compute().tolist() for m in self.metrics if not m.number}

    def result(self, metric: Metric, counts: torch.Tensor | None) -> Value:
        """One of them; counts: TP, FP, TN, FN and their sum, by class."""
        average = getattr(metric, "average", "macro")
        if metric.short in COUNTED:
            assert counts is not None
            return rates(metric.short, counts, average, self.ignored)
        measure: Callable[[], torch.Tensor] = self.measures[metric.label].compute
        if metric.short in RANKINGS:
            assert counts is not None
            defined = support(metric.short, counts)
            return averaged(measure().reshape(-1), defined, average, counts) if bool(defined.any()) else None
        try:
            value = float(measure())
        except ValueError:  # R2 of fewer than two samples
            return None
        return value if math.isfinite(value) else None  # of nothing, 0 / 0


def require_like(part: Any, fresh: torch.Tensor, label: str, *, rows: bool = False) -> None:
    """Raise `ValueError` unless it is a tensor of the same form; rows: however many there are."""
    if not isinstance(part, torch.Tensor) or part.dtype != fresh.dtype or part.dim() != fresh.dim():
        raise ValueError(f"{label} is of another form")
    if part.shape[rows:] != fresh.shape[rows:]:
        raise ValueError(f"{label} is of another form")


@contextmanager
def quiet() -> Iterator[None]:
    """Without what torchmetrics warns of: a result that is not defined is None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
