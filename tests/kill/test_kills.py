"""The short form of `make torture`: trainings that are killed go on to the bits of one that never was."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.kill.documents import PLATEAU, SHORT, WORKERS
from tests.kill.dying import Death
from tests.kill.kills import Training, moments
from tests.kill.nursery import Nursery


@pytest.fixture(scope="module")
def short(made: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Training:
    return Training(made, tmp_path_factory.mktemp("kills") / "short", SHORT, in_turn=True)


MOMENTS = [
    ("write .run.json.new", "half"),
    ("replace .source.yaml.new", "before"),
    ("write checkpoints/.0000-00000003.new/optimizer.safetensors", "half"),
    ("rename checkpoints/.0000-00000003.new", "before"),
    ("write metrics.jsonl", "half"),
    ("rename checkpoints/0000-00000003", "after"),
    ("write .model.safetensors.new", "half"),
    ("replace .manifest.json.new", "before"),
    ("replace .manifest.json.new", "after"),
]
"""Operations, and whether they were done: one of each kind that a training has on its run."""


@pytest.mark.parametrize(("operation", "when"), MOMENTS)
def test_killed_at_an_operation(short: Training, operation: str, when: str) -> None:
    number = 1 + short.operations.index(operation)
    short.killed_at(Death(number, when))  # type: ignore[arg-type]
    assert short.tally.failures == []
    assert short.tally.resumed == short.tally.kills > 0


def test_killed_again_while_it_goes_on(short: Training) -> None:
    before = short.tally.kills
    short.killed_twice(Death(len(short.operations) // 2), Death(5))
    assert short.tally.failures == []
    assert short.tally.kills == before + 2


@pytest.mark.parametrize("document", [PLATEAU, WORKERS], ids=["plateau", "workers"])
def test_killed_at_random_moments(made: Nursery, tmp_path: Path, document: str) -> None:
    training = Training(made, tmp_path / "training", document)
    training.killed_at_random(moments(training, random.Random(0), 2))
    assert training.tally.failures == []
    assert training.tally.equal == 1
