"""Loss and metrics of one pass over a split, summed where the data is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from specbuild.catalogue.losses import Loss
from specbuild.catalogue.metrics import Metric
from specbuild.catalogue.metrics.accuracy import Accuracy
from specbuild.catalogue.types import TensorType
from specbuild.network.metrics import loss_labels
from specbuild.training.world import ALONE, World

TORCH_IGNORES = -100
"""The default of `ignore_index`; a loss without it has no such label."""

Others = Mapping[str, tuple[torch.Tensor, torch.Tensor]]
"""Output and target of the outputs beside the judged one that metrics are of, by name."""


class Hits:
    """How many labels of one output are among its highest; a label that the loss ignores does not count."""

    def __init__(self, loss: Loss, metrics: Sequence[Accuracy], device: torch.device) -> None:
        self.metrics = metrics
        self.hits = [torch.zeros((), dtype=torch.int64, device=device) for _ in metrics]
        self.judged = torch.zeros((), dtype=torch.int64, device=device)
        """Labels that count, where the loss may ignore some."""
        self.labels = 0
        """Answers by yes or no, which all count."""
        self.class_dim: int = getattr(loss, "class_dim", 1)
        self.ignored = TORCH_IGNORES if loss.ignored is None else loss.ignored
        self.threshold = loss.threshold

    def add(self, output: torch.Tensor, target: torch.Tensor) -> None:
        """Count one batch."""
        if self.threshold is not None:
            self.add_sides(output > self.threshold, target)
        else:
            self.add_classes(output, target)

    def add_sides(self, yes: torch.Tensor, target: torch.Tensor) -> None:
        """Each element of the output on the target's side of a half is a hit."""
        if target.dim() < yes.dim():
            target = target.unsqueeze(-1)
        right = torch.eq(yes, target > 0.5).sum()
        self.labels += yes.numel()
        for hits in self.hits:
            hits.add_(right)

    def add_classes(self, output: torch.Tensor, target: torch.Tensor) -> None:
        """A label among the highest outputs is a hit."""
        dim = self.class_dim
        if target.is_floating_point():  # class probabilities
            target = target.argmax(dim)
        kept = torch.ne(target, self.ignored)
        self.judged.add_(torch.count_nonzero(kept))
        if self.ignored >= 0:  # no output is ever a number below 0
            target = torch.where(kept, target, -1)
        for metric, hits in zip(self.metrics, self.hits, strict=True):
            if metric.top_k == 1:
                hits.add_(torch.eq(output.argmax(dim), target).sum())
            else:
                highest = output.topk(metric.top_k, dim, sorted=False).indices
                hits.add_(torch.eq(highest, target.unsqueeze(dim)).sum())


