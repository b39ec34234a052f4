"""What is certain, mended: a document is judged and edited by turns until nothing certain is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from specbuild.diagnostics.diagnostic import Diagnostic, Span
from specbuild.errors import SpecError
from specbuild.language.editing import Change, applied
from specbuild.language.lines import Lines
from specbuild.language.source import Format, Source, read_text

ROUNDS = 10
"""What a mend uncovers is mended too, so many times over."""
MOST_TRIALS = 50
"""How many mends are tried one by one where they do not go together."""

SHAPES = 3

Judge = Callable[[Source], Sequence[Diagnostic]]


class Fixed(NamedTuple):
    """A document after all that is certain."""

    text: str
    diagnostics: tuple[Diagnostic, ...]
    """What remains."""
    made: tuple[Diagnostic, ...]
    """What was mended, each at its place when it was."""


def fixed(text: str, name: str, judge: Judge, format: Format | None = None) -> Fixed:
    """The text with every certain mend made that does no harm."""

    def judged(text: str) -> tuple[Diagnostic, ...]:
        try:
            return tuple(judge(read_text(text, name, format)))
        except SpecError as error:
            return error.diagnostics

    diagnostics, made = judged(text), list[Diagnostic]()
    for _ in range(ROUNDS):
        certain = [found for found in diagnostics if found.replacement is not None]
        if not certain:
            break
        done = certain
        edited = mended(text, done)
        after = judged(edited)
        if not is_better(diagnostics, after, done):
            done = []
            for found in certain[:MOST_TRIALS]:
                trial = judged(mended(text, [*done, found]))
                if is_better(diagnostics, trial, [*done, found]):
                    done.append(found)
                    after = trial
            if not done:
                break
            edited = mended(text, done)
        text, diagnostics = edited, after
        made += done
    return Fixed(text, diagnostics, tuple(made))


def mended(text: str, diagnostics: Iterable[Diagnostic]) -> str:
    """The text with the replacements of diagnostics made."""
    lines = Lines(text)
    return applied(
        text,
        (
            Change(*stretch(lines, found.replacement.span), found.replacement.text)
            for found in diagnostics
            if found.replacement is not None
        ),
    )


def stretch(lines: Lines, span: Span) -> tuple[int, int]:
    """The characters of a span."""
    return lines.index(span.line, span.column), lines.index(span.end_line, span.end_column)


def is_better(before: Sequence[Diagnostic], after: Sequence[Diagnostic], done: Sequence[Diagnostic]) -> bool:
    """Whether mends did what they promised: their diagnostics are gone, and there are no more errors than before.

    More errors are taken where the mends uncover them: in a later stage of checking, inside of what was
    edited, or, after a mended shape, in other layers.
    """
    if keys(after) & keys(done):
        return False
    known, first = keys(before), stage(min(found.code for found in done))
    fresh = [found for found in errors(after) if not keys([found]) <= known]
    if any(stage(found.code) < first for found in fresh):
        return False
    if len(errors(after)) <= len(errors(before)):
        return True
    inside = [found.edit.path[:-1] for found in done if found.edit is not None and len(found.edit.path) > 1]
    mended = {found.path for found in done}
    return all(
        stage(found.code) > first
        or any(found.path[: len(path)] == path for path in inside)
        or (first == SHAPES and found.path not in mended)
        for found in fresh
    )


def stage(code: str) -> int:
    """The stage of checking that a code belongs to: reading is 1, structure 2, shapes 3."""
    return int(code[2])


def errors(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The errors among them."""
    return [found for found in diagnostics if found.severity == "error"]


def keys(diagnostics: Iterable[Diagnostic]) -> set[tuple[object, ...]]:
    """What makes a diagnostic the same before and after an edit elsewhere."""
    return {(found.code, found.path, found.message) for found in diagnostics}
