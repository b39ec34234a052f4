"""Image files decoded once: held as bytes, as they are before the first random transform."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Lock
from typing import Literal

import torch

from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms import Transform
from specbuild.data.failure import Unusable
from specbuild.data.operations import Pipeline
from specbuild.data.reading import Broken, Read, disagreement, require_fit
from specbuild.data.sampling import Chunk
from specbuild.data.sources import Sample, Source, TensorSource

AT_ONCE = 16
"""Samples that a thread decodes at a time."""
LOOKED_AT = 8
"""Samples by which the size of all is estimated."""


class Column:
    """One field of all samples: a tensor of those that are shaped as the first one, the others beside it."""

    def __init__(self, count: int, first: torch.Tensor) -> None:
        self.same = torch.empty((count, *first.shape), dtype=first.dtype)
        self.other: dict[int, torch.Tensor] = {}

    def put(self, index: int, value: torch.Tensor) -> None:
        """Hold one."""
        if value.shape == self.same.shape[1:] and value.dtype == self.same.dtype:
            self.same[index].copy_(value)
        else:
            self.other[index] = value.clone()

    def one(self, index: int) -> torch.Tensor:
        """One as a batch `[1, ...]`, of which nothing else holds a reference."""
        value = self.other.get(index)
        return self.same[index : index + 1].clone() if value is None else value.unsqueeze(0).clone()


class Cache:
    """The samples of a source after the transforms that give the same bytes each time, each read once.

    Threads decode ahead of the batch that is needed: Pillow lets go of Python's lock.
    """

    def __init__(self, source: Source, image: str, leading: Pipeline) -> None:
        self.source, self.image, self.leading = source, image, leading
        self.columns: dict[str, Column] = {}
        with torch.inference_mode(False):  # one that an evaluation begins is gone on with by others
            self.there = torch.zeros(len(source), dtype=torch.bool)
        self.broken: dict[int, Broken] = {}
        self.lock = Lock()

    def read(
        self, chunks: Sequence[Chunk], pipeline: Pipeline, epoch: int, device: torch.device, pin: bool
    ) -> Iterator[Read]:
        """The batches of an epoch, on the device, after the rest of `pipeline`. Raises `Unusable`."""
        missing = not all(bool(self.there.index_select(0, indices).all()) for indices, _ in chunks)
        if not missing:
            for chunk in chunks:
                yield self.batch(chunk, pipeline, epoch, device, pin)
            return
        pool = ThreadPoolExecutor(threads(), thread_name_prefix="decoding")
        try:
            asked = [self.ask(pool, indices) for indices, _ in chunks]
            for chunk, futures in zip(chunks, asked, strict=True):
                for future in futures:
                    future.result()
                yield self.batch(chunk, pipeline, epoch, device, pin)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def ask(self, pool: ThreadPoolExecutor, indices: torch.Tensor) -> list[Future[None]]:
        """Have what is missing of a batch decoded."""
        missing = indices[~self.there.index_select(0, indices)].tolist()
        return [pool.submit(self.decode, missing[k : k + AT_ONCE]) for k in range(0, len(missing), AT_ONCE)]

    def decode(self, indices: Sequence[int]) -> None:
        """Read these samples and hold them."""
        for index in indices:
            if self.there[index]:
                continue  # asked for twice
            try:
                sample = self.decoded(index)
            except Unusable as unusable:
                self.broken[index] = Broken.of(unusable, file=True)
            else:
                self.hold(index, sample)
            self.there[index] = True

    def decoded(self, index: int) -> Sample:
        """One sample after the leading transforms."""
        sample = self.source.sample(index)
        if not self.leading.operations:
            return sample
        require_fit(sample[self.image], self.leading.transforms, index, self.source.images)
        batch = {name: tensor.unsqueeze(0) for name, tensor in sample.items()}
        found = self.leading.run(batch, self.image, self.source.paired, torch.tensor([index]), 0)
        return {name: tensor[0] for name, tensor in found.items()}

    def hold(self, index: int, sample: Sample) -> None:
        """Keep a sample."""
        if not self.columns:
            with self.lock:
                if not self.columns:
                    self.columns = {name: Column(len(self.source), tensor) for name, tensor in sample.items()}
        for name, tensor in sample.items():
            self.columns[name].put(index, tensor)

    def batch(self, chunk: Chunk, pipeline: Pipeline, epoch: int, device: torch.device, pin: bool) -> Read:
        """A batch of samples that are held."""
        broken: list[tuple[int, Broken]] = []
        if self.broken:
            listed = chunk.indices.tolist()
            broken = [(index, self.broken[index]) for index in listed if index in self.broken]
            if broken:
                chunk = chunk.kept([k for k, index in enumerate(listed) if index not in self.broken])
            if not len(chunk.indices):
                return Read({}, chunk.numbers, broken)
        begun = len(self.leading.operations)
        if any(column.other for column in self.columns.values()):
            held, begun, problem = self.brought_together(chunk, pipeline, epoch)
            if problem is not None:
                return Read({}, chunk.numbers, [*broken, problem])
        else:
            held = {name: column.same.index_select(0, chunk.indices) for name, column in self.columns.items()}
        held = {name: moved(tensor, device, pin) for name, tensor in held.items()}
        found = pipeline.run(held, self.image, self.source.paired, chunk.numbers, epoch, begun)
        return Read(found, chunk.numbers, broken)

    def brought_together(
        self, chunk: Chunk, pipeline: Pipeline, epoch: int
    ) -> tuple[Sample, int, tuple[int, Broken] | None]:
        """A batch of images whose sizes may differ, transformed one by one until they agree.

        With the batch the place of the next transform, or what is wrong with a sample.
        """
        indices, place = chunk.indices.tolist(), len(self.leading.operations)
        samples = [{name: column.one(index) for name, column in self.columns.items()} for index in indices]
        rest = pipeline.transforms[place : pipeline.alone]
        for index, sample in zip(indices, samples, strict=True):
            try:
                require_fit(sample[self.image][0], rest, index, self.source.images)
            except Unusable as unusable:
                return {}, place, (index, Broken.of(unusable))
        numbers = torch.split(chunk.numbers, 1)
        while (problem := disagreement(list(zip(indices, bare(samples), strict=True)))) and place < pipeline.alone:
            samples = [
                pipeline.run(sample, self.image, self.source.paired, number, epoch, place, place + 1)
                for sample, number in zip(samples, numbers, strict=True)
            ]
            place += 1
        if problem is not None:
            return {}, place, problem
        return {name: torch.cat([sample[name] for sample in samples]) for name in samples[0]}, place, None

    def whole(self, indices: torch.Tensor) -> Sample | None:
        """These samples as a tensor a field; None where some are not read, cannot be, or differ in shape."""
        complete = self.columns and bool(self.there.index_select(0, indices).all())
        if not complete or self.broken or any(column.other for column in self.columns.values()):
            return None
        return {name: column.same.index_select(0, indices) for name, column in self.columns.items()}


def bare(samples: Sequence[Sample]) -> list[Sample]:
    """Samples without the batch axis."""
    return [{name: tensor[0] for name, tensor in sample.items()} for sample in samples]


def moved(tensor: torch.Tensor, device: torch.device, pin: bool) -> torch.Tensor:
    """On the device, without waiting where that can be."""
    if device.type == "cpu":
        return tensor
    if pin and device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def threads() -> int:
    """How many threads decode: one a core that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, 16))


