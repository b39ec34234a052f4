from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, TensorDataset

from specbuild.data import Split, open_data, probe
from specbuild.network.inference import infer
from tests.data.documents import document, problems

torch.set_num_threads(1)
AUGMENTED = [
    {"type": "RandomCrop", "size": 8, "padding": 2}, "RandomHorizontalFlip", "ToTensor",
    {"type": "Normalize", "mean": [0.3], "std": [0.2]},
]  # fmt: skip


def digits(**changes: Any) -> Split:
    train = {"dataset": "Digits", "transforms": AUGMENTED, **changes}
    return open_data(document({"train": train}))["train"]


def whole(split: Split, epoch: int) -> dict[str, torch.Tensor]:
    batches = list(split.batches(epoch, "cpu"))
    return {name: torch.cat([batch[name] for batch in batches]) for name in split.fields}


def test_an_epoch_is_every_sample_once() -> None:
    split = digits(transforms=[], loader={"batch_size": 100})
    sizes = [len(batch["target"]) for batch in split.batches(1, "cpu")]
    assert sizes == [100] * 14 + [37]
    first, second = whole(split, 1), whole(split, 2)
    assert torch.equal(first["input"].unique(dim=0), second["input"].unique(dim=0))
    assert len(first["input"].unique(dim=0)) == 1437
    assert not torch.equal(first["target"], second["target"])
    assert torch.equal(whole(split, 1)["input"], first["input"])


def test_drop_last_leaves_out_what_does_not_fill_a_batch() -> None:
    split = digits(loader={"batch_size": 100, "drop_last": True})
    assert [len(batch["target"]) for batch in split.batches(1, "cpu")] == [100] * 14


def test_without_shuffle_the_order_is_the_sets() -> None:
    split = digits(loader={"shuffle": False}, transforms=[])
    assert torch.equal(whole(split, 3)["target"], split.source.tensors["target"])  # type: ignore[attr-defined]


class OneByOne(Dataset[Any]):
    """A split's samples as a data set of the user's own."""

    def __init__(self, split: Split) -> None:
        self.source = split.source

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return self.source.sample(index)


@pytest.mark.parametrize("workers", [0, 2])
def test_batch_size_and_workers_change_no_sample(workers: int) -> None:
    """Held in memory or read one by one, in batches of any size: the same samples, drawn for alike."""
    reference = digits(loader={"batch_size": 64})
    loader = {"batch_size": 50, "num_workers": workers}
    if workers:
        loader |= {"persistent_workers": True}
    other = digits(loader=loader)
    slow = Split(
        other.spec, "train", Slow(other.source), other.indices,
        transforms=other.transforms, loader=other.loader, place=(),
    )  # fmt: skip
    for epoch in (1, 2):
        wanted = whole(reference, epoch)
        for split in (other, slow):
            found = whole(split, epoch)
            assert torch.equal(found["target"], wanted["target"])
            assert torch.equal(found["input"], wanted["input"])


def Slow(source: Any) -> Any:  # noqa: N802  reads as the class it makes
    from specbuild.data.sources import SampleSource

    class OneAtATime(SampleSource):
        fields, images, classes = source.fields, source.images, source.classes

        def __len__(self) -> int:
            return len(source)

        def sample(self, index: int) -> dict[str, torch.Tensor]:
            return source.sample(index)  # type: ignore[no-any-return]

    return OneAtATime()


def test_reading_draws_nothing_from_the_global_generator() -> None:
    state = torch.get_rng_state()
    split = digits()
    whole(split, 1)
    own = open_data(document(None), train=OneByOne(digits(transforms=[])))["train"]
    next(own.batches(1, "cpu"))
    assert torch.equal(torch.get_rng_state(), state)


def test_batches_are_the_callers_to_change() -> None:
    split = digits(transforms=[], loader={"batch_size": 2000, "shuffle": False})
    batch = next(split.batches(0, "cpu"))
    kept = batch["input"].clone()
    batch["input"].zero_()
    assert torch.equal(next(split.batches(0, "cpu"))["input"], kept)


class Tuples(Dataset[Any]):
    def __init__(self, *items: Any) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


def own(*items: Any) -> Split:
    return open_data(document(None), train=Tuples(*items))["train"]


def test_own_samples_become_tensors() -> None:
    image = np.zeros((1, 8, 8))
    batch = next(own((image, 3), (image, np.int32(1))).batches(0, "cpu"))
    assert (batch["input"].dtype, batch["target"].dtype) == (torch.float32, torch.int64)
    batch = next(own({"input": image, "a": 0.5}, {"input": image, "a": 1.5}).batches(0, "cpu"))
    assert sorted(batch["a"].tolist()) == [0.5, 1.5]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([(Image.new("L", (8, 8)), 1)], "sample 0: `input` is a Image, not a tensor, an array or a number"),
        ([5], "sample 0 is a int: a data set yields (input, target) or a dict"),
        ([(torch.zeros(1), 1), "ab"], "sample 1 is a str: a data set yields (input, target) or a dict"),
        ([{"input": 1, "a": 2}, {"input": 1}], "sample 0 has input, a, but 1 has input"),
    ],
)
def test_own_samples_that_cannot_be_used(items: list[Any], message: str) -> None:
    def read() -> None:
        split = own(*items)
        split.loader = split.loader.model_copy(update={"shuffle": False})
        list(split.batches(0, "cpu"))

    [(code, _, found)] = problems(read)
    assert (code, found) == ("SB405", message)


