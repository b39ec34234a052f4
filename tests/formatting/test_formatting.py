"""A document's settled form: what it means and its comments stay, and a second time changes nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import example, given, settings

import specbuild
from specbuild.errors import SpecError
from specbuild.formatting.formatting import formatted
from specbuild.formatting.roles import canonical, same
from specbuild.language.source import read_text
from specbuild.network.resolve import resolved

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
SHOWN = [
    pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}")
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if page.name != "SB1xx.md"  # half of its examples cannot be read
    for number, text in enumerate(re.findall(r"```yaml\n(specbuild: 1\n.*?)```", page.read_text(), re.DOTALL))
]
BROKEN = sorted(p for p in (ROOT / "tests/specs/broken").iterdir() if p.suffix in (".yaml", ".json"))


def said(text: str, name: str = "<text>") -> list[tuple[str, str]]:
    return sorted((found.code, found.message) for found in specbuild.check(read_text(text, name)))


def require_the_same(text: str, name: str = "<text>") -> str:
    made = formatted(text, name)
    assert formatted(made, name) == made
    assert same(canonical(read_text(text, name).tree), canonical(read_text(made, name).tree))
    assert sorted(comments(text)) == sorted(comments(made))
    assert said(text, name) == said(made, name)
    return made


def comments(text: str) -> list[str]:
    """The comments as PyYAML's own scanner passes over them: what lies between its tokens."""
    found, position = list[str](), 0
    if text.lstrip().startswith("{\n") or text.startswith('{"'):
        return found
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if token.start_mark is not None and token.start_mark.index >= position:
            between = text[position : token.start_mark.index]
            found += [piece.strip() for piece in re.findall(r"#[^\r\n]*", between)]
            position = token.end_mark.index
    return found


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_ready_specs_are_in_their_form(path: Path) -> None:
    assert formatted(path.read_text(), path.name) == path.read_text(), "run `specbuild fmt specs/*.yaml`"


@pytest.mark.parametrize("text", SHOWN)
def test_documents_of_the_docs(text: str) -> None:
    require_the_same(text)


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.name)
def test_broken_specs(path: Path) -> None:
    """What can be read is put in its form, right or not; what cannot is told."""
    try:
        text = path.read_bytes().decode()
        read_text(text, path.name)
    except (SpecError, UnicodeDecodeError):
        return
    require_the_same(text, path.name)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_spec_written_otherwise_comes_to_the_same_form(path: Path) -> None:
    """PyYAML writes the values in block style and sorts the keys within; no value changes on the way back."""
    tree = read_text(path.read_text(), path.name).tree
    written = yaml.safe_dump(tree, sort_keys=False, width=60)
    if not same(read_text(written).tree, tree):
        pytest.skip("PyYAML writes YAML 1.1")
    spec, again = specbuild.load(formatted(written)), specbuild.load(path)
    plans = [specbuild.infer(each) for each in (spec, again)]
    assert resolved(spec, plans[0]) == resolved(again, plans[1])


@st.composite
def disturbed(draw: st.DrawFn) -> str:
    """A ready spec with comments, empty lines and spaces where they may stand."""
    lines = draw(st.sampled_from(SPECS)).read_text().splitlines()
    made = list[str]()
    for count, line in enumerate(lines):
        what = draw(st.integers(0, 12))
        inside = line.startswith("         ") and not line.lstrip().startswith(("-", "#"))  # within brackets
        if what == 0 and not inside:
            column = draw(st.sampled_from([0, len(line) - len(line.lstrip()), 2, 6]))
            made.append(" " * column + f"# above {count}")
        elif what == 1:
            made += [""] * draw(st.integers(1, 3))
        if what == 2 and "#" not in line:
            line += " " * draw(st.integers(1, 5)) + f"# beside {count}"
        elif what == 3 and "#" not in line and '"' not in line:
            line = line.replace(", ", " ,  ").replace("{", "{ ").replace("]", " ]")
        elif what == 4:
            line += draw(st.sampled_from([" ", "   "])) if line.strip() else ""
        made.append(line)
    end = draw(st.sampled_from(["", "\n", "\n\n\n", "\n# end", "\n  # end\n"]))
    return draw(st.sampled_from(["\n", "\r\n"])).join([*made, *end.split("\n")])


