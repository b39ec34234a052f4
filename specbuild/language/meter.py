"""How much work the expressions, repeats and blocks of a document make, bounded while it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from specbuild.language.budgets import CHARACTERS_A_VALUE, MOST_WORK

EXHAUSTED = "expressions, repeats and blocks make more values than a document of this length may"
EXHAUSTED_FIX = "fewer repeats, or shorter lists and texts in what is repeated"


class Exhausted(Exception):  # noqa: N818  a signal: whoever catches it knows where it was
    """The document asks for more work than it may."""


class Meter:
    """What is left of a document's work."""

    def __init__(self, work: int) -> None:
        self.left = work


RUNNING: ContextVar[Meter | None] = ContextVar("RUNNING", default=None)


@contextmanager
def metered(length: int) -> Iterator[Meter]:
    """Bound the work of a document of so many characters."""
    meter = Meter(MOST_WORK + length // CHARACTERS_A_VALUE)
    token = RUNNING.set(meter)
    try:
        yield meter
    finally:
        RUNNING.reset(token)


def spend(work: int) -> None:
    """Take so much from what is left, about a microsecond each; raises `Exhausted`."""
    meter = RUNNING.get()
    if meter is not None:
        meter.left -= work
        if meter.left < 0:
            raise Exhausted


def weight(value: object) -> int:
    """The work that going once through a value is."""
    if isinstance(value, str):
        return 1 + len(value) // 64
    if isinstance(value, list):
        return 1 + sum([weight(item) for item in value])
    if isinstance(value, dict):
        return 1 + sum([weight(item) for item in value.values()])
    return 1
