"""From a document's `data` to its splits, opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from specbuild.catalogue.datasets import Dataset
from specbuild.catalogue.transforms import Transform
from specbuild.data.failure import Unusable, failure
from specbuild.data.opening import open_dataset
from specbuild.data.randomness import order
from specbuild.data.sources import Source, Statistics, own_source
from specbuild.data.split import Split
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.diagnostics.diagnostic import Path as Place
from specbuild.errors import DataError
from specbuild.language.document import Spec
from specbuild.language.sections import Loader, SplitName
from specbuild.network.samples import image_field


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

    def split(self, name: SplitName) -> Split | None:
        """One split, or None where neither the document nor the user gives it."""
        data = self.spec.data
        if self.own.get(name) is not None:
            source = self.source(self.own[name], (name,))
            chosen = self.kept(source) if name == "train" else torch.arange(len(source))
            return self.made(name, source, chosen, (), ("data", name) if data else ())
        if data is None or name not in data.names():
            return None
        transforms = data.transforms_of(name)
        if name == "val" and self.held_out_of_train():
            own = self.own.get("train")
            origin: Place = ("data", "train", "dataset")
            source = self.source(own if own is not None else data.train.dataset, origin)
            chosen = self.parts(source)[1]
            return self.made(name, source, chosen, () if own is not None else transforms, ("data", "val", "split"))
        place: Place = ("data", name, "dataset")
        source = self.source(data.dataset_of(name), place)
        chosen = self.kept(source) if name == "train" else torch.arange(len(source))
        return self.made(name, source, chosen, transforms, place)

    def held_out_of_train(self) -> bool:
        """Whether the document takes val's samples from train's."""
        return self.spec.data is not None and self.spec.data.val is not None and self.spec.data.val.dataset is None

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

    def parts(self, source: Source) -> tuple[torch.Tensor, torch.Tensor]:
        """The samples that train keeps, and those held out of it for val; each in the source's order."""
        val = self.spec.data.val if self.spec.data is not None else None
        assert val is not None, "called where val is held out of train"
        count = val.held_out(len(source))
        if count < 1:
            problem = Diagnostic(
                "SB412", f"split takes samples from train, which has {len(source)}", ("data", "val", "split")
            )
            raise failure(self.spec, problem)
        if source.overlap is not None:  # those between that overlap with val's are in neither
            kept = len(source) - count - source.overlap
            if kept < 1:
                message = f"split holds out {count} of {len(source)} samples, and those before them overlap with them"
                problem = Diagnostic(
                    "SB412", message, ("data", "val", "split"), fix="a smaller share, or a longer text"
                )
                raise failure(self.spec, problem)
            return torch.arange(kept), torch.arange(len(source) - count, len(source))
        shuffled = order(len(source), val.seed or 0, 0, "split")
        return shuffled[count:].sort().values, shuffled[:count].sort().values

    def kept(self, source: Source) -> torch.Tensor:
        """The samples of train's source that are learned from."""
        if self.own.get("val") is None and self.held_out_of_train():
            return self.parts(source)[0]
        return torch.arange(len(source))

    def prepared(self, source: Source, place: Place) -> Source:
        """The source by what was learned from the samples that train keeps, where it needs any of that."""
        if not source.learns:
            return source
        if id(source) not in self.ready:
            if self.learned is None:
                own, data = self.own.get("train"), self.spec.data
                assert data is not None, "own data sets learn nothing"
                taught = self.source(own if own is not None else data.train.dataset, ("data", "train", "dataset"))
                self.learned = taught.learned(self.kept(taught))
            try:
                self.ready[id(source)] = source.prepared(self.learned)
            except Unusable as unusable:
                raise failure(self.spec, unusable.at(place)) from None
        return self.ready[id(source)]

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
        held_out = place == ("data", "val", "split")
        source = self.prepared(source, ("data", "train", "dataset") if held_out else place)
        return Split(self.spec, name, source, chosen, transforms=transforms, loader=loader, place=place)
