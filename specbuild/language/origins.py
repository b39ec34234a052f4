"""Where the values of expressions come from: a mend names the place to change, never the expression.

Only a mistake pays for it: the layers are expanded once more, and each scope's variables are kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from specbuild.catalogue.layers import LAYERS
from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Path, path_text
from specbuild.language.blocks import Block, blocks_of
from specbuild.language.expansion import Expander, TooMuch
from specbuild.language.expressions import variables_in
from specbuild.language.items import Item
from specbuild.language.meter import Exhausted, metered
from specbuild.language.parsing import shown
from specbuild.language.problems import Enough, Problems
from specbuild.language.source import Source
from specbuild.language.variables import variables_of

OF_EXPRESSIONS = frozenset({"SB113", "SB204", "SB208", "SB209", "SB214", "SB216"})
"""Codes whose mend is of the expression itself, or of a type, which takes none."""
BARE = re.compile(r"\$\{\s*([A-Za-z_]\w*)\s*\}", re.ASCII)
"""A string that is one variable."""
NAMED = re.compile(r"(?:\$|\{\{?)?([A-Za-z_]\w*)\}{0,2}", re.ASCII)
"""A name as other languages put in a variable, or bare."""
MISSING = re.compile(r"`(\w+)` is missing")
ALTERNATIVE = re.compile(r",? or (?=[a-z_]+:? )")
DEEPEST = 100
"""How many names an argument is followed through."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The variables that a scope sees, and where each is written."""

    name: str
    """Of the scope or of a repeat's child, from the root."""
    within: Path
    """Where the lines stand that see them."""
    variables: Mapping[str, Any]
    paths: Mapping[str, tuple[Path, Frame | None]]
    """By name: where it is written, and what an expression there sees; None is this frame."""
    outer: Frame | None


class Origin(NamedTuple):
    """A variable as it is written."""

    name: str
    value: Any
    path: Path
    literal: bool
    """Whether a value stands there, and no expression."""
    sole: bool
    """Whether one expression alone uses it, and each variable on the way to it."""


class Recorder(Expander):
    """An expansion that keeps the variables of every scope."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        ignored = Problems()
        variables: dict[str, Any] = {}
        blocks: dict[str, Block] = {}
        with suppress(Exhausted, Enough), metered(0):
            variables = variables_of(tree.get("vars"), ignored)
            blocks = blocks_of(tree.get("blocks"), ignored)
        super().__init__(LAYERS, blocks, variables, ignored)
        places: dict[str, tuple[Path, Frame | None]] = {name: (("vars", name), None) for name in variables}
        self.uses = uses_in(tree)
        self.document = Frame("", (), variables, places, None)
        self.frames: dict[str, list[Frame]] = {}
        self.seeing: list[Frame] = []
        """What the scope at hand sees, and the scopes around it."""
        self.by_variables: dict[int, Frame] = {id(variables): self.document}
        self.use: tuple[Path, Frame] = ((), self.document)
        self.opening: Block | None = None
        with suppress(TooMuch, Exhausted, Enough), metered(0):
            self.scope(tree.get("layers"), variables, input_names(tree), ("layers",))

    def keep(self, frame: Frame) -> None:
        """One more frame."""
        self.frames.setdefault(frame.name, []).append(frame)
        self.by_variables[id(frame.variables)] = frame

    def block(
        self, block: Block, name: str, written: Mapping[str, Any], variables: Mapping[str, Any], place: Path
    ) -> tuple[Item, ...]:
        """Every use is opened anew."""
        self.opened.clear()
        self.use = (place, self.by_variables.get(id(variables), self.document))
        return super().block(block, name, written, variables, place)

    def open(self, block: Block, name: str, given: Mapping[str, Any]) -> tuple[Item, ...]:
        """The params are known once the scope begins."""
        self.opening, self.given = block, given
        return super().open(block, name, given)

    def scope(
        self, raw: Any, variables: Mapping[str, Any], inputs: Sequence[str], path: Path, outputs: Sequence[str] = ()
    ) -> tuple[Item, ...]:
        """The frame of a block is made where its layers begin."""
        block, self.opening = self.opening, None
        if block is not None:
            place, outer = self.use
            paths: dict[str, tuple[Path, Frame | None]] = {
                name: ((*place, name), outer) if name in self.given else ((*block.path, "params", name), None)
                for name in block.params
            }
            self.keep(Frame(".".join(self.within), block.path, variables, paths, self.document))
        self.seeing.append(self.by_variables.get(id(variables), self.document))
        items = super().scope(raw, variables, inputs, path, outputs)
        self.seeing.pop()
        return items

    def bound(self, name: str, index: int, row: Iterable[str], variables: Mapping[str, Any], place: Path) -> None:
        """The variables of a repeat's child."""
        outer = self.seeing[-1] if self.seeing else self.document
        paths: dict[str, tuple[Path, Frame | None]] = {"i": ((*place, "repeat"), None)}
        paths.update({bound: ((*place, "repeat", index, bound), outer) for bound in row})
        self.keep(Frame(".".join([*self.within, name]), place, variables, paths, outer))

    def around(self, diagnostic: Diagnostic) -> Frame:
        """The frame that the line of a diagnostic sees, in the layer that it was seen in: the innermost one."""
        parts = diagnostic.instance.split(".") if diagnostic.instance else []
        for depth in range(len(parts), 0, -1):
            for frame in reversed(self.frames.get(".".join(parts[:depth]), ())):
                if diagnostic.path[: len(frame.within)] == frame.within:
                    return frame
        return self.document


