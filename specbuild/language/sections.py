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
        if self.dataset is None and self.split is None:
            raise Violation(
                "SB410", "val needs samples: `split`, a share of train's, or a `dataset` of its own",
                fix="split: 0.1",
            )  # fmt: skip
        if self.dataset is not None and self.split is not None:
            raise Violation(
                "SB410", "val has both `dataset` and `split`, and takes its samples from one of them",
                field="split", fix="leave out `split` or `dataset`",
            )  # fmt: skip
        for name in ("seed", "stratify"):
            if getattr(self, name) not in (None, False) and self.split is None:
                raise Violation(
                    "SB410", f"{name} chooses the samples of `split`, but val has a `dataset` of its own",
                    field=name, fix="leave it out",
                )  # fmt: skip

    def held_out(self, total: int) -> int:
        """How many of train's samples `split` holds out: at least one, and never all."""
        assert self.split is not None
        return min(max(1, round(total * self.split)), total - 1)


class TestSplit(Section):
    """What a trained network is evaluated on. Training never looks at it."""

    __test__: ClassVar = False  # pytest would take it for a test class
    children: ClassVar = TrainSplit.children

    dataset: Dataset
    """The data set."""
    transforms: Transforms | None = None
    """As val's unless given."""
    loader: Loader | None = None
    """As val's unless given."""


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
        if split == "val":
            return None if self.val is None else self.val.dataset or self.train.dataset
        return None if self.test is None else self.test.dataset

    def transforms_of(self, split: SplitName) -> Transforms:
        """The transforms of a split, its own or those it takes over."""
        if split == "train":
            return self.train.transforms
        if split == "test" and self.test is not None and self.test.transforms is not None:
            return self.test.transforms
        if self.val is not None and self.val.transforms is not None:
            return self.val.transforms
        return tuple(transform for transform in self.train.transforms if not transform.random)

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
            return self.train.loader.model_copy(update={"shuffle": False, "drop_last": False})
        if own.shuffle is None:
            return own.model_copy(update={"shuffle": split == "train"})
        return own
