"""What is chosen and done batch by batch, against the split that it is written for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice

from specbuild.catalogue.losses import Loss
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samplers import Sampler
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms import Transform
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.budgets import MOST_TOLD
from specbuild.language.parsing import of_violation
from specbuild.language.sections import Data, SplitName


def check_places(data: Data) -> Iterator[Diagnostic]:
    """Transforms that mix a batch, transforms that make several views, and samplers: each in its place.

    And what is held out of train: that some of it stays, and that `seed` has a say in it.
    """
    yield from check_shares(data)
    for name in data.names():
        written = getattr(data, name)
        if data.transforms_written_at(name) == name:
            yield from islice(check_transforms(name, written.transforms or ()), MOST_TOLD)
        loader = written.loader
        if name != "train" and loader is not None and loader.sampler is not None:
            yield Diagnostic(
                "SB410", f"a sampler chooses what is learned from, but {name} is judged on each of its samples once",
                ("data", name, "loader", "sampler"), fix="leave it out",
            )  # fmt: skip


def check_shares(data: Data) -> Iterator[Diagnostic]:
    """The parts held out of train."""
    parts = {name: held_out for name in data.names() if (held_out := data.held_out(name)) is not None}
    for name, part in parts.items():
        if part.seed is not None and data.train.dataset.in_one_piece:
            yield Diagnostic(
                "SB410", f"seed chooses which samples are held out, but of {data.train.dataset.type} it is the end, in "
                "one piece", ("data", name, "seed"), fix="leave it out",
            )  # fmt: skip
    shares = [part.split or 0.0 for part in parts.values()]
    if sum(shares) > 1 - 1e-9:
        yield Diagnostic(
            "SB410", f"{' and '.join(parts)} hold out {' and '.join(f'{share:g}' for share in shares)} of train, which "
            "leaves nothing to learn from", ("data", list(parts)[-1], "split"), fix="shares that add up to less than 1",
        )  # fmt: skip


def check_over_image(
    data: Data, name: SplitName, losses: Mapping[str, Loss], inputs: Collection[str]
) -> Iterator[Diagnostic]:
    """Transforms after which what lies over the image pixel by pixel, or is the image itself, fits it no more."""
    dataset = data.dataset_of(name)
    paired = dataset.paired if dataset is not None else {}
    written = data.transforms_written_at(name)
    over = [*paired, *(loss.target for loss in losses.values() if loss.target in inputs)]
    places = {id(each): k for k, each in reversed([*enumerate(getattr(data, written).transforms)])}
    for transform in data.transforms_of(name) if over else ():
        path: Path = ("data", written, "transforms", places[id(transform)])
        if transform.views > 1 and name != "train":
            yield Diagnostic(
                "SB408", f"{transform.type} makes {transform.views} images of one, and `{over[0]}` is held against a "
                "single one, pixel by pixel", path,
                fix=f"{{type: CenterCrop, size: {shown(getattr(transform, 'size', 32))}}}",
            )  # fmt: skip
        masks = [field for field, kind in paired.items() if kind == "mask"]
        blending = next((found for found in within(transform, path) if found[0].blends), None) if masks else None
        if blending is not None:
            yield Diagnostic(
                "SB408", f"{blending[0].type} blends several images that are moved differently, so that the mask "
                f"`{masks[0]}` lies over none of them", blending[1], fix="RandAugment",
            )  # fmt: skip


def within(transform: Transform, path: Path) -> Iterator[tuple[Transform, Path]]:
    """A transform and those in its list, with their places."""
    yield transform, path
    for place, part in enumerate(getattr(transform, "transforms", ())):
        yield from within(part, (*path, "transforms", place))


def check_transforms(name: SplitName, transforms: tuple[Transform, ...]) -> Iterator[Diagnostic]:
    """The transforms that are written for a split."""
    for place, transform in enumerate(transforms):
        path: Path = ("data", name, "transforms", place)
        if transform.mixes and name != "train":
            yield Diagnostic(
                "SB408", f"{transform.type} mixes samples with each other, but {name} is judged on them as they are",
                path, fix="leave it out",
            )  # fmt: skip
        elif transform.mixes and place + 1 < len(transforms):
            after = transforms[place + 1].type
            fix = f"leave out {after}, or one of the two" if transforms[place + 1].mixes else "put it at the end"
            yield Diagnostic(
                "SB408", f"{transform.type} mixes whole batches and comes last, but {after} stands after it",
                path, fix=fix,
            )  # fmt: skip
        if transform.views > 1 and name == "train":
            yield Diagnostic(
                "SB408", f"{transform.type} makes {transform.views} images of one, over which val and test average "
                "what the network says: train learns from one at a time", path,
                fix=f"{{type: RandomCrop, size: {shown(getattr(transform, 'size', 32))}}}",
            )  # fmt: skip


def shown(size: int | tuple[int, ...]) -> str:
    """A size as a document has it."""
    return str(size) if isinstance(size, int) else str(list(size))


def mixing_of(transforms: tuple[Transform, ...]) -> Transform | None:
    """The transform that mixes a batch."""
    return next((transform for transform in transforms if transform.mixes), None)


def mixed_target(mixing: Transform, loss: Loss, output: TensorType, target: SampleType) -> SampleType:
    """A target after the mixing: labels become probabilities. Raises `Violation`."""
    if target.dtype is None or target.shape is None:
        return target
    written = getattr(mixing, "num_classes", None)
    if target.dtype == "int64" and not target.shape:
        classes = loss.classes(output)
        if classes is None and not loss.plugged:
            raise Violation(
                "SB408", f"{mixing.type} makes probabilities of classes of the labels, which {loss.type} takes for "
                "numbers", fix="CrossEntropyLoss, or leave it out",
            )  # fmt: skip
        wanted = output.shape[-1] if classes is None and output.shape else classes
        if written is not None and isinstance(wanted, int) and written != wanted:
            raise Violation(
                "SB408", f"num_classes is {written}, but the network gives {wanted} classes",
                field="num_classes", fix="leave it out",
            )  # fmt: skip
        return SampleType((wanted if isinstance(wanted, int) else None,), "float32")
    if target.dtype.startswith("float") and len(target.shape) == 1:
        return target
    raise Violation(
        "SB408", f"{mixing.type} mixes one label a sample, or probabilities of classes, but the target is {target}",
        fix="leave it out",
    )  # fmt: skip


def check_mixed(
    data: Data,
    losses: Mapping[str, Loss],
    outputs: Mapping[str, TensorType],
    fields: Mapping[str, SampleType],
    image: str | None,
) -> Iterator[Diagnostic]:
    """Whether each loss takes what mixing makes of train's targets.

    image: the field that is mixed.
    """
    mixing = mixing_of(data.train.transforms)
    if mixing is None:
        return
    path: Path = ("data", "train", "transforms", data.train.transforms.index(mixing))
    for output, loss in losses.items():
        if loss.target not in fields or loss.target == image:
            continue
        try:
            target = mixed_target(mixing, loss, outputs[output], fields[loss.target])
        except Violation as violation:
            yield of_violation(violation, path)
            continue
        try:
            loss.compare(outputs[output], target)
        except Violation as violation:
            yield Diagnostic(
                "SB408", f"{mixing.type} makes probabilities of the labels, {target}, which {loss.type} does not take",
                path, because=violation.message if loss.type == "CrossEntropyLoss" else None,
                fix="CrossEntropyLoss, or leave it out",
            )  # fmt: skip


def check_drawn(data: Data, sampler: Sampler) -> Iterator[Diagnostic]:
    """An epoch of samples that are drawn once each, of which there are too few."""
    total = data.train.dataset.length()
    wanted = getattr(sampler, "num_samples", None)
    if total is None or wanted is None or getattr(sampler, "replacement", True):
        return
    there = data.counts(total)["train"]
    if wanted > there:
        yield Diagnostic(
            "SB410", f"an epoch draws {wanted} samples, none twice, but train has {there}",
            ("data", "train", "loader", "sampler", "num_samples"), fix="replacement: true, or a smaller num_samples",
        )  # fmt: skip


def check_balanced(
    losses: Mapping[Path, tuple[Loss, TensorType]], fields: Mapping[str, SampleType]
) -> Iterator[Diagnostic]:
    """Weights of classes by how many samples each has, of classes that the data set does not have.

    losses: with their outputs, by where they are written.
    """
    for path, (loss, output) in losses.items():
        there, given = fields.get(loss.target, SampleType()).classes, loss.classes(output)
        if getattr(loss, "weight", None) == "balanced" and there is not None and given is not None and given > there:
            yield Diagnostic(
                "SB410", f"weight: balanced divides by the samples of each class, and train has none of class {there}",
                (*path, "weight"), because=f"the network gives {given} classes, but the data has {there}",
                fix="a list of numbers, or fewer classes",
            )  # fmt: skip


def check_labels(
    data: Data, field: str, fields: Mapping[str, SampleType], losses: Mapping[Path, Loss]
) -> Iterator[Diagnostic]:
    """What goes by the label of each of train's samples, where there is none.

    field: that holds the labels. fields: of train, as far as they are known. losses: by where they are written.
    """
    wanting = [
        ("weight: balanced", (*path, "weight"), loss.target)
        for path, loss in losses.items() if getattr(loss, "weight", None) == "balanced"
    ]  # fmt: skip
    for name in data.names():
        held_out = data.held_out(name)
        if held_out is not None and held_out.stratify:
            wanting.append(("stratify", ("data", name, "stratify"), field))
    sampler = data.train.loader.sampler
    if sampler is not None:
        wanting.append((sampler.type, ("data", "train", "loader", "sampler"), field))
        yield from check_drawn(data, sampler)
    for what, path, wanted in wanting if fields else ():
        label = fields.get(wanted)
        if label is None:
            message = f"{what} goes by the label of each sample, `{wanted}`, but the data set has {', '.join(fields)}"
            yield Diagnostic("SB410", message, path, fix="leave it out")
        elif label.dtype is not None and label.shape is not None and (label.dtype != "int64" or label.shape):
            message = f"{what} goes by the label of each sample, but `{wanted}` is {label}, no integer"
            yield Diagnostic("SB410", message, path, fix="leave it out")
    label = fields.get(field)
    weights = getattr(sampler, "weights", None)
    if isinstance(weights, tuple) and label is not None and label.classes not in (None, len(weights)):
        numbers = "1 number" if len(weights) == 1 else f"{len(weights)} numbers"
        yield Diagnostic(
            "SB410", f"weights has {numbers}, but train has {label.classes} classes",
            ("data", "train", "loader", "sampler", "weights"), fix="a weight for each class, or weights: balanced",
        )  # fmt: skip