@settings(max_examples=60)
@given(disturbed())
def test_comments_and_meaning_stay(text: str) -> None:
    made = require_the_same(text)
    for number, line in enumerate(text.splitlines()):
        if found := re.search(r"# beside \d+", line):
            place = next(other for other in made.splitlines() if other.endswith(found[0]))
            first = re.search(r"[A-Za-z0-9_]+", line.split("#")[0])
            assert first is None or first[0] in place, (number, line, place)


def is_code(line: str) -> bool:
    return bool(line.strip()) and not line.strip().startswith("#")


@settings(max_examples=60)
@given(disturbed())
def test_a_comment_above_stays_above_its_line(text: str) -> None:
    text = text.replace("\r\n", "\n")
    before, after = text.splitlines(), formatted(text).splitlines()
    for number, line in enumerate(before):
        if not re.fullmatch(r" *# above \d+", line) or number < 6:
            continue
        below = next(
            (other for other in before[number + 1 :] if other.strip() and not other.strip().startswith("#")), ""
        )
        if len(line) - len(line.lstrip()) != len(below) - len(below.lstrip()):
            continue  # what it is about is anybody's guess
        place = next(index for index, other in enumerate(after) if other.strip() == line.strip())
        now = next(filter(is_code, after[place + 1 :]))
        first = re.findall(r"[A-Za-z0-9_]+", below.split("#")[0])
        assert set(first[:2]) <= set(re.findall(r"[A-Za-z0-9_]+", now.split("#")[0])), (below, now)


ODD = [
    "no", "null", "1e-3", "010", "${a}", "a: b", "- x", "#", "it's", 'say "a"', "a\nb\n", "a #b", "*a", "&a", "!", "é",
    "", "-", "~", ".5", "\x7f", "\u2028", "\ufeff",
]  # fmt: skip
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff")
TEXT = st.text(CHARACTERS, max_size=12) | st.sampled_from(ODD)
VALUE = st.recursive(
    TEXT | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150)
