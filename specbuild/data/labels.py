"""Labels: which are allowed, and those of all samples."""

from __future__ import annotations

from typing import NamedTuple

import torch

from specbuild.catalogue.losses.loss import counted
from specbuild.data.failure import Unusable
from specbuild.data.sources import Source
from specbuild.diagnostics.diagnostic import Diagnostic, Path


class Labels(NamedTuple):
    """The labels that a network has an output for."""

    field: str
    classes: int
    ignored: int | None
    """One more that the loss leaves out."""
    loss: Path = ("loss",)
    """Where the loss is written."""
    below: str = "labels count from 0; `ignore_index` names one that is left out"
    """The mend for labels below 0."""

    def judged(self, labels: torch.Tensor) -> torch.Tensor:
        """Those that the loss looks at."""
        return labels if self.ignored is None else labels[labels != self.ignored]


def labels_out_of_range(name: str, low: int, high: int, allowed: Labels) -> Diagnostic:
    """Labels of a split that the network has no output for."""
    classes = allowed.classes
    fix = f"let the last layer give {high + 1} classes"
    if low < 0:
        fix = allowed.below
    elif low == 1 and high == classes:
        fix = "labels count from 0: subtract 1 from them"
    return Diagnostic(
        "SB402",
        f"the network gives {counted(classes, 'class')}, 0 to {classes - 1}, "
        f"but the labels of {name} go from {low} to {high}",
        allowed.loss,
        fix=fix,
    )


def labels_of(source: Source, field: str, what: str) -> torch.Tensor:
    """The label of each sample, int64 `[N]`.

    what: that needs them, for the message. Raises `Unusable` where the samples have none.
    """
    labels = source.labels(field)
    if labels is None:
        fields = ", ".join(source.fields)
        raise Unusable("SB410", f"{what} goes by the label of each sample, `{field}`, but the data set has {fields}")
    if labels.dim() != 1 or labels.is_floating_point():
        kind = str(labels.dtype).removeprefix("torch.")
        raise Unusable(
            "SB410",
            f"{what} goes by the label of each sample, but `{field}` is {list(labels.shape[1:])} {kind}, no integer",
        )
    labels = labels.to(torch.int64)
    if len(labels) and int(labels.min()) < 0:
        raise Unusable("SB410", f"{what} counts classes from 0, but `{field}` holds {int(labels.min())}")
    return labels
