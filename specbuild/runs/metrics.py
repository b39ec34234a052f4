"""`metrics.jsonl`: one line an epoch, each with a CRC of its own."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.runs import files, reading

NAME = "metrics.jsonl"
MOST_TOLD = 20
"""How many lines that are wrong are told at once."""

Record = Mapping[str, Any]
"""What was measured in one epoch, by name."""


def append(path: Path, record: Record) -> None:
    """Add a line: the record, and at its end `crc`, the CRC-32 of the record's JSON."""
    files.append(path, rendered(record).encode() + b"\n")  # no half line: what was recorded before stays readable


def read(path: Path) -> tuple[dict[str, Any], ...]:
    """The records, without their CRCs; a line whose CRC does not hold, or that is no record, is an SB503."""
    records = []
    problems = []
    for number, line in enumerate(reading.read(path.parent, path.name, reading.LIMITS[NAME]).splitlines(), start=1):
        try:
            record = json.loads(line)
            del record["crc"]
            whole = rendered(record).encode() == line  # the same numbers in other digits are not the same
        except (ValueError, RecursionError, KeyError, TypeError, UnicodeEncodeError):
            whole = False
        if not whole:
            problems.append(Diagnostic("SB503", f"line {number} of {path.name} was altered", file=str(path)))
        elif (fault := fault_of(record)) is not None:
            problems.append(Diagnostic("SB503", f"line {number} of {path.name} is no record: {fault}", file=str(path)))
        else:
            records.append(record)
        if len(problems) == MOST_TOLD:
            break
    if problems:
        raise RunError(problems)
    return tuple(records)


def fault_of(record: dict[str, Any]) -> str | None:
    """What a record has that none has that was written here, in words."""
    if not isinstance(record.get("epoch"), int) or not reading.is_number(record["epoch"]):
        return "`epoch` is not a number"
    if not isinstance(record.get("best", False), bool):
        return "`best` is neither true nor false"
    for name, value in record.items():
        if not (value is None or isinstance(value, bool) or reading.is_number(value)):
            return f"`{reading.shown(name)}` is neither a number nor null"
    return None


def rendered(record: Record) -> str:
    """A record's line: its JSON with `crc` at its end."""
    crc = zlib.crc32(json.dumps(dict(record), allow_nan=False).encode())
    return json.dumps({**record, "crc": f"{crc:08x}"})
