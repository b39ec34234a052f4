"""What a document promises of a symbol."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from specbuild.catalogue.sizes.expressions import Number, symbol

LISTED = 6
"""How many names are written out."""


class Promise(NamedTuple):
    """The sizes that a symbol stands for: multiples of a number, from one size to another."""

    least: int = 1
    most: int | None = None
    multiple_of: int = 1

    @property
    def first(self) -> int:
        """The smallest size."""
        return -(-self.least // self.multiple_of) * self.multiple_of

    @property
    def last(self) -> int | None:
        """The largest size, if there is one."""
        return None if self.most is None else self.most // self.multiple_of * self.multiple_of

    @property
    def total(self) -> int | None:
        """How many sizes there are; None for no end of them."""
        return None if self.last is None else max(0, (self.last - self.first) // self.multiple_of + 1)

    def __contains__(self, size: object) -> bool:
        return (
            isinstance(size, int)
            and size >= self.first
            and (self.most is None or size <= self.most)
            and size % self.multiple_of == 0
        )

    def sizes(self, count: int) -> list[int]:
        """The first sizes, in order."""
        count = count if self.total is None else min(count, self.total)
        first = self.first
        return list(range(first, first + self.multiple_of * count, self.multiple_of))

    def symbol(self, name: str) -> Number:
        """The size that is promised so."""
        return symbol(name, self.first, self.last, self.multiple_of)

    def __str__(self) -> str:
        """As `dims` has it."""
        written = {"min": self.least if self.least > 1 else None, "max": self.most,
                   "multiple_of": self.multiple_of if self.multiple_of > 1 else None}  # fmt: skip
        return f"{{{', '.join(f'{key}: {value}' for key, value in written.items() if value is not None)}}}"


def in_words(names: Iterable[str]) -> str:
    """`H`, `H and W`, `D, H and W`; abridged where there are many."""
    *most, last = names
    if len(most) > LISTED:
        most, last = most[:LISTED], f"{len(most) + 1 - LISTED} more"
    return f"{', '.join(most)} and {last}" if most else last
