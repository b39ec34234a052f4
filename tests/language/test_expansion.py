"""Names, `when`, `repeat` and `from`: what a document's layers become."""

from __future__ import annotations

from typing import Any

import pytest

import specbuild


def document(layers: list[Any], **more: Any) -> dict[str, Any]:
    return {"specbuild": 1, "input": [4], "layers": layers, **more}


def linear(size: Any = 4, **more: Any) -> dict[str, Any]:
    return {"type": "Linear", "out_features": size, **{key.rstrip("_"): value for key, value in more.items()}}


def wired(layers: list[Any], **more: Any) -> list[tuple[str, list[str]]]:
    """Each layer of the outermost scope and what it takes, by name."""
    plan = specbuild.infer(document(layers, **more))
    inputs = tuple(plan.inputs)
    return [
        (step.name, [plan.steps[s.position].name if s.position >= 0 else inputs[-1 - s.position] for s in step.sources])
        for step in plan.steps
    ]


def names(layers: list[Any], **more: Any) -> list[str]:
    return [step.name for step in specbuild.infer(document(layers, **more)).layers()]


def messages(layers: list[Any], **more: Any) -> list[tuple[str, str]]:
    return [(found.code, found.text) for found in specbuild.check(document(layers, **more))]


def test_automatic_names_count_all_of_a_type_named_and_left_out_ones_too() -> None:
    layers = ["ReLU", {"name": "act", "type": "ReLU"}, {"type": "ReLU", "when": False}, "Tanh", "ReLU"]
    assert names(layers) == ["relu_1", "act", "tanh_1", "relu_4"]


def test_automatic_names_count_in_their_own_scope() -> None:
    layers = ["ReLU", {"type": "Sequential", "layers": ["ReLU", "ReLU"]}, "ReLU"]
    assert names(layers) == ["relu_1", "sequential_1.relu_1", "sequential_1.relu_2", "relu_2"]


def test_names_are_judged_after_when() -> None:
    layers = [
        {"name": "act", "type": "ReLU", "when": "${hard}"},
        {"name": "act", "type": "Tanh", "when": "${not hard}"},
    ]
    for hard, kind in ((True, "ReLU"), (False, "Tanh")):
        plan = specbuild.infer(document(layers, vars={"hard": hard}))
        assert [(step.name, step.type) for step in plan.steps] == [("act", kind)]


def test_a_name_that_is_left_out_stands_for_the_first_entry_of_its_from() -> None:
    layers = [
        linear(name="a"),
        linear(name="b", from_="input"),
        {"name": "gone", "type": "Add", "from": ["a", "b"], "when": False},
        {"name": "c", "type": "Add", "from": ["gone", "b"]},
    ]
    assert wired(layers) == [("a", ["input"]), ("b", ["input"]), ("c", ["a", "b"])]


def test_aliases_lead_on_to_aliases() -> None:
    layers = [
        linear(name="a"),
        {"name": "x", "type": "ReLU", "when": False},
        {"name": "y", "type": "Tanh", "from": "x", "when": False},
        "Sigmoid",
        {"type": "Add", "from": ["sigmoid_1", "y"]},
    ]
    assert wired(layers) == [("a", ["input"]), ("sigmoid_1", ["a"]), ("add_1", ["sigmoid_1", "a"])]


def test_the_layer_after_takes_what_the_left_out_one_stands_for() -> None:
    layers = [
        linear(name="a"),
        linear(name="b"),
        {"type": "Add", "from": ["a", "b"], "when": False},
        {"type": "ReLU"},
        {"type": "Add", "from": ["relu_1", "b"]},
    ]
    assert wired(layers)[2:] == [("relu_1", ["a"]), ("add_2", ["relu_1", "b"])]


@pytest.mark.parametrize(("project", "expected"), [(True, ["fc", "proj"]), (False, ["fc", "input"])])
def test_a_shortcut_with_and_without_its_projection(project: bool, expected: list[str]) -> None:
    layers = [
        linear(name="fc"),
        linear(name="proj", from_="input", when="${project}"),
        {"type": "Add", "from": ["fc", "proj"]},
    ]
    assert wired(layers, vars={"project": project})[-1] == ("add_1", expected)


def test_repeat_by_count_nests_children_by_number_with_i_bound() -> None:
    layers = [linear("${i + 2}", name="stack", repeat=3)]
    plan = specbuild.infer(document(layers))
    assert [(step.name, step.output.shape) for step in plan.layers()] == [
        ("stack.0", (2,)), ("stack.1", (3,)), ("stack.2", (4,)),
    ]  # fmt: skip


