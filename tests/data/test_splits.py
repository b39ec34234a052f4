from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import TensorDataset

from specbuild.data import Split, open_data
from tests.data.documents import document, problems

torch.set_num_threads(1)
TRAIN: dict[str, Any] = {"dataset": "Digits", "transforms": ["ToTensor"]}
TEST: dict[str, Any] = {"dataset": {"type": "Digits", "train": False}}


def numbers(split: Split, epoch: int = 0) -> list[int]:
    return split.order(epoch).tolist()


def test_the_test_split_is_opened_only_by_name() -> None:
    test = {"dataset": {"type": "MNIST", "root": "nowhere"}}
    assert [*open_data(document({"train": TRAIN, "test": test}))] == ["train"]
    [(code, path, message)] = problems(lambda: open_data(document({"train": TRAIN, "test": test}), splits=["test"]))
    assert (code, path) == ("SB403", "data.test.dataset.root")
    assert message == f"MNIST is not in {Path.cwd() / 'nowhere'}, or not whole"


@settings(max_examples=20)
@given(st.floats(0.001, 0.999), st.integers(0, 5))
def test_val_is_held_out_of_train(share: float, seed: int) -> None:
    spec = document({"train": TRAIN, "val": {"split": share, "seed": seed}})
    opened = open_data(spec)
    train, val = numbers(opened["train"]), numbers(opened["val"])
    assert sorted(train + val) == list(range(1437))
    assert len(val) == min(max(1, round(1437 * share)), 1436)
    assert opened["train"].source is opened["val"].source
    again = open_data(document({"train": TRAIN, "val": {"split": share, "seed": seed}}, train={"seed": 9}))
    assert numbers(again["val"]) == val, "train.seed does not move samples between train and val"


def test_val_takes_trains_transforms_but_the_random_ones() -> None:
    transforms = [{"type": "RandomCrop", "size": 8, "padding": 1}, "ToTensor", "RandomHorizontalFlip"]
    loader = {"batch_size": 7, "shuffle": True, "drop_last": True}
    train = {"dataset": "Digits", "transforms": transforms, "loader": loader}
    opened = open_data(document({"train": train, "val": {"split": 0.1}, "test": TEST}), splits=["train", "val", "test"])
    assert [t.type for t in opened["train"].transforms] == ["RandomCrop", "ToTensor", "RandomHorizontalFlip"]
    for name in ("val", "test"):
        split = opened[name]
        assert [t.type for t in split.transforms] == ["ToTensor"]
        assert (split.loader.batch_size, split.loader.shuffle, split.loader.drop_last) == (7, False, False)


def test_test_takes_what_val_has_of_its_own() -> None:
    val = {"split": 0.1, "transforms": ["ToTensor", "Grayscale"], "loader": {"batch_size": 3}}
    opened = open_data(document({"train": TRAIN, "val": val, "test": TEST}), splits=["test"])
    assert [t.type for t in opened["test"].transforms] == ["ToTensor", "Grayscale"]
    assert opened["test"].loader.batch_size == 3


def test_all_that_cannot_be_opened_is_reported() -> None:
    data = {
        "train": {"dataset": {"type": "MNIST", "root": "nowhere"}},
        "val": {"dataset": {"type": "Arrays", "path": "none.npz", "fields": {"input": "x"}}},
    }
    found = problems(lambda: open_data(document(data)))
    assert [(code, path) for code, path, _ in found] == [
        ("SB403", "data.train.dataset.root"), ("SB403", "data.val.dataset.path"),
    ]  # fmt: skip


def test_a_failure_that_two_splits_share_is_reported_once() -> None:
    data = {"train": {"dataset": {"type": "MNIST", "root": "nowhere"}}, "val": {"split": 0.1}}
    assert len(problems(lambda: open_data(document(data)))) == 1


def test_paths_are_under_the_data_root(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 1, 8, 8), np.float32))
    dataset = {"type": "Arrays", "path": "a.npz", "fields": {"input": "x"}}
    spec = document({"train": {"dataset": dataset}})
    assert len(open_data(spec, data_root=tmp_path)["train"]) == 3
    assert problems(lambda: open_data(spec, data_root=tmp_path / "other"))[0][2] == (
        f"there is no file {tmp_path / 'other' / 'a.npz'}"
    )


def test_own_data_needs_no_document() -> None:
    own = TensorDataset(torch.zeros(5, 1, 8, 8), torch.zeros(5, dtype=torch.int64))
    opened = open_data(document(None), train=own, val=own)
    assert {name: len(split) for name, split in opened.items()} == {"train": 5, "val": 5}
    assert (opened["train"].loader.shuffle, opened["val"].loader.shuffle) == (True, False)


def test_own_data_takes_the_documents_place_but_not_its_transforms() -> None:
    own = TensorDataset(torch.zeros(20, 1, 8, 8), torch.zeros(20, dtype=torch.int64))
    train = {**TRAIN, "loader": {"batch_size": 3}}
    opened = open_data(document({"train": train, "val": {"split": 0.25}}), train=own)
    assert {name: len(split) for name, split in opened.items()} == {"train": 15, "val": 5}
    assert opened["train"].transforms == opened["val"].transforms == ()
    assert opened["train"].loader.batch_size == 3
    opened = open_data(document({"train": train, "val": {"split": 0.25}}), train=own, val=own)
    assert {name: len(split) for name, split in opened.items()} == {"train": 20, "val": 20}


def test_own_data_of_no_samples() -> None:
    assert problems(lambda: open_data(document(None), train=[])) == [("SB412", "train", "the data set has no samples")]
    assert problems(lambda: open_data(document(None), train=iter([1]))) == [
        ("SB405", "train", "a data set has `__getitem__` and `__len__`, but list_iterator lacks one")
    ]


def test_a_set_of_one_sample_cannot_be_split() -> None:
    own = TensorDataset(torch.zeros(1, 1, 8, 8), torch.zeros(1, dtype=torch.int64))
    spec = document({"train": TRAIN, "val": {"split": 0.5}})
    assert problems(lambda: open_data(spec, train=own)) == [
        ("SB412", "data.val.split", "split takes samples from train, which has 1")
    ]
