"""Integers that point outside what they are looked up in, before torch meets them and when it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import Dataset, TensorDataset

from specbuild.api import build, check, infer, load, train
from specbuild.errors import DataError
from specbuild.network.indexing import Table, tables
from specbuild.training.indexing import lookups_told

torch.set_num_threads(1)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_an_unpooling_is_refused_where_torch_may_fail_in_it(data: st.DataObject) -> None:
    axes = data.draw(st.integers(1, 3))
    numbers = st.integers(1, 3)
    pool: dict[str, Any] = {"kernel_size": data.draw(numbers), "stride": data.draw(numbers)}
    pool["padding"] = data.draw(st.integers(0, pool["kernel_size"] // 2))
    pool["ceil_mode"] = data.draw(st.booleans())
    unpool = {"kernel_size": data.draw(numbers), "stride": data.draw(numbers)}
    shape = [data.draw(st.integers(1, 2)), *data.draw(st.lists(st.integers(3, 7), min_size=axes, max_size=axes))]
    document = {
        "specbuild": 1,
        "input": shape,
        "layers": [
            {"name": "p", "type": f"MaxPool{axes}d", **pool},
            {"type": "Unsqueeze", "dim": 1, "from": ["p.indices"]},
            {"name": "indices", "type": "Flatten", "start_dim": 1, "end_dim": 2},
            {"type": f"MaxUnpool{axes}d", **unpool, "from": ["p", "indices"]},
        ],
    }
    problems = check(document)
    if any(not problem.message.startswith("the indices go up to") for problem in problems if problem.code < "SB800"):
        return
    x = torch.arange(float(torch.Size(shape).numel())).reshape(1, *shape)  # each window's largest is its last
    p, indices = getattr(torch.nn, f"MaxPool{axes}d")(**pool, return_indices=True)(x)
    fails = False
    try:
        getattr(torch.nn, f"MaxUnpool{axes}d")(**unpool)(p, indices)
    except RuntimeError:
        fails = True
    assert any(problem.code == "SB303" for problem in problems) == fails


@pytest.mark.parametrize("size", [[9, 9], [8, 9], [11, 7]])
def test_the_mend_of_an_unpooling_is_right(size: list[int]) -> None:
    layers = [
        {"name": "p", "type": "MaxPool2d", "kernel_size": 2},
        {"type": "MaxUnpool2d", "kernel_size": 2, "from": ["p", "p.indices"]},
    ]
    document: dict[str, Any] = {"specbuild": 1, "input": [1, *size], "layers": layers}
    (problem,) = [found for found in check(document) if found.severity == "error"] or [None]
    if problem is not None:
        assert problem.fix == f"output_size: {size}"
    layers[1]["output_size"] = size
    assert not [found for found in check(document) if found.severity == "error"]
    assert build(document)(torch.rand(2, 1, *size)).shape == (2, 1, *size)


WORDS: dict[str, Any] = {
    "specbuild": 1,
    "input": {"shape": [6], "dtype": "int64"},
    "layers": [
        {"type": "Sequential", "name": "body", "layers": [
            {"type": "Unflatten", "dim": 1, "unflattened_size": [2, 3]},
            {"name": "words", "type": "Embedding", "num_embeddings": 5, "embedding_dim": 3},
        ]},
        "Flatten",
        {"type": "Linear", "out_features": 3},
    ],
    "loss": "CrossEntropyLoss",
    "optimizer": "SGD",
    "train": {"epochs": 1},
}  # fmt: skip


def test_fields_are_followed_to_their_embeddings() -> None:
    assert [*tables(infer(WORDS))] == [Table("input", 5, "body.words")]
    narrowed = [{"type": "Narrow", "dim": 1, "start": 0, "length": 3}, *WORDS["layers"][0]["layers"][1:]]
    assert [*tables(infer({**WORDS, "layers": narrowed}))] == []


class Numbers(Dataset[Any]):
    """Samples that are made when they are asked for."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Any:
        return torch.full((6,), index), torch.tensor(0)


@pytest.mark.parametrize("own", [Numbers(), TensorDataset(torch.arange(8).repeat(6, 1).T, torch.zeros(8).long())])
def test_integers_without_a_vector_are_told_in_values(own: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"body\.words has vectors for the integers from 0 to 4, but `input` of train"):
        train(WORDS, train=own, run=tmp_path / "run")


@pytest.mark.parametrize(
    ("layer", "last"),
    [({"type": "Embedding"}, "Flatten"), ({"type": "EmbeddingBag"}, "Identity"),
     ({"type": "EmbeddingBag", "mode": "max"}, "Identity"), ({"type": "Embedding", "max_norm": 1.0}, "Flatten")],
)  # fmt: skip
def test_what_only_running_shows_is_told_too(layer: dict[str, Any], last: str, tmp_path: Path) -> None:
    layers = [
        {"type": "Add", "from": ["input", "input"]},
        {"name": "words", **layer, "num_embeddings": 5, "embedding_dim": 3}, last, *WORDS["layers"][2:],
    ]  # fmt: skip
    own = TensorDataset(torch.full((8, 6), 4), torch.zeros(8).long())
    with pytest.raises(DataError) as caught:
        train({**WORDS, "layers": layers}, train=own, run=tmp_path / "run")
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.instance, problem.fix) == ("SB404", "words", "a larger num_embeddings")


def test_an_unpooling_that_fails_while_it_runs_is_told(tmp_path: Path) -> None:
    layers = [
        {"type": "Positions", "from": "input"},
        {"type": "Add", "from": ["positions_1", "positions_1"]},
        {"type": "Unsqueeze", "dim": 1},
        {"name": "x", "type": "Unsqueeze", "dim": 1, "from": "input"},
        {"name": "up", "type": "MaxUnpool1d", "kernel_size": 1, "from": ["x", "unsqueeze_1"]},
        "Flatten",
        {"type": "Linear", "out_features": 3},
    ]
    own = TensorDataset(torch.rand(8, 6), torch.zeros(8).long())
    with pytest.raises(DataError) as caught:
        train({**WORDS, "input": [6], "layers": layers}, train=own, run=tmp_path / "run")
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.instance, problem.fix) == (
        "SB404", "up", "output_size: the size of what was pooled"
    )  # fmt: skip


def test_other_failures_stay_what_they_are() -> None:
    plan = infer(WORDS)
    with pytest.raises(IndexError, match="list"), lookups_told(load(WORDS), plan, build(plan)):
        raise IndexError("list index out of range")