def input_names(tree: Mapping[str, Any]) -> tuple[str, ...]:
    """What the document calls its inputs."""
    written = tree.get("inputs")
    return tuple(written) if written and isinstance(written, dict) else ("input",)


def traced(diagnostics: Iterable[Diagnostic], source: Source) -> list[Diagnostic]:
    """The diagnostics, those about the value of an expression with what it comes from, and a mend for that."""
    found = list(diagnostics)
    with suppress(Exhausted), metered(0):
        trace(found, source)
    return found


def trace(found: list[Diagnostic], source: Source) -> None:
    """Put the traced ones in their places."""
    recorder: Recorder | None = None
    for k, diagnostic in enumerate(found):
        if diagnostic.file is None and diagnostic.target == "value" and diagnostic.code not in OF_EXPRESSIONS:
            key, name = name_at(source.tree, diagnostic)
            if name is not None:
                recorder = recorder or Recorder(source.tree)
                if name in recorder.around(diagnostic).variables:
                    edit = Edit(diagnostic.path, f"${{{name}}}") if diagnostic.code == "SB203" else None
                    found[k] = replace(diagnostic, fix=f'{key}: "${{{name}}}"', edit=edit)
                continue
            written = {key: text for key, text in expressions_at(source.tree, diagnostic) if "${" in text}
            if written:
                recorder = recorder or Recorder(source.tree)
                found[k] = Trace(diagnostic, written, recorder.around(diagnostic), source, recorder.uses).told()


def name_at(tree: Any, diagnostic: Diagnostic) -> tuple[str, str | None]:
    """The key and the name where a variable seems to be meant by `w`, `$w`, `{w}`, or by the name of a repeat's row."""
    here = written_at(tree, diagnostic.path)
    if diagnostic.code == "SB203":
        if isinstance(here, dict) and len(here) == 1 and [*here.values()] == [None]:
            here = next(iter(here))
        found = NAMED.fullmatch(here) if isinstance(here, str) else None
        return str(diagnostic.path[-1]), found and found[1]
    missing = MISSING.match(diagnostic.message)
    if diagnostic.code == "SB202" and missing and isinstance(here, dict) and isinstance(here.get("repeat"), list):
        rows = [row for row in here["repeat"] if isinstance(row, dict)]
        return missing[1], missing[1] if any(missing[1] in row for row in rows) else None
    return "", None


def expressions_at(tree: Any, diagnostic: Diagnostic) -> Iterable[tuple[str, str]]:
    """The expressions that a diagnostic is of, by the key that they stand under: its own, or those it would mend."""
    here, key, own = tree, "", False
    for depth, part in enumerate(diagnostic.path):
        if isinstance(here, dict) and part in here:
            last = depth == len(diagnostic.path) - 1
            if not (last or isinstance(here[part], (dict, list))) or isinstance(here[part], str):
                last = True
            mended = alternatives(diagnostic.fix)
            if last:
                yield from (
                    (str(other), text)
                    for other, text in here.items()
                    if other != part and isinstance(text, str) and any(m.startswith(f"{other}: ") for m in mended)
                )
            here, key = here[part], str(part)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:
            break
        own = isinstance(here, str)
    if own:
        yield key, here
    elif isinstance(here, dict) and here is not tree:
        mended = alternatives(diagnostic.fix)
        for other, text in here.items():
            if isinstance(text, str) and any(m.startswith(f"{other}: ") for m in mended):
                yield str(other), text


def alternatives(fix: str | None) -> list[str]:
    """The mends that a fix offers."""
    return ALTERNATIVE.split(fix) if fix else []


