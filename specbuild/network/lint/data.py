"""Warnings about the data: transforms, batches, classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.diagnostics.suggest import nearest
from specbuild.language.document import Spec
from specbuild.language.sections import Data, SplitName
from specbuild.language.wording import with_article
from specbuild.network.batching import shown
from specbuild.network.lint.layers import NORMALIZED
from specbuild.network.plan import Plan
from specbuild.network.samples import loss_path


def odd_data(spec: Spec, plan: Plan, data: Data) -> Iterator[Diagnostic]:
    """SB811, SB814, SB815, SB818 and SB825."""
    for name in data.names():
        if data.transforms_written_at(name) == name:
            yield from odd_transforms(name, getattr(data, name).transforms or ())
    if data.train.loader.batch_size == 1:
        step = next((step for step in plan.layers() if step.type in NORMALIZED), None)
        if step is not None:
            yield Diagnostic(
                "SB811", f"batch_size is 1: {step.name}, {with_article(step.type)}, learns with the statistics of one "
                "sample", ("data", "train", "loader", "batch_size"),
                fix="batch_size: 2 or more, or GroupNorm, which goes by each sample alone",
            )  # fmt: skip
    yield from spare_classes(spec, plan, data)
    if spec.losses:
        yield from unused_fields(spec, data)


def unused_fields(spec: Spec, data: Data) -> Iterator[Diagnostic]:
    """SB825 for fields of Arrays that feed no input and that no loss takes."""
    read = {*spec.inputs, *(loss.target for loss in spec.losses.values())}
    for name in data.names():
        entry = getattr(getattr(data, name), "dataset", None)
        for field in getattr(entry, "fields", ()):
            if field not in read:
                meant = nearest(field, [other for other in read if other not in getattr(entry, "fields", ())])
                yield Diagnostic(
                    "SB825", f"nothing reads the field `{field}`: inputs and losses take {', '.join(sorted(read))}",
                    ("data", name, "dataset", "fields", field),
                    fix=f"did you mean `{meant}`?" if meant else "leave it out, or name it in an input or a `target`",
                )  # fmt: skip


def odd_transforms(name: SplitName, transforms: Any) -> Iterator[Diagnostic]:
    """SB814 and SB815 in the transforms of a split, where they are written."""
    kinds = [transform.type for transform in transforms]
    for index, transform in enumerate(transforms):
        path: Path = ("data", name, "transforms", index)
        if transform.type == "Normalize" and "ToTensor" in kinds[index + 1 :]:
            yield Diagnostic(
                "SB814", "Normalize stands before ToTensor, which scales 0 to 255 down to 0 to 1 after it",
                path, fix="put ToTensor before it",
            )  # fmt: skip
        if name != "train" and transform.random and getattr(transform, "p", None) not in (0, 1):
            crop = transform.type == "RandomCrop" and not (transform.padding or transform.pad_if_needed)
            yield Diagnostic(
                "SB815", f"{transform.type} draws at random: {name} is to measure the images as they are",
                path, fix=f"{{type: CenterCrop, size: {shown(transform.size)}}}" if crop else "leave it out",
            )  # fmt: skip


def spare_classes(spec: Spec, plan: Plan, data: Data) -> Iterator[Diagnostic]:
    """SB818 for outputs that stand for no class of the data."""
    for output, loss in spec.losses.items():
        given = loss.classes(plan.outputs[output])
        for name in data.names():
            dataset = data.dataset_of(name)
            target = ((dataset and dataset.sample()) or {}).get(loss.target)
            known = None if target is None else target.classes
            if known is not None and isinstance(given, int) and given > known:
                yield Diagnostic(
                    "SB818", f"the network gives {given} classes, but {name} has {known}", loss_path(spec, output),
                    fix=f"let the last layer give {known}",
                )  # fmt: skip
                break
