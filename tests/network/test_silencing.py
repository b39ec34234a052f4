"""Warnings that a document silences, by a comment on their line or by a list."""

from __future__ import annotations

import json
from typing import Any

import pytest

import specbuild

HEAD = "specbuild: 1\ninput: [16]\nlayers:\n  - {name: a, type: Linear, out_features: 16}\n"


def codes(text: str, *overrides: str) -> list[str]:
    return [found.code for found in specbuild.check(text, overrides)]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("  - {name: b, type: Linear, out_features: 16}\n", ["SB808"]),
        ("  - {name: b, type: Linear, out_features: 16} # specbuild: ignore[SB808]\n", []),
        ("  - {name: b, type: Linear, out_features: 16}  #specbuild:ignore [ SB808 ]: on purpose\n", []),
        ("  - {name: b, type: Linear, out_features: 16}  # Specbuild: Ignore[sb808]\n", []),
        ("  - {name: b, type: Linear, out_features: 16}  # on purpose  # specbuild: ignore[SB808]\n", []),
        ("  - {name: b, type: Linear, out_features: 16}  # specbuild: ignore[SB810, SB808]\n", ["SB822"]),
        ("  - {name: b, type: Linear, out_features: 16}  # specbuild: ignore[SB810,SB808,SB822]\n", []),
        ("  # specbuild: ignore[SB808]\n  - {name: b, type: Linear, out_features: 16}\n", ["SB822", "SB808"]),
        ("  - name: b  # specbuild: ignore[SB808]\n    type: Linear\n    out_features: 16\n", []),
        ("  - name: b\n    type: Linear  # specbuild: ignore[SB808]\n    out_features: 16\n", ["SB808", "SB822"]),
        ("  - {name: b, type: Linear, out_features: 16}\n  - ReLU  # specbuild: ignore[SB808]\n", ["SB808", "SB822"]),
        ("  - {name: b, type: Linear, out_features: 16}  # specbuild ignore[SB808]\n", ["SB808"]),
    ],
)
def test_comments(line: str, wanted: list[str]) -> None:
    assert codes(HEAD + line) == wanted
    assert codes((HEAD + line).replace("\n", "\r\n")) == wanted


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_comment_in_a_string_is_none(quote: str) -> None:
    text = (
        "specbuild: 1\ninput: [16]\nlayers: [{name: a, type: Linear, out_features: 16}, {name: b, type: Linear, "
        f"out_features: 16, from: {quote}a{quote}, when: {quote}${{text == 'x # specbuild: ignore[SB808]'}}{quote}}}]\n"
        f"vars: {{text: {quote}x # specbuild: ignore[SB808]{quote}}}\n"
    )
    if quote == "'":
        text = text.replace("== 'x # specbuild: ignore[SB808]'", '!= ""')
    assert codes(text) == ["SB808"]


def test_a_comment_in_a_block_scalar_is_none() -> None:
    text = HEAD + "  - {name: b, type: Linear, out_features: 16}\nvars:\n  text: |\n    # specbuild: ignore[SB808]\n"
    assert sorted(codes(text)) == ["SB808", "SB819"]
    assert codes(text + "name: ${text}\n") != []


def document(**more: Any) -> dict[str, Any]:
    linear = {"type": "Linear", "out_features": 16}
    return {"specbuild": 1, "input": [16], "layers": [linear, linear, "Dropout"], **more}


def test_a_list_is_for_the_whole_document() -> None:
    for ignored, wanted in (
        (None, ["SB808", "SB810"]), ([], ["SB808", "SB810"]), (["SB810"], ["SB808"]), (["SB810", "SB808"], []),
        (["SB804"], ["SB808", "SB810", "SB822"]), (["SB804", "SB822"], ["SB808", "SB810"]),
    ):  # fmt: skip
        assert sorted(found.code for found in specbuild.check(document(ignore=ignored))) == wanted
        assert sorted(codes(json.dumps(document(ignore=ignored)))) == wanted


def test_an_override_may_hold_the_list() -> None:
    text = HEAD + "  - {name: b, type: Linear, out_features: 16}\n"
    assert codes(text, "ignore=[SB808]") == []
    assert codes(text + "ignore: [SB808]\n", "layers.a.out_features=4") == ["SB822"]


def test_what_an_override_makes_odd_has_no_line_to_silence_it() -> None:
    text = HEAD + "  - {type: Dropout, p: 0.5}  # specbuild: ignore[SB810]\n"
    assert codes(text) == []
    assert sorted(codes(text, "layers[1].p=0.4")) == []
    assert sorted(codes(text, "layers[1]=Dropout")) == ["SB810", "SB822"]


def test_errors_are_never_silenced_and_nothing_is_useless_beside_them() -> None:
    wrong = HEAD + "  - {name: b, type: Linear, in_features: 3, out_features: 16}  # specbuild: ignore[SB301, SB808]\n"
    assert codes(wrong) == ["SB301"]
    unused = HEAD + "  - {name: b, type: Linear, from: input, out_features: 16}\nignore: [SB801]\n"
    assert codes(unused) == []
    assert codes(unused.replace("from: input,", "from: input, in_features: 3,")) == ["SB301"]


def test_a_resolved_document_silences_the_same() -> None:
    from specbuild.network.resolve import resolved

    spec = specbuild.load(document(ignore=["SB808", "SB810"]))
    assert specbuild.check(resolved(spec, specbuild.infer(spec))) == ()


def test_of_what_silences_nothing_a_hundred_are_told() -> None:
    layers = "  - ReLU  # specbuild: ignore[SB808]\n" * 300
    assert codes(f"specbuild: 1\ninput: [16]\nlayers:\n{layers}") == ["SB822"] * 100
