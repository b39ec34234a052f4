"""Rates of right and wrong answers by class, and their averages."""

from __future__ import annotations

import torch


def rates(name: str, counts: torch.Tensor, average: str, ignored: int | None) -> float | None:
    """Precision, recall, F1 (Dice) or IoU of counts (classes, 5): TP, FP, TN, FN and TP + FN; None if not defined.

    ignored: a class that has no part in an average over classes.
    """
    right, wrong, _, missed, _ = counts.double().cpu().unbind(1)
    if average == "micro":
        right, wrong, missed = (each.sum().reshape(1) for each in (right, wrong, missed))
        ignored = None
    there = right + wrong + missed > 0
    if ignored is not None and 0 <= ignored < len(there):
        there[ignored] = False
    if not bool(there.any()):
        return None
    weight, below = {
        "precision": (1, right + wrong),
        "recall": (1, right + missed),
        "f1": (2, 2 * right + wrong + missed),
        "dice": (2, 2 * right + wrong + missed),
        "mean_iou": (1, right + wrong + missed),
    }[name]
    values = weight * right / below.clamp(min=1)
    return averaged(values, there, average, counts)


def support(name: str, counts: torch.Tensor) -> torch.Tensor:
    """Of which classes a ranking is defined: some sample is of it, and for the AUROC some other is not."""
    right, wrong, true_no, missed, _ = counts.cpu().unbind(1)
    some = right + missed > 0
    return some & (wrong + true_no > 0) if name == "auroc" else some


def averaged(values: torch.Tensor, of: torch.Tensor, average: str, counts: torch.Tensor) -> float | None:
    """The mean of the classes' values that `of` marks, `weighted` by how often each occurs."""
    weights = of.double()
    if average == "weighted" and len(counts) == len(values):
        weights = weights * counts[:, 4].double().cpu()
    total = float(weights.sum())
    return float((values.double().cpu().where(of, 0.0) * weights).sum()) / total if total else None
