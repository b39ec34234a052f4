# ruff: noqa: E501  (messages are written whole)
from __future__ import annotations

import math
import os
import socket
from collections import OrderedDict
from enum import IntEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specbuild.diagnostics.diagnostic import Diagnostic, Span
from specbuild.errors import SpecError
from specbuild.language import budgets, plain
from specbuild.language.source import Source, from_dict, read_bytes, read_source, read_text


def problems(read: Any, *arguments: Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        read(*arguments)
    return [str(d) + (f" | {d.fix}" if d.fix else "") for d in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("name", "text", "format"),
    [
        ("a.json", '{"a": 1}', "json"),
        ("a.JSON", ' {"a": 1}', "json"),
        ("a.yaml", '{"a": 1}', "yaml"),
        ("a.yml", "a: 1", "yaml"),
        ("a.spec", '\n {"a": 1}', "json"),
        ("a", "a: 1", "yaml"),
        ("<stdin>", '{"a": 1}', "json"),
    ],
)
def test_the_name_says_the_format_or_else_the_first_character(name: str, text: str, format: str) -> None:
    source = read_text(text, name)
    assert (source.name, source.text, source.format, source.tree) == (name, text, format, {"a": 1})


def test_a_file_is_read_under_the_name_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_bytes(b"\xef\xbb\xbfname: caf\xc3\xa9\r\n")
    source = read_source(Path("./net.yaml"))
    assert (source.name, source.tree) == ("net.yaml", {"name": "café"})


def test_what_is_no_readable_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "cifar_cnn.yaml").write_text("a: 1")
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket"))
    here = str(tmp_path)
    said = "error[SB101]: the document cannot be read:"
    assert problems(read_source, here) == [f"{here}: {said} it is a directory"]
    for name in ("fifo", "socket"):
        assert problems(read_source, f"{here}/{name}") == [
            f"{here}/{name}: {said} it is not a regular file | `-` reads standard input"
        ]
    for name in ("cifar_cnn.yml", "cifar_can.yaml"):
        assert problems(read_source, f"{here}/{name}") == [
            f"{here}/{name}: {said} there is no such file | did you mean `{here}/cifar_cnn.yaml`?"
        ]
    assert problems(read_source, f"{here}/x/y.yaml") == [f"{here}/x/y.yaml: {said} there is no such file"]
    assert problems(read_source, "") == [f"spec: {said} there is no such file"]
    assert problems(read_source, "a\0b") == [f"a\0b: {said} embedded null byte"]
    assert problems(read_source, here + "/" + "x" * 300) == [f"{here}/{'x' * 300}: {said} file name too long"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a: 1\nb: caf\xe9 x", "a.yaml:2:7: error[SB102]: a document is UTF-8 text; byte 11 (0xe9) is not"
         " | save it as UTF-8"),
        (b"\xff\xfea\0", "a.yaml: error[SB102]: a document is UTF-8 text; this one is UTF-16 | save it as UTF-8"),
        (b"\xfe\xff\0a", "a.yaml: error[SB102]: a document is UTF-8 text; this one is UTF-16 | save it as UTF-8"),
        (b"\x00\x00\xfe\xff", "a.yaml: error[SB102]: a document is UTF-8 text; this one is UTF-32"
         " | save it as UTF-8"),
        (b"a: \x00", "a.yaml:1:4: error[SB102]: the character U+0000 cannot stand in a document"
         " | leave it out, or write \\u0000 in double quotes"),
        (b"a: \x00\x00 \x00", "a.yaml:1:4: error[SB102]: the character U+0000 cannot stand in a document"
         " | leave it out, or write \\u0000 in double quotes"),
        (b"a: 1 # \x7f\x7f", "a.yaml:1:8: error[SB102]: the character U+007F cannot stand in a document"
         " | leave it out"),
        ("a: \u2028".encode(), "a.yaml:1:4: error[SB102]: the character U+2028 cannot stand in a document"
         " | leave it out, or write \\u2028 in double quotes"),
        (b"", "a.yaml:1:1: error[SB110]: the document is empty | a document has `specbuild: 1`, `input` and `layers`"),
        (b"# a\n", "a.yaml:1:1: error[SB110]: the document is empty"
         " | a document has `specbuild: 1`, `input` and `layers`"),
        (b"text", "a.yaml:1:1: error[SB110]: a document is a mapping of keys to values; this one is a single value"
         " | a document has `specbuild: 1`, `input` and `layers`"),
        (b" - 1", "a.yaml:1:2: error[SB110]: a document is a mapping of keys to values; this one is a list"
         " | a document has `specbuild: 1`, `input` and `layers`"),
        (b"x" * (budgets.MAX_BYTES + 1), "a.yaml: error[SB109]: a document may have 64 MiB; this one has more"),
    ],
    ids=lambda value: value[:12] if isinstance(value, bytes) else "",
)  # fmt: skip
def test_what_is_no_text_or_no_mapping(data: bytes, expected: str) -> None:
    assert problems(read_bytes, data, "a.yaml") == [expected]


