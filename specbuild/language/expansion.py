"""From the layers as written to a plain tree of named layers: variables put in, blocks and repeats opened,
names given, `from` turned into positions.

Plain tree in, plain tree out: no catalogue entry is made here, and every item still knows its path.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from specbuild.catalogue.layer import Layer
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.diagnostics.suggest import nearest, renaming
from specbuild.language.blocks import OWN_KEYS, Block
from specbuild.language.budgets import MOST_LAYERS, MOST_TOLD
from specbuild.language.items import Item
from specbuild.language.meter import EXHAUSTED, EXHAUSTED_FIX, spend, weight
from specbuild.language.parsing import has_failed, shown
from specbuild.language.scopes import ScopeExpansion
from specbuild.language.substitution import filled, put_in

if TYPE_CHECKING:
    from specbuild.language.wiring import Wiring

DEEPEST = 60
"""How many scopes may stand inside one another."""


class TooMuch(Exception):  # noqa: N818  a signal that ends the expansion; what is wrong was reported
    """The expansion is over a bound."""


class Opened(NamedTuple):
    """A block's children for some arguments, and how many layers they are."""

    children: tuple[Item, ...]
    layers: int


class Expander:
    """One expansion: what was found wrong, and how much was made."""

    def __init__(
        self,
        table: Mapping[str, type[Layer]],
        blocks: Mapping[str, Block],
        variables: Mapping[str, Any],
        problems: list[Diagnostic],
        most: int = MOST_LAYERS,
    ) -> None:
        self.table, self.blocks, self.variables, self.problems = table, blocks, variables, problems
        self.most = most
        """How many layers, and scopes, there may be."""
        self.warnings: dict[tuple[str, Path], Diagnostic] = {}
        self.entered: set[str] = set()
        """The blocks that were opened."""
        self.left_out: list[tuple[Any, Path]] = []
        """The elements that `when` or an empty `repeat` left out, as written."""
        self.opened: dict[tuple[str, str], Opened] = {}
        """Blocks by name and arguments: the same block twice is expanded once."""
        self.stack: list[str] = []
        self.root: Wiring | None = None
        """Where the names of the outermost scope lead."""
        self.wirings: list[Wiring] = []
        """Where names lead in the scope at hand, which is the last, and in those around it."""
        self.within: list[str] = []
        """The names of the scopes around."""
        self.instances = 0
        """How many of them stand for lines that are used more than once: blocks, and children of repeats."""
        self.layers = 0
        self.scopes = 0

    def report(self, code: str, message: str, path: Path, **more: Any) -> None:
        """Note one thing that is wrong."""
        self.problems.append(Diagnostic(code, message, path, **more))

    def tell(self, since: int, name: str) -> None:
        """Say of what was reported since then that it was seen in the layer called so."""
        instance = self.instance(name)
        for k in range(since, len(self.problems)):
            if self.problems[k].instance is None:
                self.problems[k] = replace(self.problems[k], instance=instance)

    def instance(self, name: str = "") -> str | None:
        """The qualified name of a layer of the scope at hand; None where a line stands for itself alone."""
        return ".".join([*self.within, name.rstrip()] if name else self.within) if self.instances else None

    def too_much(self, code: str, message: str, path: Path, fix: str | None = None) -> NoReturn:
        """Note what goes beyond a bound, and stop."""
        self.report(code, message, path, fix=fix)
        raise TooMuch

    def scope(
        self, raw: Any, variables: Mapping[str, Any], inputs: Sequence[str], path: Path, outputs: Sequence[str] = ()
    ) -> tuple[Item, ...]:
        """The items of one scope, in order; what is wrong with their form is reported and left out.

        outputs: the names of items that are read from outside; without any the last one is.
        """
        if not isinstance(raw, list):
            fix = None
            if isinstance(raw, dict):
                fix = "begin each layer with `- `: - {name: conv1, type: Conv2d, ...}"
            elif isinstance(raw, str) and self.table.get(raw):
                fix = f"layers: [{raw}]"
            self.report("SB203", f"`layers` must be a list of layers; got {shown(raw)}", path, fix=fix)
            return ()
        if not raw:
            self.report("SB203", "`layers` is empty: a scope has at least one layer", path)
            return ()
        if len(self.wirings) >= DEEPEST:
            self.too_much("SB216", f"scopes stand at most {DEEPEST} deep inside one another; here it is one more", path)
        self.scopes += 1
        if self.scopes > self.most:
            self.too_much("SB216", f"a network has at most {self.most:,} scopes; here it is one more", path)
        scope = ScopeExpansion(self, variables, inputs, path, raw)
        if not self.wirings:
            self.root = scope.wiring
        self.wirings.append(scope.wiring)
        scope.expand(outputs)
        self.wirings.pop()
        items = tuple(scope.wiring.items)
        if not items and not self.problems and (len(inputs) > 1 or not self.wirings):
            key = scope.wiring.reason(scope.wiring.left_out)
            message = f"`{key}` leaves out all of `layers`: a network, or a block of several inputs, has at least one"
            fix = "leave one layer without `when`" if key == "when" else "repeat one of them at least once"
            self.report("SB214", message, path, fix=fix)
        return items

    def exhausted(self, path: Path) -> NoReturn:
        """Say that the expansion is too much work."""
        self.too_much("SB216", EXHAUSTED, path, EXHAUSTED_FIX)

    def warn(self, warning: Diagnostic) -> None:
        """Note what is odd, once for all instances of a line, and only as much as is told."""
        if len(self.warnings) <= MOST_TOLD:
            self.warnings.setdefault((warning.message, warning.path), warning)

    def count(self, number: int, path: Path) -> None:
        """So many more layers."""
        self.layers += number
        if self.layers > self.most:
            message = f"a network has at most {self.most:,} layers; up to here it is {self.layers:,}"
            self.too_much("SB216", message, path)

    def block(
        self, block: Block, name: str, written: Mapping[str, Any], variables: Mapping[str, Any], place: Path
    ) -> tuple[Item, ...]:
        """The children of a block that is used under a name at `place`, with the arguments in `written`."""
        given = filled(written, OWN_KEYS, variables, place, self.problems)
        missing = [param for param, default in block.params.items() if default is None and param not in given]
        unknown = [key for key in given if key not in block.params]
        for argument in unknown:
            self.unknown_param(block, argument, given, missing, place)
        for param in missing:
            self.report("SB202", f"`{param}` is missing: the block `{block.name}` needs it", place)
        if missing or unknown:
            return ()
        if block.name in self.stack:
            circle = " → ".join([*self.stack[self.stack.index(block.name) :], block.name])
            self.report(
                "SB215", f"a block cannot stand inside itself: {circle}", (*place, "type") if written else place,
                fix="`repeat` puts a block after itself, as often as you like",
            )  # fmt: skip
            return ()
        spend(weight(given))
        key = (block.name, json.dumps(given, sort_keys=True, default=str))
        known = self.opened.get(key)
        if known is None:
            before, reported = self.layers, len(self.problems)
            known = Opened(self.open(block, name, given), self.layers - before)
            self.problems[reported:] = [unseen(problem, block, variables) for problem in self.problems[reported:]]
            if not has_failed(given):
                self.opened[key] = known
        else:
            self.count(known.layers, place)
        return known.children

    def open(self, block: Block, name: str, given: Mapping[str, Any]) -> tuple[Item, ...]:
        """The children of a block, which sees its own params and the document's variables."""
        self.entered.add(block.name)
        self.within.append(name)
        self.instances += 1
        before = len(self.problems)
        spend((len(self.variables) + 8 * len(block.params)) // 16 + 8)
        inside = {**self.variables}
        for param, default in block.params.items():
            inside[param] = (
                given[param]
                if param in given
                else put_in(default, inside, (*block.path, "params", param), self.problems)
            )
        self.stack.append(block.name)
        children: tuple[Item, ...] = ()
        if block.layers is not None:
            children = self.scope(block.layers, inside, block.inputs, (*block.path, "layers"))
        self.stack.pop()
        if len(self.problems) > before:
            self.tell(before, "")
        self.within.pop()
        self.instances -= 1
        return children

    def bound(self, name: str, index: int, row: Iterable[str], variables: Mapping[str, Any], place: Path) -> None:
        """Called for each child of a repeat: the names that its row binds, and all that it sees."""

    def unknown_param(self, block: Block, name: str, given: Mapping[str, Any], missing: list[str], place: Path) -> None:
        """SB201 for an argument that the block does not have; a misspelt one is not missing as well."""
        free = [param for param in (*block.params, *sorted(OWN_KEYS)) if param not in given]
        meant = nearest(name, missing) or nearest(name, free)
        edit = renaming((*place, name), name, meant, tuple(missing) if meant in missing else free, "key")
        if meant in missing:
            missing.remove(meant)
        params = ", ".join(block.params) or "no arguments"
        fix = f"did you mean `{meant}`?" if meant else f"the block `{block.name}` takes {params}"
        self.report("SB201", f"unknown key `{name}`", (*place, name), target="key", fix=fix, edit=edit)


def unseen(problem: Diagnostic, block: Block, outside: Mapping[str, Any]) -> Diagnostic:
    """SB209 inside a block for a variable that only its use sees, with the mend: a param."""
    name = problem.message.rpartition("there is no variable `")[2].rstrip("`")
    if problem.code != "SB209" or problem.path[:2] != block.path or name not in outside:
        return problem
    fix = f'hand it over: params: {{{name}: null}} in the block, and {name}: "${{{name}}}" at its use'
    return replace(problem, fix=fix, edit=None)
