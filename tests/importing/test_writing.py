"""Documents as text: they read back as they are, whatever their strings are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specbuild.importing.writing import WIDTH, as_json, as_yaml
from specbuild.language.loading import read

STRINGS = [
    "no",
    "on",
    "1e-3",
    "0x1f",
    "true",
    "null",
    "~",
    "",
    "a: b",
    "- x",
    "#",
    "${i}",
    "it's",
    '"',
    "é",
    "a,b",
    "1",
]
NUMBERS: list[Any] = [0, -1, 1e-06, 0.1, 1e20, True, None, [1, [2, 3]], {"a": 1}]


@pytest.mark.parametrize("value", [*STRINGS, *NUMBERS], ids=repr)
def test_values_read_back(value: Any) -> None:
    tree = {"specbuild": 1, "name": "net", "layers": [{"type": "Linear", "x": value, "y": [value]}, "ReLU"]}
    assert dict(read(as_yaml(tree, "what it is")).tree) == tree
    assert json.loads(as_json(tree)) == tree


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Cn"]), max_size=20))
def test_any_string_reads_back(text: str) -> None:
    tree = {"specbuild": 1, "layers": [{"type": text, "x": [text]}]}
    assert dict(read(as_yaml(tree)).tree) == tree


def test_long_layers_are_broken_behind_commas() -> None:
    layer = {"type": "Conv2d", **{f"argument_{index}": 10**index for index in range(20)}}
    text = as_yaml({"specbuild": 1, "layers": [layer, {"type": "Sequential", "name": "s", "layers": [layer]}]})
    assert all(len(line) <= WIDTH for line in text.splitlines())
    assert dict(read(text).tree)["layers"][0] == layer
