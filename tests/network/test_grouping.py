from __future__ import annotations

from typing import Any

import pytest

from specbuild.api import check, infer, load
from specbuild.catalogue.optimizers import Optimizer
from specbuild.network.grouping import assignment, group_count, learned

LAYERS = [
    {"name": "conv", "type": "Conv2d", "out_channels": 4, "kernel_size": 3},
    "ReLU",
    {"name": "norm", "type": "BatchNorm2d"},
    "Flatten",
    {"name": "head", "type": "Linear", "out_features": 10},
]
KEYS = ("conv.weight", "conv.bias", "norm.weight", "norm.bias", "head.weight", "head.bias")


def document(*groups: dict[str, Any], type: str = "AdamW", layers: Any = LAYERS, **changes: Any) -> dict[str, Any]:
    optimizer = {"type": type, "groups": [*groups]} if groups else type
    return {"specbuild": 1, "input": [3, 8, 8], "layers": layers, "optimizer": optimizer, **changes}


def found(written: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(d.code, ".".join(map(str, d.path)), d.message) for d in check(written)]


@pytest.mark.parametrize(
    ("groups", "numbers", "count"),
    [
        ([], (0, 0, 0, 0, 0, 0), 1),
        ([{"parameters": "*.bias"}], (0, 1, 0, 1, 0, 1), 2),
        ([{"parameters": ["*.bias", "*norm*"]}, {"parameters": "head.*"}], (0, 1, 1, 1, 2, 1), 3),
        ([{"types": "BatchNorm2d"}, {"parameters": "*"}], (2, 2, 1, 1, 2, 2), 2),
        ([{"types": ["Conv2d", "Linear"], "parameters": "*.bias"}], (0, 1, 0, 0, 0, 1), 2),
        ([{"parameters": "[ch]???.weight"}], (1, 0, 0, 0, 1, 0), 2),
    ],
)
def test_a_parameter_goes_to_the_first_group_that_takes_it(groups: Any, numbers: tuple[int, ...], count: int) -> None:
    written = document(*groups)
    assert found(written) == []
    spec, plan = load(written), infer(written)
    assert isinstance(spec.optimizer, Optimizer)
    assert assignment(spec.optimizer, plan) == dict(zip(KEYS, numbers, strict=True))
    assert group_count(spec.optimizer, plan) == count


def test_a_tied_parameter_is_one_and_answers_to_all_its_names() -> None:
    layers = [{"name": name, "type": "Linear", "out_features": 4} for name in "ab"]
    written = document({"parameters": "b.weight"}, layers=layers, input=[4], tie={"b.weight": "a.weight"})
    assert found(written) == []
    spec, plan = load(written), infer(written)
    assert [one.names for one in learned(plan)] == [("a.weight", "b.weight"), ("a.bias",), ("b.bias",)]
    assert isinstance(spec.optimizer, Optimizer)
    assert assignment(spec.optimizer, plan) == {"a.weight": 1, "b.weight": 1, "a.bias": 0, "b.bias": 0}
    twice = document({"parameters": "a.*"}, {"parameters": "b.weight"}, layers=layers, input=[4], tie=written["tie"])
    assert found(twice) == [("SB413", "optimizer.groups.1", "all that this group takes is in groups[0] already")]


WORDS = {"name": "words", "type": "Embedding", "num_embeddings": 10, "embedding_dim": 4, "sparse": True}
TEXT: dict[str, Any] = {"layers": [WORDS], "input": {"shape": [5], "dtype": "int64"}}
READ = {
    "layers": [WORDS, {"name": "head", "type": "Linear", "out_features": 10, "bias": False}],
    "input": TEXT["input"],
}


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"type": "SparseAdam", **TEXT}, []),
        ({"type": "SGD", **TEXT}, []),
        ({"type": "Adam", **TEXT},
         [("SB414", "optimizer", "Adam takes no sparse gradients, as those of words.weight are")]),
        ({"type": "SparseAdam", **READ},
         [("SB414", "optimizer", "SparseAdam needs sparse gradients, but those of head.weight are dense")]),
        # tied to a layer whose gradients are dense, the sum is dense
        ({"type": "Adam", **READ, "tie": {"head.weight": "words.weight"}}, []),
        ({"type": "SparseAdam", **READ, "tie": {"head.weight": "words.weight"}},
         [("SB414", "optimizer", "SparseAdam needs sparse gradients, but those of words.weight are dense")]),
        ({"type": "Muon"}, [("SB414", "optimizer", "Muon takes matrices alone, but conv.weight is [4, 3, 3, 3]")]),
    ],
)  # fmt: skip
def test_parameters_that_an_optimizer_cannot_step_on(changes: dict[str, Any], wanted: Any) -> None:
    assert found(document(**changes)) == wanted


def test_what_a_group_makes_impossible_is_said_in_the_group() -> None:
    decayed = document({"parameters": "words.*", "weight_decay": 0.1}, type="SGD", **TEXT)
    assert found(decayed) == [
        ("SB414", "optimizer.groups.0.weight_decay",
         "SGD has no `weight_decay` for sparse gradients, as those of words.weight are"),
    ]  # fmt: skip
    spared = document({"parameters": "words.*", "weight_decay": 0}, type="SGD", **READ)
    spared["optimizer"]["weight_decay"] = 0.1
    assert found(spared) == []
    still = document({"parameters": "head.bias", "momentum": 0}, type="SGD")
    still["optimizer"] |= {"momentum": 0.9, "nesterov": True}
    (problem,) = check(still)
    assert (problem.code, problem.path, problem.because, problem.fix) == (
        "SB410", ("optimizer", "nesterov"), "groups[0] changes momentum",
        "leave momentum out of the group, or write `nesterov` there too",
    )  # fmt: skip
