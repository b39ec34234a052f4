"""What the best weights make of val: `confusion_matrix.png`, and `mistakes.png`, the samples of the highest loss."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from specbuild.catalogue.losses import Loss
from specbuild.data.mixing import averaged
from specbuild.network.metrics import of_labels
from specbuild.network.samples import image_field
from specbuild.reports.drawing import FAINT, INK, RIGHT, WRONG, Tile, as_png, matrix, picture, sheet
from specbuild.reports.preview import unscaled
from specbuild.runs.files import write_whole
from specbuild.runs.recording import model_of
from specbuild.training.passes import Feed

if TYPE_CHECKING:
    from specbuild.training.fitting import Fit

MATRIX, MISTAKES = "confusion_matrix.png", "mistakes.png"
SHOWN = 32
"""Samples on the sheet."""
PATIENCE = 30.0
"""Seconds that are spent on it: of a long val, the samples that come first."""
MOST_CLASSES = 200
"""Of a matrix that is drawn."""


class Mistake(NamedTuple):
    """A sample with a high loss."""

    loss: float
    image: torch.Tensor | None
    truth: str
    answer: str
    right: bool


class Look:
    """One pass over val with the best weights: counts of answers, and the samples of the highest loss."""

    def __init__(self, fit: Fit) -> None:
        assert fit.kept is not None
        self.fit = fit
        objective = fit.objective
        self.output = objective.outputs[objective.judged]
        self.loss: Loss = fit.spec.losses[self.output]
        self.dim: int = getattr(self.loss, "class_dim", 1)
        self.classes = self.loss.classes(fit.plan.outputs[self.output]) if self.loss.targets == "labels" else None
        self.single = self.classes is not None and len(fit.plan.outputs[self.output].shape) == 1
        """Whether each sample has one label."""
        self.names = names_of(fit, int(self.classes)) if self.classes is not None else []
        size = int(self.classes or 0)
        self.counts = torch.zeros(size * size, dtype=torch.int64, device=fit.device)
        self.worst: list[Mistake] = []
        self.seen = 0
        self.field = image_field(fit.spec.inputs)

    def go(self) -> None:
        """Look at val, as far as patience lasts."""
        fit = self.fit
        assert fit.kept is not None
        model = model_of(fit.plan, fit.kept.weights).to(fit.device).to(memory_format=fit.layout)  # type: ignore[call-overload]
        called = averaged(model, fit.splits["val"].views)
        feed, end = Feed(fit.plan, fit.layout), monotonic() + PATIENCE
        with torch.inference_mode():
            for batch in fit.splits["val"].batches(0, fit.device):
                with fit.autocast:
                    given = called(*feed(batch))
                self.add(given if fit.objective.single else given[self.output], batch)
                if monotonic() > end:
                    break

    def add(self, output: torch.Tensor, batch: Mapping[str, torch.Tensor]) -> None:
        """One batch: its counts, and its worst samples among those so far."""
        target = batch[self.loss.target]
        labels = target.argmax(self.dim) if target.is_floating_point() else target.long()
        if self.classes is not None:
            answers = output.argmax(self.dim)
            kept = (labels >= 0) & (labels < self.classes)
            if self.loss.ignored is not None:
                kept &= labels != self.loss.ignored
            numbers = (labels * int(self.classes) + answers)[kept]
            self.counts += torch.bincount(numbers, minlength=len(self.counts))
        if self.single:
            losses = self.losses(output, target)
            losses = torch.where(kept, losses, -torch.inf)
            for place in losses.topk(min(SHOWN, len(losses))).indices.tolist():
                if torch.isfinite(losses[place]):
                    truth, answer = int(labels[place]), int(answers[place])
                    image = None
                    if self.field is not None:
                        image = unscaled(self.fit.splits["val"], self.field, batch[self.field][place].cpu())
                    self.worst.append(
                        Mistake(float(losses[place]), image, self.names[truth], self.names[answer], truth == answer)
                    )
            self.worst = sorted(self.worst, key=lambda mistake: -mistake.loss)[:SHOWN]
        self.seen += len(output)

    def losses(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The loss of each sample alone, without class weights."""
        if self.loss.type == "MultiMarginLoss":
            criterion: Any = torch.nn.functional.multi_margin_loss
            return criterion(output, target, reduction="none")  # type: ignore[no-any-return]
        chances = output.float() if self.loss.type == "NLLLoss" else output.float().log_softmax(-1)
        if target.is_floating_point():
            return -(chances * target).sum(-1)
        inside = target.long().clamp(0, output.shape[-1] - 1)
        return -chances.gather(-1, inside.unsqueeze(-1)).squeeze(-1)

    def save(self, folder: Path) -> list[str]:
        """Write what was found; the names of the files."""
        written, name = [], self.fit.spec.name
        of = f"{self.seen:,} samples of val"
        if self.classes is not None and 1 < int(self.classes) <= MOST_CLASSES:
            table = self.counts.reshape(int(self.classes), -1).tolist()
            unit = "" if self.single else ", by position"
            write_whole(folder / MATRIX, as_png(matrix(table, self.names, f"{name}: {of}{unit}")))
            written.append(MATRIX)
        tiles = [tile for tile in map(tile_of, self.worst) if tile is not None]
        if tiles:
            title = f"{name}: the {len(tiles)} highest losses of {of}"
            write_whole(folder / MISTAKES, as_png(sheet(tiles, title)))
            written.append(MISTAKES)
        return written


def tile_of(mistake: Mistake) -> Tile | None:
    """A sample on the sheet; None for one that is no image."""
    image = picture(mistake.image) if mistake.image is not None and mistake.image.dim() == 3 else None
    if image is None:
        return None
    answer = (f"taken for {mistake.answer}", RIGHT if mistake.right else WRONG)
    return Tile([image], [(f"is {mistake.truth}", INK), answer, (f"loss {mistake.loss:.3g}", FAINT)])


def wanted(fit: Fit) -> bool:
    """Whether there is something to look at: a val, and a loss of classes."""
    loss = fit.spec.losses[fit.objective.outputs[fit.objective.judged]]
    return "val" in fit.splits and loss.targets == "labels" and of_labels(fit.spec, loss)


def names_of(fit: Fit, classes: int) -> list[str]:
    """What the classes are called: as the data says, or by their numbers."""
    source: Any = getattr(fit.splits["val"], "source", None)
    names = getattr(source, "class_names", None)
    return [str(name) for name in names] if names and len(names) == classes else [str(k) for k in range(classes)]
