"""What counts as a finding: an exception, time, memory, or output that is no diagnostic."""

from __future__ import annotations

import json
import resource
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import specbuild
from specbuild.diagnostics import render
from specbuild.diagnostics.github import commands
from specbuild.errors import SpecbuildError
from specbuild.language.loading import read
from specbuild.language.source import Source, read_bytes

ROOT = Path(__file__).resolve().parents[2]
MOST_SECONDS = 1.0
MOST_MEMORY = 300 * 2**20
MOST_OUTPUT = 200_000
PATIENCE = 20


class Finding(NamedTuple):
    """An input that does what none may."""

    what: str
    input: bytes


class Runaway(BaseException):
    """A check that took too long."""


@contextmanager
def patience() -> Iterator[None]:
    """Raises `Runaway` in what does not come to an end."""

    def ended(number: int, frame: FrameType | None) -> None:
        raise Runaway

    before = signal.signal(signal.SIGVTALRM, ended)
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def fault_of(data: bytes, *, timed: bool = True) -> str:
    """What is wrong with the check of an input; empty if nothing is."""
    begun = time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        with patience():
            diagnostics = verdict(data)
            text = render.text(diagnostics)
            other = [json.dumps(render.as_json(diagnostics)), commands(diagnostics)]
    except Runaway:
        return f"no end after {PATIENCE} s: " + place_of(traceback.format_exc())
    except Exception as error:  # whatever it is, it is what was looked for
        return f"{type(error).__name__}: {str(error)[:100]} {place_of(traceback.format_exc())}"
    seconds = time.process_time() - begun
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) * 1024
    if timed and seconds > MOST_SECONDS:
        return f"slow: {seconds:.1f} s"
    if grown > MOST_MEMORY:
        return f"large: {grown / 2**20:.0f} MiB more"
    if len(text) > MOST_OUTPUT or any(len(form) > 4 * MOST_OUTPUT for form in other):
        return f"long: {len(text)} characters"
    if any(not character.isprintable() and character != "\n" for character in text):
        return "a control character in the output"
    if any(diagnostic.span is None for diagnostic in diagnostics):
        return "a diagnostic without a place"
    return ""


def verdict(data: bytes) -> tuple[specbuild.Diagnostic, ...]:
    """All that `check` says of a document."""
    try:
        source: Source = read(read_bytes(data, "<fuzz>"))
    except SpecbuildError as error:
        return error.diagnostics
    return specbuild.check(source)


def place_of(text: str) -> str:
    """The last line of our own in a traceback."""
    lines = [line.strip() for line in text.splitlines() if line.lstrip().startswith("File") and "/specbuild/" in line]
    return lines[-1].rpartition("/specbuild/")[2].replace('"', "") if lines else ""


def smaller(data: bytes, fault: str) -> bytes:
    """An input with the same fault from which no part can be left out, as far as that is soon found."""
    kind = fault.partition(":")[0]
    tries = 0
    size = max(1, len(data) // 2)
    while size and tries < 400:
        start = 0
        while start < len(data) and tries < 400:
            tries += 1
            shorter = data[:start] + data[start + size :]
            found = fault_of(shorter)
            if found.partition(":")[0] == kind and found.rpartition(" ")[2] == fault.rpartition(" ")[2]:
                data = shorter
            else:
                start += size
        size //= 2
    return data
