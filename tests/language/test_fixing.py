"""Mending what is certain: what is made, what is left, and that nothing gets worse."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

import specbuild
from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Replacement, Span
from specbuild.errors import SpecError
from specbuild.language.fixing import ROUNDS, errors, fixed, is_better, mended
from specbuild.language.source import Source, read_text, text_of
from specbuild.network.checking import judge

ROOT = Path(__file__).resolve().parents[2]
BROKEN = sorted(path for path in (ROOT / "tests/specs/broken").iterdir() if path.suffix in (".yaml", ".json"))
HEAD = "specbuild: 1\ninput: [3, 8, 8]\nlayers:\n"


def judged(text: str, name: str) -> Sequence[Diagnostic]:
    try:
        return judge(read_text(text, name))
    except SpecError as error:
        return error.diagnostics


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.name)
def test_every_certain_mend_of_a_broken_spec_ends_its_diagnostic(path: Path) -> None:
    try:
        text, name = text_of(path)
    except SpecError:
        return
    before = judged(text, name)
    for found in before:
        assert (found.edit is None) == (found.replacement is None)
        assert found.edit is None or found.fix
        if found.replacement is not None:
            after = judged(mended(text, [found]), name)
            assert all((other.code, other.path, other.message) != (found.code, found.path, found.message)
                       for other in after)  # fmt: skip
    once = fixed(text, name, judge)
    assert len(errors(once.diagnostics)) <= len(errors(before))
    assert len(once.made) >= len([found for found in before if found.edit is not None])
    again = fixed(once.text, name, judge)
    assert (again.text, again.made, again.diagnostics) == (once.text, (), once.diagnostics)


def test_mends_uncover_others_until_nothing_certain_is_left() -> None:
    text = (
        "specbuild: 1   # version\nnmae: 'x'\ninput: [3, 32, 32]\nvars: {w: 8}\nlayers:\n"
        "  - {name: c, type: Conv2D, out_chanels: ${w}, kernel_size: \"3\", 'paddin': 1} # wide\n"
        "  - Relu\n\n  # then\n  - type: 'Flaten'\n  - name: head\n    type: Linear\n"
        "    in_features: 4096   # wrong\n    out_features: 1e1\n    bias: yes\n"
    )
    assert specbuild.fix(text) == (
        "specbuild: 1   # version\nname: 'x'\ninput: [3, 32, 32]\nvars: {w: 8}\nlayers:\n"
        "  - {name: c, type: Conv2d, out_channels: \"${w}\", kernel_size: 3, 'padding': 1} # wide\n"
        "  - ReLU\n\n  # then\n  - type: 'Flatten'\n  - name: head\n    type: Linear\n"
        "    in_features: 8192   # wrong\n    out_features: 10\n    bias: true\n",
        (),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"specbuild": 1, "input": [4], "layers": ["Relu",],}', '{"specbuild": 1, "input": [4], "layers": ["ReLU"]}'),
        (
            '{"specbuild": 1, input: [4], "layers": [{"type": "Linear", "out_feature": 2, "bias": False}]}',
            '{"specbuild": 1, "input": [4], "layers": [{"type": "Linear", "out_features": 2, "bias": false}]}',
        ),
    ],
)
def test_json(text: str, expected: str) -> None:
    assert specbuild.fix(text) == (expected, ())


@pytest.mark.parametrize(
    "layers",
    [
        "  - {type: Conv4d, out_channels: 3, kernel_size: 3}\n",  # Conv1d, Conv2d or Conv3d
        "  - {type: Conv2d, out_channels: 3, kernel_size: 3, pad: 1}\n",  # padding or padding_mode
        "  - {name: conv1, type: Conv2d, out_channels: 3, kernel_size: 1}\n  - {type: ReLU, from: conv2}\n",
        "  - {type: Linear, from: input, in_features: 3, in_featurs: 3, out_features: 3}\n",
        "  - {type: Attention7}\n",
    ],
)
def test_what_is_not_certain_is_left(layers: str) -> None:
    text = HEAD + layers
    assert specbuild.check(text)
    assert specbuild.fix(text) == (text, specbuild.check(text))


def test_a_size_that_the_layers_of_a_repeat_do_not_share() -> None:
    """Child 0 takes 3 channels, the others 4: no one number is right, and the mend says so."""
    text = HEAD + "  - {type: Conv2d, repeat: 3, in_channels: 4, out_channels: 4, kernel_size: 1}\n"
    (found,) = specbuild.check(text)
    assert (found.code, found.fix, found.edit) == ("SB301", "leave `in_channels` out: it is inferred", None)


def test_a_size_that_all_layers_of_a_block_share() -> None:
    text = (
        "specbuild: 1\ninput: [3, 8, 8]\n"
        "blocks: {b: {layers: [{type: Conv2d, in_channels: 4, out_channels: 3, kernel_size: 1}]}}\n"
        "layers: [{type: b}, {type: b, from: input}, {type: Add, from: [b_1, b_2]}]\n"
    )
    assert specbuild.fix(text) == (text.replace("in_channels: 4", "in_channels: 3"), ())


@pytest.mark.parametrize(
    ("layers", "certain"),
    [
        ('  - {type: Conv2d, out_channels: "${w}", kernel_size: 1}\n', True),
        ('  - {type: Conv2d, out_channels: "${w}", kernel_size: 1}\n  - {name: "of ${w}", type: ReLU}\n', False),
    ],
)
def test_a_variable_that_others_use_too_is_left(layers: str, certain: bool) -> None:
    text = HEAD.replace("layers", 'vars: {w: "8"}\nlayers') + layers
    mended_text, _ = specbuild.fix(text)
    assert (mended_text == text.replace('"8"', "8")) is certain
    assert (mended_text == text) is not certain


def test_two_keys_that_seem_to_be_one() -> None:
    """Both would be `out_channels`, which cannot stand twice: the first one is."""
    text = HEAD + "  - {type: Conv2d, out_chanels: 3, out_channnels: 4, kernel_size: 1}\n"
    mended_text, remaining = specbuild.fix(text)
    assert mended_text == text.replace("out_chanels", "out_channels")
    assert [found.code for found in remaining] == ["SB201"]


def found(code: str, *path: str | int, edit: bool = False, message: str = "m") -> Diagnostic:
    replacement = Replacement(Span(1, 1, 1, 2), "x") if edit else None
    return Diagnostic(code, message, path, edit=Edit(path, "x") if edit else None, replacement=replacement)


@pytest.mark.parametrize(
    ("after", "better"),
    [
        ([], True),
        ([found("SB203", "layers", 1, "a", edit=True)], False),  # still there
        ([found("SB203", "layers", 5, "b")], True),  # no more than before
        ([found("SB202", "layers", 1), found("SB201", "layers", 1, "c")], True),  # inside of what was edited
        ([found("SB202", "layers", 2), found("SB201", "layers", 2, "c")], False),
        ([found("SB301", "layers", 2), found("SB301", "layers", 3)], True),  # a later stage
        ([found("SB105", "layers")], False),  # cannot be read any more
        ([found("SB801", "layers", 2), found("SB802", "layers", 2)], True),  # warnings are no errors
    ],
)
def test_what_counts_as_better(after: list[Diagnostic], better: bool) -> None:
    before = [found("SB203", "layers", 1, "a", edit=True)]
    assert is_better(before, after, before) is better


def test_a_mend_that_harms_is_not_made_and_the_others_are() -> None:
    """A judge that wants each letter to be an `x`, but cannot read two of them side by side."""

    def judge(source: Source) -> list[Diagnostic]:
        text = source.text
        if "bx" in text:
            return [found("SB103", message="unreadable")]
        places = [at for at, letter in enumerate(text) if letter in "abc"]
        return [
            Diagnostic("SB203", text[at], (at,), edit=Edit((at,), "x"),
                       replacement=Replacement(Span(1, at + 1, 1, at + 2), "x"))
            for at in places if text[at] != "b" or "c" not in text
        ]  # fmt: skip

    done = fixed("a: ab c d", "x.yaml", judge)
    assert [diagnostic.message for diagnostic in done.made][:2] == ["a", "a"]
    assert "bx" not in done.text


def test_it_ends() -> None:
    """A judge that is never content."""

    def judge(source: Source) -> list[Diagnostic]:
        edit, replacement = Edit(("a",), "x"), Replacement(Span(1, 4, 1, 4), "1")
        return [Diagnostic("SB203", source.text, ("a",), edit=edit, replacement=replacement)]

    assert fixed("a: 1", "x.yaml", judge).text == f"a: {'1' * (ROUNDS + 1)}"


def test_a_document_keeps_its_meaning_where_nothing_is_wrong() -> None:
    for path in sorted((ROOT / "specs").glob("*.yaml")):
        assert specbuild.fix(path) == (path.read_text(), specbuild.check(path))
        assert yaml.safe_load(path.read_text())


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        (HEAD + '  - {type: Conv2d, out_channels: &k "3", kernel_size: *k}\n', 2),
        (HEAD + "  - &stem {type: Conv2D, out_channels: 3, kernel_size: 1}\n  - *stem\n", 1),
        (
            HEAD + "  - {name: stemm, type: ReLU}\n  - {name: b, type: ReLU, from: stem}\n"
            "  - {type: Add, from: [b, stem]}\noutputs: [b, stem]\n",
            3,
        ),
        (
            HEAD + '  - {type: Conv2d, out_channels: "${width}", kernel_size: 1}\n'
            '  - {type: Conv2d, out_channels: "${width}", kernel_size: 1}\nvars: {widht: 8}\n',
            1,
        ),
        (HEAD + "  - residual\n  - {type: residual}\nblocks: {residul: {layers: [ReLU]}}\n", 1),
    ],
    ids=["alias", "aliased", "name", "variable", "block"],
)
def test_the_slip_is_elsewhere(text: str, errors: int) -> None:
    """What an alias stands for, and what several references agree on, is not mended where it is read."""
    found = [diagnostic for diagnostic in specbuild.check(text) if diagnostic.severity == "error"]
    assert len(found) == errors
    assert all(diagnostic.replacement is None for diagnostic in found)
    assert specbuild.fix(text)[0] == text


def test_one_of_two_keys_has_the_mend() -> None:
    text = HEAD + "  - {type: Conv2d, out_chanels: 3, out_channnels: 4, kernel_size: 1}\n"
    assert [found.replacement is not None for found in specbuild.check(text)] == [True, False]
