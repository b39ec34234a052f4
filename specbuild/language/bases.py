"""A document that builds on another: `base`, what it says in place of the base's keys, and `set` over all of it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Path, Span, Target
from specbuild.errors import SpecError
from specbuild.language.budgets import MOST_BASES
from specbuild.language.decoding import shown_name, similar_name
from specbuild.language.loading import wrong_version
from specbuild.language.overrides import BASING, copied, put
from specbuild.language.parsing import shown
from specbuild.language.source import OVERRIDE, Source, read_source

BASE, SET = BASING
OWN = ("specbuild", "name", *BASING)
"""What each document says for itself, and takes from no base."""
JOINED = ("vars", "blocks")
"""What is put together name by name."""
INSTEAD = {"input": "inputs", "inputs": "input"}
"""Keys of which a document has one."""
CANNOT_BE_READ = "the document cannot be read: "
ENDINGS = (".yaml", ".yml", ".json")
"""Those of a base's name: a document is to show no line of just any file."""
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


class Graft(NamedTuple):
    """A value of the document's own among those of its base."""

    path: Path
    """In the whole."""
    written: Path
    """In the document."""


@dataclass(frozen=True, kw_only=True)
class Derived(Source):
    """A document together with what it builds on; `name`, `text` and `format` are the document's own."""

    own: Source
    base: Source
    grafts: tuple[Graft, ...] = field(repr=False)
    """The later ones win."""
    whole: Mapping[str, Any] = field(repr=False)
    """The plain values without what `--set` put over them: a document that needs no base."""

    @property
    def parts(self) -> tuple[Source, ...]:
        """The document, its base, and that one's."""
        return (self.own, *self.base.parts)

    @property
    def length(self) -> int:
        """The characters of all its texts; 0 for a dict."""
        return len(self.text) and len(self.text) + self.base.length

    def origin(self, path: Path) -> tuple[Source, Path]:
        """The document in which the value at a path is written, and the path there.

        What nobody wrote is where something in it is, or would be in the base if the rest of the way is there.
        """
        for graft in reversed(self.grafts):
            if path[: len(graft.path)] == graft.path:
                return self.own, (*graft.written, *path[len(graft.path) :])
        if not path or not is_written(self.base.tree, path):
            inside = next((graft.written for graft in self.grafts if path and graft.path[: len(path)] == path), None)
            if inside is not None:
                return self.own, inside
        is_of_base = path and path[0] in self.whole and path[0] in self.base.tree
        return self.base.origin(path) if is_of_base else (self.own, path)

    def where(self, path: Path) -> str | None:
        """The file, line and column of the value at a path; None for a dict."""
        part, _ = self.origin(path)
        span = self.locate(path)
        return f"{part.name}:{span.line}:{span.column}" if span else None

    def locate(self, path: Path, target: Target = "value") -> Span | None:
        """Where the value at a path is written, in its own file."""
        part, there = self.origin(path)
        return part.locate(there, target)

    def rank(self, diagnostic: Diagnostic) -> tuple[int, Span]:
        """The document's own come first, then those of each base."""
        _, span = super().rank(diagnostic)
        files = [part.name for part in self.parts]
        return files.index(diagnostic.file) if diagnostic.file in files else len(files), span

    def _placed(self, diagnostic: Diagnostic) -> Diagnostic:
        """A diagnostic in its file, its path as it is there; an edit stays where both are the document's own."""
        for path, text in reversed(self.overrides):
            if diagnostic.path[: len(path)] == path:
                return replace(diagnostic, edit=None).placed(OVERRIDE, None, text)
        part, path = self.origin(diagnostic.path)
        edit = self._own_edit(diagnostic.edit) if diagnostic.edit and part is self.own else None
        return part._placed(replace(diagnostic, path=path, edit=edit))

    def _own_edit(self, edit: Edit) -> Edit | None:
        """An edit as it is made in the document; None where what it changes is written elsewhere."""
        part, path = self.origin(edit.path)
        if part is not self.own or any(edit.path[: len(over)] == over for over, _ in self.overrides):
            return None
        value = edit.value
        if edit.target == "key" and len(path) == 2 and path[0] == SET:  # the last step of what leads there
            before, dot, last = str(path[1]).rpartition(".")
            if last != edit.path[-1]:
                return None
            value = f"{before}{dot}{value}"
        return edit._replace(path=path, value=value)


