"""What `diff` says: golden texts of a page of pairs, laws, and real torch on which weights fit.

`make golden` writes the expected texts anew; the diff is the review.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

import specbuild
from specbuild.errors import SpecError
from specbuild.network.difference import Difference
from specbuild.reports.difference import WIDTH, as_json, text
from tests.network.drawing import documents
from tests.reports.differences import PAIRS

FOLDER = Path(__file__).parent / "differences"
SPECS = sorted((Path(__file__).resolve().parents[2] / "specs").glob("*.yaml"))
SMALL = ["cifar_resnet18", "char_lstm", "text_transformer", "googlenet", "unet", "mobilenet_v2", "two_inputs"]


@pytest.mark.parametrize("name", PAIRS)
def test_text(name: str, request: pytest.FixtureRequest) -> None:
    actual = text(specbuild.diff(*PAIRS[name]), "a", "b") + "\n"
    expected = FOLDER / f"{name}.txt"
    if request.config.getoption("--rewrite"):
        FOLDER.mkdir(exist_ok=True)
        expected.write_text(actual, encoding="utf-8")
    assert actual == expected.read_text(encoding="utf-8")
    assert all(len(line) <= WIDTH for line in actual.splitlines())


def test_every_text_has_its_pair() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(PAIRS)


@pytest.mark.parametrize("name", PAIRS)
def test_json_says_the_same(name: str) -> None:
    found = specbuild.diff(*PAIRS[name])
    told = json.loads(json.dumps(as_json(found)))
    assert told["same"] == (not found) == (name == "only_written_otherwise")
    assert [change["change"] for change in told["layers"]] == [change.kind for change in found.layers]
    assert told["weights"]["fit"] == list(found.weights.fit)


@pytest.mark.parametrize("name", PAIRS)
def test_the_other_way_round_is_its_mirror(name: str) -> None:
    old, new = PAIRS[name]
    there, back = specbuild.diff(old, new), specbuild.diff(new, old)
    assert bool(there) == bool(back)
    assert there.parameters == back.parameters[::-1]
    assert {path: values[::-1] for path, values in there.sections.items()} == dict(back.sections)
    assert set(there.weights.missing) == set(back.weights.unexpected)


def hold_weights(old: nn.Module, new: nn.Module, found: Difference) -> None:
    """What is said of the weights is what torch does with them."""
    ours, theirs = old.state_dict(), new.state_dict()
    same = {key for key in ours if key in theirs and ours[key].shape == theirs[key].shape}
    given = OrderedDict((key, ours[key]) for key in same)
    given._metadata = theirs._metadata  # type: ignore[attr-defined]  # else torch adds what older versions lacked
    left, missing = new.load_state_dict(given, strict=False), set(theirs) - set(ours)
    assert set(found.weights.fit) == same
    assert found.weights.total == len(theirs)
    assert set(left.missing_keys) == set(found.weights.missing) | set(found.weights.reshaped)
    assert left.unexpected_keys == []
    assert (set(found.weights.missing), set(found.weights.unexpected)) == (missing, set(ours) - set(theirs))
    for key, (before, after) in found.weights.reshaped.items():
        assert (tuple(ours[key].shape), tuple(theirs[key].shape)) == (before.shape, after.shape)
    for key, name in found.weights.renamed.items():
        assert ours[key].shape == theirs[name].shape
        assert key not in same
        assert name not in same
    assert found.parameters == tuple(sum(p.numel() for p in model.parameters()) for model in (old, new))


@pytest.mark.parametrize("name", PAIRS)
def test_weights_are_torchs(name: str) -> None:
    old, new = (specbuild.build(document) for document in PAIRS[name])
    hold_weights(old, new, specbuild.diff(*PAIRS[name]))


NUMBERS = st.sampled_from([1, 2, 3, 8])


def changed_number(value: Any, data: st.DataObject) -> Any:
    """The same with one of its numbers changed, or an element of one of its lists dropped."""
    places = list(of_numbers(value))
    *way, last = data.draw(st.sampled_from(places))
    copy = json.loads(json.dumps(value))
    inner = copy
    for part in way:
        inner = inner[part]
    if isinstance(inner[last], int):
        inner[last] = data.draw(NUMBERS)
    else:
        del inner[last]
    return copy


def of_numbers(value: Any, way: tuple[Any, ...] = ()) -> Any:
    if isinstance(value, (dict, list)):
        for part, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(value, list) or type(inner) is int:
                yield (*way, part)
            yield from of_numbers(inner, (*way, part))


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SMALL), st.data())
def test_weights_of_changed_ready_specs_are_torchs(name: str, data: st.DataObject) -> None:
    path = SPECS[0].with_name(f"{name}.yaml")
    tree = dict(specbuild.load(path).source.tree)
    changed = {**tree, "layers": changed_number(tree["layers"], data)}
    try:
        found = specbuild.diff(path, changed)
    except SpecError:
        return
    with torch.device("meta"):
        old, new = specbuild.build(path), specbuild.build(changed)
    hold_weights(old, new, found)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(documents())
def test_a_document_means_what_it_means(document: dict[str, Any]) -> None:
    try:
        specbuild.infer(document)
    except SpecError:
        return
    assert not specbuild.diff(document, document)


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(documents(), documents())
def test_any_two_documents_have_a_difference(old: dict[str, Any], new: dict[str, Any]) -> None:
    try:
        there, back = specbuild.diff(old, new), specbuild.diff(new, old)
    except SpecError:
        return
    assert bool(there) == bool(back)
    assert set(there.weights.fit) == set(back.weights.fit)
    assert text(there, "a", "b")
    assert json.dumps(as_json(there))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_resolved_document_means_the_same(path: Path) -> None:
    from specbuild.network.resolve import resolved

    spec = specbuild.load(path)
    assert not specbuild.diff(spec, resolved(spec, specbuild.infer(spec)))


def test_both_broken_documents_are_told() -> None:
    broken = [{"specbuild": 1, "input": [4], "layers": [name]} for name in ("RelU", "Tahn")]
    with pytest.raises(SpecError) as caught:
        specbuild.diff(*broken)
    assert [found.message for found in caught.value.diagnostics] == [
        'there is no layer called "RelU"', 'there is no layer called "Tahn"'
    ]  # fmt: skip


def test_the_two_documents_of_the_page_mean_the_same() -> None:
    page = (SPECS[0].parents[1] / "docs" / "diff.md").read_text()
    old, new = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert not specbuild.diff(old, new)
