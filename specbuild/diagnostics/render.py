"""Diagnostics as people and programs read them: text and JSON, renderers of one object."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic, Edit, path_text

SNIPPET_WIDTH = 100
"""How much of a long source line is shown around its mark, in characters."""


def text(diagnostics: Iterable[Diagnostic]) -> str:
    """All diagnostics as text, a blank line between two."""
    return "\n\n".join(text_of(diagnostic) for diagnostic in diagnostics)


def text_of(diagnostic: Diagnostic) -> str:
    """Place, code and message; the line with carets under the mistake; what led there; the mend."""
    gutter = len(str(diagnostic.span.line)) if diagnostic.span else 2
    pad = " " * (gutter + 2)
    lines = [printable(str(diagnostic))]
    if diagnostic.snippet is not None:
        lines += snippet_lines(diagnostic, gutter)
    if diagnostic.because:
        lines.append(printable(f"{pad}= because: {diagnostic.because}"))
    if diagnostic.fix:
        lines.append(printable(f"{pad}= fix: {diagnostic.fix}"))
    return "\n".join(lines)


def snippet_lines(diagnostic: Diagnostic, gutter: int) -> list[str]:
    """The source line and the carets below it."""
    line = diagnostic.snippet or ""
    pad = " " * (gutter + 2)
    span = diagnostic.span
    if span is None:
        return [f"{pad}|", f"{pad}| {printable(line)}"]
    start = span.column - 1
    end = span.end_column - 1 if span.end_line == span.line else len(line)
    end = max(end, start + 1)
    first = 0
    if len(line) > SNIPPET_WIDTH and start > SNIPPET_WIDTH // 2:
        first = start - SNIPPET_WIDTH // 2
    shown = line[first : first + SNIPPET_WIDTH]
    end = min(end, first + SNIPPET_WIDTH + 1)
    head, cut = ("…" if first else ""), ("…" if first + SNIPPET_WIDTH < len(line) else "")
    before, marked = printable(head + line[first:start]), printable(line[start:end])
    carets = " " * width(before) + "^" * max(1, width(marked))
    return [
        f"{pad}|",
        f" {span.line:>{gutter}} | {printable(head + shown + cut)}",
        f"{pad}| {carets}",
    ]


def printable(line: str) -> str:
    """Tabs as one space and control characters as `�`, so that a terminal shows what is meant."""
    return "".join(" " if c == "\t" else c if c.isprintable() or c == " " else "\ufffd" for c in line)


def width(line: str) -> int:
    """The columns that a terminal gives to a line."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


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
        "because": diagnostic.because,
        "fix": diagnostic.fix and {"text": diagnostic.fix, "edit": edit_of(diagnostic.edit)},
    }


def edit_of(edit: Edit | None) -> dict[str, Any] | None:
    """A certain mend: put `value` in place of the value, or the key, at `path`."""
    return edit and {"path": path_text(edit.path), "target": edit.target, "value": edit.value}
