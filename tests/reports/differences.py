"""Pairs of documents, each with a name; `tests/reports/differences/NAME.txt` holds what `diff` prints of it."""

from __future__ import annotations

from typing import Any

CONV: dict[str, Any] = {"type": "Conv2d", "out_channels": 8, "kernel_size": 3, "padding": 1}
STEM: dict[str, Any] = {"name": "conv1", **CONV}
HEAD: dict[str, Any] = {"name": "head", "type": "Linear", "out_features": 10}
POOL: dict[str, Any] = {"type": "MaxPool2d", "kernel_size": 2}
LAYERS: list[Any] = [STEM, "ReLU", POOL, "Flatten", HEAD]


def network(*layers: Any, **keys: Any) -> dict[str, Any]:
    """A document for small images."""
    return {"specbuild": 1, "input": [3, 8, 8], **keys, "layers": [*layers]}


def vector(*layers: Any, **keys: Any) -> dict[str, Any]:
    """A document for sixteen numbers."""
    return network(*layers, **{"input": [16], **keys})


def linear(size: int, **keys: Any) -> dict[str, Any]:
    return {"type": "Linear", "out_features": size, **keys}


DATA: dict[str, Any] = {"train": {"dataset": "Digits", "transforms": ["ToTensor"], "loader": {"batch_size": 32}}}
ADAM: dict[str, Any] = {"type": "Adam", "lr": 0.001}
SKIP: list[Any] = [{"name": "a", **CONV}, {"name": "b", **CONV}, {"name": "c", **CONV}]
BLOCK: dict[str, Any] = {"basic": {"params": {"n": None}, "layers": [{**CONV, "out_channels": "${n}"}, "ReLU"]}}

PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "one_argument": (network(*LAYERS), network({**STEM, "out_channels": 16}, *LAYERS[1:])),
    "a_layer_added": (network(*LAYERS), network(STEM, "BatchNorm2d", *LAYERS[1:])),
    "a_layer_gone": (network(*LAYERS), network(STEM, "ReLU", "Flatten", HEAD)),
    "a_layer_renamed": (network(*LAYERS), network({**STEM, "name": "stem"}, *LAYERS[1:])),
    "a_layer_of_another_type": (
        network(*LAYERS), network(STEM, "GELU", {"type": "AvgPool2d", "kernel_size": 2}, "Flatten", HEAD)
    ),
    "a_name_of_another_type": (
        vector(linear(16, name="mix"), HEAD), vector({"name": "mix", "type": "LayerNorm"}, HEAD)
    ),
    "layers_swapped": (
        network(STEM, {"name": "norm", "type": "BatchNorm2d"}, {"name": "act", "type": "ReLU"}, "Flatten", HEAD),
        network(STEM, {"name": "act", "type": "ReLU"}, {"name": "norm", "type": "BatchNorm2d"}, "Flatten", HEAD),
    ),
    "a_layer_moved_into_a_scope": (
        network(STEM, {"name": "conv2", **CONV}, "Flatten", HEAD),
        network(STEM, {"type": "Sequential", "name": "body", "layers": [{"name": "conv2", **CONV}]}, "Flatten", HEAD),
    ),
    "numbers_move_on": (
        vector(linear(16), "ReLU", linear(16), "ReLU", linear(4)),
        vector(linear(16), "ReLU", linear(8), "ReLU", linear(16), "ReLU", linear(4)),
    ),
    "another_source": (
        network(*SKIP, {"type": "Add", "from": ["c", "a"]}), network(*SKIP, {"type": "Add", "from": ["c", "b"]})
    ),
    "a_longer_repeat": (
        network({"name": "body", "type": "basic", "n": 8, "repeat": 2}, blocks=BLOCK),
        network({"name": "body", "type": "basic", "n": 8, "repeat": 4}, blocks=BLOCK),
    ),
    "a_renamed_scope": (
        network({"name": "body", "type": "basic", "n": 8}, "Flatten", HEAD, blocks=BLOCK),
        network({"name": "trunk", "type": "basic", "n": 8}, "Flatten", HEAD, blocks=BLOCK),
    ),
    "a_larger_input": (network(*LAYERS), network(*LAYERS, input=[3, 16, 16])),
    "inputs_and_outputs": (
        {"specbuild": 1, "inputs": {"a": [4], "b": [4]},
         "layers": [{"type": "Add", "from": ["a", "b"]}, {"name": "x", **linear(4)}, {"name": "y", **linear(4)}],
         "outputs": ["x", "y"]},
        {"specbuild": 1, "inputs": {"a": [4], "c": [4]},
         "layers": [{"type": "Add", "from": ["a", "c"]}, {"name": "x", **linear(4)}, {"name": "y", **linear(4)}],
         "outputs": ["y", "add_1"]},
    ),
    "the_training": (
        network(*LAYERS, loss="CrossEntropyLoss", optimizer=ADAM, data=DATA, train={"epochs": 5}),
        network(
            *LAYERS, loss={"type": "CrossEntropyLoss", "label_smoothing": 0.1}, metrics=["accuracy"],
            optimizer={"type": "SGD", "lr": 0.1, "momentum": 0.9}, scheduler={"type": "CosineAnnealingLR"},
            data={"train": {**DATA["train"], "loader": {"batch_size": 64}}, "val": {"split": 0.1}}, train={"epochs": 9},
        ),
    ),
    "ties_and_weights": (
        vector(linear(16, name="a"), linear(16, name="b"), init={"Linear": {"weight": "xavier_uniform_"}}),
        vector(
            linear(16, name="a"), linear(16, name="b"), tie={"b.weight": "a.weight"},
            init={"Linear": {"weight": {"type": "normal_", "std": 0.02}, "bias": "zeros_"}},
        ),
    ),
    "an_argument_that_is_a_layer": (
        network({"name": "encoder", "type": "TransformerEncoder", "num_layers": 2,
                 "encoder_layer": {"type": "TransformerEncoderLayer", "nhead": 4}}, input=[16, 32]),
        network({"name": "encoder", "type": "TransformerEncoder", "num_layers": 3,
                 "encoder_layer": {"type": "TransformerEncoderLayer", "nhead": 8}}, input=[16, 32]),
    ),
    "sizes_left_open": (
        network(STEM, "ReLU", POOL, input=[3, "H", "W"], dims={"H": {"min": 8}, "W": {"min": 8}}),
        network({**STEM, "stride": 2}, "ReLU", POOL, input=[3, "H", 32], dims={"H": {"min": 16}}),
    ),
    "only_written_otherwise": (
        network(*LAYERS),
        network({**STEM, "kernel_size": [3, 3], "in_channels": 3, "padding": [1, 1]}, "ReLU", {**POOL, "stride": 2},
                {"type": "Flatten", "start_dim": 1}, {**HEAD, "in_features": "${2 * 64}"}, vars={"unread": 1}),
    ),
}  # fmt: skip
