"""An edit changes the value that it names, and no other character of the text."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specbuild.diagnostics.diagnostic import Edit, Path
from specbuild.language.editing import Change, applied, as_yaml, change_of
from specbuild.language.source import places_of, read_text

WORDS = st.text("abcxyz_ éß字🙂#:'\"{}[]-,*&!%@`$\\", min_size=1, max_size=8)
KEYS = st.sampled_from(["type", "out features", "a", "b-c", "null", "1", "ünï", "x#y", "it's", 'a"b', "字"])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-10, 10**6), st.floats(-1e6, 1e6, allow_nan=False), WORDS, st.just("")
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))
TREES = st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)
COMMENTS = st.sampled_from(["", "", "  # why", "   # 'a': \"b\" {c}, *d &e"])


class Writer:
    """Writes values as YAML in layouts that are drawn."""

    def __init__(self, data: st.DataObject) -> None:
        self.draw = data.draw

    def comment(self) -> str:
        return self.draw(COMMENTS)

    def scalar(self, value: Any) -> str:
        if not isinstance(value, str):
            return as_yaml(value)
        style = self.draw(st.sampled_from(["plain", "single", "double"]))
        return as_yaml(value, {"plain": "", "single": "'", "double": '"'}[style])

    def flow(self, value: Any) -> str:
        gap = self.draw(st.sampled_from([" ", "  ", " \n       "]))
        if isinstance(value, dict):
            inner = f",{gap}".join(f"{self.scalar(key)}: {self.flow(item)}" for key, item in value.items())
            return f"{{{inner}}}"
        if isinstance(value, list):
            return f"[{f',{gap}'.join(map(self.flow, value))}]"
        return self.scalar(value)

    def block(self, value: Any, indent: int) -> str:
        """What stands after a `key:` or a `-`, with the end of its line."""
        pad = " " * indent
        if value and isinstance(value, dict) and self.draw(st.booleans()):
            return f"{self.comment()}\n" + "".join(
                f"{pad}{self.scalar(key)}:{self.block(item, indent + 2)}" for key, item in value.items()
            )
        if value and isinstance(value, list) and self.draw(st.booleans()):
            return f"{self.comment()}\n" + "".join(f"{pad}-{self.block(item, indent + 2)}" for item in value)
        if value is None and self.draw(st.booleans()):
            return f"{self.comment()}\n"
        return f" {self.flow(value)}{self.comment()}\n"

    def document(self, tree: dict[str, Any]) -> str:
        head = self.draw(st.sampled_from(["", "# a document\n\n", "---\n"]))
        if self.draw(st.booleans()):
            return head + "".join(f"{self.scalar(key)}:{self.block(value, 2)}" for key, value in tree.items())
        return f"{head}{self.flow(tree)}\n"


def paths_of(value: Any, path: Path = ()) -> list[Path]:
    """The way to every value below the root."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in ((*path, key), *paths_of(item, (*path, key)))]


def parent_of(tree: Any, path: Path) -> Any:
    for part in path[:-1]:
        tree = tree[part]
    return tree


def check_edit(text: str, name: str, edit: Edit) -> None:
    """The law: the plain value with one value, or key, replaced; all other characters as they were."""
    source = read_text(text, name)
    root = places_of(text, source.format)
    assert root is not None
    change = change_of(text, source.format == "yaml", root, edit)
    if change is None:
        old = parent_of(source.tree, edit.path)[edit.path[-1]]
        taken = edit.target == "key" and edit.value in parent_of(source.tree, edit.path)
        assert taken or (edit.target == "value" and isinstance(old, (dict, list)))
        return
    edited = applied(text, [change])
    expected = copy.deepcopy(source.tree)
    inside, last = parent_of(expected, edit.path), edit.path[-1]
    if edit.target == "value":
        inside[last] = edit.value
    else:
        inside[edit.value] = inside.pop(last)
    assert read_text(edited, name).tree == expected
    assert edited[: change.start] == text[: change.start]
    assert edited[change.start + len(change.text) :] == text[change.end :]
    assert "\n" not in change.text


