"""One mistake, one diagnostic: what several lines say of the same missing name is told at the first of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Path
from specbuild.diagnostics.suggest import is_clear
from specbuild.language.source import Source

MISSING = re.compile(r"there is no variable `([^`]+)`$")
UNKNOWN_LAYER = re.compile(r"`([^`]+)` (?:in this scope|is not there)$")
UNKNOWN_TYPE = re.compile(r'there is no layer called "([^"]+)"$')
UNKNOWN_KEY = re.compile(r"unknown key `([^`]+)`$")
USUAL = ("did you mean", "define it", "the variables here")
"""Mends of a missing variable that say nothing of the place where it is read."""
MANY = 3
"""At how many places a name has to be missing for that to be told once."""
SHOWN = 3
"""How many of the other places are shown."""

Key = tuple[Any, ...]


def gathered(problems: Iterable[Diagnostic], source: Source) -> list[Diagnostic]:
    """The problems, those that one missing name gives at several places told once."""
    problems = list(problems)
    if len(problems) < 2:
        return problems
    unknown = {problem.path for problem in problems if problem.code == "SB201" and len(problem.path) == 1}
    problems = [problem for problem in problems if problem.path in unknown or problem.path[:1] not in unknown]
    return Gathering(misspelt_once(problems, source), source).told()


def misspelt_once(problems: Sequence[Diagnostic], source: Source) -> list[Diagnostic]:
    """The problems, without edits of the references to a layer that is meant by several and has the slip itself."""
    missed: dict[tuple[str, str], int] = {}
    guesses: list[tuple[str, str] | None] = []
    for problem in problems:
        found = UNKNOWN_LAYER.search(problem.message) if problem.code == "SB212" and problem.edit else None
        guess = (found[1], str(problem.edit.value)) if found and problem.edit else None
        guesses.append(guess)
        if guess is not None:
            missed[guess] = missed.get(guess, 0) + 1
    there = {guess for guess, count in missed.items() if count > 1 and mentions(source.tree, guess[1]) == 1}
    return [
        replace(problem, fix=f"call the layer `{guess[0]}` that is called `{guess[1]}`, or all by that name", edit=None)
        if guess is not None and guess in there
        else problem
        for problem, guess in zip(problems, guesses, strict=True)
    ]


class Gathering:
    """The problems of one document by the names that they miss."""

    def __init__(self, problems: Sequence[Diagnostic], source: Source) -> None:
        self.problems, self.source = problems, source
        self.in_several_files = len(source.parts) > 1
        self.misspelt = [
            (section, source.tree[str(problem.path[0])])
            for problem in problems
            for section in ("vars", "blocks")
            if problem.code == "SB201" and len(problem.path) == 1 and problem.fix == f"did you mean `{section}`?"
        ]
        """Sections whose key is misspelt, with what is written there."""
        self.keys = [self.key(problem) for problem in problems]
        self.groups: dict[Key, list[Diagnostic]] = {}
        for problem, key in zip(problems, self.keys, strict=True):
            if key is not None and all(problem.path != other.path for other in self.groups.get(key, ())):
                self.groups.setdefault(key, []).append(problem)

    def key(self, problem: Diagnostic) -> Key | None:
        """What a problem is about, if that is a name that something else may miss as well."""
        usual = (problem.fix or "").startswith(USUAL)
        if problem.code == "SB209" and usual and (found := MISSING.search(problem.message)):
            return "variable", found[1], self.block_around(problem.path)
        if problem.code == "SB204" and (found := UNKNOWN_TYPE.search(problem.message)):
            return "type", found[1]
        if problem.code == "SB201" and (found := UNKNOWN_KEY.search(problem.message)):
            block = self.block_used(problem.path[:-1])
            return ("param", found[1], block) if block is not None else None
        return None

    def block_around(self, path: Path) -> str | None:
        """The block in which a path is."""
        return str(path[1]) if path[0] == "blocks" and len(path) > 1 else None

    def block_used(self, path: Path) -> str | None:
        """The block that a layer uses."""
        here: Any = self.source.tree
        for part in path:
            inside = part in here if isinstance(here, dict) else isinstance(here, list) and part in range(len(here))
            if not inside:
                return None
            here = here[part]
        name = here.get("type") if isinstance(here, dict) else here
        blocks = self.source.tree.get("blocks")
        return name if isinstance(name, str) and isinstance(blocks, dict) and name in blocks else None

    def told(self) -> list[Diagnostic]:
        """The diagnostics that are left, in the order of the problems."""
        found: list[Diagnostic] = []
        done: set[Key] = set()
        for problem, key in zip(self.problems, self.keys, strict=True):
            if key is None:
                found.append(problem)
            elif key not in done:
                done.add(key)
                found += self.of_group(key, done)
        return found

    def of_group(self, key: Key, done: set[Key]) -> list[Diagnostic]:
        """The diagnostics of one name; done: the names that are told, of which these may tell more."""
        kind, name, *rest = key
        group = self.groups[key]
        section = "vars" if kind == "variable" else "blocks"
        if any(section == other and isinstance(written, dict) and name in written for other, written in self.misspelt):
            return []  # it is there, under the misspelt key
        if kind in ("variable", "param") and rest[0] is not None:
            names = self.names_without_param(rest[0])
            if name in names:
                done.update((kind, other, rest[0]) for other in names for kind in ("variable", "param"))
                return [self.without_params(group[0], [name, *(other for other in names if other != name)], rest[0])]
        if kind == "variable":
            keys = [other for other in self.groups if other[0] == kind]
            if not self.source.tree.get("vars") and sum(len(self.groups[other]) for other in keys) >= MANY:
                done.update(keys)
                return [self.without_variables(group[0], list(dict.fromkeys(other[1] for other in keys)))]
            keys = [other for other in keys if other[1] == name]
            group = [problem for other in keys for problem in self.groups[other]]
            done.update(keys)
        if len(group) < MANY:
            first = group[0]
            if kind in ("variable", "type") and len(group) > 1:
                first = replace(self.misspelt_there(first, name, (section,), self.source.tree), edit=None)
            return group if first.fix == group[0].fix else [self.with_others(group, first)]
        first = group[0]
        if kind != "param":
            first = self.misspelt_there(first, name, (section,), self.source.tree)
        return [self.with_others(group, first)]

    def names_without_param(self, block: str) -> list[str]:
        """The names that uses of a block give, and the block reads, although it has no such params."""
        given = [other[1] for other in self.groups if other[0] == "param" and other[2] == block]
        body = self.source.tree["blocks"][block]
        return [name for name in given if isinstance(body, dict) and reads(body.get("layers"), name)]

    def without_params(self, first: Diagnostic, names: Sequence[str], block: str) -> Diagnostic:
        """A block reads what it has no params for, and its uses give."""
        body = self.source.tree["blocks"][block]
        given = body.get("params")
        rest = ", ..." if isinstance(given, dict) and given else ""
        fix = f"params: {{{', '.join(f'{name}: null' for name in names)}{rest}}} in the block `{block}`, which reads "
        mended = replace(first, fix=fix + ("it" if len(names) == 1 else "them"), because=also_missing(names), edit=None)
        if len(names) == 1:
            return self.misspelt_there(mended, names[0], ("blocks", block, "params"), body.get("layers"))
        return mended

    def without_variables(self, first: Diagnostic, names: Sequence[str]) -> Diagnostic:
        """A document reads variables, and has none."""
        fix = f"define {'them' if len(names) > 1 else 'it'}: vars: {{{', '.join(f'{name}: ...' for name in names)}}}"
        return replace(first, fix=fix, because=also_missing(names), edit=None)

    def misspelt_there(self, first: Diagnostic, name: str, section: Path, readers: Any) -> Diagnostic:
        """The same, mended where the name is defined, if none of the readers reads what is written there."""
        defined: Any = self.source.tree
        for part in section:
            defined = defined.get(part) if isinstance(defined, dict) else None
        if isinstance(defined, dict):
            meant = next((other for other in defined if is_clear(name, other, [*defined])), None)
            if meant is not None and not reads(readers, meant):
                path: Path = (*section, meant)
                found = self.source.place([replace(first, path=path, target="key", edit=None)])[0]
                where = f" at line {found.span.line}" if found.span else ""
                if found.span and self.in_several_files:
                    where = f" at {found.place}"
                fix = f"call it `{name}`{where}, where it is `{meant}`"
                return replace(first, fix=fix, edit=Edit(path, name, "key"))
        return first

    def with_others(self, group: Sequence[Diagnostic], first: Diagnostic) -> Diagnostic:
        """The first of a group, with where the others are."""
        others = [problem for problem in group if problem.path != first.path]
        if not others:
            return first
        placed = [(found, found.span) for found in self.source.place(others[:SHOWN]) if found.span is not None]
        shown = [found.place if self.in_several_files else f"{span.line}:{span.column}" for found, span in placed]
        if not shown:
            return first
        more = len(others) - len(shown)
        places = joined([*shown, f"{more} more places"] if more > 1 else [*shown, "1 more place"] if more else shown)
        return replace(first, because=f"the same at {places}" + (f"; {first.because}" if first.because else ""))


def reads(tree: Any, name: str) -> bool:
    """Whether a text in a tree names something."""
    return mentions(tree, name) > 0


def mentions(tree: Any, name: str) -> int:
    """How many texts in a tree name something."""
    count = 0
    word = re.compile(rf"\b{re.escape(name)}\b")
    stack = [tree]
    while stack:
        here = stack.pop()
        if isinstance(here, dict):
            stack += here.values()
        elif isinstance(here, list):
            stack += here
        elif isinstance(here, str) and word.search(here):
            count += 1
    return count


def also_missing(names: Sequence[str]) -> str | None:
    """What is missing beside the first."""
    quoted = [f"`{name}`" for name in names[1:]]
    return f"{joined(quoted)} {'is' if len(quoted) == 1 else 'are'} missing, too" if quoted else None


def joined(words: Sequence[str]) -> str:
    """Words as one says them: `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
