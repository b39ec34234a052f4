"""The snippet with its carets: in so many columns, under what they mark, whatever a line is made of."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specbuild.diagnostics import render
from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Replacement, Span

LETTERS = st.text("abc字é\u0301🙂ｗ\t\x07\u200d ", max_size=200)


def cells(line: str) -> list[str]:
    """The line as a terminal has it: one entry a column, an accent with its letter."""
    found: list[str] = []
    for character in line:
        if unicodedata.category(character) == "Mn":
            if found:
                found[-1] += character
        else:
            found += [character, ""][: 2 if unicodedata.east_asian_width(character) in "WF" else 1]
    return found


@given(LETTERS, st.integers(0, 199), st.integers(1, 50), st.integers(40, 100))
def test_carets_stand_below_what_they_mark(line: str, start: int, length: int, width: int) -> None:
    line += "."  # at least one character
    start = min(start, len(line) - 1)
    end = min(start + length, len(line))
    shown, carets = render.excerpt(line, Span(1, start + 1, 1, end + 1), width)
    printed = render.printable(line)
    assert len(cells(shown)) <= width
    assert carets == carets.rstrip()
    below = cells(shown)[len(carets) - len(carets.lstrip()) : len(carets)]
    marked = "".join(below).rstrip("…")
    bases = [c for c in printed[start:end] if unicodedata.category(c) != "Mn"]
    if bases and unicodedata.category(printed[start]) != "Mn":
        assert marked
        assert printed[start:].startswith(marked)
        if len(cells(printed)) <= width:
            assert shown == printed
            assert len(below) == len(cells(printed[start:end]))


def lines_of(snippet: str, span: Span, width: int = 80) -> list[str]:
    text = render.text_of(Diagnostic("SB301", "m", file="x.yaml", span=span, snippet=snippet), width)
    return text.split("\n")[2:]


@pytest.mark.parametrize(
    ("snippet", "span", "expected"),
    [
        ("  - {type: 字字, a: 1}", Span(1, 18, 1, 19), [" 1 |   - {type: 字字, a: 1}", "   |                    ^"]),
        ("a: 字", Span(1, 4, 1, 5), [" 1 | a: 字", "   |    ^^"]),
        ("a: 🙂b", Span(1, 5, 1, 6), [" 1 | a: 🙂b", "   |      ^"]),
        ("\ta: e\u0301 b", Span(1, 8, 1, 9), [" 1 |  a: e\u0301 b", "   |       ^"]),
        ("a: \x1b[31m b", Span(1, 10, 1, 11), [" 1 | a: \ufffd[31m b", "   |          ^"]),
        ("a: [1,", Span(1, 4, 3, 2), [" 1 | a: [1,", "   |    ^^^"]),  # goes on below
        ("a:", Span(1, 3, 1, 3), [" 1 | a:", "   |   ^"]),  # nothing is there
    ],
)
def test_carets(snippet: str, span: Span, expected: list[str]) -> None:
    assert lines_of(snippet, span) == expected


def test_long_lines_are_cut() -> None:
    line = "layers: [" + ", ".join(f"relu{k:02}" for k in range(40)) + "]"
    for span, expected in {
        (10, 16): [" 12 | layers: [relu00, relu01, relu02, …", "    |          ^^^^^^"],
        (170, 176): [" 12 | …relu18, relu19, relu20, relu21, …", "    |                  ^^^^^^"],
        (322, 328): [" 12 | … relu36, relu37, relu38, relu39]", "    |                           ^^^^^^"],
        (9, 330): [" 12 | layers: [relu00, relu01, relu02,…", "    |         ^^^^^^^^^^^^^^^^^^^^^^^^^"],
    }.items():
        assert lines_of(line, Span(12, span[0], 12, span[1]), 40) == expected


@pytest.mark.parametrize(("code", "colour"), [("SB301", "31"), ("SB801", "33")])
def test_colours(code: str, colour: str) -> None:
    found = Diagnostic(code, "m", because="b", fix="f", file="x.yaml", span=Span(1, 4, 1, 5), snippet="a: b")
    kind = found.severity
    assert render.text_of(found, colour=True) == (
        f"\x1b[1mx.yaml:1:4:\x1b[0m \x1b[1;{colour}m{kind}[{code}]\x1b[0m\x1b[1m: m\x1b[0m\n"
        f"   |\n 1 | a: b\n   |    \x1b[1;{colour}m^\x1b[0m\n"
        "   = \x1b[1mbecause:\x1b[0m b\n   = \x1b[1mfix:\x1b[0m f"
    )
    plain = render.text_of(found)
    assert plain == f"x.yaml:1:4: {kind}[{code}]: m\n   |\n 1 | a: b\n   |    ^\n   = because: b\n   = fix: f"


def test_what_a_document_holds_cannot_colour_the_terminal() -> None:
    found = Diagnostic("SB301", "\x1b[31mm", because="\x1b[0m", fix="\x1b", file="\x1b.yaml", snippet="\x1b")
    assert "\x1b" not in render.text_of(found)


def test_json() -> None:
    span = Span(9, 45, 9, 49)
    found = Diagnostic(
        "SB301", "in_features is 4096, but the input has 1024 features", ("layers", 3, "in_features"),
        because="input [3, 32, 32]", fix="in_features: 1024, or leave it out", instance="head",
        edit=Edit(("layers", 3, "in_features"), 1024), file="spec.yaml", span=span, snippet="...",
        replacement=Replacement(span, "1024"),
    )  # fmt: skip
    place = {"line": 9, "column": 45, "end_line": 9, "end_column": 49}
    assert render.as_json([found]) == [
        {
            "code": "SB301",
            "severity": "error",
            "message": "head: in_features is 4096, but the input has 1024 features",
            "file": "spec.yaml",
            **place,
            "path": "layers[3].in_features",
            "pointer": "/layers/3/in_features",
            "because": "input [3, 32, 32]",
            "fix": {
                "text": "in_features: 1024, or leave it out",
                "edit": {
                    "path": "layers[3].in_features",
                    "pointer": "/layers/3/in_features",
                    "target": "value",
                    "value": 1024,
                    **place,
                    "text": "1024",
                },
            },
        }
    ]
    assert render.object_of(Diagnostic("SB202", "m"))["fix"] is None
    assert render.object_of(Diagnostic("SB202", "m", fix="f"))["fix"] == {"text": "f", "edit": None}
