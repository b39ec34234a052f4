"""What is hostile to a compiler: documents that read well, and ask for too much."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.hostile.reading import filled, numbered

HEAD = b"specbuild: 1\ninput: [4]\n"


def spec(*layers: Any, **more: Any) -> bytes:
    """A document of these layers, as JSON."""
    return json.dumps({"specbuild": 1, "input": [4], **more, "layers": [*layers]}, separators=(",", ":")).encode()


def expression(text: str, **more: Any) -> bytes:
    """A document with an expression."""
    return spec({"type": "Linear", "out_features": f"${{{text}}}"}, **more)


def doubling(levels: int, inner: Any, **arguments: Any) -> bytes:
    """Blocks that use the next one twice, the last of them `inner`."""
    blocks: dict[str, Any] = {}
    for k in range(levels):
        used = {"type": f"b{k + 1}", **arguments} if k < levels - 1 else inner
        blocks[f"b{k}"] = {"params": dict.fromkeys(arguments), "layers": [used, used]}
    return spec({"type": "b0", **dict.fromkeys(arguments, 1)}, blocks=blocks)


def nested(levels: int, scope: Callable[[Any], Any], inner: Any) -> Any:
    """A layer within scopes within scopes."""
    for _ in range(levels):
        inner = scope(inner)
    return inner


def sequential(inner: Any) -> Any:
    return {"type": "Sequential", "layers": [inner]}


def chain(count: int, step: str, first: Any = 1) -> dict[str, Any]:
    """Variables, each made of the one before."""
    variables = {"v0": first}
    for k in range(1, count):
        variables[f"v{k}"] = f"${{{step.replace('#', f'v{k - 1}')}}}"
    return variables


def wide_merges(count: int) -> bytes:
    """A layer that takes all those before it."""
    names = [f"a{k}" for k in range(count)]
    return spec(*[{"name": name, "type": "ReLU"} for name in names], {"type": "Add", "from": names})


def all_take_all(count: int) -> bytes:
    """Each layer takes all those before it, by name."""
    layers: list[Any] = [{"name": "a0", "type": "ReLU"}, {"name": "a1", "type": "ReLU"}]
    for k in range(2, count):
        layers.append({"name": f"a{k}", "type": "Add", "from": [f"a{n}" for n in range(k)]})
    return spec(*layers)


REPEATED_BLOCKS = {"b": {"params": {"n": None}, "layers": [{"type": "Linear", "out_features": "${n + 1}"}]}}
MANY_PARAMS = {"b": {"params": {f"p{k}": 1 for k in range(5000)}, "layers": ["ReLU"]}}
ONES = "[" + ", ".join(["1"] * 300) + "]"
SUM = " + ".join(["n"] * 240)
LAST = {"type": "Linear", "out_features": 1}
FIVE_CROPS = {"type": "FiveCrop", "size": 4}
MANY_IN_ONE = {"type": "RandomOrder", "transforms": ["Grayscale"] * 50_000}

DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "repeat.json": lambda: spec({"type": "ReLU", "repeat": 10**9}),
    "repeat_of_an_integer_past_all.json": lambda: spec({"type": "ReLU", "repeat": 10**390}),
    "repeat_at_the_bound.json": lambda: spec({"type": "ReLU", "repeat": 200_000}),
    "repeat_under_the_bound.json": lambda: spec({"type": "ReLU", "repeat": 50_000}),
    "repeat_of_linears.json": lambda: spec({"type": "Linear", "out_features": "${i + 1}", "repeat": 50_000}),
    "repeat_of_convolutions.json": lambda: json.dumps(
        {
            "specbuild": 1,
            "input": [3, 64, 64],
            "layers": [{"type": "Conv2d", "out_channels": "${i % 997 + 1}", "kernel_size": 1, "repeat": 50_000}],
        }
    ).encode(),
    "repeat_of_wrong_layers.json": lambda: spec({"type": "Linear", "out_features": "${-i - 1}", "repeat": 50_000}),
    "repeat_of_wrong_expressions.json": lambda: spec({"type": "Linear", "out_features": "${i / 0}", "repeat": 50_000}),
    "repeat_of_unknown_variables.json": lambda: spec({"type": "Linear", "out_features": "${j}", "repeat": 50_000}),
    "repeat_of_wrong_names.json": lambda: spec({"type": "ReLU", "names": "a${i}.b", "repeat": 50_000}),
    "repeat_of_a_block.json": lambda: spec({"type": "b", "n": "${i}", "repeat": 50_000}, blocks=REPEATED_BLOCKS),
    "repeat_of_a_block_with_params.json": lambda: spec(
        {"type": "b", "p1": "${i}", "repeat": 50_000}, blocks=MANY_PARAMS
    ),
    "repeat_of_a_long_expression.json": lambda: spec(
        {"type": "Linear", "out_features": f"${{{SUM.replace('n', 'i')} + 1}}", "repeat": 20_000}
    ),
    "repeat_of_a_long_list.json": lambda: spec(
        {"type": "Unflatten", "dim": 1, "unflattened_size": [1] * 100_000, "repeat": 50_000}
    ),
    "repeat_of_a_long_text.json": lambda: spec({"type": "ReLU", "inplace": "a" * 900_000, "repeat": 50_000}),
    "repeat_of_a_long_template.json": lambda: spec({"type": "ReLU", "inplace": "${i}" * 200_000, "repeat": 5}),
    "repeat_of_a_list_that_grows.json": lambda: spec(
        {"type": "Unflatten", "dim": 1, "unflattened_size": "${[1] * 10000}", "repeat": 20_000}
    ),
    "repeats_in_repeats.json": lambda: spec(
        nested(50, lambda inner: {"type": "Sequential", "repeat": 10, "layers": [inner]}, "ReLU")
    ),
    "repeats_of_nothing_in_repeats.json": lambda: spec(
        nested(
            50, lambda inner: {"type": "Sequential", "repeat": 10, "layers": [inner]}, {"type": "ReLU", "when": False}
        )
    ),
    "repeats_of_nothing.json": lambda: spec(
        {"type": "Sequential", "repeat": 199_999, "layers": [{"type": "ReLU", "when": False}]}, "ReLU"
    ),
    "repeat_rows.json": lambda: spec({"type": "ReLU", "repeat": [{"c": 1}] * 100_000}),
    "repeat_rows_of_many_names.json": lambda: spec(
        {"type": "ReLU", "repeat": [{f"c{k}": 1 for k in range(1000)}] * 90}
    ),
    "repeat_rows_of_wrong_names.json": lambda: spec({"type": "ReLU", "repeat": [{"c d": 1}] * 90_000}),
    "blocks_that_double.json": lambda: doubling(59, LAST),
    "blocks_that_double_to_nothing.json": lambda: doubling(55, {"type": "ReLU", "when": False}),
    "blocks_that_double_to_a_mistake.json": lambda: doubling(55, {"type": "Linear", "out_features": 0}),
    "blocks_that_double_to_a_traced_mistake.json": lambda: doubling(
        20, {"type": "Linear", "out_features": "${n - 1}"}, n="${n}"
    ),
    "blocks_that_double_with_arguments.json": lambda: doubling(59, LAST, n="${n + 1}"),
    "blocks_with_texts_that_double.json": lambda: doubling(40, LAST, n="${n}${n}"),
    "blocks_deep.json": lambda: doubling(3000, LAST),
    "blocks_in_a_circle.json": lambda: spec(
        {"type": "b0"}, blocks={f"b{k}": {"layers": [{"type": f"b{(k + 1) % 5000}"}]} for k in range(5000)}
    ),
    "blocks_unused.json": lambda: spec("ReLU", blocks={f"b{k}": {"layers": ["ReLU"]} for k in range(30_000)}),
    "blocks_misnamed.json": lambda: spec("ReLU", blocks={f"B{k}": {"layers": ["ReLU"]} for k in range(30_000)}),
    "blocks_empty.json": lambda: spec("ReLU", blocks={f"b{k}": {} for k in range(60_000)}),
    "block_with_inputs.json": lambda: spec(
        "ReLU", blocks={"b": {"inputs": [f"x{k}" for k in range(80_000)], "layers": ["ReLU"]}}
    ),
    "block_with_the_same_inputs.json": lambda: spec(
        "ReLU", blocks={"b": {"inputs": ["x"] * 150_000, "layers": ["ReLU"]}}
    ),
    "block_params_misnamed.json": lambda: spec(
        "ReLU", blocks={"b": {"params": {f"{k}p": 1 for k in range(60_000)}, "layers": ["ReLU"]}}
    ),
    "block_arguments_unknown.json": lambda: spec(
        {"type": "b", **{f"width{k}": 1 for k in range(25_000)}},
        blocks={"b": {"params": {f"width_{k}": None for k in range(25_000)}, "layers": ["ReLU"]}},
    ),
    "sequentials_deep.json": lambda: spec(nested(40, sequential, "ReLU")),
    "power.json": lambda: expression("9**9**9"),
    "power_of_powers.json": lambda: expression("**".join(["9"] * 200)),
    "power_of_floats.json": lambda: expression("9.0**9.0**9.0"),
    "power_of_negatives.json": lambda: expression("(-8)**0.5 + 2**-(10**18)"),
    "text_by_multiplication.json": lambda: expression("'a' * 10**12"),
    "texts_by_multiplication.json": lambda: expression("len('a' * 10000 * 10000)"),
    "list_by_multiplication.json": lambda: expression("[1] * 10**9"),
    "lists_by_multiplication.json": lambda: expression("[[[[[0] * 99] * 99] * 99] * 99] * 99"),
    "parentheses.json": lambda: expression("(" * 490 + "1" + ")" * 490),
    "parentheses_past_the_length.json": lambda: expression("(" * 400_000 + "1" + ")" * 400_000),
    "brackets.json": lambda: expression("[" * 490 + "]" * 490),
    "minuses.json": lambda: expression("-" * 990 + "1"),
    "nots.json": lambda: expression("not " * 240 + "1"),
    "conditions.json": lambda: expression("1 if 1 else " * 80 + "1"),
    "subscripts.json": lambda: expression("v" + "[0]" * 300, vars={"v": [1]}),
    "integer_in_an_expression.json": lambda: expression("9" * 990),
    "float_in_an_expression.json": lambda: expression("1e999 - 1e999"),
    "integer_as_a_text.json": lambda: expression("int('9' * 9999)"),
    "round_to_many_places.json": lambda: expression("round(1.5, 10**9)"),
    "classes.json": lambda: expression("().__class__.__bases__[0].__subclasses__()"),
    "imports.json": lambda: expression("__import__('os').system('true')"),
    "comprehension.json": lambda: expression("[x for x in [1] * 10**9]"),
    "walrus.json": lambda: expression("(x := 9**9**9)"),
    "format_string.json": lambda: expression("f'{9:>1000000000}'"),
    "percent.json": lambda: expression("'%1000000000d' % 1"),
    "odd_escapes.json": lambda: expression("'\\N{BELL}\\x1b' + '\\ud800'"),
    "expressions.json": lambda: spec("ReLU", vars={f"v{k}": f"${{{k} + 1}}" for k in range(40_000)}),
    "expressions_wrong.json": lambda: spec("ReLU", vars={f"v{k}": f"${{{k} +}}" for k in range(40_000)}),
    "expressions_long.json": lambda: spec("ReLU", vars={f"v{k}": f"${{{k} + {ONES}[0]}}" for k in range(1000)}),
    "expressions_in_a_text.json": lambda: spec("ReLU", vars={"a": "${1}" * 200_000}),
    "expressions_unclosed.json": lambda: spec("ReLU", vars={"a": "${" * 400_000}),
    "variables_in_a_chain.json": lambda: spec("ReLU", vars=chain(30_000, "# + 1")),
    "variables_that_double.json": lambda: spec("ReLU", vars=chain(30_000, "# * 2")),
    "texts_that_double.json": lambda: spec("ReLU", vars=chain(5000, "# + #", "ab")),
    "interpolations_that_double.json": lambda: spec(
        "ReLU", vars={"v0": "ab", **{f"v{k}": f"${{v{k - 1}}}${{v{k - 1}}}" for k in range(1, 20_000)}}
    ),
    "lists_of_lists.json": lambda: spec("ReLU", vars=chain(20_000, "[#, #]")),
    "lists_that_nest.json": lambda: spec("ReLU", vars=chain(20_000, "[#]")),
    "long_lists_read_often.json": lambda: spec(
        "ReLU", vars={"v0": "${[0] * 10000}", **{f"w{k}": "${v0[0]}" for k in range(30_000)}}
    ),
    "variables_backwards.json": lambda: spec("ReLU", vars={f"v{k}": f"${{v{k + 1}}}" for k in range(30_000)}),
    "variables_of_themselves.json": lambda: spec("ReLU", vars={f"v{k}": f"${{v{k}}}" for k in range(30_000)}),
    "variables_unknown.json": lambda: spec(
        {"type": "ReLU", "inplace": "${width_x}"}, vars={f"width_{k}": 1 for k in range(60_000)}
    ),
    "variables_unknown_often.json": lambda: spec(
        *[{"type": "ReLU", "inplace": f"${{width_x{k}}}"} for k in range(10_000)],
        vars={f"width_{k}": 1 for k in range(25_000)},
    ),
    "parameters.json": lambda: spec(*[{"type": "Linear", "out_features": 2**31 - 1}] * 2, input=[2**31 - 1]),
    "billion_parameters.json": lambda: spec({"type": "Linear", "out_features": 2**15, "repeat": 3}, input=[2**15]),
    "shape_of_many_axes.json": lambda: spec("ReLU", input=[1] * 300_000),
    "shape_of_many_axes_through_layers.json": lambda: spec(*["ReLU"] * 30_000, input=[1] * 200_000),
    "shape_of_many_axes_wrong.json": lambda: spec(*["Conv2d"] * 10, "RNN", input=[1] * 200_000),
    "shape_huge.json": lambda: spec({"type": "Linear", "out_features": 3}, input=[10**300, 2**63, 2**62, 2**31]),
    "shape_huge_through_layers.json": lambda: spec("Flatten", "ReLU", "Softmax", input=[2**40] * 60),
    "shapes_that_grow.json": lambda: spec(
        {"type": "Upsample", "scale_factor": 1000, "repeat": 1000}, input=[3, 64, 64]
    ),
    "layers.json": lambda: filled(b'"ReLU",', b'{"specbuild":1,"input":[4],"layers":[', b'"ReLU"]}'),
    "layers.yaml": lambda: filled(b"- ReLU\n", HEAD + b"layers:\n"),
    "layers_with_arguments.json": lambda: numbered(
        '{"type":"Linear","out_features":1#},', b'{"specbuild":1,"input":[4],"layers":[', b'"ReLU"]}'
    ),
    "layers_with_arguments.yaml": lambda: numbered("- {type: Linear, out_features: 1#}\n", HEAD + b"layers:\n"),
    "layers_of_a_long_trail.json": lambda: numbered(
        '{"type":"Linear","out_features":1#},', b'{"specbuild":1,"input":[4],"layers":[', b'"Conv2d"]}'
    ),
    "layers_unknown.json": lambda: numbered('"Relu#",', b'{"specbuild":1,"input":[4],"layers":[', b'"ReLU"]}'),
    "layers_unknown.yaml": lambda: numbered("- Conv2d#\n", HEAD + b"layers:\n"),
    "layers_of_long_types.json": lambda: spec(*["Conv2d" + "x" * 9000] * 100),
    "layers_of_wrong_kinds.json": lambda: filled(b"0,", b'{"specbuild":1,"input":[4],"layers":[', b"0]}"),
    "layers_without_a_type.json": lambda: filled(b"{},", b'{"specbuild":1,"input":[4],"layers":[', b"{}]}"),
    "layers_without_arguments.json": lambda: filled(b'"Linear",', b'{"specbuild":1,"input":[4],"layers":[', b"0]}"),
    "layers_that_nothing_reads.json": lambda: filled(
        b'{"type":"ReLU","from":"input"},', b'{"specbuild":1,"input":[4],"layers":[', b'"ReLU"]}'
    ),
    "layers_that_do_not_fit.json": lambda: filled(
        b'{"type":"Conv2d","out_channels":1,"kernel_size":1,"from":"input"},',
        b'{"specbuild":1,"input":[4],"layers":[',
        b'"ReLU"]}',
    ),
    "layers_of_one_name.json": lambda: filled(
        b'{"name":"a","type":"ReLU"},', b'{"specbuild":1,"input":[4],"layers":[', b'"ReLU"]}'
    ),
    "layers_of_forbidden_names.json": lambda: filled(
        b'{"name":"forward","type":"ReLU"},{"name":"__class__","type":"ReLU"},',
        b'{"specbuild":1,"input":[4],"layers":[',
        b'"ReLU"]}',
    ),
    "layers_left_out.json": lambda: filled(
        b'{"type":"Linear","when":false},', b'{"specbuild":1,"input":[4],"layers":[', b'"ReLU"]}'
    ),
    "layers_left_out_and_read.json": lambda: spec(
        *[{"name": f"a{k}", "type": "ReLU", "when": False, "from": "input"} for k in range(10_000)],
        *[{"type": "ReLU", "from": f"a{k}"} for k in range(5000)],
    ),
    "arguments_unknown.json": lambda: spec({"type": "Conv2d", **{f"kernel_size{k}": 1 for k in range(45_000)}}),
    "arguments_nested.json": lambda: spec({"type": "Unflatten", "unflattened_size": nested(90, lambda x: [x], 1)}),
    "argument_long.json": lambda: spec({"type": "Conv2d", "kernel_size": [1] * 300_000}),
    "argument_of_many_kinds.json": lambda: spec({"type": "Conv2d", "kernel_size": [{"a": None}, []] * 50_000}),
    "argument_of_a_mebibyte.json": lambda: spec({"type": "Conv2d", "padding_mode": "x" * 1_000_000}),
    "unflattened_size.json": lambda: spec({"type": "Unflatten", "dim": 1, "unflattened_size": [1] * 300_000}),
    "encoders_deep.json": lambda: spec(
        nested(45, lambda x: {"type": "TransformerEncoder", "num_layers": 1000, "encoder_layer": x}, "ReLU")
    ),
    "encoder_of_many.json": lambda: spec(
        {
            "type": "TransformerEncoder",
            "num_layers": 10**9,
            "encoder_layer": {"type": "TransformerEncoderLayer", "nhead": 2},
        },
        input=[8, 16],
    ),
    "recurrent_of_many.json": lambda: spec({"type": "LSTM", "hidden_size": 8, "num_layers": 10**9}, input=[5, 4]),
    "from_many.json": lambda: spec("ReLU", {"type": "Add", "from": ["relu_1"] * 90_000}),
    "from_many_unknown.json": lambda: spec("ReLU", {"type": "Add", "from": [f"relu{k}" for k in range(60_000)]}),
    "from_mapping.json": lambda: spec("ReLU", {"type": "Add", "from": {f"k{k}": "relu_1" for k in range(40_000)}}),
    "from_all.json": lambda: wide_merges(20_000),
    "from_all_to_all.json": lambda: all_take_all(550),
    "from_unknown_among_many.json": lambda: spec(
        *[{"name": f"convolution{k}", "type": "ReLU"} for k in range(12_000)],
        *[{"type": "ReLU", "from": f"convolutoin{k}"} for k in range(5000)],
    ),
    "from_of_long_names.json": lambda: spec(
        *[{"name": f"{'a' * 90}{k}", "type": "ReLU"} for k in range(4000)],
        *[{"type": "ReLU", "from": f"{'a' * 91}{k}b"} for k in range(2000)],
    ),
    "from_of_a_mebibyte.json": lambda: spec("ReLU", {"type": "ReLU", "from": "a" * 1_000_000}),
    "from_with_commas.json": lambda: spec("ReLU", {"type": "ReLU", "from": "relu_1," * 140_000}),
    "names_of_a_mebibyte.json": lambda: spec({"type": "ReLU", "name": "a." * 500_000}),
    "second_results.json": lambda: spec("ReLU", *[{"type": "ReLU", "from": "relu_1.indices"}] * 20_000),
    "name_as_a_path.yaml": lambda: HEAD + b"name: ../../x\nlayers: [ReLU]\n",
    "name_of_lines.yaml": lambda: HEAD + b'name: "a\\nb"\nlayers: [ReLU]\n',
    "name_as_an_option.yaml": lambda: HEAD + b"name: --help\nlayers: [ReLU]\n",
    "name_of_dots.yaml": lambda: HEAD + b"name: ..\nlayers: [ReLU]\n",
    "name_long.yaml": lambda: HEAD + b"name: " + b"a" * 300_000 + b"\nlayers: [ReLU]\n",
    "outputs_many.json": lambda: spec("ReLU", outputs=["relu_1"] * 90_000),
    "outputs_many_unknown.json": lambda: spec("ReLU", outputs=[f"relu{k}" for k in range(60_000)]),
    "inputs_many.json": lambda: json.dumps(
        {
            "specbuild": 1,
            "inputs": {f"x{k}": [1] for k in range(50_000)},
            "layers": [{"type": "Add", "from": ["x0", "x1"]}],
        }
    ).encode(),
    "ties.json": lambda: spec(LAST, tie={f"a{k}.weight": f"b{k}.weight" for k in range(25_000)}),
    "ties_in_a_circle.json": lambda: spec(
        *[{"name": f"a{k}", "type": "Linear", "out_features": 4} for k in range(5000)],
        tie={f"a{k}.weight": f"a{(k + 1) % 5000}.weight" for k in range(5000)},
    ),
    "init_rules.json": lambda: spec(
        {"type": "Linear", "out_features": 4, "repeat": 2000},
        init=[{"match": "*a*a*a*a*a*a*a*a*a*b", "weight": "zeros_"}] * 10_000,
    ),
    "groups.json": lambda: spec(
        {"type": "Linear", "out_features": 4, "repeat": 1000},
        loss="MSELoss",
        optimizer={"type": "SGD", "lr": 0.1, "groups": [{"match": "*0*1*2*3*4*5*6*7*8*", "lr": 1}] * 10_000},
    ),
    "losses.json": lambda: spec("ReLU", loss={f"relu_{k}": "MSELoss" for k in range(40_000)}),
    "metrics.json": lambda: spec("ReLU", metrics=["accuracy"] * 80_000),
    "metrics_unknown.json": lambda: spec("ReLU", metrics=["acuracy"] * 80_000),
    "transforms.json": lambda: spec("ReLU", data={"train": {"dataset": "Digits", "transforms": ["ToTensor"] * 80_000}}),
    "transforms_that_mix.json": lambda: spec(
        "ReLU", data={"train": {"dataset": "Digits", "transforms": ["ToTensor", *["MixUp"] * 80_000]}}
    ),
    "transforms_with_views.json": lambda: spec(
        "ReLU",
        loss={"type": "MSELoss", "target": "input"},
        data={
            "train": {"dataset": "Digits"},
            "val": {"split": 0.1, "transforms": [{"type": "FiveCrop", "size": 4}] * 20_000},
        },
    ),
    "transforms_in_transforms.json": lambda: spec(
        "ReLU",
        data={
            "train": {
                "dataset": "Digits",
                "transforms": [{"type": "RandomOrder", "transforms": ["Grayscale"] * 80_000}],
            }
        },
    ),
    "metrics_with_one_name.json": lambda: spec("ReLU", loss="CrossEntropyLoss", metrics=["f1", "f1"] * 40_000),
    "metrics_of_nothing.json": lambda: spec(
        "ReLU", loss="MSELoss", metrics=[{"type": "accuracy", "top_k": k} for k in range(1, 20_000)]
    ),
    "transforms_unknown.json": lambda: spec(
        "ReLU", data={"train": {"dataset": "Digits", "transforms": ["ToTenser"] * 80_000}}
    ),
    "crops_huge.json": lambda: spec(
        "ReLU", data={"train": {"dataset": "Digits", "transforms": [{"type": "Pad", "padding": 2**31 - 1}] * 10_000}}
    ),
    "milestones.json": lambda: spec(
        LAST,
        loss="MSELoss",
        optimizer="SGD",
        scheduler={"type": "MultiStepLR", "milestones": [*range(120_000)]},
    ),
    "schedulers_deep.json": lambda: spec(
        LAST,
        loss="MSELoss",
        optimizer="SGD",
        scheduler=nested(13, lambda x: {"type": "ChainedScheduler", "schedulers": [x, x]}, {"type": "ConstantLR"}),
    ),
    "keys_of_torch.json": lambda: json.dumps(
        {
            "specbuild": 1,
            "input": [4],
            "__class__": 1,
            "__init__": {},
            "forward": 1,
            "__proto__": [],
            "layers": [
                {"type": "__class__"},
                {"type": "forward"},
                {"type": "ReLU", "__class__": 1, "self": 1},
                {"type": "ReLU", "name": "__dict__"},
                {"type": "model_fields"},
                {"type": "os.system"},
            ],
        }
    ).encode(),
    "keys_of_pydantic.json": lambda: json.dumps(
        {
            "specbuild": 1,
            "input": [4],
            "layers": [
                {"type": "Linear", "model_config": 1, "__pydantic_fields_set__": 1, "model_fields": {}, "type_": 1},
                {"type": "Layer"},
                {"type": "Entry"},
                {"type": "Linear", "out_features": {"__class__": "int"}},
            ],
            "loss": {"type": "Loss"},
            "optimizer": {"type": "Optimizer"},
            "data": {"__class__": 1},
            "train": {"__init__": 1},
        }
    ).encode(),
}
