"""The published schema and the document model give the same verdict, as far as a schema can say it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import specbuild
from specbuild.catalogue.layers import LAYERS
from specbuild.errors import SpecError
from specbuild.language.blocks import OWN_KEYS
from specbuild.language.loading import read
from specbuild.language.schema import json_schema

ROOT = Path(__file__).resolve().parents[2]
BROKEN = sorted(p for p in (ROOT / "tests/specs/broken").iterdir() if p.suffix in (".yaml", ".json"))
SAYABLE = {"SB201", "SB202", "SB203", "SB204", "SB205", "SB207", "SB211"}
"""What a schema can say: keys, types, ranges, names. Uses of a name, values of expressions, sizes that
have to fit, and clashes between arguments it cannot."""
BEYOND = {
    "argument_in_the_third_repeat.yaml", "block_called_otherwise.yaml", "block_without_its_params.yaml",
    "dims_without_a_size.yaml", "one_loss_for_two_outputs.yaml", "values_of_expressions.yaml",
}  # fmt: skip
"""Broken specs whose wrong value comes from an expression, or is wrong because of what another key says."""


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_published_schema_is_the_generated_one() -> None:
    published = json.loads((ROOT / "schemas/specbuild-v1.schema.json").read_text())
    assert published == json_schema(), "run `make schema`"


@pytest.mark.parametrize("path", sorted((ROOT / "specs").glob("*.yaml")), ids=lambda path: path.name)
def test_ready_specs(path: Path, validator: Any) -> None:
    assert specbuild.check(path) == ()
    assert list(validator.iter_errors(read(path).tree)) == []


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.name)
def test_broken_specs(path: Path, validator: Any) -> None:
    try:
        tree = read(path).tree
    except SpecError:
        return  # unreadable: there is nothing for a schema to judge
    found = {diagnostic.code for diagnostic in specbuild.check(path)}
    assert bool(list(validator.iter_errors(tree))) == bool(found & SAYABLE and path.name not in BEYOND)


@pytest.mark.parametrize(
    ("layer", "right"),
    [
        ("basic", True), ("Basic", False), ("relu", True), ("Relu", False), ("${kind}", False),
        ({"type": "basic", "anything": [1, {"a": None}]}, True), ({"type": "Conv2D", "out_channels": 3}, False),
        ({"type": "ReLU", "from": "a"}, True), ({"type": "ReLU", "from": ["a", 0]}, True),
        ({"type": "ReLU", "from": {"query": "a", "key": 1}}, True), ({"type": "ReLU", "from": []}, False),
        ({"type": "ReLU", "from": {}}, False), ({"type": "ReLU", "from": 1.5}, False),
        ({"type": "ReLU", "when": "${a}"}, True), ({"type": "ReLU", "when": "no"}, False),
        ({"type": "ReLU", "repeat": 0}, True), ({"type": "ReLU", "repeat": -1}, False),
        ({"type": "ReLU", "repeat": [{"c": 1}, {"c": [1]}]}, True), ({"type": "ReLU", "repeat": [{"2c": 1}]}, False),
        ({"type": "ReLU", "repeat": 2, "names": "a${i}"}, True), ({"type": "ReLU", "names": "a${i}"}, False),
        ({"type": "basic", "names": "a${i}"}, False),
        ({"type": "Sequential", "layers": ["ReLU"], "repeat": "${n}", "when": True, "from": "a"}, True),
        ({"type": "Sequential", "layers": []}, False), ({"type": "Sequential"}, False),
    ],
    ids=str,
)  # fmt: skip
def test_forms_of_a_layer(layer: Any, right: bool, validator: Any) -> None:
    """In a block and in the network alike."""
    for document in (
        {"specbuild": 1, "input": [4], "layers": [layer]},
        {"specbuild": 1, "input": [4], "layers": ["b"], "blocks": {"b": {"layers": [layer]}}},
    ):
        assert (list(validator.iter_errors(document)) == []) == right


@pytest.mark.parametrize(
    ("more", "right"),
    [
        ({"input": [4]}, True), ({"inputs": {"a": [4], "b": {"shape": [2], "dtype": "int64"}}}, True), ({}, False),
        ({"input": [4], "inputs": {"a": [4]}}, False), ({"inputs": {}}, False), ({"inputs": {"forward": [4]}}, False),
        ({"input": [4], "outputs": ["a", 0]}, True), ({"input": [4], "outputs": "a"}, False),
        ({"input": [4], "tie": {"a.weight": "b.weight"}}, True), ({"input": [4], "tie": {"a.weight": 1}}, False),
        ({"input": [4], "init": {"Linear": {"weight": "eye_", "b*": {"type": "normal_", "std": "${s}"}}}}, True),
        ({"input": [4], "init": None}, True), ({"input": [4], "init": {"a": None}}, False),
        ({"input": [4], "init": {"Linear": "eye_"}}, False), ({"input": [4], "init": {"Linear": {}}}, False),
        ({"input": [4], "init": {"Linear": {"type": "eye_"}}}, False),
        ({"input": [4], "init": {"Linear": {"weight": {"type": "eye_", "gain": 1}}}}, False),
        ({"input": [4], "loss": {"a": "MSELoss", "b": {"type": "MSELoss", "scale": 0.4}}}, True),
        ({"input": [4], "loss": {"a": "MSELos"}}, False), ({"input": [4], "loss": {"type": "MSELos"}}, False),
        ({"input": [4], "blocks": {"B": {"layers": ["ReLU"]}}}, False),
        ({"input": [4], "blocks": {"b": {"layers": ["ReLU"], "params": {"when": 1}}}}, False),
        ({"input": [4], "blocks": {"b": {"params": {"n": 1}}}}, False),
    ],
    ids=str,
)  # fmt: skip
def test_forms_of_a_document(more: dict[str, Any], right: bool, validator: Any) -> None:
    assert (list(validator.iter_errors({"specbuild": 1, "layers": ["ReLU"], **more})) == []) == right


def test_every_field_has_its_documentation() -> None:
    for name, definition in json_schema()["$defs"].items():
        for field, schema in definition.get("properties", {}).items():
            if name in LAYERS and field not in ("type", *OWN_KEYS):
                assert schema.get("description"), f"{name}.{field}"