class Trace:
    """One diagnostic about the values of expressions."""

    def __init__(
        self, diagnostic: Diagnostic, written: Mapping[str, str], frame: Frame, source: Source, uses: Counter[str]
    ) -> None:
        self.diagnostic, self.written, self.frame, self.source = diagnostic, written, frame, source
        self.uses = uses
        self.origins = {key: self.origins_of(text) for key, text in written.items()}

    def told(self) -> Diagnostic:
        """The diagnostic with the values and the places of the variables."""
        values = [
            f"`{origin.name}` is {shown(origin.value)}{self.where(origin)}"
            for origins in self.origins.values()
            for origin in origins
        ]
        because = "; ".join(dict.fromkeys(filter(None, [*values[:3], self.diagnostic.because]))) or None
        edit = self.diagnostic.edit
        if edit is not None and str(edit.path[-1]) in self.written:
            single = self.single(str(edit.path[-1]))
            certain = single is not None and self.diagnostic.code == "SB203" and single.sole
            edit = Edit(single.path, edit.value) if single is not None and certain else None
        return replace(self.diagnostic, because=because, fix=self.fix(), edit=edit)

    def fix(self) -> str | None:
        """The mends, those of an expression turned into mends of what it comes from."""
        fix, code = self.diagnostic.fix, self.diagnostic.code
        if code == "SB301" and self.diagnostic.path[-1] in self.written:
            return f"leave `{self.diagnostic.path[-1]}` out: it is inferred"
        found: list[str] = []
        others: list[str] = []
        for mend in alternatives(fix):
            key = next((key for key in self.written if mend.startswith(f"{key}: ")), None)
            if key is None or "${" in mend:
                found.append(mend)
                continue
            single = self.single(key)
            if single is not None and code == "SB203":
                value = mend.removeprefix(f"{key}: ").removesuffix(", without quotes")
                found.append(f"{single.name}: {value} there")
            elif code == "SB203" and "/" in self.written[key] and "//" not in self.written[key]:
                found.append("`//` divides into whole numbers")
            else:
                others += [f"another `{origin.name}` there" for origin in self.origins[key]]
        if found == alternatives(fix):
            return fix
        return " or ".join(found or dict.fromkeys(others)) or None

    def single(self, key: str) -> Origin | None:
        """The one value that the expression under `key` stands for, if it is nothing but that."""
        origins = self.origins[key]
        bare = BARE.fullmatch(self.written[key].strip())
        return origins[0] if bare and len(origins) == 1 and origins[0].literal else None

    def origins_of(self, text: str) -> list[Origin]:
        """Where the variables of an expression are written."""
        names = sorted(variables_in(text), key=text.find)
        found = [self.origin(name, self.frame) for name in names]
        return [origin for origin in found if origin is not None]

    def origin(self, name: str, frame: Frame | None) -> Origin | None:
        """A variable followed to where it has its value."""
        last: Origin | None = None
        sole = True
        for _ in range(DEEPEST):
            while frame is not None and name not in frame.paths:
                frame = frame.outer
            if frame is None:
                break
            path, outer = frame.paths[name]
            raw = written_at(self.source.tree, path)
            is_value = name != "i" or path[-1] == "i"
            literal = is_value and raw is not None and not (isinstance(raw, str) and "${" in raw)
            sole = sole and self.uses[name] == 1
            last = Origin(name, frame.variables.get(name), path, literal, sole)
            inner = BARE.fullmatch(raw.strip()) if isinstance(raw, str) and is_value else None
            if inner is None:
                break
            name, frame = inner[1], outer or frame
        return last

    def where(self, origin: Origin) -> str:
        """The place of an origin, in words."""
        for path, text in reversed(self.source.overrides):
            if origin.path[: len(path)] == path:
                return f", by --set {text}"
        return f", at {self.source.where(origin.path) or path_text(origin.path)}"


def uses_in(tree: Any) -> Counter[str]:
    """How many texts of a document use each variable."""
    found: Counter[str] = Counter()
    level = [tree]
    while level:
        value = level.pop()
        if isinstance(value, str):
            if "${" in value:
                found.update(set(variables_in(value)))
        elif isinstance(value, (list, dict)):
            level += value.values() if isinstance(value, dict) else value
    return found


def written_at(tree: Any, path: Path) -> Any:
    """What stands at a path; None where nothing does."""
    for part in path:
        inside = part in tree if isinstance(tree, dict) else isinstance(tree, list) and part in range(len(tree))
        if not inside:
            return None
        tree = tree[part]
    return tree
