"""How much is computed for one document, at most."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

SUMMED: ContextVar[Callable[[int], None] | None] = ContextVar("SUMMED", default=None)
"""Called with the number of terms of each sum, so that one walk does not compute without end."""


class Spent(Exception):  # noqa: N818  an answer as well: the document asks for more than is computed for one
    """The patience with a document is at its end."""


class Patience:
    """How many numbers may be computed for one document: by its rules, and for all questions that they ask."""

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, numbers: int) -> None:
        """Compute so many; raises `Spent` where that is more than is left."""
        self.left -= numbers
        if self.left < 0:
            raise Spent


def counted(terms: int) -> None:
    """Tell that a sum of so many terms is made."""
    spend = SUMMED.get()
    if spend is not None:
        spend(terms)
