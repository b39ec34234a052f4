"""A mistake in reading, before it has a place: what both readers collect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Path, Replacement
from specbuild.language.lines import Lines


class Fault(NamedTuple):
    """A mistake between two characters of the text."""

    code: str
    message: str
    start: int
    end: int
    path: Path = ()
    fix: str | None = None
    because: str | None = None
    replacement: str | None = None
    """What stands there instead once it is mended, where that is certain."""


def placed(faults: Iterable[Fault], name: str, lines: Lines) -> list[Diagnostic]:
    """The faults as diagnostics, in the order of the text."""
    diagnostics = []
    for fault in sorted(faults, key=lambda fault: fault.start):
        span = lines.first_line(fault.start, fault.end)
        edit = replacement = None
        if fault.replacement is not None:
            edit = Edit(fault.path, fault.replacement, "text")
            replacement = Replacement(lines.span(fault.start, fault.end), fault.replacement)
        diagnostics.append(
            Diagnostic(
                fault.code,
                fault.message,
                fault.path,
                fix=fault.fix,
                because=fault.because,
                edit=edit,
                replacement=replacement,
                file=name,
                span=span,
                snippet=lines.line(span.line),
            )
        )
    return diagnostics


def abridged(text: str, length: int = 40) -> str:
    """A piece of the document as a message quotes it."""
    return text if len(text) <= length else text[: length - 1] + "…"
