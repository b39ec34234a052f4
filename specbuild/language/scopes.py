"""One scope on its way from the layers as written to items: names, `when`, `repeat`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from specbuild.diagnostics.diagnostic import Diagnostic, Path, path_text
from specbuild.diagnostics.suggest import nearest, renaming
from specbuild.language import names
from specbuild.language.blocks import OWN_KEYS
from specbuild.language.items import INPUT, SCOPE, Item, Reference
from specbuild.language.meter import Exhausted, spend, weight
from specbuild.language.parsing import Failed, shown, unknown_type, untyped
from specbuild.language.substitution import filled, put_in
from specbuild.language.variables import is_variable, may_hold
from specbuild.language.wiring import Wiring

if TYPE_CHECKING:
    from specbuild.language.expansion import Expander

NOTHING: Mapping[str, Any] = {}


class ScopeExpansion:
    """The items of a scope so far."""

    def __init__(
        self, expander: Expander, variables: Mapping[str, Any], inputs: Sequence[str], path: Path, raw: list[Any]
    ) -> None:
        self.expander, self.variables, self.path, self.raw = expander, variables, path, raw
        self.report, self.problems = expander.report, expander.problems
        self.wiring = Wiring(expander, variables, inputs, path, raw)
        self.taken: dict[str, int] = {}
        self.counts: dict[str, int] = {}

    def expand(self, outputs: Sequence[str]) -> None:
        """Go through the elements, then look for branches that nothing reads."""
        expander, problems = self.expander, self.problems
        for index, element in enumerate(self.raw):
            before = len(problems)
            try:
                name = self.add(element, index)
            except Exhausted:
                expander.exhausted((*self.path, index))
            if len(problems) > before:
                if isinstance(element, dict) and "repeat" in element:
                    problems[before:] = [of_the_whole(problem, (*self.path, index)) for problem in problems[before:]]
                self.wiring.broken(name, written_name(element))
                if expander.instances:
                    expander.tell(before, name)
        if not problems:
            self.wiring.find_unused(outputs)
        if not problems:
            self.wiring.find_end(outputs)

    def add(self, element: Any, index: int) -> str:
        """One element: a layer, a scope, or nothing where `when` is false. Its name, empty where it has none."""
        expander = self.expander
        place = (*self.path, index)
        spend(4)
        written: Mapping[str, Any] = NOTHING
        kind: Any = element
        if isinstance(element, dict):
            if "type" not in element:
                self.problems.append(untyped(element, place, "layer", self.known()))
                return written_name(element)
            written, kind = element, element["type"]
            if not isinstance(kind, str):
                self.report("SB203", f"`type` must be a name; got {shown(kind)}", (*place, "type"))
                return written_name(element)
        elif not isinstance(element, str):
            self.report("SB203", f"a layer is a type name or a mapping with `type`; got {shown(element)}", place)
            return ""
        count = self.counts[kind] = self.counts.get(kind, 0) + 1
        named = written.get("name")
        name = names.automatic(kind, count) if named is None else self.own_name(named, kind, count, place)
        if "from" in written:
            sources = self.wiring.sources(written["from"], (*place, "from"), index)
        else:
            layer = expander.table.get(kind)
            sources = () if layer is not None and layer.takes == () else self.wiring.default(place)
        if "when" in written and not self.holds(written["when"], (*place, "when")):
            self.leave_out(name, kind, sources)
            expander.left_out.append((element, place))
            return name
        if "repeat" in written:
            item = self.repeated(name, kind, written, sources, place)
        else:
            if "names" in written:
                self.report("SB202", "`names` is for the children of a `repeat`, which is missing", (*place, "names"),
                            target="key")  # fmt: skip
            item = self.one(name, kind, written, self.variables, sources, place)
        if item is not None and item.type == SCOPE and not item.children:
            self.leave_out(name, kind, sources)
            if put_in(written.get("repeat"), self.variables, place, []) in (0, []):
                self.wiring.empty[name] = written["repeat"]
                expander.left_out.append((element, place))
            return name
        if name in self.taken:
            earlier = path_text((*self.path, self.taken[name]))
            self.report(
                "SB206", f"the name `{name}` is already that of {earlier}", (*place, "name"),
                fix="give one of them another name",
            )  # fmt: skip
        elif named is None and name in self.wiring.inputs:
            self.report(
                "SB206", f"an unnamed {kind} is called `{name}` here, which is an input of the scope", place,
                fix="give it a name",
            )  # fmt: skip
        if item is None:
            return name
        self.taken[name] = index
        self.wiring.add(item)
        return name

    def leave_out(self, name: str, kind: str, sources: tuple[Reference, ...]) -> None:
        """The name stands for the first input from here on, in the order of the type's inputs."""
        block, layer = self.expander.blocks.get(kind), self.expander.table.get(kind)
        order = block.inputs if block is not None else (layer and layer.takes) or ()
        if any(source.keyword in order for source in sources):
            sources = tuple(sorted(sources, key=lambda s: order.index(s.keyword) if s.keyword in order else len(order)))
        self.wiring.leave_out(name, sources, hides=name not in self.taken)

    def own_name(self, named: Any, kind: str, count: int, place: Path) -> str:
        """The name as written, or the automatic one where it was reported."""
        name = put_in(named, self.variables, (*place, "name"), self.problems)
        if isinstance(name, int) and not isinstance(name, bool):
            name = str(name)
        if isinstance(name, str):
            fault = names.fault(name)
            if fault is None and name in self.wiring.inputs:
                fault = f"`{name}` is an input of the scope"
            if fault is None:
                return name
            fix = "give it another name" if name in self.wiring.inputs else names.repaired(name)
            self.report("SB205", f"a layer cannot be called {shown(name)}: {fault}", (*place, "name"), fix=fix)
        elif not isinstance(name, Failed):
            self.report("SB205", f"a name is a string; got {shown(name)}", (*place, "name"))
        return f"{names.automatic(kind, count)} "  # a name that nothing else has

    def holds(self, raw: Any, path: Path) -> bool:
        """Whether a `when` is true; what is neither true nor false is reported."""
        value = put_in(raw, self.variables, path, self.problems)
        if isinstance(value, bool):
            return value
        if not isinstance(value, Failed):
            self.report("SB203", f"`when` must be true or false; got {shown(value)}", path,
                        fix='when: "${stride == 1}", a comparison, or true or false')  # fmt: skip
        return True

    def one(
        self,
        name: str,
        kind: str,
        written: Mapping[str, Any],
        variables: Mapping[str, Any],
        sources: tuple[Reference, ...],
        place: Path,
    ) -> Item | None:
        """One layer, block or Sequential, its own keys apart."""
        expander = self.expander
        block = expander.blocks.get(kind)
        if block is not None:
            children = expander.block(block, name, written, variables, place)
            return Item(name, SCOPE, kind, {}, sources, children, block.inputs, place)
        if kind in expander.table:
            expander.count(1, place)
            arguments = filled(written, OWN_KEYS, variables, place, self.problems) if written else {}
            return Item(name, kind, kind, arguments, sources, (), (), place)
        if kind == SCOPE:
            children = self.nested(name, written, variables, place)
            return Item(name, SCOPE, SCOPE, {}, sources, children, ("input",), place)
        at_type = (*place, "type") if written else place
        self.problems.append(unknown_type(kind, at_type, self.known(), "layer"))
        return None

    def known(self) -> dict[str, Any]:
        """Every type that a layer may have."""
        return Known(self.expander)

    def nested(
        self, name: str, written: Mapping[str, Any], variables: Mapping[str, Any], place: Path
    ) -> tuple[Item, ...]:
        """The children of a nested Sequential."""
        misspelt = False
        for key in written:
            if key == "layers" or key in OWN_KEYS:
                continue
            free = [known for known in ("layers", *sorted(OWN_KEYS)) if known not in written]
            meant = nearest(key, free)
            misspelt = misspelt or meant == "layers"
            edit = renaming((*place, key), key, meant, free, "key")
            fix = f"did you mean `{meant}`?" if meant else "a Sequential takes name and layers"
            self.report("SB201", f"unknown key `{key}`", (*place, key), target="key", fix=fix, edit=edit)
        if "layers" not in written:
            if not misspelt:
                self.report("SB202", "`layers` is missing: a Sequential holds a list of layers", place)
            return ()
        self.expander.within.append(name)
        children = self.expander.scope(written["layers"], variables, ("input",), (*place, "layers"))
        self.expander.within.pop()
        return children

    def repeated(
        self, name: str, kind: str, written: Mapping[str, Any], sources: tuple[Reference, ...], place: Path
    ) -> Item | None:
        """A scope with one child for each binding; what is left out of it has no children.

        Each child takes the output of the one before; the further inputs of a block are the same for all.
        """
        expander = self.expander
        block = expander.blocks.get(kind)
        inputs = block.inputs if block is not None else ("input",)
        layer = expander.table.get(kind) if block is None else None
        if layer is not None and layer.needs != 1:
            self.report(
                "SB213", f"`repeat` hands each child the output of the one before, and {kind} does not take just one",
                (*place, "repeat"), target="key", fix="put it into a block, and repeat that",
            )  # fmt: skip
            return None
        children: list[Item] = []
        taken: dict[str, int] = {}
        rows = written["repeat"]
        row = len(rows[0]) if isinstance(rows, list) and rows and isinstance(rows[0], dict) else 0
        work = 6 + weight({**written, "layers": None, "repeat": None}) + (len(self.variables) + row) // 16
        expander.within.append(name)
        expander.instances += 1
        for i, binding in enumerate(self.bindings(written["repeat"], (*place, "repeat"))):
            spend(work)
            variables = {**self.variables, "i": i, **binding}
            before = len(self.problems)
            own = self.child_name(written.get("names"), i, taken, variables, (*place, "names"))
            child = None
            if own is not None:
                taken[own] = i
                expander.bound(own, i, binding, variables, place)
                first = Reference(len(children) - 1) if children else INPUT
                passed = (first, *(Reference(-1 - k) for k in range(1, len(inputs))))
                child = self.one(own, kind, written, variables, passed, place)
            if len(self.problems) > before:
                expander.tell(before, own or str(i))
            if child is None:
                children.clear()
                break
            if child.type != SCOPE or child.children:
                children.append(child)
        expander.within.pop()
        expander.instances -= 1
        return Item(name, SCOPE, kind, {}, sources, tuple(children), inputs, place)

    def child_name(
        self, raw: Any, i: int, taken: Mapping[str, int], variables: Mapping[str, Any], path: Path
    ) -> str | None:
        """The name of a repeat's child; None where it was reported."""
        if raw is None:
            return str(i)
        named = put_in(raw, variables, path, self.problems)
        if isinstance(named, Failed):
            return None
        if not isinstance(named, (str, int)) or isinstance(named, bool):
            self.report("SB205", f"`names` gives each child its name, a string; got {shown(named)}", path)
            return None
        own = str(named)
        fault = names.fault(own)
        if fault is not None:
            self.report("SB205", f"child {i} cannot be called {shown(own)}: {fault}", path)
            return None
        if own in taken:
            fix = 'put what differs into the name: names: "layer${i}"'
            self.report("SB206", f"children {taken[own]} and {i} would both be called `{own}`", path, fix=fix)
            return None
        return own

    def bindings(self, raw: Any, path: Path) -> Iterator[Mapping[str, Any]]:
        """What each child of a repeat sees beside `i`."""
        value = put_in(raw, self.variables, path, self.problems)
        if isinstance(value, Failed):
            return
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            if value > self.expander.most:
                message = f"a network has at most {self.expander.most:,} layers; got {shown(value)} times one"
                self.expander.too_much("SB216", message, path)
            yield from ({} for _ in range(value))
        elif isinstance(value, list) and all(isinstance(row, dict) for row in value):
            for index, row in enumerate(value):
                place = (*path, index)
                good = [
                    name
                    for name in row
                    if is_variable(name, (*place, name), self.problems)
                    and may_hold(row[name], (*place, name), self.problems)
                ]
                yield {name: row[name] for name in good}
        else:
            self.report(
                "SB203", f"`repeat` is a count from 0 on or a list of mappings of names to values; got {shown(value)}",
                path, fix=mended_repeat(value, raw),
            )  # fmt: skip


