"""A document as it came: its text, its plain values, and the place of each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any, Literal

from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Path, Replacement, Span, Target
from specbuild.errors import SpecError
from specbuild.language.budgets import MAX_BYTES
from specbuild.language.decoding import bytes_of, decoded, forbidden, over_size, shown_name
from specbuild.language.faults import Fault, placed
from specbuild.language.lines import Lines
from specbuild.language.positions import Place, find, scalars

Format = Literal["yaml", "json", "python"]
EMPTY_FIX = "a document has `specbuild: 1`, `input` and `layers`"
OVERRIDE = "--set"
"""The file of a diagnostic about a value that an override gave."""
NOWHERE = Span(1 << 62, 0, 0, 0)


@dataclass(frozen=True)
class Source:
    """A document that has been read; what it means is not judged yet."""

    name: str
    """As a reader is shown it: the path as given, `<stdin>`, `<text>` or `<dict>`."""
    text: str = field(repr=False)
    """Empty for a dict."""
    format: Format
    tree: dict[str, Any] = field(repr=False)
    """The plain values: dicts, lists and scalars. What an alias stands for is one object."""
    overrides: tuple[tuple[Path, str], ...] = ()
    """The paths that `--set` gave a value, each with its `PATH=VALUE`."""

    @property
    def parts(self) -> tuple[Source, ...]:
        """The documents that it is made of, itself first and then its bases: one, where it has none."""
        return (self,)

    @property
    def length(self) -> int:
        """The characters of all its texts; 0 for a dict."""
        return len(self.text)

    def origin(self, path: Path) -> tuple[Source, Path]:
        """The document in which the value at a path is written, and the path there."""
        return self, path

    def where(self, path: Path) -> str | None:
        """The line and column of the value at a path, as `3:7`; None for a dict."""
        span = self.locate(path)
        return f"{span.line}:{span.column}" if span else None

    def locate(self, path: Path, target: Target = "value") -> Span | None:
        """Where the value at a path is written, or the key that holds it.

        For a path that is not written it is the `type`, or else the first line, of the innermost
        collection on the way that is. None for a dict.
        """
        if self._places is None:
            return None
        start, end, is_exact = find(self._places, path, target)
        return self._lines.span(start, end) if is_exact else self._lines.first_line(start, end)

    def scalars(self) -> list[tuple[int, int]]:
        """The stretches of text of all keys and single values, in order."""
        return [] if self._places is None else scalars(self._places)

    def place(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """The diagnostics with file, span and source line, in the order of the text, each once.

        A span ends with its line. What has a file already keeps its place; what an override gave has
        the override's text instead of a line.
        """
        seen: dict[tuple[Any, ...], list[Diagnostic]] = {}
        unique: list[Diagnostic] = []
        for diagnostic in diagnostics:
            if diagnostic.file is None:
                diagnostic = self._placed(diagnostic)
            same = seen.setdefault((diagnostic.code, diagnostic.message, diagnostic.path), [])
            if diagnostic not in same:
                same.append(diagnostic)
                unique.append(diagnostic)
        unique.sort(key=self.rank)
        return tuple(without_rivals(without_echoes(unique)))

    def rank(self, diagnostic: Diagnostic) -> tuple[int, Span]:
        """What diagnostics that have their places are ordered by; what stands in no text comes last."""
        return 0, diagnostic.span or NOWHERE

    def _placed(self, diagnostic: Diagnostic) -> Diagnostic:
        for path, text in reversed(self.overrides):
            if diagnostic.path[: len(path)] == path:
                return replace(diagnostic, edit=None).placed(OVERRIDE, None, text)
        if self._places is None:
            return diagnostic.placed(self.name, None, None)
        start, end, _ = find(self._places, diagnostic.path, diagnostic.target)
        span = self._lines.first_line(start, end)
        replacement = self._replacement(diagnostic.edit)
        if replacement is None and diagnostic.edit is not None:
            diagnostic = replace(diagnostic, edit=None)
        return diagnostic.placed(self.name, span, self._lines.line(span.line), replacement)

    def _replacement(self, edit: Edit | None) -> Replacement | None:
        if edit is None or self._places is None or any(edit.path[: len(path)] == path for path, _ in self.overrides):
            return None
        from specbuild.language.editing import change_of

        change = change_of(self.text, self.format == "yaml", self._places, edit)
        return change and Replacement(self._lines.span(change.start, change.end), change.text)

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self.text)

    @cached_property
    def _places(self) -> Place | None:
        return None if self.format == "python" else places_of(self.text, self.format)


def without_echoes(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics, one of those that say the same of the same text, as where an alias repeats it."""
    seen: dict[tuple[object, ...], Path] = {}
    return [
        found
        for found in diagnostics
        if found.span is None
        or seen.setdefault(
            (
                found.code,
                found.message,
                found.because,
                found.fix,
                found.file,
                found.span,
                repr(found.edit and found.edit.value),
            ),
            found.path,
        )
        == found.path
    ]


