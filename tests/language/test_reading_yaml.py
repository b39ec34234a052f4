from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from specbuild.diagnostics.codes.reading import READING
from specbuild.errors import SpecError
from specbuild.language.reading_yaml import read_yaml
from specbuild.language.source import read_text
from specbuild.language.yaml_events import c_events, python_events

TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff\ufffe\uffff"),
    max_size=12,
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)
DOCUMENTS = st.dictionaries(TEXTS, VALUES, max_size=4)


class QuotedDumper(yaml.SafeDumper):
    """PyYAML's dumper, which quotes every string."""


def quoted(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')


def number(dumper: yaml.SafeDumper, value: float) -> yaml.Node:
    text = repr(value)
    text = text if "." in text else text.replace("e", ".0e")  # or PyYAML writes a tag
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


QuotedDumper.add_representer(str, quoted)
QuotedDumper.add_representer(float, number)
QuotedDumper.ignore_aliases = lambda self, data: True  # type: ignore[method-assign]


def problems(text: str, name: str = "spec.yaml") -> list[str]:
    with pytest.raises(SpecError) as caught:
        read_text(text, name)
    return [str(d) + (f" | {d.fix}" if d.fix else "") for d in caught.value.diagnostics]


@given(DOCUMENTS)
def test_what_json_writes_reads_the_same_as_flow(document: dict[str, Any]) -> None:
    assert read_text(json.dumps(document, ensure_ascii=False), format="yaml").tree == document


@given(DOCUMENTS, st.booleans())
def test_what_pyyaml_writes_reads_the_same(document: dict[str, Any], flow: bool) -> None:
    text = yaml.dump(document, Dumper=QuotedDumper, default_flow_style=flow, allow_unicode=True, width=60)
    assert read_text(text, format="yaml").tree == document


@given(DOCUMENTS)
def test_both_parsers_build_the_same(document: dict[str, Any]) -> None:
    text = yaml.dump(document, Dumper=QuotedDumper, allow_unicode=True)
    assert read_yaml(text, python_events) == read_yaml(text, c_events)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), ("5e4", 50000.0), ("1E+2", 100.0), (".5", 0.5), ("1.", 1.0), ("-0.0", -0.0),
        ("010", 10), ("0o17", 15), ("0x1F", 31), ("+7", 7), ("-7", -7), ("1_000", "1_000"), ("0b11", "0b11"),
        ("12:30:45", "12:30:45"), ("2020-01-01", "2020-01-01"), ("no", "no"), ("on", "on"), ("Yes", "Yes"),
        ("y", "y"), ("true", True), ("True", True), ("FALSE", False), ("tRUE", "tRUE"), ("null", None),
        ("~", None), ("", None), ("Null", None), ("NaN", "NaN"), ("inf", "inf"), ("=", "="),
        ("'1'", "1"), ('"true"', "true"), ("1 2", "1 2"), ("1e", "1e"), ("e3", "e3"), ("0x", "0x"), ("0o8", "0o8"),
        ("${width}", "${width}"), ("${a if b else 3} x", "${a if b else 3} x"), ("+", "+"), (".", "."),
    ],
)  # fmt: skip
def test_scalars_are_those_of_the_core_schema(text: str, value: Any) -> None:
    read = read_text(f"x: {text}\n", format="yaml").tree["x"]
    assert (read, type(read)) == (value, type(value))
    if value == 0:
        assert math.copysign(1, read) == math.copysign(1, value)


def test_keys_are_their_text() -> None:
    assert read_text("1: a\nno: b\n1e3: c\n'<<': d\n'null': e\n").tree == {
        "1": "a", "no": "b", "1e3": "c", "<<": "d", "null": "e",
    }  # fmt: skip


def test_an_alias_is_the_object_of_its_anchor() -> None:
    tree = read_text("a: &a {x: [1]}\nb: *a\nc: &s text\nd: *s\n&k key: &a 2\ne: *a\n").tree
    assert tree == {"a": {"x": [1]}, "b": {"x": [1]}, "c": "text", "d": "text", "key": 2, "e": 2}
    assert tree["a"] is tree["b"]


def test_directive_and_markers_of_one_document_are_fine() -> None:
    assert read_text("%YAML 1.2\n---\na: 1\n...\n", format="yaml").tree == {"a": 1}


