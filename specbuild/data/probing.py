"""The data, opened, against the network: what is found out before the first step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from specbuild.catalogue.losses import BinaryLoss, CrossEntropyLoss, Loss
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.data.failure import Unusable, failure
from specbuild.data.sources import Sample, TensorSource
from specbuild.data.split import Labels, Split, labels_out_of_range
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.language.parsing import of_violation
from specbuild.network.plan import Plan
from specbuild.network.samples import INPUT, batch_of_one, fit


def probe(split: Split, plan: Plan) -> None:
    """Hold a split's first sample, its labels and its batches against the network.

    Raises `DataError` with everything that does not fit: SB402 for the target, SB404 for the input,
    SB405 for a sample that cannot be read, SB406 for a batch, SB408 for a transform. Labels that are
    not all in memory are held against the network as they come.
    """
    problems = list(found(split, plan))
    if problems:
        raise failure(split.spec, *problems)


def found(split: Split, plan: Plan) -> Iterator[Diagnostic]:
    """What does not fit."""
    if split.name == "train":
        yield from batch_of_one(plan, split.loader, len(split))
    index = int(split.indices[0])
    try:
        types = split.source.types(index)
        sample = split.source.sample(index)
    except Unusable as unusable:
        yield unusable.at(split.place)
        return
    if INPUT in types and split.transforms:
        try:
            for k, transform in enumerate(split.transforms):
                at = k
                types[INPUT] = transform.infer(types[INPUT])
        except Violation as violation:
            yield transform_problem(split, at, violation)
            return
        sample[INPUT] = split.pipeline(sample[INPUT].unsqueeze(0), torch.tensor([index]), 0)[0]
    misfits = list(fit(plan.input, types, split.name, split.place))
    yield from misfits
    if not misfits:
        yield from finite(split, sample[INPUT], index)
    yield from targets(split, plan, types, sample)


def transform_problem(split: Split, index: int, violation: Violation) -> Diagnostic:
    """A transform that cannot take what comes into it, at the place where it is written."""
    data = split.spec.data
    assert data is not None, "own data sets have no transforms"
    written = data.transforms_written_at(split.name)
    source = getattr(data, written).transforms
    place = next(k for k, entry in enumerate(source) if entry is split.transforms[index])
    return of_violation(violation, ("data", written, "transforms", place))


def finite(split: Split, tensor: torch.Tensor, index: int) -> Iterator[Diagnostic]:
    """The numbers of a sample."""
    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        yield Diagnostic("SB405", f"`input` of sample {index} holds NaN or an infinity", split.place)


def targets(split: Split, plan: Plan, types: dict[str, SampleType], sample: Sample) -> Iterator[Diagnostic]:
    """The loss against the target of the first sample, and against all labels that are in memory."""
    loss = split.spec.loss
    if not isinstance(loss, Loss):
        return
    if loss.target not in types:
        yield Diagnostic(
            "SB402", f"the loss takes the field `{loss.target}`, but {split.name} has {', '.join(types)}",
            ("loss",), fix="`target`: the field that the output is held against",
        )  # fmt: skip
        return
    try:
        loss.compare(plan.output, types[loss.target])
    except Violation as violation:
        yield of_violation(violation, ("loss",))
        return
    if isinstance(loss, CrossEntropyLoss) and types[loss.target].dtype == "int64":
        yield from labels(split, loss, plan.output.shape[-1 if loss.class_dim == -1 else 0])
    elif isinstance(loss, BinaryLoss):
        low, high = span(split, loss.target, sample)
        if low < 0 or high > 1:
            yield Diagnostic(
                "SB402",
                f"{loss.type} needs targets from 0 to 1, but `{loss.target}` of {split.name} "
                f"goes from {low:g} to {high:g}",
                ("loss",),
            )


def labels(split: Split, loss: CrossEntropyLoss, classes: int) -> Iterator[Diagnostic]:
    """Labels from 0 to the number of classes, exclusive."""
    held = held_tensor(split, loss.target)
    if held is None:
        split.labels = Labels(loss.target, classes, loss.ignore_index)
        return
    used = held.index_select(0, split.indices).long()
    used = used[used != loss.ignore_index]
    if not used.numel():
        return
    low, high = int(used.min()), int(used.max())
    if low < 0 or high >= classes:
        yield labels_out_of_range(split.name, low, high, classes)


def held_tensor(split: Split, field: str) -> torch.Tensor | None:
    """All values of a field, where they are in memory or mapped into it."""
    if not isinstance(split.source, TensorSource):
        return None
    held = split.source.tensors[field]
    return held if isinstance(held, torch.Tensor) else torch.from_numpy(np.array(held))


def span(split: Split, field: str, sample: Sample) -> tuple[float, float]:
    """The lowest and the highest value of a target: of all, or of the first sample where it is the input."""
    held = held_tensor(split, field) if field != INPUT else None
    values = sample[field] if held is None else held.index_select(0, split.indices)
    return float(values.min()), float(values.max())
