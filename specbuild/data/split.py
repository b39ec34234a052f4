"""A split of the data, opened: its samples in batches, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch

from specbuild.catalogue.losses.loss import counted
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms import Transform
from specbuild.data.failure import Unusable, failure
from specbuild.data.operations import Pipeline
from specbuild.data.randomness import generator, order
from specbuild.data.share import Filler, Share
from specbuild.data.sources import Sample, Source, TensorSource
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.document import Spec
from specbuild.language.sections import Loader, SplitName
from specbuild.network.indexing import Table
from specbuild.network.samples import image_field


class Split:
    """The samples `indices` of a source, transformed and cut into batches.

    Sets held in memory are read, and transformed, a whole batch at a time, without workers; all others
    go through a torch DataLoader, sample by sample. Order and random transforms are a function of
    (seed, epoch, sample), so both give the same.
    """

    def __init__(
        self,
        spec: Spec,
        name: SplitName,
        source: Source,
        indices: torch.Tensor,
        *,
        transforms: Sequence[Transform],
        loader: Loader,
        place: Path,
    ) -> None:
        """place: where the document says where the samples come from."""
        self.spec, self.name, self.source, self.indices = spec, name, source, indices
        self.transforms, self.loader, self.place = tuple(transforms), loader, place
        self.seed = spec.train.seed
        self.pipeline = Pipeline(self.transforms, self.seed, len(source))
        self.image = image_field(spec.inputs) or ""
        """The field that the transforms are applied to."""
        self.labels: list[Labels] = []
        """What labels are allowed, where they are yet to be looked at as they come."""
        self.tables: list[Table] = []
        """What inputs of integers choose from, where they are yet to be looked at as they come."""
        self.share: Share | None = None
        """The part of each batch that is this process's; None for all of it."""
        self._batched: torch.utils.data.DataLoader[Any] | None = None

    def __len__(self) -> int:
        """The number of samples."""
        return len(self.indices)

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields of a sample."""
        return self.source.fields

    @property
    def classes(self) -> int | None:
        """The number of classes, where the source knows it."""
        return self.source.classes

    @property
    def steps(self) -> int:
        """The batches of an epoch."""
        size = self.loader.batch_size
        return len(self) // size if self.loader.drop_last else -(-len(self) // size)

    def order(self, epoch: int) -> torch.Tensor:
        """The samples of an epoch, by their number in the source, in the order they come."""
        if not self.loader.shuffle:
            return self.indices
        return self.indices.index_select(0, order(len(self), self.seed, epoch))

    def batches(self, epoch: int, device: torch.device | str) -> Iterator[Sample]:
        """The batches of an epoch, on `device`: the fields of the samples, stacked.

        Raises `DataError` (SB404, SB405, SB402) for a sample that cannot be used, and names it.
        """
        device = torch.device(device)
        if isinstance(self.source, TensorSource):
            batches = self._whole_batches(self.source, epoch, device)
        else:
            batches = self._sample_batches(epoch, device)
        return batches if self.share is None else self._filled(self.share, batches, epoch)

    def _filled(self, share: Share, batches: Iterator[Sample], epoch: int) -> Iterator[Sample]:
        for whole, batch in zip(self._global_chunks(epoch), batches, strict=True):
            yield batch if share.size(len(whole)) else Filler(batch)

    def _chunks(self, epoch: int) -> list[torch.Tensor]:
        chunks = self._global_chunks(epoch)
        if self.share is None:
            return chunks
        return [part if len(part) else whole[:1] for whole, part in ((whole, self.share.of(whole)) for whole in chunks)]

    def _global_chunks(self, epoch: int) -> list[torch.Tensor]:
        chunks = list(torch.split(self.order(epoch), self.loader.batch_size))
        if self.loader.drop_last and chunks and len(chunks[-1]) < self.loader.batch_size:
            chunks.pop()
        return chunks

    def _whole_batches(self, source: TensorSource, epoch: int, device: torch.device) -> Iterator[Sample]:
        for indices in self._chunks(epoch):
            batch = source.batch(indices)
            if device.type != "cpu":
                batch = {name: moved(tensor, device, self.loader.pin_memory) for name, tensor in batch.items()}
            if self.transforms:
                try:
                    batch[self.image] = self.pipeline(batch[self.image], indices, epoch)
                except Unusable as unusable:  # of a plug-in
                    raise failure(self.spec, unusable.at(self.place)) from None
            self._hold_integers(batch)
            yield batch

    def _sample_batches(self, epoch: int, device: torch.device) -> Iterator[Sample]:
        for batch in self._read(epoch):
            if isinstance(batch, Broken):
                raise self._broken(batch)
            for allowed in self.labels:
                self._hold_labels(batch, allowed)
            self._hold_integers(batch)
            if device.type != "cpu":
                batch = {name: moved(tensor, device, pin=False) for name, tensor in batch.items()}
            yield batch

    def _read(self, epoch: int) -> Iterator[Sample | Broken]:
        try:
            yield from self._loader(epoch)
        except RuntimeError as error:
            if not str(error).startswith("DataLoader "):
                raise  # a user's own data set's
            reason = str(error).splitlines()[0]
            raise failure(self.spec, Diagnostic("SB405", f"a worker stopped: {reason}", self.place)) from None

    def _loader(self, epoch: int) -> torch.utils.data.DataLoader[Any]:
        if self._batched is None:
            options = self.loader
            self._batched = torch.utils.data.DataLoader(
                Transformed(self.source, self.pipeline, self.image),
                batch_sampler=Numbers(self),
                num_workers=options.num_workers,
                collate_fn=stacked,
                pin_memory=options.pin_memory and torch.cuda.is_available(),
                timeout=options.timeout,
                prefetch_factor=options.prefetch_factor,
                persistent_workers=options.persistent_workers,
                generator=torch.Generator(),
            )
        sampler = self._batched.batch_sampler
        assert isinstance(sampler, Numbers)
        sampler.epoch = epoch
        # Seeds the workers: own data sets that draw in `__getitem__` draw the same in every run.
        assert self._batched.generator is not None
        self._batched.generator.set_state(generator(self.seed, epoch, "workers").get_state())
        return self._batched

    def _broken(self, broken: Broken) -> Exception:
        unusable = Unusable(broken.code, broken.message, field=broken.field, fix=broken.fix)
        place = self.place[:-1] if broken.code in ("SB404", "SB408") else self.place
        return failure(self.spec, unusable.at(place))

    def _hold_labels(self, batch: Sample, allowed: Labels) -> None:
        used = batch[allowed.field]
        if used.is_floating_point():
            return
        used = allowed.judged(used)
        if used.numel() and (int(used.min()) < 0 or int(used.max()) >= allowed.classes):
            raise failure(self.spec, labels_out_of_range(self.name, int(used.min()), int(used.max()), allowed))

    def _hold_integers(self, batch: Sample) -> None:
        for table in self.tables:
            used = batch[table.field]
            problem = table.misfit(self.name, int(used.min()), int(used.max()), self.place)
            if problem is not None:
                raise failure(self.spec, problem)


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


def moved(tensor: torch.Tensor, device: torch.device, pin: bool) -> torch.Tensor:
    """On the device, without waiting where that can be."""
    if pin and device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


class Numbers:
    """The numbers of the samples of each batch of an epoch, each with its epoch: workers may outlive one."""

    def __init__(self, split: Split) -> None:
        self.split, self.epoch = split, 0

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for indices in self.split._chunks(self.epoch):
            yield [(self.epoch, index) for index in indices.tolist()]

    def __len__(self) -> int:
        return len(self.split._chunks(self.epoch))


class Broken(NamedTuple):
    """What is wrong with a sample: exceptions do not travel from a worker as they are."""

    code: str
    message: str
    field: str | None = None
    fix: str | None = None


class Transformed(torch.utils.data.Dataset[Any]):
    """A source with its transforms, one sample at a time: what a worker holds."""

    def __init__(self, source: Source, pipeline: Pipeline, image: str) -> None:
        self.source, self.pipeline, self.image = source, pipeline, image

    def __getitem__(self, number: tuple[int, int]) -> tuple[int, Sample] | Broken:
        epoch, index = number
        try:
            sample = self.source.sample(index)
            if self.pipeline.operations:
                sample[self.image] = self.transformed(sample[self.image], index, epoch)
        except Unusable as unusable:
            return Broken(unusable.code, unusable.message, unusable.field, unusable.fix)
        return index, sample

    def transformed(self, image: torch.Tensor, index: int, epoch: int) -> torch.Tensor:
        """One image after the transforms; raises `Unusable` where it is of a size that they cannot take."""
        self.require_fit(image, index)
        return self.pipeline(image.unsqueeze(0), torch.tensor([index]), epoch)[0]

    def require_fit(self, image: torch.Tensor, index: int) -> None:
        """The static rules on the image's own size: images in a folder differ."""
        name = str(image.dtype).removeprefix("torch.")
        sample = SampleType(tuple(image.shape), name, image=self.source.images)
        for transform in self.pipeline.transforms:
            try:
                sample = transform.infer(sample)
            except Violation as violation:
                code = violation.code if violation.code == "SB315" else "SB408"
                raise Unusable(code, f"sample {index}: {violation.message}", fix=violation.fix) from None


def stacked(samples: Sequence[tuple[int, Sample] | Broken]) -> Sample | Broken:
    """A batch of samples whose fields and shapes agree."""
    pairs: list[tuple[int, Sample]] = []
    for drawn in samples:
        if isinstance(drawn, Broken):
            return drawn
        pairs.append(drawn)
    first_index, first = pairs[0]
    batch: Sample = {}
    for name, tensor in first.items():
        for index, sample in pairs:
            if sample.keys() != first.keys():
                return Broken(
                    "SB405",
                    f"sample {first_index} has {', '.join(first)}, but {index} has {', '.join(sample)}",
                )
            if sample[name].shape != tensor.shape:
                return Broken(
                    "SB404",
                    f"`{name}` of sample {first_index} is {list(tensor.shape)}, "
                    f"but of sample {index} {list(sample[name].shape)}",
                    fix="{type: Resize, size: [height, width]} in the transforms" if tensor.dim() == 3 else None,
                )
        batch[name] = torch.stack([sample[name] for _, sample in pairs])
    return batch
