"""Signals at hard moments: what is kept goes on to the same bits."""

from __future__ import annotations

import random

import pytest

from tests.kill.documents import HOLDING
from tests.kill.kills import Training
from tests.kill.nursery import Nursery
from tests.kill.signals import Answers, Signalled, at_hard_moments, at_random, of_all_kinds


@pytest.fixture(scope="module")
def training(made: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Training:
    return Training(made, tmp_path_factory.mktemp("signals") / "holding", HOLDING)


def test_while_something_takes_long(training: Training) -> None:
    answers = Answers()
    at_hard_moments(Signalled(training, answers), 1.0, 0.3)
    assert answers.failures == []
    assert (answers.answered, answers.equal) == (4, 4)


def test_of_all_kinds_and_twice(training: Training) -> None:
    answers = Answers()
    of_all_kinds(Signalled(training, answers))
    assert answers.failures == []
    assert (answers.answered, answers.equal) == (3, 3)


def test_at_random_moments(training: Training) -> None:
    answers = Answers()
    at_random(Signalled(training, answers), random.Random(0), 3)
    assert answers.failures == []
    assert answers.answered == answers.signals == 3
