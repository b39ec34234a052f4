"""Losses that weigh the classes by how many samples each has."""

from __future__ import annotations

from dataclasses import replace

import torch

from specbuild.catalogue.losses import Loss
from specbuild.data.failure import Unusable, failure
from specbuild.data.labels import labels_of
from specbuild.data.split import Split
from specbuild.language.document import Spec
from specbuild.network.plan import Plan
from specbuild.network.samples import loss_path


def weighed(spec: Spec, train: Split, plan: Plan) -> Spec:
    """The document with numbers for `weight: balanced`; raises `DataError` (SB410) where there are none."""
    losses = {**spec.losses}
    for output, loss in spec.losses.items():
        classes = loss.classes(plan.outputs[output])
        if getattr(loss, "weight", None) != "balanced" or not isinstance(classes, int):
            continue
        try:
            losses[output] = loss.model_copy(update={"weight": balanced(loss, train, classes)})
        except Unusable as unusable:
            raise failure(spec, unusable.at((*loss_path(spec, output), "weight"))) from None
    return replace(spec, losses=losses)


def balanced(loss: Loss, train: Split, classes: int) -> tuple[float, ...]:
    """n / (k n_c) of each of k classes, of which n_c of train's n samples are. Raises `Unusable`."""
    used = labels_of(train.source, loss.target, "weight: balanced").index_select(0, train.indices)
    if loss.ignored is not None:
        used = used[used != loss.ignored]
    counts = torch.bincount(used, minlength=classes)[:classes]  # labels beyond them were found when train was probed
    if not bool(counts.all()):
        missing = int((counts == 0).nonzero()[0])
        raise Unusable(
            "SB410", f"weight: balanced divides by the samples of each class, and train has none of class {missing}",
            fix="a list of numbers, or fewer classes",
        )  # fmt: skip
    weights: list[float] = (len(used) / (classes * counts.double())).tolist()
    return tuple(weights)