@given(TREES, SCALARS, KEYS, st.data())
def test_yaml_in_any_layout(tree: dict[str, Any], value: Any, key: str, data: st.DataObject) -> None:
    text = Writer(data).document(tree)
    assert read_text(text, "x.yaml").tree == tree, text
    path = data.draw(st.sampled_from(paths_of(tree)))
    check_edit(text, "x.yaml", Edit(path, value))
    if isinstance(path[-1], str):
        check_edit(text, "x.yaml", Edit(path, key, "key"))


@given(TREES, SCALARS, KEYS, st.sampled_from([None, 2, "\t"]), st.booleans(), st.data())
def test_json_in_any_layout(
    tree: dict[str, Any], value: Any, key: str, indent: Any, ascii: bool, data: st.DataObject
) -> None:
    text = json.dumps(tree, indent=indent, ensure_ascii=ascii)
    path = data.draw(st.sampled_from(paths_of(tree)))
    check_edit(text, "x.json", Edit(path, value))
    if isinstance(path[-1], str):
        check_edit(text, "x.json", Edit(path, key, "key"))


def edited(text: str, *edits: Edit) -> str | None:
    root = places_of(text, "yaml")
    assert root is not None
    changes = [change_of(text, True, root, edit) for edit in edits]
    return None if None in changes else applied(text, [change for change in changes if change is not None])


@pytest.mark.parametrize(
    ("text", "edit", "expected"),
    [
        ("a: 'b'  # c\n", Edit(("a",), "it's"), "a: 'it''s'  # c\n"),
        ('a: "b"\n', Edit(("a",), "x"), 'a: "x"\n'),
        ("a: b\n", Edit(("a",), "${w}"), 'a: "${w}"\n'),
        ("a: b\n", Edit(("a",), "null"), 'a: "null"\n'),
        ("a: b\r\nc: d\r\n", Edit(("a",), True), "a: true\r\nc: d\r\n"),
        ("a: '1e-3'\n", Edit(("a",), 0.001), "a: 1e-3\n"),
        ("a: # none\nb: 1\n", Edit(("a",), 8), "a: 8 # none\nb: 1\n"),
        ("a:\n", Edit(("a",), 8), "a: 8\n"),
        ("{a: }\n", Edit(("a",), 8), "{a: 8}\n"),
        ("- - \n", Edit((0, 0), 8), "- - 8 \n"),
        ("a: [1, 2]\n", Edit(("a",), 3), "a: 3\n"),
        ("a: {w: }\n", Edit(("a",), "${w}"), 'a: "${w}"\n'),
        ("a: 784\n", Edit(("a",), [784]), "a: [784]\n"),
        ("a: two\n  lines\nb: 1\n", Edit(("a",), "x"), "a: x\nb: 1\n"),
        ("a: &n 3\n", Edit(("a",), 4), "a: &n 4\n"),
        ("字: {é: 1}\n", Edit(("字", "é"), 2), "字: {é: 2}\n"),
    ],
)  # fmt: skip
def test_what_it_makes(text: str, edit: Edit, expected: str) -> None:
    assert edited(text, edit) == expected


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("n: &n 3\na: *n\n", Edit(("n",), 4)),  # would change `a` too
        ("n: &n 3\na: *n\n", Edit(("a",), 4)),  # is written at `n`
        ("n: &n {b: 3}\na: *n\n", Edit(("n", "b"), 4)),
        ("n: &n {b: 3}\na: *n\n", Edit(("a", "b"), 4)),
        ("n: &n {b: 3}\na: *n\n", Edit(("a", "b"), "c", "key")),
        ("a: |\n  b\n", Edit(("a",), "c")),
        ("a: [1, # one\n  2]\n", Edit(("a",), 3)),
        ("a:\n  b: 1\n", Edit(("a",), 3)),
        ("a: 1\n", Edit(("b",), 3)),
        ("a: 1\n", Edit(("a", "b"), 3)),
        ("a: 1\nb: 2\n", Edit(("a",), "b", "key")),  # would be written twice
    ],
)
def test_what_has_no_place_of_its_own_is_left(text: str, edit: Edit) -> None:
    assert edited(text, edit) is None


def test_several_edits_and_one_inside_of_another() -> None:
    changes = [Change(4, 5, "yy"), Change(0, 1, ""), Change(4, 5, "yy"), Change(3, 6, "-")]
    assert applied("abcdefg", changes) == "bc-g"