@pytest.mark.parametrize(("count", "expected"), [(1, ["a", "s.0", "b"]), (0, ["a", "b"])])
def test_repeat_of_one_nests_and_of_none_is_left_out(count: int, expected: list[str]) -> None:
    layers = [linear(name="a"), linear(name="s", repeat="${n}"), linear(name="b", from_="s")]
    assert names(layers, vars={"n": count}) == expected


def test_repeat_of_an_empty_list_is_left_out() -> None:
    assert names([linear(name="a"), linear(name="s", repeat=[])]) == ["a"]


def test_repeat_by_a_table_binds_names_and_i() -> None:
    table = [{"size": 2, "bias": True}, {"size": "${base + 1}", "bias": False}]
    layers = [linear("${size + i}", name="s", bias="${bias}", repeat=table, names="${size}_${i}")]
    plan = specbuild.infer(document(layers, vars={"base": 6}))
    assert [(step.name, step.output.shape, step.layer.bias) for step in plan.layers()] == [  # type: ignore[union-attr]
        ("s.2_0", (2,), True), ("s.7_1", (8,), False),
    ]  # fmt: skip


def test_an_inner_i_hides_an_outer_one_and_the_outer_is_seen_around_it() -> None:
    inner = {"type": "Sequential", "layers": [linear("${i + 2}", name="in", repeat=2), linear("${10 + i}", name="out")]}
    plan = specbuild.infer(document([{**inner, "name": "s", "repeat": 2}]))
    assert [(step.name, step.output.shape[0]) for step in plan.layers()] == [
        ("s.0.in.0", 2), ("s.0.in.1", 3), ("s.0.out", 10),
        ("s.1.in.0", 2), ("s.1.in.1", 3), ("s.1.out", 11),
    ]  # fmt: skip


def test_the_table_of_an_inner_repeat_sees_the_outer_i() -> None:
    inner = {"name": "in", "type": "Linear", "out_features": "${w}", "repeat": [{"w": "${10 * i + 1}"}, {"w": 3}]}
    plan = specbuild.infer(document([{"name": "s", "type": "Sequential", "repeat": 2, "layers": [inner]}]))
    assert [step.output.shape[0] for step in plan.layers()] == [1, 3, 11, 3]


def test_further_inputs_of_a_repeated_block_are_the_same_for_all() -> None:
    inside = [linear(from_="x"), {"type": "Multiply", "from": ["linear_1", "gate"]}]
    blocks = {"gated": {"inputs": ["x", "gate"], "layers": inside}}
    layers = [
        linear(name="a"),
        {"name": "mask", "type": "Sigmoid"},
        {"name": "s", "type": "gated", "repeat": 3, "from": ["a", "mask"]},
    ]
    plan = specbuild.infer(document(layers, blocks=blocks))
    stack = plan.steps[2]
    assert [source.position for source in stack.sources] == [0, 1]
    assert [[source.position for source in child.sources] for child in stack.steps] == [[-1, -2], [0, -2], [1, -2]]


def test_children_that_are_empty_are_passed_over() -> None:
    blocks = {"maybe": {"params": {"on": None}, "layers": [linear(when="${on}")]}}
    layers = [{"name": "s", "type": "maybe", "repeat": 4, "on": "${i % 2 == 1}"}]
    plan = specbuild.infer(document(layers, blocks=blocks))
    assert [step.name for step in plan.layers()] == ["s.1.linear_1", "s.3.linear_1"]
    assert [[source.position for source in child.sources] for child in plan.steps[0].steps] == [[-1], [0]]


def test_names_in_from_may_be_integers_and_expressions() -> None:
    layers = [linear(name=0), linear(name="b1"), {"type": "Add", "from": [0, "b${n}"]}]
    assert wired(layers, vars={"n": 1})[-1] == ("add_1", ["0", "b1"])


def test_several_inputs_have_their_names() -> None:
    layers = [linear(name="a", from_="x"), {"type": "Concat", "from": ["a", "y"]}]
    plan = specbuild.infer({"specbuild": 1, "inputs": {"x": [4], "y": [2]}, "layers": layers})
    assert plan.output.shape == (6,)