@given(
    st.dictionaries(
        st.sampled_from(["layers", "vars", "blocks", "loss", "data", "train", "init", "metrics", "name", "other"]),
        VALUE | st.lists(st.fixed_dictionaries({"type": TEXT}, optional={"name": TEXT, "layers": VALUE, "a": VALUE})),
        min_size=1,
    ),
    st.booleans(),
)
@example({"layers": [{"type": "ReLU"}, {"type": "${x}"}]}, True)
def test_any_values_stay(tree: dict[str, Any], flow: bool) -> None:
    """YAML in the words of json.dumps, in brackets or with a line for each key, and JSON."""
    whole = json.dumps(tree)
    lines = "\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in tree.items()) + "\n"
    for text, name in ((whole, "a.json"), (whole if flow else lines, "a.yaml")):
        try:
            read_text(text, name)
        except SpecError:
            continue
        made = formatted(text, name)
        assert formatted(made, name) == made
        assert same(canonical(tree), canonical(read_text(made, name).tree))


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("a: [ 1,2 ,3 ]\n", "a: [1, 2, 3]\n"),
        ("a:\n- 1\n- 2\n", "a: [1, 2]\n"),
        ("a:\n- x\n- y: 1\n", "a:\n  - x\n  - y: 1\n"),
        ("a: {b: 1,}", "a: {b: 1}\n"),
        ("a: [b: 1]\n", "a: [{b: 1}]\n"),
        ("a: {b, c: }\n", "a: {b: null, c: null}\n"),
        ("? a\n: 1\n", "a: 1\n"),
        ("%YAML 1.2\n--- # c\na: 1\n...\n# d\n", "# c\na: 1\n# d\n"),
        ("a: ~\nb: TRUE\nc: +1\nd: .5\ne: 5.\nf: 1E+03\ng: 1e-03\nh: 0x1F\ni: 0.2470\n",
         "a: null\nb: true\nc: 1\nd: 0.5\ne: 5.0\nf: 1e3\ng: 1e-3\nh: 0x1F\ni: 0.2470\n"),
        ("a: 'x'\nb: \"no\"\nc: no\nd: 'it''s'\ne: '\\d'\nf: \"1\"\ng: ${n}\nh: a, b\n",
         'a: x\nb: "no"\nc: no\nd: "it\'s"\ne: \'\\d\'\nf: "1"\ng: "${n}"\nh: "a, b"\n'),
        ("a: one\n  two\nb: \"one\n  two\"\n", 'a: one two\nb: "one two"\n'),
        ("a: |  # c\n    x\n      y\n\nb: >-\n  x\n  y\n", "a: |  # c\n  x\n    y\n\nb: >-\n  x\n  y\n"),
        ("a: |\n  x\n# c\nb: >-\n  y\n\n# d\n", "a: |\n  x\n# c\nb: >-\n  y\n\n# d\n"),
        ("a:\n-\n -  # f\n  g: 1\n", "a:\n  # f\n  - - g: 1\n"),
        ("a: |\r\n  x\r\nb: 1\r\n", "a: |\r\n  x\r\nb: 1\r\n"),
        ("a: &x\n  # in\n  [1 ]\nb: &y  # z\n  2\nc: &e\nd: *y\n",
         "# in\na: &x [1]\nb: &y 2  # z\nc: &e null\nd: *y\n"),
        ("a: |+\n x\n\n\nb: 1\n", "a: |+\n  x\n\n\nb: 1\n"),
        ("a: |2\n   x\nb: 1\n", 'a: " x\\n"\nb: 1\n'),
        ("a: &x   [1]\nb: *x\nc: &y\n  d: 1\ne: *y\n", "a: &x [1]\nb: *x\nc: &y\n  d: 1\ne: *y\n"),
        ("train: &x {a: 1}\nname: *x\n", "train: &x {a: 1}\nname: *x\n"),  # not before its anchor
        ("train: &x {a: 1, b: *x1}\n".replace("b: *x1", "b: 2") + "name: n\n", "name: n\ntrain: &x {a: 1, b: 2}\n"),
        ("layers:\n  - &x {type: ReLU}\n  - *x\n", "layers:\n  - &x {type: ReLU}\n  - *x\n"),
        ("layers: [{type: ReLU}, {type: '${x}'}, {p: 1, type: Dropout, name: d}]",
         'layers:\n  - ReLU\n  - {type: "${x}"}\n  - {name: d, type: Dropout, p: 1}\n'),
        ("vars: {layers: [{type: ReLU}]}\n", "vars: {layers: [{type: ReLU}]}\n"),
        ("layers:\n  - {type: Sequential, layers: [{type: ReLU}]}\n  - {type: own, layers: [{type: ReLU}]}\n",
         "layers:\n  - {type: Sequential, layers: [ReLU]}\n  - {type: own, layers: [{type: ReLU}]}\n"),
        ("loss: {type: MSELoss}\noptimizer: {type: Adam}\nmetrics: [{type: accuracy}]\n",
         "loss: MSELoss\noptimizer: Adam\nmetrics: [accuracy]\n"),
        ("loss: {a: {type: MSELoss}}\ninit: {Linear: {weight: {type: zeros_}}}\n",
         "init: {Linear: {weight: zeros_}}\nloss: {a: MSELoss}\n"),
        ("a: 1 # x\nbcd: 2 # y\n", "a: 1  # x\nbcd: 2  # y\n"),
        ("a: 1     # x\nbcd: 2   # y\n", "a: 1    # x\nbcd: 2  # y\n"),
        ("# top\n\n# a\nname: n\nspecbuild: 1\n", "# top\nspecbuild: 1\n\n# a\nname: n\n"),
        ("a: [1,  # one\n   2]  # two\n", "a: [1,  # one\n   2]  # two\n"),
        ("name:  n\nlayers: # all\n  # first\n- ReLU\n  # last\n# end\n",
         "name: n\nlayers:  # all\n  # first\n  - ReLU\n  # last\n# end\n"),
        ("layers:\n  - type: Linear # x\n    name: a\n", "layers:\n  - type: Linear  # x\n    name: a\n"),
        ("a: 1\r\nb:  2", "a: 1\r\nb: 2\r\n"),
        ("a: 1\rb:  2", "a: 1\nb: 2\n"),
        ("# h\n{a: 1, b: [2]}  # c\n", "# h\na: 1\nb: [2]\n# c\n"),
        ("# h\n\n{a: 1,  # c\n  b: [2 ]}\n# d\n", "# h\n{a: 1,  # c\n  b: [2 ]}\n# d\n"),
    ],
)  # fmt: skip
def test_forms(text: str, made: str) -> None:
    assert formatted(text, "spec.yaml") == made
    assert formatted(made, "spec.yaml") == made