class Known(dict[str, Any]):
    """The names of every type that a layer may have; no class is made for it."""

    def __init__(self, expander: Expander) -> None:
        super().__init__(dict.fromkeys([*expander.table, *expander.blocks, SCOPE]))
        self.excluded: Mapping[str, str] = getattr(expander.table, "excluded", {})


def written_name(element: Any) -> str:
    """The name of an element as it is written; empty where it has none."""
    name = element.get("name") if isinstance(element, dict) else None
    return "" if name is None else str(name)


def mended_repeat(value: Any, written: Any) -> str:
    """What was probably meant by a `repeat` that is neither a count nor a list of bindings."""
    if isinstance(value, list) and value and not any(isinstance(row, (dict, list)) for row in value):
        if isinstance(written, str):
            listed = re.sub(r"^\$\{\s*|\s*\}$", "", written.strip())
            return f'repeat: "${{len({listed})}}", each with an item: "${{{listed}[i]}}"'
        return f'repeat: [{", ".join(f"{{n: {shown(row)}}}" for row in value[:3])}], each with its value: "${{n}}"'
    if isinstance(value, str) and value.isdecimal():
        return f"repeat: {value}, without quotes"
    if isinstance(value, dict) and value:
        return f"repeat: [{{{', '.join(f'{name}: {shown(item)}' for name, item in value.items())}}}]"
    return "repeat: 3, or repeat: [{channels: 64}, {channels: 128}]"


def of_the_whole(problem: Diagnostic, place: Path) -> Diagnostic:
    """The same, with a mend that fits where `i` is asked for by what does not see it."""
    key = problem.path[len(place)] if len(problem.path) > len(place) else None
    if problem.code == "SB209" and key in ("name", "from", "when") and problem.message.endswith("variable `i`"):
        fix = f"`{key}` belongs to the whole of a repeat and does not see `i`"
        fix += '; each child is called by `names: "layer${i}"`' if key == "name" else ""
        return replace(problem, fix=fix)
    return problem
