"""Diagnostics as people and programs read them: text and JSON, renderers of one object."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Replacement, Span, path_text, pointer_of

WIDTH = 80
"""The columns that a line with its snippet has, where no terminal says otherwise."""
NARROWEST = 40
BOLD, PLAIN = "\x1b[1m", "\x1b[0m"
COLOURS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m"}
NEAR = 1000
"""How far beside the mark a line is looked at, beyond what has room."""


def text(diagnostics: Iterable[Diagnostic], width: int = WIDTH, *, colour: bool = False) -> str:
    """All diagnostics as text, a blank line between two; colour: with a terminal's escapes."""
    return "\n\n".join(text_of(diagnostic, width, colour=colour) for diagnostic in diagnostics)


def text_of(diagnostic: Diagnostic, width: int = WIDTH, *, colour: bool = False) -> str:
    """Place, code and message; the line with carets under the mistake; what led there; the mend."""
    strong, bold, plain = (COLOURS[diagnostic.severity], BOLD, PLAIN) if colour else ("", "", "")
    gutter = len(str(diagnostic.span.line)) if diagnostic.span else 2
    pad = " " * (gutter + 2)
    kind = f"{strong}{diagnostic.severity}[{diagnostic.code}]{plain}"
    lines = [f"{bold}{printable(diagnostic.place)}:{plain} {kind}{bold}: {printable(diagnostic.text)}{plain}"]
    if diagnostic.snippet is not None:
        shown, carets = excerpt(diagnostic.snippet, diagnostic.span, max(width, NARROWEST) - gutter - 4)
        number = diagnostic.span.line if diagnostic.span else ""
        lines += [f"{pad}|", f" {number:>{gutter}} | {shown}" if diagnostic.span else f"{pad}| {shown}"]
        if carets:
            lines.append(f"{pad}| {' ' * (len(carets) - len(carets.lstrip()))}{strong}{carets.lstrip()}{plain}")
    if diagnostic.because:
        lines.append(f"{pad}= {bold}because:{plain} {printable(diagnostic.because)}")
    if diagnostic.fix:
        lines.append(f"{pad}= {bold}fix:{plain} {printable(diagnostic.fix)}")
    return "\n".join(lines)


def excerpt(line: str, span: Span | None, room: int) -> tuple[str, str]:
    """The part of a source line that has room, and the carets below it; both in a terminal's columns."""
    start = min(span.column - 1, len(line)) if span else 0
    end = span.end_column - 1 if span and span.end_line == span.line else len(line)
    before, after = max(0, start - room - NEAR), start + room + NEAR
    is_cut = len(line) > after
    line, start, end = printable(line[before:after]), start - before, min(end, after) - before
    end = max(end, start + 1)
    first, last = window([columns_of(c) for c in line], start, end, room)
    head, cut = ("…" if first or before else ""), ("…" if last < len(line) or is_cut else "")
    shown = f"{head}{line[first:last]}{cut}"
    if span is None:
        return shown, ""
    marked = line[start : min(end, last)] + (cut if end > last else "")
    return shown, " " * columns(head + line[first:start]) + "^" * max(1, columns(marked))


def window(widths: Sequence[int], start: int, end: int, room: int) -> tuple[int, int]:
    """The characters from the first to before the last that have room; those from `start` to `end` are marked.

    The beginning of the line is kept where the mark has room beside it.
    """
    if sum(widths) <= room:
        return 0, len(widths)
    room -= 1  # for what stands for the rest
    first, taken = start, 0
    if sum(widths[:end]) <= room:
        first, taken = 0, sum(widths[:start])
    else:
        room -= 1
    while first and taken + widths[first - 1] <= room // 2:
        first -= 1
        taken += widths[first]
    last = start
    while last < len(widths) and taken + widths[last] <= room:
        taken += widths[last]
        last += 1
    while first and taken + widths[first - 1] <= room:
        first -= 1
        taken += widths[first]
    while 0 < first < start and widths[first] == 0:  # an accent belongs to the letter before
        first += 1
    return first, last


def printable(line: str) -> str:
    """Tabs as one space and control characters as `�`, so that a terminal shows what is meant."""
    return "".join(" " if c == "\t" else c if c.isprintable() or c == " " else "\ufffd" for c in line)


def columns(line: str) -> int:
    """The columns that a terminal gives to a line."""
    return sum(map(columns_of, line))


def columns_of(character: str) -> int:
    """None for what is set over another character, two for wide ones such as those of Chinese, and emoji."""
    if character.isascii():
        return 1
    if unicodedata.category(character) in ("Mn", "Me") or "\u1160" <= character <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def as_json(diagnostics: Sequence[Diagnostic]) -> list[dict[str, Any]]:
    """One object a diagnostic, for `json.dumps`."""
    return [object_of(diagnostic) for diagnostic in diagnostics]


def object_of(diagnostic: Diagnostic) -> dict[str, Any]:
    """The JSON form of one diagnostic; what is not known is null."""
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.text,
        "file": diagnostic.file,
        "line": span and span.line,
        "column": span and span.column,
        "end_line": span and span.end_line,
        "end_column": span and span.end_column,
        "path": path_text(diagnostic.path),
        "pointer": pointer_of(diagnostic.path),
        "because": diagnostic.because,
        "fix": diagnostic.fix and {"text": diagnostic.fix, "edit": edit_of(diagnostic.edit, diagnostic.replacement)},
    }


def edit_of(edit: Edit | None, replacement: Replacement | None) -> dict[str, Any] | None:
    """A certain mend: put `value` in place of the value, or the key, at `path`; in a text, `text` in place of that."""
    if edit is None:
        return None
    place = replacement.span if replacement is not None else (None, None, None, None)
    return {
        "path": path_text(edit.path),
        "pointer": pointer_of(edit.path),
        "target": edit.target,
        "value": edit.value,
        **dict(zip(("line", "column", "end_line", "end_column"), place, strict=True)),
        "text": replacement and replacement.text,
    }
