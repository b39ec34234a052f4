"""The section `data` of a document: what is learned from, judged on and evaluated on."""

from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Lt

from specbuild.catalogue.datasets import DATASETS, Dataset
from specbuild.catalogue.entry import Bool, Count, Float, OneOf, Section, Size
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.samplers import SAMPLERS, Sampler
from specbuild.catalogue.transforms import TRANSFORMS, Transform
from specbuild.language.training import Seed

SplitName = Literal["train", "val", "test"]
Transforms = tuple[Transform, ...]


class Loader(Section):
    """How a split is cut into batches: torch.utils.data.DataLoader's own names.

    The order of an epoch is settled by `train.seed` and the epoch's number alone.
    """

    children: ClassVar = {"sampler": OneOf(SAMPLERS, "sampler")}
    refused: ClassVar = {
        "batch_sampler": "the order comes from `shuffle` and `train.seed`",
        "collate_fn": "a document holds no Python; samples are stacked field by field",
        "worker_init_fn": "a document holds no Python; random draws come from `train.seed` in every worker",
        "multiprocessing_context": "chosen by torch for the platform",
        "generator": "the order comes from `shuffle` and `train.seed`",
        "pin_memory_device": "deprecated by torch: memory is pinned for the device of the training",
        "in_order": "batches always come in order, so that a run can be repeated",
    }

    batch_size: Size = 64
    """Samples a batch. (torch's own default is 1.)"""
    shuffle: Bool | None = None
    """Whether an epoch's order is drawn anew; null is true for `train` and false for `val` and `test`."""
    sampler: Sampler | None = None
    """Which samples an epoch has, instead of each once; of `train` alone."""
    num_workers: Count = 0
    """Processes that read samples; 0 reads in the main one. Sets held in memory need none and use none."""
    pin_memory: Bool = False
    """Page-locked memory, for faster copies to a GPU."""
    drop_last: Bool = False
    """Leave out a last batch that is not full."""
    timeout: Annotated[Float, Ge(0)] = 0.0
    """Seconds to wait for a worker's batch; 0 waits for ever."""
    prefetch_factor: Size | None = None
    """Batches that each worker reads ahead; null is 2."""
    persistent_workers: Bool = False
    """Keep the workers from one epoch to the next."""

    def drawn(self, total: int) -> int:
        """How many samples an epoch has, of a split of `total`."""
        return getattr(self.sampler, "num_samples", None) or total

    def check(self) -> None:
        """What torch asks of the arguments together."""
        if self.sampler is not None and self.shuffle is not None:
            raise Violation(
                "SB410", "sampler draws the samples of an epoch, and shuffle has no say in it",
                field="shuffle", fix="leave it out",
            )  # fmt: skip
        if self.num_workers:
            return
        for name in ("prefetch_factor", "persistent_workers", "timeout"):
            if getattr(self, name):
                raise Violation(
                    "SB410", f"{name} is about workers, but num_workers is 0",
                    field=name, fix="num_workers: 2, or leave it out",
                )  # fmt: skip


class TrainSplit(Section):
    """What the network learns from."""

    children: ClassVar = {
        "dataset": OneOf(DATASETS, "data set"),
        "transforms": OneOf(TRANSFORMS, "transform", many=True),
        "loader": Loader,
    }

    dataset: Dataset
    """The data set."""
    transforms: Transforms = ()
    """What is done to each sample's `input`, in order."""
    loader: Loader = Loader()
    """How it is cut into batches."""


class ValSplit(Section):
    """What the network is judged on after every epoch: a set of its own, or a part held out of train's."""

    children: ClassVar = TrainSplit.children

    dataset: Dataset | None = None
    """A data set of its own; instead of `split`."""
    split: Annotated[Float, Gt(0), Lt(1)] | None = None
    """The share of train's samples that is held out of training; instead of `dataset`."""
    seed: Seed | None = None
    """Which samples are held out; null is 0, whatever `train.seed` is."""
    stratify: Bool = False
    """Whether the part held out has as large a share of each class as train."""
    transforms: Transforms | None = None
    """As train's, without the random ones, unless given."""
    loader: Loader | None = None
    """As train's, unless given; neither shuffled nor cut short unless written here."""

    def check(self) -> None:
        """Exactly one of `dataset` and `split`."""
        check_held_out("val", self)


