"""Where the names of a scope lead: `from`, what comes before, and what nothing reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from specbuild.diagnostics.diagnostic import Diagnostic, Path, Target
from specbuild.diagnostics.suggest import nearest, renaming
from specbuild.language.budgets import MOST_TOLD
from specbuild.language.items import INPUT, SCOPE, UNKNOWN, Item, Reference
from specbuild.language.parsing import Failed, shown
from specbuild.language.substitution import put_in

if TYPE_CHECKING:
    from specbuild.language.expansion import Expander

MOST_KNOWN = 8
"""How many names a message lists."""


class Wiring:
    """The items of a scope so far, and where each name leads."""

    def __init__(
        self, expander: Expander, variables: Mapping[str, Any], inputs: Sequence[str], path: Path, raw: list[Any]
    ) -> None:
        self.expander, self.variables, self.path, self.raw = expander, variables, path, raw
        self.report, self.problems = expander.report, expander.problems
        self.inputs = tuple(inputs)
        self.items: list[Item] = []
        self.places: dict[str, Reference] = {name: Reference(-1 - k) for k, name in enumerate(inputs)}
        self.current: Reference | None = INPUT if len(inputs) == 1 else None
        """What the next layer takes by default; None before the first of several inputs."""
        self.left_out: dict[str, tuple[Reference, ...]] = {}
        """What `when` or an empty `repeat` left out, and what it would have taken."""
        self.empty: dict[str, Any] = {}
        """What a `repeat` left out, and how often that is written to be."""

    def add(self, item: Item) -> None:
        """One more item, which the next one takes by default."""
        self.places[item.name] = self.current = Reference(len(self.items))
        self.items.append(item)

    def leave_out(self, name: str, sources: tuple[Reference, ...], *, hides: bool) -> None:
        """The name stands for the first entry of `from`, and so does what comes before the next layer.

        hides: whether the name stands for it from here on; if not, another layer has the name.
        """
        self.left_out[name] = (*self.left_out.get(name, ()), *sources)
        if sources:
            self.current = sources[0]._replace(keyword=None)
            if hides:
                self.places[name] = self.current

    def reason(self, names: Iterable[str]) -> str:
        """The key that left the named layers out: `when`, unless each is a `repeat`."""
        return "repeat" if all(name in self.empty for name in names) else "when"

    def same(self, who: str, names: Sequence[str]) -> str:
        """How `who` is left out wherever the named layers are."""
        if self.reason(names) == "when":
            return f"give {who} the same `when`"
        written = self.empty[names[0]]
        if isinstance(written, str) and (inner := re.fullmatch(r"\$\{([^{}]*)\}", written.strip())):
            count = inner[1].strip()
            return f'give {who} `when: "${{{count if count.isidentifier() else f"({count})"} > 0}}"`'
        return f"leave {who} out too, or repeat `{names[0]}` at least once"

    def broken(self, *names: str) -> None:
        """An element of which something was reported: whoever takes it is not at fault."""
        for name in names:
            if name:
                self.places.setdefault(name, UNKNOWN)
        if self.current is None:
            self.current = UNKNOWN

    def default(self, place: Path) -> tuple[Reference, ...]:
        """What comes before."""
        if self.current is not None:
            return (self.current,)
        inputs = ", ".join(self.inputs)
        self.report(
            "SB213", f"the scope has several inputs ({inputs}): its first layer says which it takes", place,
            fix=f"from: {self.inputs[0]}",
        )  # fmt: skip
        return (UNKNOWN,)

    def sources(self, raw: Any, path: Path, index: int) -> tuple[Reference, ...]:
        """The values that the `from` of an element names: `a`, `[a, b]` or `{query: a, key: b}`."""
        raw = put_in(raw, self.variables, path, self.problems)
        if isinstance(raw, Failed):
            return (UNKNOWN,)
        if isinstance(raw, dict) and raw:
            named = [(self.resolve(value, (*path, key), index), key) for key, value in raw.items()]
            return tuple(found if found == UNKNOWN else found._replace(keyword=key) for found, key in named)
        if isinstance(raw, list) and raw:
            return tuple(self.resolve(value, (*path, k), index) for k, value in enumerate(raw))
        if isinstance(raw, (str, int)) and not isinstance(raw, bool):
            return (self.resolve(raw, path, index),)
        self.report("SB203", f"`from` is a name, a list of names or a mapping to names; got {shown(raw)}", path,
                    fix="from: conv1, from: [a, b], or from: {query: a, key: b}")  # fmt: skip
        return (UNKNOWN,)

    def resolve(self, value: Any, path: Path, index: int) -> Reference:
        """Where a name in the `from` of an element leads."""
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            if not isinstance(value, Failed):
                self.report("SB203", f"`from` takes names of layers; got {shown(value)}", path,
                            fix="from: [a, b]")  # fmt: skip
            return UNKNOWN
        name, dot, result = value.partition(".")
        found = self.places.get(name)
        if found is None:
            self.unknown(name, path, index)
            return UNKNOWN
        return self.second(found, name, result, path) if dot and found != UNKNOWN else found

    def second(self, found: Reference, name: str, result: str, path: Path) -> Reference:
        """The reference to a second result, such as `pool1.indices`."""
        from specbuild.language.wording import with_article  # only a mistake pays for it

        item = self.items[found.position] if found.position >= 0 else None
        edit = None
        if name in self.left_out and (item is None or item.name != name):
            message = f"`{name}` is left out here, and its second result `{result}` with it"
            fix = self.same("this layer", [name])
        elif item is not None and item.type == SCOPE:
            message = f"`{name}` holds layers of its own, which `from` does not see from outside"
            fix = f"from: {name} takes its output"
        else:
            results = self.expander.table[item.type].results if item is not None else {}
            if result in results and found.result is None:
                return Reference(found.position, result)
            message = f"`{name}` has no second result `{result}`"
            meant = nearest(result, results)
            what = f"{with_article(item.type)} has its output only" if item is not None else "an input has none"
            known = " or ".join(f"{name}.{other}" for other in results)
            fix = f"from: {name}, or {known}" if known else f"from: {name}, as {what}"
            fix = f"did you mean `{name}.{meant}`?" if meant else fix
            edit = renaming(
                path, f"{name}.{result}", meant and f"{name}.{meant}", [f"{name}.{each}" for each in results]
            )
        self.report("SB212", message, path, fix=fix, edit=edit)
        return UNKNOWN

    @cached_property
    def written_names(self) -> dict[str, int]:
        """The layers of the scope as written, by name; only a mistake pays for it."""
        from specbuild.language.overrides import layer_names

        return layer_names(self.raw)

    def unknown(self, name: str, path: Path, index: int) -> None:
        """SB212 for a name that is not there, or not yet."""
        later = self.written_names.get(name, -1)
        edit = None
        if name in self.left_out:
            message = f"`{name}` is left out here, and takes no input that its name could stand for"
            fix = self.same("this layer", [name])
        elif later == index:
            message, fix = f"`{name}` cannot take its own output", "name a layer above"
        elif later > index:
            message = f"`{name}` comes later: `from` takes what was computed before"
            fix = "move it up, or name a layer above"
        elif name == "input":
            message = "`input` is what the only input of a scope is called; here there are several"
            fix = f"the inputs are {', '.join(self.inputs)}"
        elif any(name in scope.places for scope in self.expander.wirings if scope is not self):
            inputs = " and ".join(f"`{own}`" for own in self.inputs)
            message = f"`{name}` is outside of this scope: `from` takes its own layers and {inputs} only"
            fix = f"a block with `inputs: [x, {name}]` can be given it by `from`"
            if len(self.path) == 3 and self.path[0] == "blocks":
                fix = f"declare it, inputs: [{', '.join([*self.inputs, name])}], and say `from` where the block is used"
        elif inside := [item.name for item in self.items if any(child.name == name for child in item.children)]:
            message = f"`{name}` is inside `{inside[-1]}`: `from` takes the layers of its own scope only"
            fix = f"from: {inside[-1]} takes its output"
        elif "," in name and all(part.strip() in self.places for part in name.split(",")):
            message = f"there is no layer called {shown(name)}: several names are a list"
            fix = f"from: [{', '.join(part.strip() for part in name.split(','))}]"
        else:
            known = [place for place in self.places if not place.endswith(" ")]
            meant = nearest(name, known)
            message = f"there is no layer called `{name}` in this scope"
            more = ", ..." if len(known) > MOST_KNOWN else ""
            fix = f"did you mean `{meant}`?" if meant else f"known here: {', '.join(known[:MOST_KNOWN])}{more}"
            edit = renaming(path, name, meant, known)
        self.report("SB212", message, path, fix=fix, edit=edit)

    def find_unused(self, outputs: Sequence[str]) -> None:
        """What nothing reads: an error where something was left out, else a warning."""
        read = {source.position for item in self.items for source in item.sources}
        names = [output.partition(".")[0] for output in outputs]
        ends = [self.places[name].position for name in names if name in self.places]
        read.update(ends or ([self.current.position] if self.current is not None else []))
        if len(read) >= len(self.items) + len(self.inputs) or any(name not in self.places for name in names):
            return
        takers: dict[int, dict[str, None]] = {}
        for name, taken in self.left_out.items():
            for source in taken:
                takers.setdefault(source.position, {})[name] = None
        for position, item in enumerate(self.items):
            if position in read:
                continue
            gone = [*takers.get(position, ())]
            if gone:
                left = " and ".join(f"`{name}`" for name in gone) + (" is" if len(gone) == 1 else " are")
                message = f"nothing reads `{item.name}`, since {left} left out"
                self.report("SB214", message, item.path, fix=self.same(f"`{item.name}`", gone))
            else:
                message = f"nothing reads `{item.name}`: it is computed for nothing"
                self.warn(message, item.path, "leave it out, or name it in a `from`")
        for k, name in enumerate(self.inputs):
            if -1 - k not in read and -1 - k not in takers:
                self.warn_of_input(k, name)

    def find_end(self, outputs: Sequence[str]) -> None:
        """SB214 for a scope whose last layer is left out and stands for something else than the last one there."""
        end = self.current
        if outputs or not self.items or end is None or end == Reference(len(self.items) - 1):
            return
        value = self.items[end.position].name if end.position >= 0 else self.inputs[-1 - end.position]
        value = f"{value}.{end.result}" if end.result else value
        self.report(
            "SB214", f"the last layer, `{[*self.left_out][-1]}`, is left out, and stands for `{value}`",
            (*self.path, len(self.raw) - 1),
            fix=f"say what the scope gives: {{type: Identity, from: {value}}}",
        )  # fmt: skip

    def warn_of_input(self, index: int, name: str) -> None:
        """SB801 for an input that nothing reads; the only input of a scope may stand nowhere."""
        place: Path = (*self.path[:-1], "inputs", index if len(self.path) > 1 else name)
        single = len(self.inputs) == 1
        fix = f"name it in a `from`: from: {name}" if single else "leave it out, or name it in a `from`"
        if name == "input" and single:
            place = self.path[:-1] or ("input",)
        self.warn(f"nothing reads the input `{name}`", place, fix, "value" if isinstance(place[-1], int) else "key")

    def warn(self, message: str, path: Path, fix: str, target: Target = "value") -> None:
        """SB801, once for all instances of a line."""
        if len(self.expander.warnings) > MOST_TOLD:
            return
        self.expander.warn(Diagnostic("SB801", message, path, target, fix=fix, instance=self.expander.instance()))
