"""A split of the data, opened: its samples in batches, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms import Transform
from specbuild.data.caching import Caches, moved
from specbuild.data.failure import Unusable, failure
from specbuild.data.labels import Labels, labels_of, labels_out_of_range
from specbuild.data.mixing import mixed, repeated
from specbuild.data.operations import Pipeline
from specbuild.data.reading import Broken, Read, Reader
from specbuild.data.sampling import Chunk, Sampling
from specbuild.data.shapes import Shapes
from specbuild.data.share import Filler, Share
from specbuild.data.skipping import Skipped
from specbuild.data.sources import Sample, Source, TensorSource
from specbuild.diagnostics.diagnostic import Path
from specbuild.errors import DataError
from specbuild.language.document import Spec
from specbuild.language.sections import Loader, SplitName
from specbuild.network.indexing import Table
from specbuild.network.samples import image_field, label_field

__all__ = ["Labels", "Split", "labels_out_of_range"]


class Split:
    """The samples `indices` of a source, transformed and cut into batches.

    What is held, as tensors or as a cache of decoded images, is transformed a whole batch at a time; all else goes
    through a torch DataLoader, sample by sample. Order and random transforms are a function of (seed, epoch, sample),
    so both give the same.
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
        caches: Caches | None = None,
    ) -> None:
        """place: where the document says where the samples come from. Raises `DataError` for a sampler that fails."""
        self.spec, self.name, self.source, self.indices = spec, name, source, indices
        self.transforms, self.loader, self.place = tuple(transforms), loader, place
        self.seed = spec.train.seed
        self.image = image_field(spec.inputs) or ""
        """The field that the transforms are applied to."""
        self.sampling = self._sampling()
        self.pipeline = Pipeline(self.transforms, self.seed, max(len(source), len(self)))
        self.labels: list[Labels] = []
        """What labels are allowed, where they are yet to be looked at as they come."""
        self.tables: list[Table] = []
        """What inputs of integers choose from, where they are yet to be looked at as they come."""
        self.shapes: Shapes | None = None
        """What shapes the network takes, where it is held against them as they come."""
        self.widths: dict[str, int] = {}
        """Of each target how many classes it has: labels that are mixed become probabilities of them."""
        self.caches = caches or Caches("none")
        self.share: Share | None = None
        """The part of each batch that is this process's; None for all of it."""
        self.skipped = Skipped(name, len(indices)) if spec.data is not None and spec.data.on_error == "skip" else None
        """What could not be read and was left out; None where that ends the training."""
        self.read = 0
        """Batches that were read of the epoch that is under way."""
        self._reader: Reader | None = None
        self._on_device: tuple[torch.device, Sample, torch.Tensor] | None = None

    def __len__(self) -> int:
        """The number of samples of an epoch."""
        return self.loader.drawn(len(self.indices))

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields of a sample."""
        return self.source.fields

    @property
    def classes(self) -> int | None:
        """The number of classes, where the source knows it."""
        return self.source.classes

    @property
    def views(self) -> int:
        """How many images stand for a sample: the outputs for them are averaged (`specbuild.data.mixing.averaged`)."""
        return self.pipeline.views

    @property
    def steps(self) -> int:
        """The batches of an epoch."""
        size = self.loader.batch_size
        return len(self) // size if self.loader.drop_last else -(-len(self) // size)

    def order(self, epoch: int) -> torch.Tensor:
        """The samples of an epoch, by their number in the source, in the order they come."""
        return self.sampling.order(self.loader, epoch).indices

    def first(self) -> tuple[int, dict[str, SampleType], Sample]:
        """The first sample that can be read: its number in the source, what its fields are, and itself.

        Raises `Unusable` where it cannot be, or where none can be and that is passed over.
        """
        problem: Unusable | None = None
        for index in self.indices.tolist() if self.skipped is not None else [int(self.indices[0])]:
            try:
                return index, self.source.types(index), self.source.sample(index)
            except Unusable as unusable:
                if unusable.code != "SB405":
                    raise
                problem = problem or unusable
        assert problem is not None
        if self.skipped is None:
            raise problem
        raise self.skipped.none_left(str(problem))

    def batches(self, epoch: int, device: torch.device | str, first: int = 0) -> Iterator[Sample]:
        """The batches of an epoch, on `device`: the fields of the samples, stacked. first: the one to begin with.

        Several views of an image come as so many images, side by side, and all inputs as often. Raises `DataError`
        (SB404, SB405, SB402, SB412) for samples that cannot be used, and names the first.
        """
        device = torch.device(device)
        chunks = self._chunks(epoch)[first:]
        self.read = first
        last: Sample = {}
        try:
            for chunk, read in zip(
                chunks, self._read([self._part(chunk) for chunk in chunks], epoch, device), strict=True
            ):
                self.read += 1
                usable = self._usable(read)
                batch = self._finished(usable, read.numbers, epoch, device) if usable else {}
                if self.share is not None and not (usable and self.share.size(len(chunk.indices))):
                    yield self._filler(batch or last)
                elif usable:
                    yield batch
                last = batch or last
            if self.skipped is not None:
                self.skipped.epoch_done()
        except Unusable as unusable:
            raise failure(self.spec, unusable.at(self._place_of(unusable.code))) from None

    def _filler(self, batch: Sample) -> Filler:
        """One sample of a batch, where this process's part is empty or could not be read."""
        if not batch:
            raise Unusable("SB405", f"no sample of this process's part of the first batch of {self.name} can be read")
        seen = {name: self.views if name in self.spec.inputs else 1 for name in batch}
        return Filler({name: tensor[: seen[name]] for name, tensor in batch.items()})

    def _chunks(self, epoch: int) -> list[Chunk]:
        return self.sampling.chunks(self.loader, epoch)

    def _part(self, chunk: Chunk) -> Chunk:
        """This process's part of a batch; one sample where that is empty."""
        if self.share is None:
            return chunk
        whole, empty = chunk, not self.share.size(len(chunk.indices))
        return Chunk(*(part[:1] if empty else self.share.of(part) for part in whole))

    def _sampling(self) -> Sampling:
        try:
            labels = classes = None
            if self.loader.sampler is not None:
                field = label_field(self.spec)
                labels = labels_of(self.source, field, self.loader.sampler.type).index_select(0, self.indices)
                classes = self.classes if field == "target" else None
            return Sampling(self.indices, self.loader, self.seed, labels, classes)
        except Unusable as unusable:
            raise failure(self.spec, unusable.at(("data", self.name, "loader", "sampler"))) from None

    def _read(self, chunks: list[Chunk], epoch: int, device: torch.device) -> Iterator[Read]:
        by_workers = self.loader.num_workers and not self.pipeline.batched
        cache = None if by_workers else self.caches.of(self.source, self.image, self.pipeline, self.indices)
        if isinstance(self.source, TensorSource) and not by_workers:
            return self._from_tensors(self.source, chunks, epoch, device)
        if cache is None:
            if self._reader is None:
                self._reader = Reader(
                    self.source, self.pipeline, self.image, self.loader, self.seed, self.share is not None
                )
            return self._reader.read(chunks, epoch)
        held = cache.whole(self.indices) if self._keeps_on(device) and self._on_device is None else None
        if held is not None:
            self._hold(held, device)
        if self._on_device is not None:
            return self._from_device(chunks, epoch, device, len(cache.leading.operations))
        return cache.read(chunks, self.pipeline, epoch, device, self.loader.pin_memory)

    def _keeps_on(self, device: torch.device) -> bool:
        return self.caches.mode == "device" and device.type != "cpu"

    def _hold(self, held: Sample, device: torch.device) -> None:
        places = torch.zeros(len(self.source), dtype=torch.int64)
        places[self.indices] = torch.arange(len(self.indices))
        self._on_device = (device, {name: tensor.to(device) for name, tensor in held.items()}, places)

    def _from_tensors(
        self, source: TensorSource, chunks: list[Chunk], epoch: int, device: torch.device
    ) -> Iterator[Read]:
        if self._keeps_on(device):
            if self._on_device is None or self._on_device[0] != device:
                self._hold(source.batch(self.indices), device)
            yield from self._from_device(chunks, epoch, device, 0)
            return
        for indices, numbers in chunks:
            batch = source.batch(indices)
            batch = {name: moved(tensor, device, self.loader.pin_memory) for name, tensor in batch.items()}
            yield Read(self._transformed(batch, numbers, epoch), numbers, [])

    def _from_device(self, chunks: list[Chunk], epoch: int, device: torch.device, first: int) -> Iterator[Read]:
        assert self._on_device is not None
        _, held, places = self._on_device
        # The order is copied once: a copy at every batch would make a GPU wait.
        order = places.index_select(0, torch.cat([indices for indices, _ in chunks])).to(device)
        parts = torch.split(order, [len(indices) for indices, _ in chunks])
        for rows, (_, numbers) in zip(parts, chunks, strict=True):
            batch = {name: tensor.index_select(0, rows) for name, tensor in held.items()}
            yield Read(self._transformed(batch, numbers, epoch, first), numbers, [])

    def _transformed(self, batch: Sample, numbers: torch.Tensor, epoch: int, first: int = 0) -> Sample:
        if self.pipeline.alone == first:
            return batch
        return self.pipeline.run(batch, self.image, self.source.paired, numbers, epoch, first)

    def _usable(self, read: Read) -> Sample | None:
        """The samples of a batch that could be read; None where none could be."""
        for index, broken in read.broken:
            if self.skipped is None or not broken.file:
                raise self._broken(broken)
            self.skipped.add(index, broken.message)
        if self.skipped is not None and read.broken:
            self.skipped.require_some()
            if self.name == "train" and self.share is None and len(read.numbers) == 1:
                return None  # on which a normalization fails
        return read.batch or None

    def _finished(self, batch: Sample, numbers: torch.Tensor, epoch: int, device: torch.device) -> Sample:
        for allowed in self.labels:
            self._hold_labels(batch, allowed)
        self._hold_integers(batch)
        batch = {name: moved(tensor, device, pin=False) for name, tensor in batch.items()}
        if self.image in batch and self.transforms:
            if self.views > 1:
                images = batch[self.image]
                images = images.flatten(0, 1) if images.dim() == 5 else images
                batch = repeated({**batch, self.image: images}, self.image, tuple(self.spec.inputs), self.views)
            if self.pipeline.alone < len(self.transforms):
                batch = mixed(batch, self.image, self._widths(), self.pipeline, numbers, epoch)
            batch[self.image] = batch[self.image].contiguous()
        if self.shapes is not None:
            self.shapes.hold(batch)
        return batch

    def _widths(self) -> dict[str, int]:
        classes = getattr(self.transforms[self.pipeline.alone], "num_classes", None)
        targets = {loss.target for loss in self.spec.losses.values()} or {"target"}
        return {field: classes or self.widths.get(field) or self.classes or 0 for field in sorted(targets)}

    def _place_of(self, code: str) -> Path:
        return self.place[:-1] if code in ("SB404", "SB408") else self.place

    def _broken(self, broken: Broken) -> DataError:
        unusable = Unusable(broken.code, broken.message, field=broken.field, fix=broken.fix)
        return failure(self.spec, unusable.at(self._place_of(broken.code)))

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