def without_rivals(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics, without the edits of one value, or key, that would make different things of it.

    Of the keys of one mapping that would all get the same name only the first is edited.
    """
    meant: dict[tuple[Path, str], set[str]] = {}
    for found in diagnostics:
        if found.edit is not None:
            meant.setdefault((found.edit.path, found.edit.target), set()).add(repr(found.edit.value))
    rivals = {place for place, values in meant.items() if len(values) > 1}
    named: dict[tuple[Path, str], Path] = {}
    kept = []
    for found in diagnostics:
        edit = found.edit
        if edit is not None:
            is_rival = (edit.path, edit.target) in rivals
            if not is_rival and edit.target == "key":
                is_rival = named.setdefault((edit.path[:-1], str(edit.value)), edit.path) != edit.path
            found = replace(found, edit=None, replacement=None) if is_rival else found
        kept.append(found)
    return kept


def text_of(document: str | os.PathLike[str] | Source) -> tuple[str, str]:
    """The text of a document, with its name: that of a file, or the text itself, as `load` tells them apart."""
    if isinstance(document, Source):
        return document.text, document.name
    if isinstance(document, str) and ("\n" in document or document.lstrip().startswith("{")):
        return document, "<text>"
    given = os.fsdecode(document)
    return decoded(bytes_of(given), shown_name(given)), shown_name(given)


def read_source(path: str | os.PathLike[str]) -> Source:
    """The document in a file; raises `SpecError` with all that cannot be read."""
    given = os.fsdecode(path)
    return read_bytes(bytes_of(given), shown_name(given))


def read_bytes(data: bytes, name: str, format: Format | None = None) -> Source:
    """The document in a file's bytes, UTF-8; raises `SpecError` with all that cannot be read."""
    return read_text(decoded(data, name), name, format)


def read_text(text: str, name: str = "<text>", format: Format | None = None) -> Source:
    """The document in a text; raises `SpecError` with all that cannot be read.

    format: without it, `name` says (`.json`, `.yaml`, `.yml`), and else a text that begins with `{` is JSON.
    """
    if len(text) > MAX_BYTES:
        raise over_size(name)
    text = text.removeprefix("\ufeff")
    format = format or format_of(text, name)
    faults = forbidden(text, format == "yaml")
    tree: Any = None
    if not faults:
        tree, faults = values_of(text, format)
    if faults:
        faults = with_first_lines(faults, text, format)
        raise SpecError(placed(faults, name, Lines(text)))
    return Source(name, text, format, tree)


def from_dict(mapping: Mapping[str, Any], name: str = "<dict>") -> Source:
    """The document in a Python mapping, copied; raises `SpecError` with all that a document cannot hold."""
    from specbuild.language.plain import plain

    tree, problems = plain(mapping, name)
    if problems:
        raise SpecError(problems)
    return Source(name, "", "python", tree)


def format_of(text: str, name: str) -> Format:
    """What a document is written in."""
    ending = FilePath(name).suffix.lower()
    if ending == ".json":
        return "json"
    if ending in (".yaml", ".yml"):
        return "yaml"
    return "json" if text.lstrip().startswith("{") else "yaml"


def values_of(text: str, format: Format) -> tuple[Any, list[Fault]]:
    """The document's mapping and what is wrong with it."""
    if not text.strip():
        return None, [Fault("SB110", "the document is empty", 0, 1, fix=EMPTY_FIX)]
    if format == "json":
        from specbuild.language.reading_json import read_json

        tree, faults = read_json(text)
    else:
        from specbuild.language.reading_yaml import ABSENT, read_yaml

        tree, faults = read_yaml(text)
        if not faults and tree is ABSENT:
            return None, [Fault("SB110", "the document is empty", 0, 1, fix=EMPTY_FIX)]
    if not faults and not isinstance(tree, dict):
        start = len(text) - len(text.lstrip())
        what = "a list" if isinstance(tree, list) else "null" if tree is None else "a single value"
        message = f"a document is a mapping of keys to values; this one is {what}"
        return None, [Fault("SB110", message, start, len(text), fix=EMPTY_FIX)]
    return tree, faults


def with_first_lines(faults: list[Fault], text: str, format: Format) -> list[Fault]:
    """The faults, those about a key that is written twice with the line of the first."""
    if format != "yaml" or all(fault.code != "SB105" for fault in faults):
        return faults
    places, lines = places_of(text, format), Lines(text)
    told = []
    for fault in faults:
        if fault.code == "SB105" and places is not None:
            first = find(places, fault.path, "key")[0]
            fault = fault._replace(message=f"{fault.message}, first on line {lines.place(first)[0]}")
        told.append(fault)
    return told


def places_of(text: str, format: Format) -> Place | None:
    """The places of a document: the second scan."""
    if format == "json":
        from specbuild.language.json_scanner import scan_json

        return scan_json(text)[0]
    from specbuild.language.yaml_places import yaml_places

    return yaml_places(text)