def test_a_parameter_first_leaves_the_question_of_the_input_open() -> None:
    layers = [{"name": "p", "type": "Parameter", "shape": [1, 4]}, {"type": "Add", "from": ["p", "x"]},
              {"type": "Add", "from": ["add_1", "y"]}]  # fmt: skip
    assert specbuild.check({"specbuild": 1, "inputs": {"x": [4], "y": [4]}, "layers": layers}) == ()


def test_second_results_are_switched_on_by_their_name() -> None:
    pool = {"name": "pool", "type": "MaxPool2d", "kernel_size": 2}
    plan = specbuild.infer({"specbuild": 1, "input": [3, 4, 4],
                            "layers": [pool, {"type": "Concat", "from": ["pool", "pool.indices"]}]})  # fmt: skip
    assert [step.results for step in plan.steps] == [("indices",), ()]
    assert plan.output.shape == (6, 2, 2)


@pytest.mark.parametrize("depth", [1, 40])
def test_nested_sequentials(depth: int) -> None:
    layers: list[Any] = [linear(3)]
    for _ in range(depth):
        layers = [{"name": "s", "type": "Sequential", "layers": layers}]
    assert names(layers) == ["s." * depth + "linear_1"]


def test_an_unused_branch_is_a_warning_unless_when_made_it() -> None:
    layers: list[Any] = [linear(name="a"), linear(name="b", from_="input")]
    (found,) = specbuild.check(document(layers))
    assert (found.code, found.severity) == ("SB801", "warning")
    assert found.text == "nothing reads `a`: it is computed for nothing"
    left_out = [*layers, {"type": "Add", "from": ["b", "a"], "when": False}]
    assert messages(left_out) == [("SB214", "nothing reads `a`, since `add_1` is left out")]


def test_what_an_output_names_is_read() -> None:
    layers: list[Any] = [linear(name="a"), linear(name="b", from_="input")]
    assert specbuild.check(document(layers, outputs=["a", "b"])) == ()
    assert [found.code for found in specbuild.check(document(layers, outputs=["b"]))] == ["SB801"]


def test_warnings_stand_beside_errors_of_shape() -> None:
    layers = [linear(name="a"), linear(name="b", from_="input", in_features=9)]
    assert [found.code for found in specbuild.check(document(layers))] == ["SB801", "SB301"]


def test_what_takes_a_broken_layer_is_not_told_again() -> None:
    layers = [
        {"name": "a", "type": "Lineer"},
        {"name": "b", "type": "Add", "from": ["a", "a.hidden"]},
        {"name": "c", "from": "b"},
        {"type": "Add", "from": ["c", "b"]},
        linear(name="d", from_="${nothing}"),
    ]
    assert messages(layers) == [
        ("SB204", 'there is no layer called "Lineer"'),
        ("SB202", "`type` is missing: a layer says what it is by its `type`"),
        ("SB209", "`${nothing}`: there is no variable `nothing`"),
    ]


def test_200_000_layers_and_one_more() -> None:
    spec = specbuild.load(document([{"name": "s", "type": "ReLU", "repeat": 200_000}]))
    assert len(spec.layers[0].children) == 200_000
    assert messages([{"name": "s", "type": "ReLU", "repeat": 200_000}, "ReLU"]) == [
        ("SB216", "a network has at most 200,000 layers; up to here it is 200,001")
    ]


def test_a_short_text_may_have_fewer_layers_than_a_long_one() -> None:
    text = "specbuild: 1\ninput: [4]\nlayers: [{type: ReLU, repeat: #}]\n"
    assert not specbuild.check(text.replace("#", "20000"))
    (found,) = specbuild.check(text.replace("#", "20001"))
    assert found.text == "a network has at most 20,000 layers; got 20001 times one"
    assert not specbuild.check(text.replace("#", "30000") + "# and more\n" * 100_000)


@pytest.mark.parametrize("left_out", [{"repeat": 0}, {"when": False}])
def test_what_is_left_out_of_a_mapping_stands_for_the_first_input_of_the_block(left_out: dict[str, Any]) -> None:
    blocks = {"up": {"inputs": ["x", "skip"], "layers": [{"type": "Add", "from": ["x", "skip"]}]}}
    layers = [
        linear(name="a"),
        linear(name="b"),
        {"name": "u", "type": "up", "from": {"skip": "a", "x": "b"}, **left_out},
        {"name": "o", "type": "Add", "from": ["u", "a"]},
    ]
    assert wired(layers, blocks=blocks)[-1] == ("o", ["b", "a"])
