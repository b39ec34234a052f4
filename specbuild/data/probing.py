"""The data, opened, against the network: what is found out before the first step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import inf

import numpy as np
import torch

from specbuild.catalogue.losses import Loss
from specbuild.catalogue.losses.cross_entropy import ClassLoss
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.data.failure import Unusable, failure
from specbuild.data.shapes import Shapes
from specbuild.data.sources import Sample, TensorSource
from specbuild.data.split import Labels, Split, labels_out_of_range
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.parsing import of_violation
from specbuild.network.batching import mixed_target, mixing_of
from specbuild.network.indexing import Table, tables
from specbuild.network.plan import Plan
from specbuild.network.samples import batch_of_one, fit, loss_path


def probe(split: Split, plan: Plan) -> None:
    """Hold a split's first sample, its labels and its batches against the network.

    Raises `DataError` with everything that does not fit: SB402 for the target, SB404 for the input,
    SB405 for a sample that cannot be read, SB406 for a batch, SB408 for a transform. Labels and
    integers that are not all in memory are held against the network as they come.
    """
    split.shapes = Shapes(split.spec, plan, split.name, split.place)
    problems = list(found(split, plan))
    if problems:
        raise failure(split.spec, *problems)


def found(split: Split, plan: Plan) -> Iterator[Diagnostic]:
    """What does not fit."""
    yield from batch_of_one(plan, split.loader, len(split), split.name)
    try:
        index, types, sample = split.first()
    except Unusable as unusable:
        yield unusable.at(split.place)
        return
    image = split.image
    if image in types and split.transforms:
        try:
            for k, transform in enumerate(split.transforms):
                at = k
                types[image] = transform.infer(types[image])
        except Violation as violation:
            yield transform_problem(split, at, violation)
            return
        batch = {name: tensor.unsqueeze(0) for name, tensor in sample.items()}
        try:
            batch = split.pipeline.run(batch, image, split.source.paired, torch.tensor([index]), 0)
            sample = {name: tensor[0] for name, tensor in batch.items()}
        except Unusable as unusable:  # of a plug-in
            yield unusable.at(split.place)
            return
        for field in split.source.paired:
            types[field] = types[field]._replace(
                shape=tuple(sample[field].shape), dtype=str(sample[field].dtype).removeprefix("torch.")
            )
    misfits = list(fit(plan.inputs, types, split.name, split.place))
    named = split.source.feature_names
    features = None if named is None else f"{len(named)} features: {', '.join(named)}"
    yield from (replace(misfit, because=misfit.because or features) for misfit in misfits)
    if not misfits:
        for field in plan.inputs:
            yield from finite(split, field, sample[field], index)
        for table in tables(plan):
            yield from integers(split, table)
    yield from targets(split, plan, types, sample)
    mixing = mixing_of(split.transforms)
    for output, loss in split.spec.losses.items() if mixing is not None else ():
        assert mixing is not None
        if loss.target in types and loss.target != image:
            try:
                target = mixed_target(mixing, loss, plan.outputs[output], types[loss.target])
                loss.compare(plan.outputs[output], target)
            except Violation as violation:
                yield transform_problem(split, len(split.transforms) - 1, violation)
                continue
            if target.shape and target.shape[0] is not None:
                split.widths[loss.target] = target.shape[0]


def transform_problem(split: Split, index: int, violation: Violation) -> Diagnostic:
    """A transform that cannot take what comes into it, at the place where it is written."""
    data = split.spec.data
    assert data is not None, "own data sets have no transforms"
    written = data.transforms_written_at(split.name)
    source = getattr(data, written).transforms
    place = next(k for k, entry in enumerate(source) if entry is split.transforms[index])
    return of_violation(violation, ("data", written, "transforms", place))


def finite(split: Split, field: str, tensor: torch.Tensor, index: int) -> Iterator[Diagnostic]:
    """The numbers of an input of a sample."""
    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        yield Diagnostic("SB405", f"`{field}` of sample {index} holds NaN or an infinity", split.place)


def integers(split: Split, table: Table) -> Iterator[Diagnostic]:
    """The integers of an input that vectors are looked up for."""
    held = split.source
    if not isinstance(held, TensorSource) or (table.field == split.image and split.transforms):
        split.tables.append(table)
        return
    ends = held.extent(table.field, split.indices)
    problem = None if ends is None else table.misfit(split.name, *ends, split.place)
    if problem is not None:
        yield problem


def targets(split: Split, plan: Plan, types: dict[str, SampleType], sample: Sample) -> Iterator[Diagnostic]:
    """Each loss against the target of the first sample, and against all labels that are in memory."""
    for output, loss in split.spec.losses.items():
        kind, path = plan.outputs[output], loss_path(split.spec, output)
        if loss.target not in types:
            yield Diagnostic(
                "SB402", f"the loss takes the field `{loss.target}`, but {split.name} has {', '.join(types)}",
                path, fix="`target`: the field that the output is held against",
            )  # fmt: skip
            continue
        try:
            loss.compare(kind, types[loss.target])
        except Violation as violation:
            yield of_violation(violation, path)
            continue
        classes = loss.classes(kind)
        if classes is not None and types[loss.target].dtype == "int64":
            yield from labels(split, allowed_labels(loss, classes, path))
        elif isinstance(loss, ClassLoss) and loss.is_of_shares(types[loss.target]):
            yield from bounded(split, loss, (0.0, 1.0), sample, path)
        elif loss.bounds is not None:
            yield from bounded(split, loss, loss.bounds, sample, path)
        elif loss.targets == "signs":
            yield from signs(split, loss, sample, path)


def allowed_labels(loss: Loss, classes: int, path: Path) -> Labels:
    """The labels that a loss takes of a network of so many classes."""
    if loss.targets == "label lists":
        return Labels(loss.target, classes, -1, path, "labels count from 0; -1 stands after the last of a list")
    if loss.ignored is None:
        return Labels(loss.target, classes, None, path, "labels count from 0")
    return Labels(loss.target, classes, loss.ignored, path)


def labels(split: Split, allowed: Labels) -> Iterator[Diagnostic]:
    """Labels from 0 to the number of classes, exclusive."""
    if not isinstance(split.source, TensorSource):
        split.labels.append(allowed)
        return
    ends = split.source.extent(allowed.field, split.indices, allowed.ignored)
    if ends is not None and (ends[0] < 0 or ends[1] >= allowed.classes):
        yield labels_out_of_range(split.name, *ends, allowed)


def bounded(split: Split, loss: Loss, bounds: tuple[float, float], sample: Sample, path: Path) -> Iterator[Diagnostic]:
    """Targets from one number to another."""
    values = used_values(split, loss.target, sample)
    low, high = float(values.min()), float(values.max())
    if low < bounds[0] or high > bounds[1]:
        wanted = f"from {bounds[0]:g} on" if bounds[1] == inf else f"from {bounds[0]:g} to {bounds[1]:g}"
        logarithms = high <= 0 and hasattr(loss, "log_target")
        found = f"goes from {low:g} to {high:g}" if low < high else f"is {low:g}"
        yield Diagnostic(
            "SB402",
            f"{loss.type} needs targets {wanted}, but `{loss.target}` of {split.name} {found}",
            path,
            fix="log_target: true, if they are logarithms"
            if logarithms
            else "class probabilities from 0 to 1, or labels as integers"
            if isinstance(loss, ClassLoss)
            else None,
        )


def signs(split: Split, loss: Loss, sample: Sample, path: Path) -> Iterator[Diagnostic]:
    """Targets of -1 and 1."""
    values = used_values(split, loss.target, sample)
    wrong = values[(values != -1) & (values != 1)]
    if wrong.numel():
        yield Diagnostic(
            "SB402",
            f"{loss.type} needs targets of -1 and 1, but `{loss.target}` of {split.name} holds {float(wrong[0]):g}",
            path,
            fix="BCEWithLogitsLoss, for targets of 0 and 1" if bool(((values == 0) | (values == 1)).all()) else None,
        )


def held_tensor(split: Split, field: str) -> torch.Tensor | None:
    """All values of a field, where they are in memory or mapped into it."""
    if not isinstance(split.source, TensorSource):
        return None
    held = split.source.tensors[field]
    return held if isinstance(held, torch.Tensor) else torch.from_numpy(np.array(held))


def used_values(split: Split, field: str, sample: Sample) -> torch.Tensor:
    """The values of a target: all, or those of the first sample where it is transformed."""
    held = held_tensor(split, field) if field != split.image else None
    return sample[field] if held is None else held.index_select(0, split.indices)
