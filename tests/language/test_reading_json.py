from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specbuild.errors import SpecError
from specbuild.language.json_scanner import scan_json
from specbuild.language.reading_json import depth_of, depth_of_tree, read_json
from specbuild.language.source import read_text

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
DOCUMENTS = st.dictionaries(st.text(max_size=12), VALUES, max_size=4)


@given(DOCUMENTS, st.booleans(), st.sampled_from([None, 1]))
def test_what_json_writes_reads_the_same(document: dict[str, Any], ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only, indent=indent)
    assert read_text(text, format="json").tree == document
    assert scan_json(text)[1] == []


@given(VALUES)
def test_the_quick_depth_is_the_depth_or_unknown(value: Any) -> None:
    assert depth_of(json.dumps(value, ensure_ascii=False).encode()) in (None, depth_of_tree(value))


@given(st.text(st.sampled_from("{}[],:\"\\ab1-.eE/#'\n\tnulltrueNaN "), max_size=40))
def test_the_verdict_is_the_standard_librarys(text: str) -> None:
    try:
        json.loads(text, parse_constant=lambda name: 1 / 0)
    except (ValueError, ZeroDivisionError):
        assert read_json(text)[1]
    else:
        assert {fault.code for fault in read_json(text)[1]} <= {"SB105", "SB107"}


def problems(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        read_text(text, "spec.json")
    return [str(d) + (f" | {d.fix}" if d.fix else "") for d in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '{"a": 1,\n "b": {"c": 1, "c": {"d": 2, "d": 3}}, "\\u0061": 2}',
            [
                "2:16: error[SB105]: the key `c` is written twice, first on line 2 | keep one of the two",
                "2:30: error[SB105]: the key `d` is written twice, first on line 2 | keep one of the two",
                "2:40: error[SB105]: the key `a` is written twice, first on line 1 | keep one of the two",
            ],
        ),
        (
            '{"a": NaN, "b": [-Infinity, 1e999]}',
            [
                "1:7: error[SB107]: NaN is not a finite number",
                "1:18: error[SB107]: -Infinity is not a finite number",
                "1:29: error[SB107]: 1e999 is not a finite number",
            ],
        ),
        (
            '{"a": [1, 2,], }',
            [
                "1:12: error[SB104]: JSON has no `,` before `]` | leave it out",
                "1:14: error[SB104]: JSON has no `,` before `}` | leave it out",
            ],
        ),
        ('{"a": 1 "b": [2 3]}', ['1:9: error[SB104]: a `,` is missing before `"b"`',
                                 "1:17: error[SB104]: a `,` is missing before `3`"]),
        ("{'a': 1}", ["1:2: error[SB104]: JSON puts texts in double quotes | write `\"` for `'`"]),
        ("{a: 1}", ['1:2: error[SB104]: a key must be in double quotes: a | "a"']),
        ("{1: 1}", ['1:2: error[SB104]: a key must be in double quotes: 1 | "1"']),
        ('{"a": True}', ["1:7: error[SB104]: JSON writes `True` as `true` | true"]),
        ('{"a": hello}', ["1:7: error[SB104]: a text must be in double quotes: hello"]),
        ('{"a": 01}', ["1:7: error[SB104]: `01` is not a number in JSON"]),
        ('{"a": "x\ny"}', ['1:7: error[SB104]: this text is not closed on its line | add the `"`']),
        ('{"a": "x\ty"}', ["1:9: error[SB104]: a tab in a text is written `\\t`"]),
        ('{"a": "\\q"}', ["1:8: error[SB104]: `\\q` is not an escape | write `\\\\` for a backslash"]),
        ('{"a": "\\u12"}', ["1:8: error[SB104]: `\\u` needs four hex digits | write `\\\\` for a backslash"]),
        ('{"a": [1}', ["1:9: error[SB104]: `}` cannot close the `[` at line 1, column 7 | close that with `]` first"]),
        ('{"a": 1}}', ["1:9: error[SB104]: nothing may follow the end of the document"]),
        ('{"a" 1}', ["1:6: error[SB104]: a `:` is missing after the key `a`"]),
        ('{"a": }', ["1:7: error[SB104]: a value is missing before `}`"]),
        ('{"a": 1,, "b": 2}', ["1:9: error[SB104]: a key is missing before `,`"]),
        ('{"a": 1: 2}', ["1:8: error[SB104]: a `:` cannot stand here: it follows a key of an object"]),
        ('{"a": 1 // one\n}', ["1:9: error[SB104]: JSON has no comments"
                               " | leave it out, or write the document as YAML"]),
        ('{"a": [1, 2', ["1:7: error[SB104]: this `[` is never closed | add the `]`"]),
        ('{"a": "\\ud800"}', ["1:7: error[SB102]: `\\ud800` is half of a surrogate pair, not a character"]),
        ('{"a": ' + "9" * 401 + "}", ["1:7: error[SB109]: a number may have 400 characters; this one has 401"]),
        ("[1]", ["1:1: error[SB110]: a document is a mapping of keys to values; this one is a list"
                 " | a document has `specbuild: 1`, `input` and `layers`"]),
    ],
)  # fmt: skip
def test_every_mistake_is_reported_at_its_place(text: str, expected: list[str]) -> None:
    assert problems(text) == [f"spec.json:{line}" for line in expected]


@pytest.mark.parametrize("levels", [100, 1000, 100_000])
def test_depth_is_bounded(levels: int) -> None:
    [problem] = problems('{"a": ' + "[" * levels + "]" * levels + "}")
    assert problem == ("spec.json:1:106: error[SB109]: lists and mappings may be nested 100 deep; this one is deeper")


def test_brackets_in_texts_do_not_hide_depth_nor_count_as_such() -> None:
    shut = '"' + "]" * 60 + '", '
    text = '{"a": ' + "[" * 70 + shut + "[" * 70 + "]" * 140 + ', "b": "' + "[" * 60 + '"}'
    assert "SB109" in problems(text)[0]
    fine = {"a": "[" * 200 + "]" * 200, "b": "${x[0]}", "c": "9" * 500}
    assert read_text(json.dumps(fine)).tree == fine


def test_many_values_are_bounded() -> None:
    [problem] = problems('{"a": [' + "1," * 400_000 + "1]}")
    assert problem.endswith("error[SB109]: a document may hold 200,000 keys and values; this one holds more")


@pytest.mark.parametrize(
    "text",
    [
        '{"k": "a": 1}', '{"k": "a": 1, "b": 2}', '{"k": [1, "a": 2]}', '{"a": 1]', '{"k": [1, 2}', '{"a" 1}', '{1: 2}',
        '[1, 2], 3', '{"a": 1,, "b": 2}', '{"a": 1 "b": 2}', '{"k": 1, 2}', '{"k": [1,]}', '{"k": 1,}', '{"a": 01}',
    ],
)  # fmt: skip
def test_what_is_plain_is_not_taken_where_it_cannot_stand(text: str) -> None:
    place, faults = scan_json(text)
    with pytest.raises(json.JSONDecodeError, match=r"^(Expecting .*|Extra data): line 1 column"):
        json.loads(text)
    assert faults, place
