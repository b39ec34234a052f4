"""Diagnostics as GitHub Actions shows them: one workflow command a diagnostic."""

from __future__ import annotations

from collections.abc import Iterable

from specbuild.diagnostics.diagnostic import Diagnostic

IN_MESSAGES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
IN_PROPERTIES = {**IN_MESSAGES, ":": "%3A", ",": "%2C"}


def commands(diagnostics: Iterable[Diagnostic]) -> str:
    """`::error file=spec.yaml,line=9,col=45,...::message`, a line each."""
    return "\n".join(map(command, diagnostics))


def command(diagnostic: Diagnostic) -> str:
    """The workflow command of one diagnostic; what led there and the mend are further lines of its message."""
    span = diagnostic.span
    properties: dict[str, object] = {}
    if is_file(diagnostic):
        properties["file"] = diagnostic.file
    if is_file(diagnostic) and span is not None:
        properties |= {
            "line": span.line,
            "col": span.column,
            "endLine": span.end_line,
            "endColumn": span.end_column,
        }
    properties["title"] = diagnostic.code
    message = "\n".join(
        [
            diagnostic.text if is_file(diagnostic) else f"{diagnostic.place}: {diagnostic.text}",
            *([f"because: {diagnostic.because}"] if diagnostic.because else ()),
            *([f"fix: {diagnostic.fix}"] if diagnostic.fix else ()),
        ]
    )
    written = ",".join(f"{name}={escaped(str(value), IN_PROPERTIES)}" for name, value in properties.items())
    return f"::{diagnostic.severity} {written}::{escaped(message, IN_MESSAGES)}"


def is_file(diagnostic: Diagnostic) -> bool:
    """Whether a diagnostic is about a file, and not standard input, a dict or an override."""
    return diagnostic.file is not None and not diagnostic.file.startswith(("<", "--"))


def escaped(text: str, escapes: dict[str, str]) -> str:
    """The text as a workflow command takes it, without what steers a terminal."""
    return "".join(escapes.get(c) or (c if c.isprintable() else "\ufffd") for c in text)
