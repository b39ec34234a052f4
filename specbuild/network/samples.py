"""The samples of the data against the network, as far as both are known without opening the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from math import prod

from specbuild.catalogue.losses import Loss
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.diagnostics.suggest import nearest
from specbuild.errors import SpecError
from specbuild.language.budgets import MOST_TOLD
from specbuild.language.document import Spec
from specbuild.language.parsing import of_violation
from specbuild.language.sections import Data, Loader, SplitName
from specbuild.language.wording import with_article
from specbuild.network.batching import check_balanced, check_labels, check_mixed, check_over_image, check_places
from specbuild.network.plan import Plan, Step

INPUT = "input"
"""What the only input of a network is called, and the field that feeds it."""


def image_field(inputs: Mapping[str, TensorType]) -> str | None:
    """The field that transforms are applied to: that of the only input, or of the first one with three axes."""
    if len(inputs) == 1:
        return next(iter(inputs))
    return next((name for name, kind in inputs.items() if len(kind.shape) == 3), None)


def loss_path(spec: Spec, output: str) -> Path:
    """Where the loss of an output is written."""
    return ("loss", output) if len(spec.outputs) > 1 else ("loss",)


def label_field(spec: Spec) -> str:
    """The field with the label of a sample: what the first loss of labels is held against, or `target`."""
    targets = [loss.target for loss in spec.losses.values() if loss.labelled and loss.target not in spec.inputs]
    return targets[0] if targets else "target"


def told_target(spec: Spec, loss: Loss) -> bool:
    """Whether a plug-in's loss is held against the data's target, which is known: then it is not asked without one."""
    if not loss.plugged or spec.data is None:
        return False
    try:
        return loss.target in (spec.data.train.dataset.sample() or {})
    except Violation:  # of a plug-in: reported with the data
        return False


class Fold:
    """The samples of each split folded through its transforms, and held against the network."""

    def __init__(self, spec: Spec, data: Data, plan: Plan | None) -> None:
        self.spec, self.data, self.plan = spec, data, plan
        self.image = image_field(spec.inputs)
        self.seen: set[tuple[str, str]] = set()
        """Code and message of what was reported: val and test repeat train's mistakes."""

    def check(self) -> Iterator[Diagnostic]:
        """What is wrong with each split, each mistake once."""
        yield from check_places(self.data)
        for name in self.data.names():
            for diagnostic in self.split(name):
                key = (diagnostic.code, diagnostic.message.replace(f"{name} ", ""))
                if key not in self.seen:
                    self.seen.add(key)
                    yield diagnostic

    def split(self, name: SplitName) -> Iterator[Diagnostic]:
        """What is wrong with one split."""
        try:
            fields = dict(self.fields(name))
            dataset = self.data.dataset_of(name)
            if dataset is not None and name != "train" and self.data.held_out(name) is None:
                dataset.check_beside(self.data.train.dataset)
        except Violation as violation:  # of a plug-in
            yield of_violation(violation, self.place(name))
            return
        try:
            transformed = self.transformed(name, fields.get(self.image or ""))
        except Misfit as misfit:
            yield misfit.diagnostic
            transformed = SampleType()
        if self.image in fields:
            fields[self.image] = transformed
            self.move_pairs(name, fields, transformed)
        if name == "train":
            losses = {loss_path(self.spec, output): loss for output, loss in self.spec.losses.items()}
            yield from check_labels(self.data, label_field(self.spec), fields, losses)
        named = hasattr(self.data.dataset_of(name), "fields")
        inputs: Mapping[str, TensorType] = self.spec.inputs
        outputs = None if self.plan is None else self.plan.outputs
        if self.spec.origin is not None and name != "train":  # each split may have sizes of its own
            from specbuild.network.inference import infer
            from specbuild.network.settling import at_samples

            try:
                own = at_samples(self.spec.origin, fields, name)
                inputs, outputs = own.inputs, None if self.plan is None else infer(own).outputs
            except SpecError as error:
                yield from error.diagnostics
                return
        unjudged = list(islice(check_over_image(self.data, name, self.spec.losses, inputs), MOST_TOLD))
        yield from unjudged
        yield from fit(inputs, fields, name, self.place(name), named=named)
        if not unjudged:
            yield from self.targets(name, fields, outputs)
        yield from self.lengths(name)

    def place(self, name: SplitName) -> Path:
        """Where a split says where its samples come from."""
        return ("data", name, "dataset" if self.data.held_out(name) is None else "split")

    def fields(self, name: SplitName) -> Mapping[str, SampleType]:
        """The fields of a sample, before the transforms."""
        dataset = self.data.dataset_of(name)
        assert dataset is not None
        return dataset.sample() or {}

    def move_pairs(self, name: SplitName, fields: dict[str, SampleType], image: SampleType) -> None:
        """What lies over the image comes to its size; an image is transformed as it is."""
        for field, kind in getattr(self.data.dataset_of(name), "paired", {}).items():
            lying = fields.get(field, SampleType())
            if kind == "image":
                with suppress(Misfit):  # reported of the image itself
                    fields[field] = self.transformed(name, lying)
            elif lying.shape is not None and image.shape is not None:
                fields[field] = lying._replace(shape=(*lying.shape[:-2], *image.shape[-2:]))

    def transformed(self, name: SplitName, sample: SampleType | None) -> SampleType:
        """`sample` after the split's transforms."""
        sample = sample or SampleType()
        written = self.data.transforms_written_at(name)
        source = getattr(self.data, written).transforms
        transforms = self.data.transforms_of(name)
        if transforms and self.image is None:
            kinds = ", ".join(f"{field} {kind}" for field, kind in self.spec.inputs.items())
            message = f"transforms are of the first input of [channels, height, width]; there is none among {kinds}"
            raise Misfit(Diagnostic("SB408", message, ("data", written, "transforms"), fix="leave them out"))
        for transform in transforms:
            try:
                sample = transform.infer(sample)
            except Violation as violation:
                index = next(k for k, entry in enumerate(source) if entry is transform)
                path: Path = ("data", written, "transforms", index)
                raise Misfit(of_violation(violation, path)) from None
        return sample

    def targets(
        self, name: SplitName, fields: Mapping[str, SampleType], outputs: Mapping[str, TensorType] | None
    ) -> Iterator[Diagnostic]:
        """Each loss against what it is to be compared with."""
        if not fields:
            return
        if name == "train" and outputs is not None:
            weighed = {loss_path(self.spec, name): (loss, outputs[name]) for name, loss in self.spec.losses.items()}
            yield from check_balanced(weighed, fields)
            yield from check_mixed(self.data, self.spec.losses, outputs, fields, self.image)
        for output, loss in self.spec.losses.items():
            path = loss_path(self.spec, output)
            if loss.target not in fields:
                meant = nearest(loss.target, fields)
                yield Diagnostic(
                    "SB402", f"the loss takes the field `{loss.target}`, but {name} has {', '.join(fields)}",
                    (*path, "target") if loss.target != "target" else path,
                    fix=f"did you mean `{meant}`?" if meant
                    else "`target`: the field that the output is held against",
                )  # fmt: skip
                continue
            if outputs is None:
                continue
            kind = outputs[output]
            try:
                if not loss.plugged:
                    loss.compare(kind, None)  # reported apart from the data
            except Violation:
                continue
            try:
                loss.compare(kind, fields[loss.target])
            except Violation as violation:
                yield of_violation(violation, path)

    def lengths(self, name: SplitName) -> Iterator[Diagnostic]:
        """A split that would be empty, and a last batch that a normalization would fail on."""
        dataset = self.data.dataset_of(name)
        try:
            total = None if dataset is None else dataset.length()
        except Violation as violation:  # of a plug-in
            yield of_violation(violation, self.place(name))
            return
        if total is None:
            return
        if name == "train" or self.data.held_out(name) is not None:
            counts = self.data.counts(total)
            if counts[name] < 1 or 0 in counts.values():
                if counts[name] < 1:
                    message = f"split takes samples from train, which has {total}"
                    yield Diagnostic("SB412", message, ("data", name, "split"))
                return
            total = self.data.loader_of(name).drawn(counts[name])
        if self.plan is not None:
            yield from batch_of_one(self.plan, self.data.loader_of(name), total, name)


