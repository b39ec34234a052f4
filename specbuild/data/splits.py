"""From a document's `data` to its splits, opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from specbuild.catalogue.datasets import Dataset
from specbuild.catalogue.transforms import Transform
from specbuild.data.caching import Caches
from specbuild.data.failure import Unusable, failure
from specbuild.data.labels import labels_of
from specbuild.data.opening import open_dataset
from specbuild.data.parts import held_out
from specbuild.data.sources import Source, Statistics, own_source
from specbuild.data.split import Split
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.diagnostics.diagnostic import Path as Place
from specbuild.errors import DataError
from specbuild.language.document import Spec
from specbuild.language.sections import Loader, SplitName
from specbuild.network.samples import image_field, label_field


def open_data(
    spec: Spec,
    *,
    splits: Sequence[SplitName] = ("train", "val"),
    data_root: Path | None = None,
    train: Any = None,
    val: Any = None,
    preprocessing: Statistics | None = None,
) -> dict[str, Split]:
    """The splits that the document has among `splits`, by name; no other is touched.

    train, val: torch `Dataset`s of the user's own, of dicts of fields, or of (input, target) where the
    network has one input. They take the place of the document's; they yield what the network takes, and
    no transform is applied to them.
    preprocessing: what a run learned from train's samples; unless given, it is learned from them.
    Raises `DataError` with everything that cannot be opened.
    """
    opener = Opener(spec, data_root, {"train": train, "val": val}, preprocessing)
    opened: dict[str, Split] = {}
    problems: list[Diagnostic] = []
    for name in splits:
        try:
            split = opener.split(name)
        except DataError as error:
            problems += [problem for problem in error.diagnostics if problem not in problems]
            continue
        if split is not None:
            opened[name] = split
    if problems:
        raise DataError(problems)
    return opened


class Opener:
    """Opens splits, each data set once."""

    def __init__(
        self, spec: Spec, data_root: Path | None, own: dict[str, Any], learned: Statistics | None = None
    ) -> None:
        self.spec, self.data_root, self.own, self.learned = spec, data_root, own, learned
        self.sources: list[tuple[Any, Source]] = []
        self.ready: dict[int, Source] = {}
        """Those of them that are prepared by what was learned from train, by their `id`."""
        self.caches = Caches(spec.data.cache if spec.data is not None else "auto")
        self.divided: list[tuple[Source, dict[SplitName, torch.Tensor]]] = []

    def split(self, name: SplitName) -> Split | None:
        """One split, or None where neither the document nor the user gives it."""
        data = self.spec.data
        own = self.own.get(name)
        if own is not None:
            source = self.source(own, (name,))
            return self.made(name, source, self.chosen(name, source), (), ("data", name) if data else ())
        if data is None or name not in data.names():
            return None
        if data.held_out(name) is None:
            place: Place = ("data", name, "dataset")
            source = self.source(data.dataset_of(name), place)
            return self.made(name, source, self.chosen(name, source), data.transforms_of(name), place)
        own = self.own.get("train")
        source = self.source(own if own is not None else data.train.dataset, ("data", "train", "dataset"))
        transforms = () if own is not None else data.transforms_of(name)
        return self.made(name, source, self.parts(source)[name], transforms, ("data", name, "split"))

    def chosen(self, name: SplitName, source: Source) -> torch.Tensor:
        """The samples of a split with a source of its own: all that are not held out of it."""
        return self.parts(source)["train"] if name == "train" else torch.arange(len(source))

    def source(self, dataset: Any, place: Place) -> Source:
        """The source of a data set, the document's or the user's own."""
        for known, source in self.sources:
            if known is dataset or (isinstance(dataset, Dataset) and known == dataset):
                return source
        try:
            if isinstance(dataset, Dataset):
                source = open_dataset(dataset, self.data_root, image_field(self.spec.inputs))
            else:
                source = own_source(dataset, tuple(self.spec.inputs))
            if not len(source):
                raise Unusable("SB412", "the data set has no samples")
        except Unusable as unusable:
            raise failure(self.spec, unusable.at(place)) from None
        self.sources.append((dataset, source))
        return source

    def parts(self, source: Source) -> dict[SplitName, torch.Tensor]:
        """The samples that train keeps, and those held out of it for others; each in the source's order.

        What is held out for test does not depend on val.
        """
        for known, parts in self.divided:
            if known is source:
                return parts
        data = self.spec.data
        left = torch.arange(len(source))
        parts = {}
        names: tuple[SplitName, SplitName] = ("test", "val")
        for name in names:
            written = data.held_out(name) if data is not None else None
            if data is None or written is None or (name == "val" and self.own.get("val") is not None):
                continue
            count = data.counts(len(source))[name]
            if count < 1:
                message = f"split takes samples from train, which has {len(source)}"
                raise failure(self.spec, Diagnostic("SB412", message, ("data", name, "split")))
            labels = None
            if written.stratify:
                try:
                    labels = labels_of(source, label_field(self.spec), "stratify").index_select(0, left)
                except Unusable as unusable:
                    raise failure(self.spec, unusable.at(("data", name, "stratify"))) from None
            if source.overlap is not None:
                parts[name], left = self.in_one_piece(name, left, count, source.overlap)
                continue
            places = held_out(count, len(left), written.seed or 0, labels)
            parts[name] = left.index_select(0, places)
            stays = torch.ones(len(left), dtype=torch.bool)
            stays[places] = False
            left = left[stays]
        parts["train"] = left
        self.divided.append((source, parts))
        return parts

    def in_one_piece(
        self, name: SplitName, left: torch.Tensor, count: int, overlap: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The last `count` samples, and those before them that they do not overlap with."""
        kept = len(left) - count - overlap
        if kept < 1:
            message = f"split holds out {count} of {len(left)} samples, and those before them overlap with them"
            problem = Diagnostic("SB412", message, ("data", name, "split"), fix="a smaller share, or a longer text")
            raise failure(self.spec, problem)
        return left[-count:], left[:kept]

    def prepared(self, source: Source, place: Place) -> Source:
        """The source by what was learned from the samples that train keeps, where it needs any of that."""
        if not source.learns:
            return source
        if id(source) not in self.ready:
            if self.learned is None:
                self.learned = self.learned_from_train()
            try:
                self.ready[id(source)] = source.prepared(self.learned)
            except Unusable as unusable:
                raise failure(self.spec, unusable.at(place)) from None
        return self.ready[id(source)]

    def learned_from_train(self) -> Statistics | None:
        """What the samples that train keeps say of all others."""
        own, data = self.own.get("train"), self.spec.data
        assert data is not None, "own data sets learn nothing"
        place: Place = ("data", "train", "dataset")
        source = self.source(own if own is not None else data.train.dataset, place)
        try:
            return source.learned(self.chosen("train", source))
        except Unusable as unusable:
            raise failure(self.spec, unusable.at(place)) from None

    def made(
        self,
        name: SplitName,
        source: Source,
        chosen: torch.Tensor,
        transforms: Sequence[Transform],
        place: Place,
    ) -> Split:
        """The split, with the document's loader or the default one."""
        data = self.spec.data
        loader = data.loader_of(name) if data is not None else Loader(shuffle=name == "train")
        source = self.prepared(source, place if place[-1:] != ("split",) else ("data", "train", "dataset"))
        return Split(
            self.spec, name, source, chosen,
            transforms=transforms, loader=loader, place=place, caches=self.caches,
        )  # fmt: skip
