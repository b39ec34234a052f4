"""Warnings that a document silences: `# specbuild: ignore[SB808]` on their line, or `ignore: [SB808]` in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from specbuild.diagnostics.codes.lint import LINT
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.language.budgets import MOST_TOLD
from specbuild.language.document import Spec
from specbuild.language.ignoring import ERROR, meant_code
from specbuild.language.lines import Lines
from specbuild.language.problems import few_warnings
from specbuild.language.source import Source

WRITTEN = re.compile(r"#[ \t]*specbuild:[ \t]*ignore\b(?:[ \t]*\[([^\]\r\n]*)\])?", re.IGNORECASE)
CODE = re.compile(r"[^\s,]+")
USELESS, TOO_MANY = "SB822", "SB823"


class Silence(NamedTuple):
    """One code that is silenced, on a line or in the whole document."""

    code: str
    file: str
    """Of the line; empty for the whole document."""
    line: int
    """0 for the whole document."""
    start: int
    end: int
    """Where it is written; of a code in the list `ignore` its index and -1."""


def silenced(
    spec: Spec, odd: Iterable[Diagnostic], problems: Iterable[Diagnostic], *, whole: bool
) -> tuple[Diagnostic, ...]:
    """All at its place, without the warnings that the document silences, and with SB822 for what silences none.

    whole: whether all warnings are among those in `odd`; where a document has errors they are not.
    """
    source, lines = spec.source, Lines(spec.source.text)
    silences = Silences()
    silences.add(Silence(code, "", 0, k, -1) for k, code in enumerate(spec.ignored))
    heard = [*few_warnings(warning for warning in odd if not silences.take(warning))]
    whole = whole and not any(warning.code == TOO_MANY for warning in heard)
    for part in source.parts:
        silences.add(comments(part, lines if part.name == source.name else Lines(part.text)))
    kept = [diagnostic for diagnostic in spec.place([*heard, *problems]) if not silences.take(diagnostic)]
    if whole:
        own = ("", source.name)  # what is idle in a base serves the base
        idle = [silence for silence in silences.unused() if silence.code != USELESS and silence.file in own]
        useless = source.place([in_vain(silence, source, lines) for silence in idle[:MOST_TOLD]])
        kept += [diagnostic for diagnostic in useless if not silences.take(diagnostic)]
        kept.sort(key=source.rank)
    return tuple(kept)


class Silences:
    """What a document silences, and what of that has silenced something."""

    def __init__(self) -> None:
        self.by_place: dict[tuple[str, str, int], list[Silence]] = {}
        """By code, file and line."""
        self.used: set[tuple[str, str, int]] = set()

    def add(self, silences: Iterable[Silence]) -> None:
        """More of them."""
        for silence in silences:
            self.by_place.setdefault((silence.code, silence.file, silence.line), []).append(silence)

    def take(self, diagnostic: Diagnostic) -> bool:
        """Whether a diagnostic is silenced; what does it is noted."""
        if not diagnostic.code.startswith("SB8"):
            return False
        places = [(diagnostic.code, "", 0)]
        if diagnostic.span is not None and diagnostic.file is not None:
            places.append((diagnostic.code, diagnostic.file, diagnostic.span.line))
        by = [place for place in places if place in self.by_place]
        self.used.update(by)
        return bool(by)

    def unused(self) -> list[Silence]:
        """Those that have silenced nothing."""
        return [silence for place, written in self.by_place.items() if place not in self.used for silence in written]


def comments(source: Source, lines: Lines) -> Iterator[Silence]:
    """The codes in the comments of a YAML document; one without any has an empty code."""
    if source.format != "yaml":
        return
    written = [*WRITTEN.finditer(source.text)]
    if not written:
        return
    within = source.scalars()
    starts = [start for start, _ in within]
    for comment in written:
        before = bisect_right(starts, comment.start()) - 1
        if before >= 0 and comment.start() < within[before][1]:
            continue  # a `#` inside of a string begins no comment
        line, _ = lines.place(comment.start())
        codes = [*CODE.finditer(source.text, *comment.span(1))] if comment[1] is not None else []
        for code in codes:
            yield Silence(code[0].upper(), source.name, line, *code.span())
        if not codes:
            yield Silence("", source.name, line, *comment.span())


def in_vain(silence: Silence, source: Source, lines: Lines) -> Diagnostic:
    """SB822."""
    code = silence.code
    fix: str | None = "leave it out"
    if not code:
        message, fix = "it says no code, and so silences nothing", "# specbuild: ignore[SB808], with the code"
    elif any(known.code == code for known in LINT):
        message = f"there is no {code} {'on this line' if silence.line else 'in this document'} to silence"
    elif ERROR.fullmatch(code):
        message = f"{code} is an error: warnings alone (SB8xx) can be silenced"
    else:
        meant = meant_code(code)
        message, fix = f"there is no warning called {code}", f"did you mean {meant}?" if meant else fix
    if not silence.line:
        return Diagnostic(USELESS, message, ("ignore", silence.start), fix=fix)
    span = lines.span(silence.start, silence.end)
    return Diagnostic(USELESS, message, fix=fix).placed(source.name, span, lines.line(span.line))