def derived(source: Source, above: Sequence[str] = ()) -> Source:
    """A source with what it builds on; raises `SpecError` with all that is wrong with that.

    above: the files, by their real paths, that build on this one.
    """
    if BASE not in source.tree:
        message = "`base` is missing: `set` replaces values of a base"
        raise wrong(source, Diagnostic("SB202", message, (SET,), "key", fix="add `base: FILE`, a spec beside this one"))
    base = base_of(source, above)
    mine = {key: value for key, value in copied(source.tree).items() if key not in BASING}
    tree = {key: value for key, value in copied(base.tree).items() if key not in OWN and INSTEAD.get(key) not in mine}
    grafts: list[Graft] = []
    for key, value in mine.items():
        if key in JOINED and isinstance(value, dict) and isinstance(tree.get(key), dict):
            grafts += (Graft((key, name), (key, name)) for name in value)
            tree[key] |= value
        else:
            grafts.append(Graft((key,), (key,)))
            tree[key] = value
    grafts += replaced(source, tree)
    tree = {**{key: tree[key] for key in OWN if key in tree}, **tree}
    return Derived(
        source.name, source.text, source.format, tree, own=source, base=base, grafts=tuple(grafts), whole=tree
    )


def base_of(source: Source, above: Sequence[str]) -> Source:
    """What a source builds on, with what that builds on."""
    written = source.tree[BASE]
    if not isinstance(written, str) or not written:
        message = f"a base is the path of a spec; got {shown(written)}"
        raise wrong(source, Diagnostic("SB203", message, (BASE,), fix="base: resnet18.yaml"))
    if "${" in written:
        raise unfit(source, "a base is read before any variable has a value", "write the path itself")
    if URL.match(written):
        raise unfit(source, "a base is a file; this one is a URL", "keep a copy beside the document")
    if not written.lower().endswith(ENDINGS):
        raise unfit(
            source, f"the name of a base ends in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}; got {shown(written)}"
        )
    if len(above) == MOST_BASES:
        raise unfit(source, f"a document has at most {MOST_BASES} bases, one upon the other; this is one more")
    path = os.path.join(os.path.dirname(source.name), os.path.expanduser(written))
    with_dots = path
    try:
        path = os.path.normpath(with_dots)
        if os.path.realpath(path) != os.path.realpath(with_dots):
            path = with_dots  # a link on the way
        found = read_source(path)
    except ValueError as error:  # a NUL in the path
        raise unfit(source, f"the base cannot be read: {error}") from None
    except SpecError as error:
        first = error.diagnostics[0]
        if first.code != "SB101":
            raise
        why = first.message.removeprefix(CANNOT_BE_READ)
        fix = first.fix
        if meant := similar_name(path):
            fix = f"did you mean `{os.path.join(os.path.dirname(written), shown_name(meant))}`?"
        raise unfit(source, f"the base cannot be read: {path}: {why}", fix) from None
    files = [*above, os.path.realpath(source.name)]
    if os.path.realpath(path) in files:
        raise unfit(source, f"the base builds on this document again: {path}", "name another spec")
    if problems := wrong_version(found.tree):
        raise wrong(found, *problems)
    return derived(found, files) if BASE in found.tree or SET in found.tree else found


def replaced(source: Source, tree: dict[str, Any]) -> list[Graft]:
    """What `set` puts into a tree, in the order it is written."""
    written = source.tree.get(SET)
    if written is None:
        return []
    if not isinstance(written, dict):
        fix = "set: {layers.fc.out_features: 10}"
        message = f"`set` is a mapping of paths to values; got {shown(written)}"
        raise wrong(source, Diagnostic("SB203", message, (SET,), fix=fix))
    grafts: list[Graft] = []
    problems: list[Diagnostic] = []
    for key, value in written.items():
        try:
            grafts.append(Graft(put(tree, key, copied(value)), (SET, key)))
        except LookupError as error:
            problems.append(Diagnostic("SB210", str(error.args[0]), (SET, key), "key", fix=error.args[1]))
    if problems:
        raise wrong(source, *problems)
    return grafts


def is_written(tree: Any, path: Path) -> bool:
    """Whether something stands at a path."""
    for part in path:
        if not (part in tree if isinstance(tree, dict) else isinstance(tree, list) and part in range(len(tree))):
            return False
        tree = tree[part]
    return True


def unfit(source: Source, message: str, fix: str | None = None) -> SpecError:
    """SB114, at the base."""
    return wrong(source, Diagnostic("SB114", message, (BASE,), fix=fix))


def wrong(source: Source, *problems: Diagnostic) -> SpecError:
    """Problems of one document, at their places."""
    return SpecError(source.place(problems))