def test_own_samples_of_different_shapes() -> None:
    split = own((torch.zeros(2), 1), (torch.zeros(3), 1))
    split.loader = split.loader.model_copy(update={"shuffle": False})
    assert problems(lambda: list(split.batches(0, "cpu"))) == [
        ("SB404", "", "`input` of sample 0 is [2], but of sample 1 [3]")
    ]


def test_labels_read_one_by_one_are_held_against_the_network() -> None:
    image = torch.zeros(1, 8, 8)
    split = own((image, 3), (image, 10), (image, -100))
    probe(split, infer(split.spec))
    assert problems(lambda: list(split.batches(0, "cpu"))) == [
        ("SB402", "loss", "the network gives 10 classes, 0 to 9, but the labels of train go from 3 to 10")
    ]
    split = own((image, 3), (image, 9), (image, -100))
    probe(split, infer(split.spec))
    assert len(list(split.batches(0, "cpu"))) == 1


def photos(folder: Path, workers: int, *transforms: Any) -> Split:
    for name, size in (("cat/a.png", (9, 8)), ("cat/b.png", (8, 12)), ("dog/c.png", (5, 20))):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", size, (1, 2, 3)).save(path)
    dataset = {"type": "ImageFolder", "root": str(folder)}
    loader = {"num_workers": workers, "shuffle": False}
    spec = document({"train": {"dataset": dataset, "transforms": transforms, "loader": loader}})
    return open_data(spec)["train"]


@pytest.mark.parametrize("workers", [0, 1])
def test_images_of_a_folder_come_to_one_size(workers: int, tmp_path: Path) -> None:
    split = photos(tmp_path, workers, {"type": "Resize", "size": [8, 8]}, "Grayscale", "ToTensor")
    [batch] = split.batches(0, "cpu")
    assert (batch["input"].shape, batch["target"].tolist()) == ((3, 1, 8, 8), [0, 0, 1])


@pytest.mark.parametrize("workers", [0, 1])
def test_images_of_different_sizes_are_named(workers: int, tmp_path: Path) -> None:
    split = photos(tmp_path, workers, "ToTensor")
    assert problems(lambda: list(split.batches(0, "cpu"))) == [
        ("SB404", "data.train", "`input` of sample 0 is [3, 8, 9], but of sample 1 [3, 12, 8]")
    ]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_corrupt_image_is_named_from_a_worker_too(workers: int, tmp_path: Path) -> None:
    split = photos(tmp_path, workers, {"type": "Resize", "size": [8, 8]})
    (tmp_path / "cat" / "b.png").write_bytes(b"not an image")
    [(code, path, message)] = problems(lambda: list(split.batches(0, "cpu")))
    assert (code, path) == ("SB405", "data.train.dataset.root")
    assert message.startswith(f"{tmp_path / 'cat' / 'b.png'} is not an image that can be read: ")


def test_an_image_too_small_for_a_crop_is_named(tmp_path: Path) -> None:
    split = photos(tmp_path, 0, {"type": "RandomCrop", "size": 8})
    assert problems(lambda: list(split.batches(0, "cpu"))) == [
        ("SB408", "data.train", "sample 2: the crop of 8 x 8 is larger than the image, 20 x 5")
    ]


def test_own_tensors_are_read_in_whole_batches() -> None:
    data = TensorDataset(torch.arange(6.0).view(6, 1), torch.arange(6))
    split = open_data(document(None), train=data)["train"]
    [batch] = split.batches(4, "cpu")
    assert batch["input"].squeeze(1).tolist() == batch["target"].tolist()
    assert batch["target"].tolist() != list(range(6))


class Fatal(Tuples):
    def __getitem__(self, index: int) -> Any:
        os._exit(1)


def test_a_worker_that_dies_is_an_error_of_the_data() -> None:
    image = torch.zeros(1, 8, 8)
    split = own((image, 1), (image, 2))
    split.source.dataset.__class__ = Fatal  # type: ignore[attr-defined]
    split.loader = split.loader.model_copy(update={"num_workers": 1})
    [(code, _, message)] = problems(lambda: list(split.batches(0, "cpu")))
    assert code == "SB405"
    assert re.match(r"a worker stopped: DataLoader worker \(pid\(s\) \d+\) exited unexpectedly", message)