CASES: list[tuple[str, list[str]]] = [
    (
        "a: {b: ${w}, c: [${x}]}\nd: {e: x${i + \"q\"}}\n",
        [
            "spec.yaml:1:8: error[SB108]: `${w}` must be quoted between brackets or braces, where `{` begins a mapping"
            ' | quote it: "${w}"',
            "spec.yaml:1:18: error[SB108]: `${x}` must be quoted between brackets or braces, where `{` begins a mapping"
            ' | quote it: "${x}"',
            'spec.yaml:2:8: error[SB108]: `x${i + "q"}` must be quoted between brackets or braces, where `{` begins a '
            "mapping | quote it: 'x${i + \"q\"}'",
        ],
    ),
    (
        "a: {b: ${w\n",
        ["spec.yaml:1:8: error[SB108]: `${` in a list in brackets or a mapping in braces must be quoted, and is not "
         'closed | write "${...}"'],
    ),
    ("a: b: c", ["spec.yaml:1:5: error[SB103]: a value without quotes cannot hold `: ` | put the value in quotes"]),
    (
        "c: ${x ? {a: b}}",
        ['spec.yaml:1:12: error[SB103]: a value without quotes cannot hold `: ` | quote the expression: "${...}"'],
    ),
    (
        "a:\n  b: 1\n c: 2\n",
        ["spec.yaml:3:2: error[SB103]: this line is neither inside nor beside the mapping that begins at line 1"
         " | give it the indentation of the line that it belongs with"],
    ),
    (
        "- a\nb: 1",
        ["spec.yaml:2:1: error[SB103]: this line is neither inside nor beside the list that begins at line 1"
         " | give it the indentation of the line that it belongs with, and `- ` before it"],
    ),
    (
        "a: b\n  c: d",
        ["spec.yaml:2:3: error[SB103]: the key `c` cannot stand here: the text of the line above runs on into it"
         " | end the line above in `:`, or check the indentation of this line"],
    ),
    ("a:1\nb: 2", ["spec.yaml:1:2: error[SB103]: a space is missing after `a:` | a: 1"]),
    (
        "a: 1\nb",
        ["spec.yaml:2:1: error[SB103]: `b` is not a key with its value: `: ` is missing"
         " | write `key: value`, or indent the line to belong to the text above it"],
    ),
    (
        "a: [1, 2\nb: 3\n",
        ["spec.yaml:2:2: error[SB103]: a `,` or `]` is missing before `:`"],
    ),
    ("a: {b: 1\n", ["spec.yaml:1:4: error[SB103]: this `{` is never closed | add the `}`"]),
    ("a: {b: 1}}", ["spec.yaml:1:10: error[SB103]: this `}` closes nothing | leave it out"]),
    ("{a: 1}}", ["spec.yaml:1:7: error[SB103]: this `}` closes nothing | leave it out"]),
    ("a: {b: 1,, c: 2}", ["spec.yaml:1:10: error[SB103]: a value is missing before `,`"]),
    ('a: "x\nb: 2\n', ['spec.yaml:1:4: error[SB103]: this `"` is never closed | add the `"`']),
    (
        'a: "\\q"',
        ["spec.yaml:1:5: error[SB103]: `\\q` is not an escape"
         " | write `\\\\` for a backslash, or put the text in single quotes"],
    ),
    ('a: "\\ud800"', ["spec.yaml:1:5: error[SB103]: `\\ud800` is not the code of a character"]),
    (
        'a: "b" c',
        ["spec.yaml:1:8: error[SB103]: `c` cannot stand here: the value before it has ended"
         " | put the whole value in one pair of quotes, or begin a new line"],
    ),
    ("a:\n\tb: 1", ["spec.yaml:2:1: error[SB103]: a tab cannot indent a line of YAML | indent with spaces"]),
    ("a: @x", ["spec.yaml:1:4: error[SB103]: a text without quotes cannot begin with `@` | put the text in quotes"]),
    ("a: %x", ["spec.yaml:1:4: error[SB103]: a text without quotes cannot begin with `%` | put the text in quotes"]),
    ("a: * 2", ["spec.yaml:1:4: error[SB103]: a text without quotes cannot begin with `*` | put the text in quotes"]),
    (
        "a: - b",
        ["spec.yaml:1:4: error[SB103]: a list cannot begin here: a key's value is on this line already, or its "
         "indentation is another | begin the list on a line of its own, below its key"],
    ),
    (
        "a: |x\n  b",
        ["spec.yaml:1:5: error[SB103]: nothing may follow the `|` on its line"
         " | begin the text on the next line, indented"],
    ),
    (
        "a: *b\n",
        ["spec.yaml:1:4: error[SB103]: the alias `*b` has no anchor `&b` before it"
         " | put a text that begins with `*` in quotes"],
    ),
    (
        "a: 1\nb: {x: 1, x: {y: 1, y: 2}}\na: 3\na: 4\n",
        [
            "spec.yaml:2:11: error[SB105]: the key `x` is written twice, first on line 2 | keep one of the two",
            "spec.yaml:2:21: error[SB105]: the key `y` is written twice, first on line 2 | keep one of the two",
            "spec.yaml:3:1: error[SB105]: the key `a` is written twice, first on line 1 | keep one of the two",
            "spec.yaml:4:1: error[SB105]: the key `a` is written twice, first on line 1 | keep one of the two",
        ],
    ),
    (
        "<<: {a: 1}\n~: 3\nb: !t 3\nc: &x !!str d\ne: ! [1]\n? [f]\n: 2\n*x : 2\n",
        [
            "spec.yaml:1:1: error[SB106]: merge keys (`<<`) are refused: a document says what it means where it means "
            "it | write the keys out, or use `vars`",
            'spec.yaml:2:1: error[SB106]: `~` cannot be a key: it is null | put it in quotes: "~"',
            *(
                f"spec.yaml:{place}: error[SB106]: tags (`{tag}`) are refused: a value has the type it is written in"
                " | leave the tag out; quotes make a string"
                for place, tag in [("3:4", "!t"), ("4:7", "!!str"), ("5:4", "!")]
            ),
            "spec.yaml:6:3: error[SB106]: a key must be a plain text, not a list or a mapping",
            "spec.yaml:8:1: error[SB106]: a key must be a plain text, not an alias",
        ],
    ),
    (
        "%YAML 1.1\n---\na: 1\n---\nb: 2\n",
        [
            "spec.yaml:1:1: error[SB106]: the directive `%YAML 1.1` is refused: a document is YAML 1.2"
            " | leave the line out",
            "spec.yaml:4:1: error[SB106]: a second document begins here: a file holds one | leave out the `---`",
        ],
    ),
    ("%FOO\n---\na: 1\n", ["spec.yaml:1:1: error[SB106]: directives are refused: a document is YAML 1.2"
                           " | leave the line out"]),
    (
        "a: .nan\nb: [-.inf, 1e999]\nc: 1e-3\n",
        [
            "spec.yaml:1:4: error[SB107]: .nan is not a finite number",
            "spec.yaml:2:5: error[SB107]: -.inf is not a finite number",
            "spec.yaml:2:12: error[SB107]: 1e999 is not a finite number",
        ],
    ),
    ("a: " + "9" * 401, ["spec.yaml:1:4: error[SB109]: a number may have 400 characters; this one has 401"]),
    ("a: &x [1, *x]", ["spec.yaml:1:11: error[SB109]: the alias `*x` stands inside of what it stands for"]),
    (
        "a: " + "[" * 100 + "]" * 100,
        ["spec.yaml:1:103: error[SB109]: lists and mappings may be nested 100 deep; this one is deeper"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_every_mistake_is_reported_at_its_place(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_the_python_parser_finds_the_same_codes(text: str, expected: list[str]) -> None:
    if text.startswith("%FOO"):
        pytest.skip("PyYAML's own parser passes over a directive that it does not know")
    _, faults = read_yaml(text, python_events)
    assert {fault.code for fault in faults} <= {line.split("[")[1][:5] for line in expected if "error[" in line}
    assert faults


def test_a_hundred_collections_are_fine() -> None:
    assert read_text("a: " + "[" * 99 + "]" * 99, format="yaml").tree


def test_depth_counts_through_aliases() -> None:
    text = "a: &a " + "[" * 60 + "]" * 60 + "\nb: &b " + "[" * 30 + "*a" + "]" * 30 + "\nc: " + "[" * 20 + "*b"
    expected = "error[SB109]: lists and mappings may be nested 100 deep; this one is deeper"
    assert problems(text + "]" * 20) == [f"spec.yaml:3:24: {expected}"]
    assert read_text(text[: text.index("c:")], format="yaml").tree["b"]


def test_growth_through_aliases_is_bounded() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]" for n in range(9)]
    [problem] = problems("\n".join(lines))
    assert "error[SB109]: a document may hold 200,000 keys and values; this one holds more" in problem


def test_growth_of_text_through_aliases_is_bounded() -> None:
    lines = [
        f"a: &a {'x' * 100_000}",
        f"b: &b [{', '.join(['*a'] * 1000)}]",
        "c: [" + ", ".join(["*b"] * 10) + "]",
    ]
    [problem] = problems("\n".join(lines))
    assert "error[SB109]: a document may hold 200,000 keys and values; this one holds more" in problem


@given(
    st.text(st.sampled_from("ab1:-, {}[]\n\t'\"#&*!|>%@`?$~<."), max_size=40),
    st.sampled_from([c_events, python_events]),
)
def test_no_text_raises_anything_else(text: str, source: Callable[[str], Any]) -> None:
    tree, faults = read_yaml(text, source)
    if not faults:
        json.dumps(tree if isinstance(tree, dict | list) else None)
    for fault in faults:
        assert 0 <= fault.start <= fault.end
        assert fault.start <= len(text)


@pytest.mark.parametrize(
    "code",
    # SB113 comes after others
    [code for code in READING if not code.failing.startswith("$ ") and code.code != "SB113"],
    ids=lambda c: c.code,
)
def test_the_examples_of_the_table_of_codes(code: Any) -> None:
    with pytest.raises(SpecError, match=code.code) as caught:
        read_text(code.failing)
    assert {diagnostic.code for diagnostic in caught.value.diagnostics} == {code.code}
    assert read_text(code.mended).tree["specbuild"] == 1
