"""From the index of a character to its line and column."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

from specbuild.diagnostics.diagnostic import Span

BREAK = re.compile(r"\r\n?|\n")


class Lines:
    """A text as editors count it: lines end at LF, CRLF or CR, columns are characters from 1."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._last = (0, "")

    @cached_property
    def starts(self) -> list[int]:
        """The index at which each line begins."""
        return [0, *(found.end() for found in BREAK.finditer(self.text))]

    def place(self, index: int) -> tuple[int, int]:
        """The line and the column of the character at `index`."""
        line = bisect_right(self.starts, index)
        return line, index - self.starts[line - 1] + 1

    def index(self, line: int, column: int) -> int:
        """The index of the character at a line and a column."""
        return self.starts[line - 1] + column - 1

    def line(self, number: int) -> str:
        """The text of a line, without its end."""
        if number == self._last[0]:
            return self._last[1]  # many mistakes on one long line share it
        if number > len(self.starts):
            return ""
        start = self.starts[number - 1]
        end = self.starts[number] if number < len(self.starts) else len(self.text)
        self._last = (number, self.text[start:end].rstrip("\r\n"))
        return self._last[1]

    def span(self, start: int, end: int) -> Span:
        """The stretch from `start` up to `end`."""
        return Span(*self.place(start), *self.place(end))

    def first_line(self, start: int, end: int) -> Span:
        """The part of a stretch that is on its first line, at least one character wide."""
        line, column = self.place(start)
        last = column + max(1, min(end - start, len(self.line(line)) + 1 - column))
        return Span(line, column, line, last)
