"""A short run of the fuzzer each time; `make fuzz` is the long one."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.fuzzing.drawing import KINDS, drawn
from tests.fuzzing.judging import fault_of, smaller, verdict

FOUND = [
    '{"specbuild":1,"input":[1,"e",8],"layers":["Flatten",{"type":"Linear","out_features":1}],'
    '"loss":"CrossEntropyLoss","optimizer":"Adam","data":{"train":{"dataset":"Digits","transforms":["ToTensor"]}}}',
    '{"specbuild":1,"input":[3,"U",8],"layers":["Flatten",{"name":"a","type":"Linear","out_features":144},'
    '{"name":"b","type":"Linear","out_features":144}],"tie":{"a.weight":"b.weight"}}',
    '{"specbuild":1,"input":[4],"layers":[{"type":"ReLU","self":1}]}',
    '{"specbuild":1,"input":[3,"U"],"layers":["Flatten",{"type":"Linear","in_features":8,"out_features":1}]}',
]
"""What the long run found once, made small."""


@pytest.mark.parametrize("part", range(4))
def test_inputs_drawn_at_random(part: int) -> None:
    for number in range(150 * part, 150 * (part + 1)):
        data = drawn(5, number)
        fault = fault_of(data, timed=False)
        assert not fault, f"input {number}: {fault}\n{smaller(data, fault)!r}"


@pytest.mark.parametrize("text", FOUND)
def test_what_was_found_is_mended(text: str) -> None:
    assert fault_of(text.encode(), timed=False) == ""


def test_an_input_is_a_function_of_its_number() -> None:
    assert [drawn(1, number) for number in range(30)] == [drawn(1, number) for number in range(30)]


def test_the_inputs_go_all_the_way() -> None:
    """Some are right, or are refused late: they do not all fail where reading begins."""
    codes: set[str] = set()
    right = 0
    for kind in range(len(KINDS)):
        verdicts = [verdict(drawn(0, number)) for number in range(kind, 600, len(KINDS))]
        told = {found.code[:3] for found in itertools.chain(*verdicts)}
        assert "SB2" in told
        codes |= told
        right += sum(not found for found in verdicts)
    assert codes >= {"SB1", "SB2", "SB3", "SB4", "SB8"}
    assert right


def test_a_fault_is_found_and_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(data: bytes) -> tuple[()]:
        if b"xy" in data:
            raise KeyError("x")
        return ()

    monkeypatch.setattr("tests.fuzzing.judging.verdict", judge)
    data = b"a" * 100 + b"xy" + b"b" * 100
    fault = fault_of(data)
    assert fault.startswith("KeyError")
    assert smaller(data, fault) == b"xy"
    assert fault_of(b"a") == ""


def test_the_corpus_is_there() -> None:
    from tests.fuzzing.drawing import corpus

    small, ready = corpus()
    assert len(small) > 100
    assert len(ready) == len([*(Path(__file__).parent.parent / "specs").glob("*.yaml")])