class Misfit(Exception):  # noqa: N818  carries a diagnostic through a fold
    """A transform that does not fit what comes into it."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def fit(
    inputs: Mapping[str, TensorType], fields: Mapping[str, SampleType], name: str, path: Path, *, named: bool = True
) -> Iterator[Diagnostic]:
    """The network's inputs against the samples of a split, as far as they are known.

    named: whether the document names the fields of the data set; if not, the data set does.
    """
    if not fields:
        return
    for field, wanted in inputs.items():
        if field in fields:
            taker = f"the input `{field}`" if len(inputs) > 1 else "the network"
            yield from misfits(field, wanted, fields[field], taker, name, path)
            continue
        meant = nearest(field, [other for other in fields if other not in inputs])
        yield Diagnostic(
            "SB404", f"the network is fed by the field `{field}`, but {name} has {', '.join(fields)}", path,
            fix=(f"rename `{meant}` to `{field}`" if meant else f"call one of them `{field}`") if named
            else renamed_input(inputs, fields),
        )  # fmt: skip


def renamed_input(inputs: Mapping[str, TensorType], fields: Mapping[str, SampleType]) -> str:
    """How a network comes by a data set whose fields have names of their own."""
    if len(inputs) == 1 and INPUT in fields:
        (wanted,) = inputs.values()
        shape = list(wanted.shape)
        return f"`input: {shape if wanted.dtype == 'float32' else f'{{shape: {shape}, dtype: {wanted.dtype}}}'}` " + (
            "in place of `inputs`"
        )
    return f"Arrays, whose fields a document names: fields: {{{', '.join(f'{name}: ...' for name in inputs)}}}"


def misfits(
    field: str, wanted: TensorType, sample: SampleType, taker: str, name: str, path: Path
) -> Iterator[Diagnostic]:
    """One input against the field that feeds it; taker: the input, in words."""
    if sample.dtype is not None and sample.dtype != wanted.dtype:
        yield Diagnostic(
            "SB404", f"{taker} takes {wanted.dtype}, but {name} gives {sample.dtype}", path,
            fix="add ToTensor to the transforms" if sample.image and wanted.dtype == "float32"
            else f"{field}: {{shape: {list(wanted.shape)}, dtype: {sample.dtype}}}",
        )  # fmt: skip
    shape = sample.shape
    if shape is None:
        return
    if len(shape) != len(wanted.shape) or any(
        size is not None and isinstance(want, int) and size != want  # one that is left open takes any
        for size, want in zip(shape, wanted.shape, strict=True)
    ):
        sizes = ", ".join("?" if size is None else str(size) for size in shape)
        yield Diagnostic(
            "SB404", f"{taker} takes {wanted.with_shape(wanted.shape)}, but {name} gives [{sizes}]", path,
            fix=shape_fix(field, wanted, shape),
        )  # fmt: skip


def shape_fix(field: str, kind: TensorType, shape: tuple[int | None, ...]) -> str | None:
    """How samples of `shape` come to fit a network that takes `kind`."""
    wanted = kind.shape
    if len(wanted) == len(shape) == 3:
        if wanted[0] == shape[0]:
            return f"{{type: Resize, size: [{wanted[1]}, {wanted[2]}]}} in the transforms" + (
                "" if None in shape else f", or {field}: {list(shape)}"
            )
        if wanted[0] == 1 and shape[0] == 3:
            return "Grayscale in the transforms" + ("" if None in shape else f", or {field}: {list(shape)}")
        if wanted[0] == 3 and shape[0] == 1:
            return "{type: Grayscale, num_output_channels: 3} in the transforms"
    if None in shape:
        return None
    return f"{field}: {list(shape) if kind.dtype == 'float32' else f'{{shape: {list(shape)}, dtype: {kind.dtype}}}'}"


def normalized_layers(plan: Plan, *, training: bool) -> Iterator[tuple[Step, str]]:
    """The layers that fail on a batch of one, in training or in eval mode; and what each has a single value of."""
    for step in plan.layers():
        if step.type not in ONE_VALUE:
            continue
        channels, *positions = step.inputs[0].shape
        if step.type == "GroupNorm":  # torch counts the values of a group over the batch, in both modes
            if channels == getattr(step.layer, "num_groups", None) and prod(positions) == 1:
                yield step, "a group"
        elif prod(positions) == 1 and (training or not getattr(step.layer, "track_running_stats", True)):
            yield step, "a channel"


ONE_VALUE = frozenset({"BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm", "GroupNorm"})
"""The layers that torch refuses to run on a single value."""


def batch_of_one(plan: Plan, loader: Loader, total: int, name: SplitName = "train") -> Iterator[Diagnostic]:
    """Batches that a split cannot use: none at all, or of one sample where a normalization fails on it.

    total: the number of samples that the split has.
    """
    size, path = loader.batch_size, ("data", name, "loader")
    if loader.drop_last and total < size:
        yield Diagnostic(
            "SB412", f"drop_last leaves no batch: {name} has {total} sample{'' if total == 1 else 's'}, a batch {size}",
            (*path, "drop_last"), fix=f"drop_last: false, or a batch_size of at most {total}",
        )  # fmt: skip
        return
    if size > 1 and (total % size != 1 or loader.drop_last):
        return
    for step, what in normalized_layers(plan, training=name == "train"):
        fact = f"{step.name} is {with_article(step.type)} over one value {what}, and fails on a batch of one"
        if size == 1:
            yield Diagnostic("SB406", fact, (*path, "batch_size"), fix="batch_size: 2 or more")
        else:
            of = "" if name == "train" else f" of {name}"
            yield Diagnostic(
                "SB406", f"{fact}: {total} samples{of} in batches of {size} leave one", path,
                fix="drop_last: true, or another batch_size" if name == "train" else "another batch_size",
            )  # fmt: skip
        return
