"""What is wrong with a document, as far as it is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Self

from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.budgets import MOST_TOLD, TOO_WRONG, TOO_WRONG_FIX

MOST_INSTANCES = 200
"""How often mistakes are found where one written line makes many layers; such are told once."""


class Enough(Exception):  # noqa: N818  a signal that ends the judgement
    """So much is wrong that the rest is not looked at."""


class Problems(list[Diagnostic]):
    """A list that takes `MOST_TOLD` different diagnostics and one that says so; then it raises `Enough`."""

    def __init__(self) -> None:
        super().__init__()
        self.told: set[tuple[str, Path]] = set()

    def append(self, problem: Diagnostic) -> None:
        """One more."""
        self.told.add((problem.message, problem.path))
        if len(self.told) > MOST_TOLD or len(self) >= MOST_INSTANCES:
            super().append(not_judged(self[-1]))
            raise Enough
        super().append(problem)

    def extend(self, problems: Iterable[Diagnostic]) -> None:
        """Several more."""
        for problem in problems:
            self.append(problem)

    def __iadd__(self, problems: Iterable[Diagnostic]) -> Self:  # type: ignore[override,misc]
        self.extend(problems)
        return self


def not_judged(last: Diagnostic) -> Diagnostic:
    """SB113, at the last mistake that is told."""
    return Diagnostic("SB113", TOO_WRONG, last.path, last.target, fix=TOO_WRONG_FIX, file=last.file)


def few(problems: Iterable[Diagnostic]) -> list[Diagnostic]:
    """As many as are told at once."""
    kept = Problems()
    with suppress(Enough):  # which is said
        kept.extend(problems)
    return [*kept]


def few_warnings(warnings: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """As many as are told at once, and SB823 if there are more."""
    told: set[tuple[str, Path]] = set()
    for warning in warnings:
        told.add((warning.message, warning.path))
        if len(told) > MOST_TOLD:
            yield Diagnostic("SB823", TOO_ODD, warning.path, warning.target, fix=TOO_WRONG_FIX)
            return
        yield warning


TOO_ODD = f"there are more warnings than {MOST_TOLD}"