class TestSplit(Section):
    """What a trained network is evaluated on. Training never looks at it."""

    __test__: ClassVar = False  # pytest would take it for a test class
    children: ClassVar = TrainSplit.children

    dataset: Dataset | None = None
    """A data set of its own; instead of `split`."""
    split: Annotated[Float, Gt(0), Lt(1)] | None = None
    """The share of train's samples that is held out for the test, before val's; instead of `dataset`."""
    seed: Seed | None = None
    """Which samples are held out; null is 0, whatever `train.seed` is."""
    stratify: Bool = False
    """Whether the part held out has as large a share of each class as train."""
    transforms: Transforms | None = None
    """As val's unless given."""
    loader: Loader | None = None
    """As val's unless given."""

    def check(self) -> None:
        """Exactly one of `dataset` and `split`."""
        check_held_out("test", self)


def check_held_out(name: str, split: ValSplit | TestSplit) -> None:
    """Exactly one of `dataset` and `split`, and nothing that belongs to the other."""
    if split.dataset is None and split.split is None:
        raise Violation(
            "SB410", f"{name} needs samples: `split`, a share of train's, or a `dataset` of its own",
            fix="split: 0.1",
        )  # fmt: skip
    if split.dataset is not None and split.split is not None:
        raise Violation(
            "SB410", f"{name} has both `dataset` and `split`, and takes its samples from one of them",
            field="split", fix="leave out `split` or `dataset`",
        )  # fmt: skip
    for field in ("seed", "stratify"):
        if getattr(split, field) not in (None, False) and split.split is None:
            raise Violation(
                "SB410", f"{field} chooses the samples of `split`, but {name} has a `dataset` of its own",
                field=field, fix="leave it out",
            )  # fmt: skip


class Data(Section):
    """The data: what is learned from, judged on and evaluated on."""

    children: ClassVar = {"train": TrainSplit, "val": ValSplit, "test": TestSplit}

    cache: Literal["auto", "memory", "device", "none"] = "auto"
    """Where samples stay once they are decoded: in `memory` or on the `device` of the training, as they are before the
    first random transform, or nowhere; `auto` is memory where they fit into half of what is free."""
    on_error: Literal["fail", "skip"] = "fail"
    """What is done about a file that cannot be read: end with its name, or leave it out and say so."""
    train: TrainSplit
    """What the network learns from."""
    val: ValSplit | None = None
    """What it is judged on after every epoch."""
    test: TestSplit | None = None
    """What it is evaluated on when it is trained."""

    def names(self) -> tuple[SplitName, ...]:
        """The splits that are written."""
        written: list[SplitName] = ["train"]
        if self.val is not None:
            written.append("val")
        if self.test is not None:
            written.append("test")
        return tuple(written)

    def dataset_of(self, split: SplitName) -> Dataset | None:
        """The data set that a split's samples come from; None where the split is not written."""
        if split == "train":
            return self.train.dataset
        written = self.val if split == "val" else self.test
        return None if written is None else written.dataset or self.train.dataset

    def held_out(self, split: SplitName) -> ValSplit | TestSplit | None:
        """Val or test, where it is a part of train's samples."""
        written = self.val if split == "val" else self.test if split == "test" else None
        return None if written is None or written.dataset is not None else written

    def counts(self, total: int) -> dict[SplitName, int]:
        """How many of train's samples, `total`, each split has that takes its samples there.

        At least one is held out for test, then for val, and at least one stays; where there are too few, some are 0.
        """
        counts: dict[SplitName, int] = {}
        left = total
        names: tuple[SplitName, SplitName] = ("test", "val")
        for name in names:
            written = self.held_out(name)
            if written is not None:
                assert written.split is not None
                counts[name] = max(0, min(max(1, round(total * written.split)), left - 1))
                left -= counts[name]
        counts["train"] = left
        return counts

    def transforms_of(self, split: SplitName) -> Transforms:
        """The transforms of a split, its own or those it takes over."""
        if split == "train":
            return self.train.transforms
        if split == "test" and self.test is not None and self.test.transforms is not None:
            return self.test.transforms
        if self.val is not None and self.val.transforms is not None:
            return self.val.transforms
        return tuple(each for each in self.train.transforms if not (each.random or each.mixes))

    def transforms_written_at(self, split: SplitName) -> SplitName:
        """The split where the transforms of `split` are written."""
        if split == "test" and (self.test is None or self.test.transforms is None):
            split = "val"
        if split == "val" and (self.val is None or self.val.transforms is None):
            split = "train"
        return split

    def loader_of(self, split: SplitName) -> Loader:
        """The loader of a split, its own or the one it takes over, with `shuffle` settled."""
        own = None
        if split == "test" and self.test is not None:
            own = self.test.loader
        if split != "train" and own is None and self.val is not None:
            own = self.val.loader
        if split == "train":
            own = self.train.loader
        if own is None:
            return self.train.loader.model_copy(update={"shuffle": False, "drop_last": False, "sampler": None})
        if own.shuffle is None and own.sampler is None:
            return own.model_copy(update={"shuffle": split == "train"})
        return own
