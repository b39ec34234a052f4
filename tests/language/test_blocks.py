"""Blocks: params, scopes, chains, recursion."""

from __future__ import annotations

from typing import Any

import pytest

import specbuild
from specbuild.errors import SpecError


def names(document: dict[str, Any]) -> list[str]:
    return [step.name for step in specbuild.infer(document).layers()]


def messages(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(found.code, found.text) for found in specbuild.check(document)]


def linear(size: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Linear", "out_features": size, **more}


def document(layers: list[Any], **more: Any) -> dict[str, Any]:
    return {"specbuild": 1, "input": [4], "layers": layers, **more}


def chain(length: int) -> dict[str, Any]:
    """Blocks `b0` to `b<length - 1>`, each of which holds the next, and the last one a Linear."""
    blocks: dict[str, Any] = {f"b{k}": {"layers": [{"name": "in", "type": f"b{k + 1}"}]} for k in range(length - 1)}
    blocks[f"b{length - 1}"] = {"layers": [linear(3)]}
    return document(["b0"], blocks=blocks)


def test_chain_of_50_blocks() -> None:
    plan = specbuild.infer(chain(50))
    assert [step.name for step in plan.layers()] == ["b0_1." + "in." * 49 + "linear_1"]
    assert plan.output.shape == (3,)
    assert specbuild.build(plan).state_dict()["b0_1." + "in." * 49 + "linear_1.weight"].shape == (3, 4)


@pytest.mark.parametrize("length", [61, 10_000])
def test_chain_beyond_the_bound_is_refused(length: int) -> None:
    assert messages(chain(length)) == [
        ("SB216", "scopes stand at most 60 deep inside one another; here it is one more")
    ]


def test_blocks_that_double_are_bounded_at_once() -> None:
    """2 ** 50 layers: what is the same is opened once."""
    blocks: dict[str, Any] = {f"b{k}": {"layers": [f"b{k + 1}", f"b{k + 1}"]} for k in range(50)}
    blocks["b50"] = {"layers": ["ReLU"]}
    ((code, message),) = messages(document(["b0"], blocks=blocks))
    assert code == "SB216"
    assert message.startswith("a network has at most 200,000 layers; up to here it is ")


def test_blocks_that_double_and_hold_nothing_are_bounded_as_well() -> None:
    """2 ** 50 scopes, no two with the same argument, without one layer."""
    blocks: dict[str, Any] = {
        f"b{k}": {
            "params": {"n": None},
            "layers": [{"type": f"b{k + 1}", "n": "${(2 * n) % 999999937}"},
                       {"type": f"b{k + 1}", "n": "${(2 * n + 1) % 999999937}"}],
        }
        for k in range(50)
    }  # fmt: skip
    blocks["b50"] = {"params": {"n": None}, "layers": [{"type": "ReLU", "when": "${n < 0}"}]}
    assert messages(document([{"type": "b0", "n": 1}], blocks=blocks)) == [
        ("SB216", "a network has at most 200,000 scopes; here it is one more")
    ]


def test_a_block_sees_its_params_and_the_documents_variables() -> None:
    blocks = {
        "inner": {"params": {"size": None, "wide": "${size * base}"}, "layers": [linear("${wide}"), linear("${size}")]},
        "outer": {"params": {"size": 5}, "layers": [{"name": "a", "type": "inner", "size": "${size + 1}"},
                                                    {"name": "b", "type": "inner", "size": 2, "wide": "${size}"}]},
    }  # fmt: skip
    plan = specbuild.infer(document([{"name": "o", "type": "outer"}], vars={"base": 10}, blocks=blocks))
    assert [(step.name, step.output.shape[0]) for step in plan.layers()] == [
        ("o.a.linear_1", 60), ("o.a.linear_2", 6), ("o.b.linear_1", 5), ("o.b.linear_2", 2),
    ]  # fmt: skip


def test_a_param_hides_a_variable_of_its_name() -> None:
    blocks = {"fc": {"params": {"size": 3}, "layers": [linear("${size}")]}}
    plan = specbuild.infer(document(["fc", linear("${size}")], vars={"size": 7}, blocks=blocks))
    assert [step.output.shape for step in plan.layers()] == [(3,), (7,)]


def test_the_callers_names_are_not_seen() -> None:
    blocks = {"fc": {"layers": [linear("${i + hidden}")]}}
    layers = [{"name": "s", "type": "outer", "hidden": 1}]
    blocks["outer"] = {"params": {"hidden": None}, "layers": [{"name": "stack", "type": "fc", "repeat": 2}]}  # type: ignore[dict-item]
    assert messages(document(layers, blocks=blocks)) == [
        ("SB209", "s.stack.0.linear_1: `${i + hidden}`: there is no variable `i`")
    ]


def test_null_is_an_argument() -> None:
    blocks = {"norm": {"params": {"momentum": None}, "layers": [{"type": "BatchNorm2d", "momentum": "${momentum}"}]}}
    good = {"specbuild": 1, "input": [3, 4, 4], "layers": [{"type": "norm", "momentum": None}], "blocks": blocks}
    assert specbuild.check(good) == ()
    assert messages({**good, "layers": ["norm"]}) == [("SB202", "`momentum` is missing: the block `norm` needs it")]


def test_several_inputs_by_order_and_by_name_are_the_same_network() -> None:
    inside = [linear(4, **{"from": "skip"}), {"type": "Concat", "from": ["x", "linear_1"]}]
    blocks = {"merge": {"inputs": ["x", "skip"], "layers": inside}}
    plans = [
        specbuild.infer(document([linear(5), {"type": "merge", "from": given}], blocks=blocks))
        for given in (["linear_1", "input"], {"x": "linear_1", "skip": "input"}, {"skip": "input", "x": "linear_1"})
    ]
    assert plans[0].output.shape == (9,)
    assert plans[0] == plans[1] == plans[2]


def test_the_same_mistake_in_many_uses_is_told_once_with_the_first_use() -> None:
    blocks = {"fc": {"params": {"size": 4}, "layers": [{"type": "Linear", "out_feature": "${size}"}]}}
    layers = [{"name": f"l{k}", "type": "fc", "size": k + 1} for k in range(4)]
    assert messages(document(layers, blocks=blocks)) == [("SB201", "l0.linear_1: unknown key `out_feature`")]


def test_recursion_by_way_of_other_blocks() -> None:
    blocks = {"a": {"layers": ["ReLU", "b"]}, "b": {"layers": [{"name": "c", "type": "c"}]}, "c": {"layers": ["a"]}}
    assert messages(document(["a"], blocks=blocks)) == [
        ("SB215", "a_1.b_1.c.a_1: a block cannot stand inside itself: a → b → c → a")
    ]


def test_a_repeat_of_zero_inside_itself_is_refused_all_the_same() -> None:
    blocks = {"a": {"layers": ["ReLU", {"type": "a", "when": False}, {"type": "a", "repeat": 0}]}}
    assert names(document(["a"], blocks=blocks)) == ["a_1.relu_1"]


def test_what_is_left_empty_stands_for_its_input() -> None:
    blocks = {"maybe": {"params": {"on": True}, "layers": [linear(7, when="${on}")]}}
    layers = [linear(4), {"name": "gone", "type": "maybe", "on": False}, {"type": "Add", "from": ["gone", "input"]}]
    plan = specbuild.infer(document(layers, blocks=blocks))
    assert [step.name for step in plan.layers()] == ["linear_1", "add_1"]
    assert [source.position for source in plan.steps[1].sources] == [0, -1]


def test_a_block_of_several_inputs_cannot_be_empty() -> None:
    blocks = {"merge": {"inputs": ["x", "y"], "layers": [{"type": "Add", "from": ["x", "y"], "when": False}]}}
    assert messages(document([{"name": "m", "type": "merge", "from": ["input", "input"]}], blocks=blocks)) == [
        ("SB214", "m: `when` leaves out all of `layers`: a network, or a block of several inputs, has at least one")
    ]


def test_an_unknown_block_raises_with_the_nearest_name() -> None:
    with pytest.raises(SpecError, match='there is no layer called "basik"'):
        specbuild.load(document(["basik"], blocks={"basic": {"layers": ["ReLU"]}}))
