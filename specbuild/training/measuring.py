"""Loss and metrics of one pass over a split, summed where the data is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from specbuild.catalogue.entry import Entry
from specbuild.catalogue.losses import Loss
from specbuild.catalogue.metrics import Accuracy
from specbuild.network.pipeline import loss_labels
from specbuild.training.world import ALONE, World

TORCH_IGNORES = -100
"""The default of `ignore_index`."""


class Meter:
    """Sums over one pass: nothing is copied to the host before `results` or `loss` asks.

    A loss is the mean over the samples: of each batch's mean, weighted by the batch's size, or of
    its sum. The losses of several outputs are summed apart, and together are the loss. A label that the
    loss ignores does not count for the accuracy.
    """

    def __init__(
        self,
        losses: Mapping[str, Loss],
        metrics: Sequence[Entry],
        device: torch.device,
        judged: int = 0,
        world: World = ALONE,
    ) -> None:
        """losses: by the output that each is of. judged: which of them has the output that metrics are of."""
        self.world = world
        exact = torch.float32 if device.type == "mps" else torch.float64
        loss = tuple(losses.values())[judged]
        self.metrics = [metric for metric in metrics if isinstance(metric, Accuracy)]
        self.losses = loss_labels(losses)
        """What they are called, the whole one first."""
        self.loss_sums = [torch.zeros((), dtype=exact, device=device) for _ in losses]
        self.hits = [torch.zeros((), dtype=torch.int64, device=device) for _ in self.metrics]
        self.judged = torch.zeros((), dtype=torch.int64, device=device)
        """Labels that count, where the loss ignores some."""
        self.samples = 0
        self.labels = 0
        self.means = [getattr(each, "reduction", "mean") != "sum" for each in losses.values()]
        self.class_dim: int = getattr(loss, "class_dim", 1)
        self.ignored = loss.ignored
        self.threshold = loss.threshold

    def add(self, losses: Sequence[torch.Tensor], output: torch.Tensor, target: torch.Tensor) -> None:
        """Add one batch: its losses, and the output and target that metrics are of."""
        size = output.shape[0]
        self.samples += size
        for total, loss, mean in zip(self.loss_sums, losses, self.means, strict=True):
            total.add_(loss.detach(), alpha=size if mean else 1)
        if self.metrics:
            if self.threshold is not None:
                self.add_sides(output.detach() > self.threshold, target)
            else:
                self.add_classes(output.detach(), target)

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
        # A label -100 can only come where the document put it or where each sample has many labels,
        # and no output is ever number -100; the plain case pays nothing for either.
        if self.ignored != TORCH_IGNORES or target.dim() > 1:
            kept = torch.ne(target, TORCH_IGNORES if self.ignored is None else self.ignored)
            self.judged.add_(kept.sum())
            target = torch.where(kept, target, -1)
        else:
            self.labels += target.numel()
        for metric, hits in zip(self.metrics, self.hits, strict=True):
            if metric.top_k == 1:
                hits.add_(torch.eq(output.argmax(dim), target).sum())
            else:
                highest = output.topk(metric.top_k, dim, sorted=False).indices
                hits.add_(torch.eq(highest, target.unsqueeze(dim)).sum())

    def loss(self) -> float:
        """The mean loss so far; waits for the device."""
        return float(sum(self.loss_sums)) / max(self.samples, 1)

    def results(self, prefix: str = "") -> dict[str, float]:
        """`loss` and every metric by its label, over all processes; waits for the device, once."""
        exact = self.loss_sums[0].dtype
        counts = [count.to(exact) for count in (self.judged, *self.hits)]
        known = torch.tensor([self.samples, self.labels], dtype=exact, device=self.judged.device)
        (summed,) = self.world.summed([torch.stack([*known, *counts[:1], *self.loss_sums, *counts[1:]])])
        samples, known_labels, judged, *sums = summed.tolist()
        labels = max(known_labels + judged, 1)
        losses, hits = sums[: len(self.loss_sums)], sums[len(self.loss_sums) :]
        whole = [sum(losses), *losses] if len(losses) > 1 else losses
        found = {f"{prefix}{name}": loss / max(samples, 1) for name, loss in zip(self.losses, whole, strict=True)}
        for metric, count in zip(self.metrics, hits, strict=True):
            found[f"{prefix}{metric.label}"] = count / labels
        return found
