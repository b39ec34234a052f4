from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from specbuild.diagnostics.diagnostic import Path, Span
from specbuild.language.lines import Lines
from specbuild.language.source import Source, read_text

TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff\ufffe\uffff"),
    max_size=8,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=15,
)
DOCUMENTS = st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4)
SPEC = """\
# a comment
specbuild: 1
layers:
  - {type: Conv2d, out_channels: 8}   # the first
  - type: Linear
    "out_features": 10
    bias:
  - ReLU
  -
    - nested
text: |
  one
  two
again: &anchor
  x: [1, {y: 2}]
same: *anchor
last: 3
"""


def paths(value: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    """Every node of plain values with its path."""
    found = [(path, value)]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        found += paths(child, (*path, key))
    return found


def cut(source: Source, span: Span) -> str:
    """The text of a span, at the column where it stands."""
    lines = Lines(source.text)
    start = lines.starts[span.line - 1] + span.column - 1
    end = lines.starts[span.end_line - 1] + span.end_column - 1
    return " " * (span.column - 1) + source.text[start:end]


def wrapped(text: str, format: str) -> Any:
    """The value that a piece of a document has by itself."""
    if format == "json":
        return json.loads(text)
    column = len(text) - len(text.lstrip(" "))
    if column == 0:  # a block collection keeps its columns below a list's dash
        return read_text("x:\n- " + text.replace("\n", "\n  "), format="yaml").tree["x"][0]
    return read_text("x:\n" + " " * column + "\n" + text + "\n", format="yaml").tree["x"]


@given(DOCUMENTS, st.sampled_from([None, 1]), st.booleans())
def test_every_node_of_json_is_found(document: dict[str, Any], indent: int | None, is_yaml: bool) -> None:
    source = read_text(json.dumps(document, ensure_ascii=False, indent=indent), format="yaml" if is_yaml else "json")
    for path, value in paths(document):
        span = source.locate(path)
        assert span is not None
        assert json.loads(cut(source, span)) == value
        key = source.locate(path, "key")
        if path and isinstance(path[-1], str):
            assert key is not None
            assert json.loads(cut(source, key)) == path[-1]


@given(DOCUMENTS)
def test_every_node_of_block_yaml_is_found(document: dict[str, Any]) -> None:
    text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, default_style='"', default_flow_style=False)
    text = text.replace("!!int ", "").replace("!!bool ", "").replace("!!null ", "")
    source = read_text(text, format="yaml")
    for path, value in paths(source.tree):
        span = source.locate(path)
        assert span is not None
        assert wrapped(cut(source, span), "yaml") == value


@pytest.mark.parametrize(
    ("path", "target", "span"),
    [
        (("specbuild",), "value", (2, 12, 2, 13)),
        (("specbuild",), "key", (2, 1, 2, 10)),
        (("layers", 0), "value", (4, 5, 4, 36)),
        (("layers", 0, "out_channels"), "key", (4, 20, 4, 32)),
        (("layers", 1), "value", (5, 5, 7, 10)),
        (("layers", 1, "out_features"), "key", (6, 5, 6, 19)),
        (("layers", 1, "bias"), "value", (7, 10, 7, 10)),
        (("layers", 2), "key", (8, 5, 8, 9)),
        (("layers", 3, 0), "value", (10, 7, 10, 13)),
        (("text",), "value", (11, 7, 14, 1)),
        (("same", "x", 1, "y"), "value", (15, 14, 15, 15)),
        (("same",), "value", (16, 7, 16, 14)),
    ],
)
def test_places_in_a_document(path: Path, target: Any, span: tuple[int, ...]) -> None:
    assert read_text(SPEC).locate(path, target) == Span(*span)


@pytest.mark.parametrize(
    ("path", "span"),
    [
        (("layers", 0, "kernel_size"), (4, 12, 4, 18)),  # its type
        (("layers", 1, "in_features", 3), (5, 11, 5, 17)),
        (("layers", 2, "inplace"), (8, 5, 8, 9)),
        (("layers", 7, "type"), (4, 3, 4, 50)),  # the first line of the list
        (("data", "train"), (2, 1, 2, 13)),
        (("text", 0), (11, 7, 11, 8)),
    ],
)
def test_what_is_not_written_is_found_nearby_on_one_line(path: Path, span: tuple[int, ...]) -> None:
    assert read_text(SPEC).locate(path) == Span(*span)


def test_lines_end_as_in_an_editor() -> None:
    source = read_text("a: 1\r\nb: [é😀, 2]\rc:\td\n", format="yaml")
    assert source.locate(("b", 1)) == Span(2, 9, 2, 10)
    assert source.locate(("c",)) == Span(3, 4, 3, 5)
    assert source.locate(("c",), "key") == Span(3, 1, 3, 2)


def test_a_byte_order_mark_has_no_column() -> None:
    assert read_text("\ufeffa: 1", format="yaml").locate(("a",)) == Span(1, 4, 1, 5)
