"""The JSON Schema of diagnostics as JSON."""

from __future__ import annotations

from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PLACE: dict[str, Any] = {"type": ["integer", "null"], "minimum": 1}
TEXT: dict[str, Any] = {"type": ["string", "null"], "maxLength": 1000}


def diagnostics_schema() -> dict[str, Any]:
    """Version 1 of what `--format json` prints of diagnostics; properties may be added, and none is taken away."""
    return {
        "$schema": DIALECT,
        "$id": "urn:specbuild:schema:diagnostics:1",
        "title": "specbuild diagnostics, version 1",
        "description": "What is wrong with documents, their data or runs, as `--format json` prints it; empty where "
        "nothing is. Properties that are not listed here may be added, and are to be passed over.",
        "type": "array",
        "items": {"$ref": "#/$defs/diagnostic"},
        "$defs": {"diagnostic": diagnostic_schema(), "fix": fix_schema(), "edit": edit_schema()},
    }


def place_schema(what: str) -> dict[str, Any]:
    """Where something stands in the text."""
    return {
        "line": {**PLACE, "description": f"The line {what}, from 1; lines end at LF, CRLF or CR."},
        "column": {**PLACE, "description": f"The column {what}, from 1, in characters (Unicode code points)."},
        "end_line": {**PLACE, "description": "The line of the end."},
        "end_column": {**PLACE, "description": "The column of the end, exclusive."},
    }


def diagnostic_schema() -> dict[str, Any]:
    """One thing that is wrong."""
    return whole(
        {
            "code": {
                "description": "What is wrong, stable: `specbuild explain CODE`. SB1xx reading, SB2xx structure, SB3xx "
                "shapes, SB4xx data, loss and training, SB5xx runs and exports, SB8xx warnings.",
                "type": "string",
                "pattern": "^SB[0-9]{3}$",
            },
            "severity": {"description": "Errors alone make the exit status 1.", "enum": ["error", "warning"]},
            "message": {
            },
            "file": {
                "description": "As it was given on the command line; `<stdin>` for `-`; `--set` for a value that an "
                "override gave.",
                "type": ["string", "null"],
            },
            **place_schema("that it begins on"),
            "path": {"description": "Where in the document, as `--set` takes it.", "type": "string"},
            "pointer": {"description": "The same as a JSON Pointer (RFC 6901).", "type": "string"},
            "because": {**TEXT, "description": "What led there, for people."},
            "fix": {"anyOf": [{"$ref": "#/$defs/fix"}, {"type": "null"}]},
        },
        "One thing that is wrong. What is not known is null.",
    )  # fmt: skip


def fix_schema() -> dict[str, Any]:
    """How it is mended."""
    return whole(
        {
            "text": {"description": "The mend, or the mends, for people.", "type": "string", "maxLength": 1000},
            "edit": {"anyOf": [{"$ref": "#/$defs/edit"}, {"type": "null"}]},
        },
        "How it is mended.",
    )


def edit_schema() -> dict[str, Any]:
    """A certain mend."""
    return whole(
        {
            "path": {"description": "What is edited, as `--set` takes it.", "type": "string"},
            "pointer": {"description": "The same as a JSON Pointer (RFC 6901).", "type": "string"},
            "target": {
                "description": "Whether `value` is put in place of the value there, or of the key that holds it; "
                "`text`: the document cannot be read, and its text alone is edited.",
                "enum": ["value", "key", "text"],
            },
            "value": {"description": "What is put there."},
            **place_schema("of what gives way"),
            "text": {
                "description": "What stands there instead, as written in this document; null, as line and column are, "
                "where it has no place of its own in the text, and `--fix` does not make it.",
                "type": ["string", "null"],
            },
        },
        "A mend that is certain, the one that `--fix` makes.",
    )


def whole(properties: dict[str, Any], description: str) -> dict[str, Any]:
    """An object that has all of its properties."""
    return {"description": description, "type": "object", "properties": properties, "required": [*properties]}
