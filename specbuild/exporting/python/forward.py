"""The `forward` of a scope with branches: one statement after the other, in local variables.

The variables `x` and `out` are taken again as soon as nothing reads what they hold; what has to stay has the name of
its layer. The result of a function, which stands in no attribute, is assigned to a variable of its name, once, if the
document gave it one that counting the layers of its type would not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from specbuild.exporting.python.expressions import is_name
from specbuild.exporting.python.forms import Form
from specbuild.exporting.python.functions import FUNCTIONS, REPEATED
from specbuild.exporting.python.naming import RESERVED, arguments_of, as_modules, attribute, named_by_hand
from specbuild.exporting.python.unparsing import literal
from specbuild.language.items import Reference
from specbuild.network.plan import Scope, Step

Key = tuple[int, str | None]
"""A value of a scope: the position of what makes it, and the name of a second result."""

GENERIC = ("x", "out")
"""Variables that are used again."""

WIDEST = 60
"""How long an expression may be that stands inside another."""
DEEPEST = 3
"""How many calls stand inside one another."""


class Pending(NamedTuple):
    """A value that is not assigned yet: the next step may hold its text."""

    key: Key
    text: str
    depth: int


def forward_of(
    scope: Scope, forms: Mapping[str, Form], flags: Mapping[str, str], taken: Collection[str], batched: Sequence[bool]
) -> list[str]:
    """The statements of a scope. forms: of its layers, by qualified name. flags: what tells of optional children
    whether they are there. taken: the names that a module has. batched: which of the inputs have a batch axis.
    """
    generic: tuple[str, ...] = GENERIC
    while True:
        writer = Statements(scope, forms, flags, generic, taken, batched)
        lines = writer.written()
        once = next(iter(writer.once()), None)
        if once is None:
            return lines
        generic = tuple(name for name in generic if name != once)


class Statements:
    """A `forward` that is being written."""

    def __init__(
        self,
        scope: Scope,
        forms: Mapping[str, Form],
        flags: Mapping[str, str],
        generic: Sequence[str],
        taken: Collection[str],
        batched: Sequence[bool],
    ) -> None:
        self.scope, self.forms, self.flags, self.taken = scope, forms, flags, set(taken) | RESERVED
        self.arguments = arguments_of(scope.inputs)
        self.modules = as_modules(scope, taken)
        self.by_hand = named_by_hand(scope)
        self.generic = [
            name for name in generic if name not in self.by_hand and (name == "x" or name not in self.arguments)
        ]
        self.lines: list[str] = []
        self.variables: dict[Key, str] = {(-1 - k, None): name for k, name in enumerate(self.arguments)}
        self.holds: dict[str, Key] = {name: key for key, name in self.variables.items()}
        self.batched = batched
        self.pending: Pending | None = None
        self.assigned: list[tuple[str, bool]] = []
        self.last: dict[Key, int] = {}
        self.uses: dict[Key, list[int]] = {}
        for position, step in enumerate(scope.steps):
            for source in step.sources:
                self.read((source.position, source.result), position)
        for reference in scope.outputs.values():
            self.read((reference.position, reference.result), len(scope.steps))
        self.position = 0
        self.depth = 0

    def read(self, key: Key, position: int) -> None:
        """Note that a step reads a value."""
        self.uses.setdefault(key, []).append(position)
        self.last[key] = max(position, self.last.get(key, position))

    def once(self) -> list[str]:
        """Generic variables that are assigned once only, by a function: that would be named so."""
        counts: dict[str, int] = {}
        for name, _ in self.assigned:
            counts[name] = counts.get(name, 0) + 1
        return [
            name
            for name, function in self.assigned
            if function and counts[name] == 1 and name in self.generic and name not in self.arguments
        ]

    def written(self) -> list[str]:
        """All statements."""
        for position, step in enumerate(self.scope.steps):
            self.position = position
            if step.local_name in self.flags:
                self.optional(step)
            else:
                self.step(step)
        self.position = len(self.scope.steps)
        outputs = list(self.scope.outputs.items())
        if len(outputs) == 1:
            self.lines.append(f"return {self.value(outputs[0][1])}")
            return self.lines
        self.flush()
        items = [f"{literal(name)}: {self.value(reference)}" for name, reference in outputs]
        self.lines.append(f"return {{{', '.join(items)}}}")
        return self.lines

    def step(self, step: Step) -> None:
        """One step that is always there."""
        reads = [(source.position, source.result) for source in step.sources]
        if self.pending is not None and not self.nests(step, reads):
            self.flush()
        self.depth = self.pending.depth if self.pending is not None else 0
        text = self.text(step)
        if text is None:
            return
        key = (self.position, None)
        if step.type in FUNCTIONS and step.local_name in self.by_hand and step.local_name not in self.modules:
            self.assign(key, step.local_name, text, function=True)
        else:
            several = step.type not in FUNCTIONS and len(step.sources) > 1
            self.pending = Pending(key, text, DEEPEST if several else self.depth + 1)

    def nests(self, step: Step, reads: Sequence[Key]) -> bool:
        """Whether the pending value may stand inside this step's text: it is read here alone, once, and short."""
        pending = self.pending
        assert pending is not None
        if reads.count(pending.key) != 1 or len(self.uses[pending.key]) != 1:
            return False
        if any(key == (self.position - 1, None) for key in reads) and REPEATED.get(step.type, 1) > 1:
            return False
        return pending.depth < DEEPEST and len(pending.text) <= WIDEST

    def text(self, step: Step) -> str | None:
        """A step's value; None where it is assigned already."""
        if step.type in FUNCTIONS and step.local_name not in self.modules:
            arguments = self.forms[step.name].made.arguments  # type: ignore[union-attr]
            return FUNCTIONS[step.type](arguments, [self.take(k) for k in range(len(step.sources))])
        module = attribute(step.local_name)
        if step.layer is None:
            return f"{module}({', '.join(self.take(index) for index in range(len(step.sources)))})"
        return self.forms[step.name].express(self, step, module)

    def sample(self) -> str:
        """A variable that has a batch axis."""
        for name in ("x", *self.arguments):
            key = self.holds.get(name)
            if key is not None and self.is_batched(key):
                return name
        return next(
            name for key, name in self.variables.items() if self.holds.get(name) == key and self.is_batched(key)
        )

    def is_batched(self, key: Key) -> bool:
        """Whether a value has a batch axis."""
        position = key[0]
        if position >= 0:
            return self.scope.steps[position].output.batched
        return self.batched[-1 - position]

    def optional(self, step: Step) -> None:
        """A step that not every use has: without it, its first input stands for its result."""
        self.flush()
        flag = self.flags[step.local_name]
        functional = step.type in FUNCTIONS and step.local_name not in self.modules
        there = f"self.{flag}" if functional else f"{attribute(step.local_name)} is not None"
        first = (step.sources[0].position, step.sources[0].result)
        held, key = self.variables[first], (self.position, None)
        text = self.text(step)
        self.flush()
        assert text is not None
        free = self.last.get(first, -1) <= self.position and (held in self.generic or held in self.arguments)
        if self.uses.get(key) == [len(self.scope.steps)] and self.position == len(self.scope.steps) - 1:
            self.pending = Pending(key, f"{text} if {there} else {held}", DEEPEST)
        elif free and not functional:
            self.lines.append(f"if {there}:\n    {held} = {text}")
            self.assigned.append((held, False))
            self.variables[key], self.holds[held] = held, key
        else:
            name = step.local_name if functional else None
            self.assign(key, name, f"{text} if {there} else {held}", function=functional)

    def value(self, reference: Reference) -> str:
        """The text of what a reference leads to."""
        key = (reference.position, reference.result)
        if self.pending is not None and self.pending.key == key:
            text, self.pending = self.pending.text, None
            return text
        self.flush()
        return self.variables[key]

    def take(self, index: int, *, times: int = 1) -> str:
        """The text of an input of the step that is being written."""
        source = self.scope.steps[self.position].sources[index]
        key = (source.position, source.result)
        if self.pending is not None and self.pending.key == key:
            if times > 1:
                self.flush()
                return self.variables[key]
            text, self.pending = self.pending.text, None
            return text
        return self.variables[key]

    def flush(self) -> None:
        """Assign what is pending."""
        if self.pending is not None:
            key, text, _ = self.pending
            self.pending = None
            step = self.scope.steps[key[0]]
            self.assign(key, None, text, function=step.type in FUNCTIONS and step.local_name not in self.modules)

    def assign(self, key: Key, name: str | None, text: str, *, function: bool = False) -> None:
        """Assign a value to a variable of that name, or to one that is free."""
        name = self.variable(key, function=function) if name is None else name
        self.lines.append(f"{name} = {text}")
        self.hold(key, name, function=function)

    def hold(self, key: Key, name: str, *, function: bool = False) -> None:
        """Note that a variable holds a value."""
        self.variables[key], self.holds[name] = name, key
        self.assigned.append((name, function))

    def variable(self, key: Key, *, function: bool = False) -> str:
        """A variable for a value: one that is used again if it is free, else one with the layer's name."""
        step = self.scope.steps[key[0]]
        if self.passing(key, step, function=function):
            for name in self.generic:
                held = self.holds.get(name)
                if held is None or self.last.get(held, -1) <= key[0]:
                    return name
        wanted = step.local_name if key[1] is None else f"{step.local_name}_{key[1]}"
        return self.fresh(wanted.replace("-", "_"), own=function)

    def passing(self, key: Key, step: Step, *, function: bool) -> bool:
        """Whether a value is read by the next step, those apart that not every use has, and by no later one."""
        if step.type in ("Parameter", "Positions"):
            return False
        uses = self.uses.get(key, [key[0] + 1])
        after = key[0] + 1
        while after < max(uses) and self.scope.steps[after].local_name in self.flags and after not in uses:
            after += 1
        return min(uses) <= after and (function or max(uses) <= after)

    def fresh(self, name: str, *, own: bool = False) -> str:
        """A variable that holds nothing; own: the name is the value's, which no other has."""
        others = self.taken | set(GENERIC) | self.by_hand | set(self.holds) | set(self.arguments)
        others |= {step.local_name for step in self.scope.steps if step.type in FUNCTIONS}
        if own:
            return name
        name = name if is_name(name) and not name.startswith("__") else f"y{name}"
        name = name if is_name(name) else "y"
        unique, number = name, 2
        while unique in others:
            unique, number = f"{name}_{number}", number + 1
        return unique

    def target(self, result: str | None = None) -> str:
        """The variable that a result of the step being written is assigned to; `_` where nothing reads it."""
        step, key = self.scope.steps[self.position], (self.position, result)
        if key in self.variables:
            return self.variables[key]
        if (result is not None and result not in step.results) or (result is None and key not in self.last):
            return "_"
        name = self.variable(key) if result is None else self.fresh(f"{step.local_name}_{result}".replace("-", "_"))
        self.hold(key, name)
        return name

    def line(self, text: str) -> None:
        """Write a statement."""
        self.lines.append(text)

    def again(self, result: str, text: str) -> None:
        """Assign a second result once more."""
        self.lines.append(f"{self.target(result)} = {text}")