def test_json_takes_the_characters_that_only_yaml_forbids() -> None:
    assert read_bytes('{"a": "\u2028\x7f"}'.encode(), "<stdin>").tree == {"a": "\u2028\x7f"}
    assert "U+D800" in problems(read_text, '{"a": "\ud800"}')[0]


@given(st.binary(max_size=60), st.sampled_from(["a.yaml", "a.json", "-"]))
def test_no_bytes_raise_anything_else(data: bytes, name: str) -> None:
    try:
        source = read_bytes(data, name)
    except SpecError as error:
        for diagnostic in error.diagnostics:
            assert (diagnostic.code[:3], diagnostic.file) == ("SB1", name)
            assert diagnostic.span is None or diagnostic.span.line == diagnostic.span.end_line
    else:
        assert isinstance(source.tree, dict)


class Size(IntEnum):
    SMALL = 3


def test_a_dict_is_copied_into_plain_values() -> None:
    shared = [1, 2]
    given = OrderedDict(a=MappingProxyType({"b": (1, 2.5, None, True)}), c=shared, d=shared, e=Size.SMALL)
    source = from_dict(given)
    assert (source.name, source.text, source.format) == ("<dict>", "", "python")
    assert source.tree == {"a": {"b": [1, 2.5, None, True]}, "c": [1, 2], "d": [1, 2], "e": 3}
    assert type(source.tree["e"]) is int
    assert type(source.tree["a"]) is dict
    shared.append(3)
    assert source.tree["c"] == [1, 2]
    assert source.locate(("a",)) is None
    [diagnostic] = source.place([Diagnostic("SB203", "wrong", ("a", "b", 0))])
    assert str(diagnostic) == "<dict>: a.b[0]: error[SB203]: wrong"


def test_everything_that_a_document_cannot_hold_is_said_at_once() -> None:
    itself: list[Any] = []
    itself.append(itself)
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    document = {"a": {1: 2}, "b": [math.nan, -math.inf], "c": {3}, "d": 10**401, "e": "\udc00", "f": itself}
    assert problems(from_dict, document) == [
        "<dict>: a: error[SB111]: a key must be a string; got one of type int",
        "<dict>: b[0]: error[SB107]: nan is not a finite number",
        "<dict>: b[1]: error[SB107]: -inf is not a finite number",
        "<dict>: c: error[SB111]: a document holds mappings, lists, strings, numbers, booleans and None; got a value of "
        "type set",
        "<dict>: d: error[SB109]: a number may have 400 digits; this one has more",
        "<dict>: e: error[SB102]: a string holds half of a surrogate pair, which is not a character",
        "<dict>: f[0]: error[SB109]: this list holds itself",
    ]
    assert problems(from_dict, {"a": deep}) == [
        f"<dict>: a{'[0]' * 99}: error[SB109]: lists and mappings may be nested 100 deep; this one is deeper"
    ]
    assert problems(from_dict, [1]) == [
        "<dict>: error[SB110]: a document is a mapping of keys to values; this one is of type list"
    ]


def test_a_dict_that_unfolds_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "MAX_NODES", 10_000)
    value: Any = [1] * 10
    for _ in range(20):
        value = [value] * 10
    [problem] = problems(from_dict, {"a": value})
    assert problem.endswith("error[SB109]: a document may hold 10,000 keys and values; this one holds more")


def test_diagnostics_are_placed_in_the_order_of_the_text_and_once() -> None:
    text = "a: 1\nlayers:\n\t\n  - {type: Linear,\tout_features: 4}\n  - type: Conv2d\n    bias: true\n"
    source = read_text(text.replace("\t\n", "\n"), "s.yaml")
    last = Diagnostic("SB203", "last", ("layers", 1))
    first = Diagnostic("SB203", "first", ("layers", 0, "out_features"), "key")
    elsewhere = Diagnostic("SB210", "elsewhere", file="--set", snippet="x=1")
    placed = source.place([elsewhere, last, first, last, Diagnostic("SB202", "missing", ("layers", 1, "kernel_size"))])
    assert [(d.message, d.file, d.span, d.snippet) for d in placed] == [
        ("first", "s.yaml", Span(4, 20, 4, 32), "  - {type: Linear,\tout_features: 4}"),
        ("last", "s.yaml", Span(5, 5, 5, 17), "  - type: Conv2d"),
        ("missing", "s.yaml", Span(5, 11, 5, 17), "  - type: Conv2d"),
        ("elsewhere", "--set", None, "x=1"),
    ]


def test_what_an_override_gave_is_placed_there() -> None:
    text = "a: 1\nb: {c: 2}\n"
    source = Source("s.yaml", text, "yaml", {}, ((("b",), "b={c: x}"), (("b", "c"), "b.c=y")))
    placed = source.place([Diagnostic("SB203", message, path) for message, path in [
        ("both", ("b", "c", 0)), ("one", ("b", "d")), ("none", ("a",)),
    ]])  # fmt: skip
    assert [(d.message, d.file, d.span, d.snippet) for d in placed] == [
        ("none", "s.yaml", Span(1, 4, 1, 5), "a: 1"),
        ("both", "--set", None, "b.c=y"),
        ("one", "--set", None, "b={c: x}"),
    ]
