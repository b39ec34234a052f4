"""Samples read one by one through a torch DataLoader, in this process or by workers."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms import Transform
from specbuild.data.failure import Unusable
from specbuild.data.operations import Pipeline
from specbuild.data.randomness import generator
from specbuild.data.sampling import Chunk
from specbuild.data.sources import Sample, Source
from specbuild.language.sections import Loader


class Broken(NamedTuple):
    """What is wrong with a sample: exceptions do not travel from a worker as they are."""

    code: str
    message: str
    field: str | None = None
    fix: str | None = None
    file: bool = False
    """Whether it cannot be read at all."""

    @classmethod
    def of(cls, unusable: Unusable, *, file: bool = False) -> Broken:
        """What was raised of it."""
        return cls(unusable.code, unusable.message, unusable.field, unusable.fix, file and unusable.code == "SB405")


class Read(NamedTuple):
    """A batch as it was read."""

    batch: Sample
    """Empty where no sample of it could be read."""
    numbers: torch.Tensor
    """What the draws of its samples are found by."""
    broken: list[tuple[int, Broken]]
    """The samples that are not in it, by their number in the source."""


Asked = tuple[int, int, int]
"""Epoch, number in the source, number of the draws."""


class Chunks:
    """The batches of an epoch as a DataLoader is asked for them; each with its epoch: workers may outlive one."""

    def __init__(self) -> None:
        self.epoch = 0
        self.chunks: Sequence[Chunk] = ()

    def __iter__(self) -> Iterator[list[Asked]]:
        for indices, numbers in self.chunks:
            yield [(self.epoch, *pair) for pair in zip(indices.tolist(), numbers.tolist(), strict=True)]

    def __len__(self) -> int:
        return len(self.chunks)


class Reader:
    """A DataLoader over a source and its transforms, with its workers."""

    def __init__(
        self, source: Source, pipeline: Pipeline, image: str, options: Loader, seed: int, several: bool = False
    ) -> None:
        """several: whether the training is of several processes."""
        self.chunks, self.seed, self.options = Chunks(), seed, options
        self.generator = torch.Generator()
        self.batches: torch.utils.data.DataLoader[Any] = torch.utils.data.DataLoader(
            Transformed(source, pipeline, image),
            batch_sampler=self.chunks,
            num_workers=options.num_workers,
            collate_fn=stacked,
            pin_memory=options.pin_memory and torch.cuda.is_available(),
            timeout=options.timeout,
            prefetch_factor=options.prefetch_factor,
            persistent_workers=options.persistent_workers,
            generator=self.generator,
            worker_init_fn=as_its_process if several and options.num_workers else None,
        )

    def read(self, chunks: Sequence[Chunk], epoch: int) -> Iterator[Read]:
        """The batches of an epoch. Raises `Unusable` (SB405) where a worker stops."""
        self.chunks.epoch, self.chunks.chunks = epoch, chunks
        # Seeds the workers: own data sets that draw in `__getitem__` draw the same in every run.
        self.generator.set_state(generator(self.seed, epoch, "workers").get_state())
        try:
            yield from self.batches
        except RuntimeError as error:
            if not str(error).startswith("DataLoader "):
                raise  # a user's own data set's
            reason = str(error).splitlines()[0]
            raise Unusable("SB405", f"a worker stopped: {reason}") from None


def as_its_process(worker: int) -> None:
    """Have a worker take SIGTERM as the process that forked it does, not as torch has it, which ends it at once."""
    handler = signal.getsignal(signal.SIGTERM)
    if callable(handler):
        signal.signal(signal.SIGTERM, handler)


class Transformed(torch.utils.data.Dataset[Any]):
    """A source with its transforms, one sample at a time: what a worker holds."""

    def __init__(self, source: Source, pipeline: Pipeline, image: str) -> None:
        self.source, self.pipeline, self.image = source, pipeline, image

    def __getitem__(self, asked: Asked) -> tuple[int, int, Sample | Broken]:
        epoch, index, number = asked
        try:
            sample = self.source.sample(index)
        except Unusable as unusable:
            return index, number, Broken.of(unusable, file=True)
        if not self.pipeline.alone:
            return index, number, sample
        try:
            require_fit(sample[self.image], self.pipeline.transforms, index, self.source.images)
            batch = {name: tensor.unsqueeze(0) for name, tensor in sample.items()}
            batch = self.pipeline.run(batch, self.image, self.source.paired, torch.tensor([number]), epoch)
        except Unusable as unusable:
            return index, number, Broken.of(unusable)
        if self.pipeline.views > 1:
            batch[self.image] = batch[self.image].unsqueeze(0)
        return index, number, {name: tensor[0] for name, tensor in batch.items()}


def require_fit(image: torch.Tensor, transforms: Sequence[Transform], index: int, images: bool) -> None:
    """The static rules on an image's own size, for images in a folder differ; raises `Unusable`."""
    sample = SampleType(tuple(image.shape), str(image.dtype).removeprefix("torch."), image=images)
    for transform in transforms:
        try:
            sample = transform.infer(sample)
        except Violation as violation:
            code = violation.code if violation.code == "SB315" else "SB408"
            raise Unusable(code, f"sample {index}: {violation.message}", fix=violation.fix) from None


def stacked(drawn: Sequence[tuple[int, int, Sample | Broken]]) -> Read:
    """A batch of samples whose fields and shapes agree, and those that cannot be in it."""
    broken = [(index, sample) for index, _, sample in drawn if isinstance(sample, Broken)]
    kept = [(index, sample) for index, _, sample in drawn if not isinstance(sample, Broken)]
    numbers = torch.tensor([number for _, number, sample in drawn if not isinstance(sample, Broken)], dtype=torch.int64)
    problem = disagreement(kept)
    if problem is not None:
        return Read({}, numbers, [*broken, problem])
    names = kept[0][1] if kept else ()
    return Read({name: torch.stack([sample[name] for _, sample in kept]) for name in names}, numbers, broken)


def disagreement(samples: Sequence[tuple[int, Mapping[str, torch.Tensor]]]) -> tuple[int, Broken] | None:
    """The first sample whose fields, or whose shapes, are not those of the first."""
    for name, tensor in samples[0][1].items() if samples else ():
        first_index, first = samples[0]
        for index, sample in samples:
            if sample.keys() != first.keys():
                message = f"sample {first_index} has {', '.join(first)}, but {index} has {', '.join(sample)}"
                return index, Broken("SB405", message)
            if sample[name].shape != tensor.shape:
                message = (
                    f"`{name}` of sample {first_index} is {list(tensor.shape)}, "
                    f"but of sample {index} {list(sample[name].shape)}"
                )
                fix = "{type: Resize, size: [height, width]} in the transforms" if tensor.dim() == 3 else None
                return index, Broken("SB404", message, fix=fix)
    return None