class Meter:
    """Sums over one pass: nothing is copied to the host before `results` or `loss` asks.

    A loss is the mean over the samples: of each batch's mean, weighted by the batch's size, or of
    its sum. The losses of several outputs are summed apart, and together are the loss. Accuracy is counted here;
    other metrics are a `Series` for each output.
    """

    def __init__(
        self,
        losses: Mapping[str, Loss],
        metrics: Sequence[Metric],
        device: torch.device,
        judged: int = 0,
        outputs: Mapping[str, TensorType] | None = None,
        world: World = ALONE,
    ) -> None:
        """losses: by the output that each is of. judged: which of them has the output that metrics are of.

        outputs: what each output is, for metrics other than accuracy.
        """
        self.exact = torch.float32 if device.type == "mps" else torch.float64
        self.device, self.metrics, self.world = device, tuple(metrics), world
        self.judged_output = tuple(losses)[judged]
        self.losses = loss_labels(losses)
        """What they are called, the whole one first."""
        self.loss_sums = [torch.zeros((), dtype=self.exact, device=device) for _ in losses]
        self.samples = 0
        self.means = [getattr(each, "reduction", "mean") != "sum" for each in losses.values()]
        self.hits: dict[str, Hits] = {}
        self.series: dict[str, Any] = {}
        for output, loss in losses.items():
            own = [metric for metric in metrics if (metric.output or self.judged_output) == output]
            counted = [metric for metric in own if isinstance(metric, Accuracy)]
            measured = [metric for metric in own if not isinstance(metric, Accuracy)]
            if counted:
                self.hits[output] = Hits(loss, counted, device)
            if measured:
                from specbuild.training.metrics import Series

                self.series[output] = Series(loss, measured, (outputs or {})[output], device)
        parts = [*self.hits.items(), *self.series.items()]
        self.own = [part for output, part in parts if output == self.judged_output]
        self.other = [(output, part) for output, part in parts if output != self.judged_output]

    def add(
        self, losses: Sequence[torch.Tensor], output: torch.Tensor, target: torch.Tensor, others: Others | None = None
    ) -> None:
        """Add one batch: its losses, and the outputs and targets that metrics are of."""
        size = output.shape[0]
        self.samples += size
        for total, loss, mean in zip(self.loss_sums, losses, self.means, strict=True):
            total.add_(loss.detach(), alpha=size if mean else 1)
        if self.own:
            output = output.detach()
            for part in self.own:
                part.add(output, target)
        if others:
            for name, part in self.other:
                given, wanted = others[name]
                part.add(given.detach(), wanted)

    def state(self) -> dict[str, Any]:
        """All that was summed so far, as it is."""
        hits = {
            name: {"hits": each.hits, "judged": each.judged, "labels": each.labels} for name, each in self.hits.items()
        }
        series = {name: each.state() for name, each in self.series.items()}
        return {"losses": self.loss_sums, "samples": self.samples, "hits": hits, "series": series}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there; raises `KeyError` or `ValueError` for another meter's state."""
        self.samples = state["samples"]
        for total, saved in zip(self.loss_sums, state["losses"], strict=True):
            total.copy_(saved)
        for name, each in self.hits.items():
            saved = state["hits"][name]
            each.labels = saved["labels"]
            each.judged.copy_(saved["judged"])
            for total, right in zip(each.hits, saved["hits"], strict=True):
                total.copy_(right)
        for name, series in self.series.items():
            series.restore(state["series"][name])

    def loss(self) -> float:
        """The mean loss so far; waits for the device."""
        return float(sum(self.loss_sums)) / max(self.samples, 1)

    def results(self, prefix: str = "") -> dict[str, float | None]:
        """`loss` and every metric by its label, over all processes, None where it is not defined.

        Waits for the device, once unless torchmetrics has a part in it.
        """
        known = [float(self.samples), *(float(hits.labels) for hits in self.hits.values())]
        counts = [count for hits in self.hits.values() for count in (hits.judged, *hits.hits)]
        sums = torch.stack([*self.loss_sums, *(count.to(self.exact) for count in counts)])
        if self.world.size > 1:
            there = torch.tensor(known, dtype=self.exact, device=self.device)
            there, sums = self.world.summed([there, sums])
            known = there.tolist()
        (samples, *labels), rest = known, sums.tolist()
        losses, rest = rest[: len(self.loss_sums)], rest[len(self.loss_sums) :]
        whole = [sum(losses), *losses] if len(losses) > 1 else losses
        found: dict[str, float | None] = {
            name: loss / max(samples, 1) for name, loss in zip(self.losses, whole, strict=True)
        }  # fmt: skip
        for hits, of_hits in zip(self.hits.values(), labels, strict=True):
            judged, right, rest = rest[0], rest[1 : 1 + len(hits.hits)], rest[1 + len(hits.hits) :]
            for metric, count in zip(hits.metrics, right, strict=True):
                found[metric.label] = count / max(of_hits + judged, 1)
        for series in self.series.values():
            found |= series.results()
        ordered = [*self.losses, *(metric.label for metric in self.metrics if metric.number)]
        return {f"{prefix}{label}": found[label] for label in ordered}

    def tables(self) -> dict[str, Any]:
        """What metrics measure that is not one number, by label: lists of counts."""
        return {label: table for series in self.series.values() for label, table in series.tables().items()}