class Caches:
    """What is held of the sources of a document; splits with the same source and leading transforms share it."""

    def __init__(self, mode: Literal["auto", "memory", "device", "none"] = "auto") -> None:
        self.mode = mode
        self.made: list[tuple[Source, tuple[Transform, ...], Cache | None]] = []

    def of(self, source: Source, image: str, pipeline: Pipeline, indices: torch.Tensor) -> Cache | None:
        """The cache that a split reads from; None where it reads from files each time.

        indices: the split's samples.
        """
        if self.mode == "none" or isinstance(source, TensorSource) or not source.images or not source.cached:
            return None
        leading = pipeline.transforms[: leading_of(source, image, pipeline, int(indices[0]))]
        for known, transforms, cache in self.made:
            if known is source and transforms == leading:
                return cache
        made: Cache | None = Cache(source, image, Pipeline(leading, 0, len(source)))
        assert made is not None
        if self.mode == "auto" and not fits(made, indices):
            made = None
        self.made.append((source, leading, made))
        return made


def leading_of(source: Source, image: str, pipeline: Pipeline, index: int) -> int:
    """How many of the first transforms give the same bytes each time."""
    sample = SampleType((None, None, None), "uint8", image=True)
    for place, transform in enumerate(pipeline.transforms[: pipeline.alone]):
        fixed = not (transform.random or transform.draws or transform.plugged or pipeline.operations[place].streams)
        try:
            sample = transform.infer(sample)
        except Violation:
            return place
        if not fixed or transform.views > 1 or sample.dtype != "uint8" or not sample.image:
            return place
    return pipeline.alone


def fits(cache: Cache, indices: torch.Tensor) -> bool:
    """Whether these samples, decoded, take at most half of the memory that is free."""
    free = free_memory()
    if free is None:
        return True
    looked_at = indices[torch.linspace(0, len(indices) - 1, min(LOOKED_AT, len(indices))).long()].tolist()
    sizes: list[int] = []
    for index in looked_at:
        with suppress(Unusable):  # reported where it is read
            sizes.append(sum(tensor.nbytes for tensor in cache.decoded(index).values()))
    return not sizes or sum(sizes) / len(sizes) * len(indices) <= free / 2


def free_memory() -> int | None:
    """The bytes that this machine, or this process's control group, has left; None where nothing tells."""
    known: list[int] = []
    with suppress(OSError, ValueError), open("/proc/meminfo") as meminfo:
        known += [int(line.split()[1]) * 1024 for line in meminfo if line.startswith("MemAvailable:")]
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        with suppress(OSError, ValueError), open(limit) as most, open(used) as now:
            known.append(max(0, int(most.read()) - int(now.read())))
    return min(known, default=None)
