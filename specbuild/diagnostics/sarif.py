"""Diagnostics as SARIF 2.1.0, the interchange format of static analysis (OASIS).

Columns count characters from 1 and ends are exclusive, as everywhere here: `columnKind` says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from specbuild.diagnostics.codes import CODES
from specbuild.diagnostics.diagnostic import Diagnostic, Span, path_text
from specbuild.diagnostics.github import is_file

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def log(diagnostics: Iterable[Diagnostic], version: str) -> dict[str, Any]:
    """One run with all diagnostics, for `json.dumps`; version: specbuild's own."""
    found = list(diagnostics)
    codes = sorted({diagnostic.code for diagnostic in found})
    driver = {"name": "specbuild", "semanticVersion": version, "rules": [rule(code) for code in codes]}
    results = [result(diagnostic, codes.index(diagnostic.code)) for diagnostic in found]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def rule(code: str) -> dict[str, Any]:
    """A code with its explanation."""
    entry = CODES[code]
    return {
        "id": code,
        "shortDescription": {"text": entry.title},
        "fullDescription": {"text": entry.explanation},
        "help": {"text": f"{entry.explanation}\n\nWrong:\n\n{entry.failing}\nMended:\n\n{entry.mended}"},
        "defaultConfiguration": {"level": "warning" if code.startswith("SB8") else "error"},
    }


def result(diagnostic: Diagnostic, index: int) -> dict[str, Any]:
    """One diagnostic."""
    lines = [diagnostic.text]
    lines += [f"because: {diagnostic.because}"] if diagnostic.because else []
    lines += [f"fix: {diagnostic.fix}"] if diagnostic.fix else []
    found: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": index,
        "level": diagnostic.severity,
        "message": {"text": "\n".join(lines)},
        "locations": [location(diagnostic)],
    }
    if diagnostic.replacement is not None and is_file(diagnostic):
        span, text = diagnostic.replacement
        change = {
            "artifactLocation": {"uri": uri(str(diagnostic.file))},
            "replacements": [{"deletedRegion": region(span), "insertedContent": {"text": text}}],
        }
        found["fixes"] = [{"description": {"text": diagnostic.fix or "as meant"}, "artifactChanges": [change]}]
    return found


def location(diagnostic: Diagnostic) -> dict[str, Any]:
    """The place in its file; for what is in no file the path in the document."""
    found: dict[str, Any] = {}
    if is_file(diagnostic):
        physical: dict[str, Any] = {"artifactLocation": {"uri": uri(str(diagnostic.file))}}
        if diagnostic.span is not None:
            physical["region"] = region(diagnostic.span)
            if diagnostic.snippet is not None:
                physical["contextRegion"] = {
                    "startLine": diagnostic.span.line,
                    "snippet": {"text": diagnostic.snippet},
                }
        found["physicalLocation"] = physical
    name = path_text(diagnostic.path)
    if name or not found:
        found["logicalLocations"] = [{"fullyQualifiedName": name or str(diagnostic.file), "kind": "member"}]
    return found


def region(span: Span) -> dict[str, int]:
    """A span as a region."""
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def uri(file: str) -> str:
    """A path as a URI, relative to the working directory where it can be."""
    if os.path.isabs(file):
        inside = os.path.relpath(file)
        if inside.startswith(os.pardir):
            return f"file://{quote(file)}"
        file = inside
    return quote(os.path.normpath(file).replace(os.sep, "/"))
