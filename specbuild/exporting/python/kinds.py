"""Which scopes of a network become classes: those of one block, or of one structure, share one."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

from specbuild.exporting.python.calls import form_of
from specbuild.exporting.python.expressions import Call, is_name
from specbuild.exporting.python.forms import Form
from specbuild.exporting.python.functions import FUNCTIONS
from specbuild.language.items import SCOPE, Reference
from specbuild.network.plan import Plan, Scope, Step


@dataclass(eq=False, slots=True)
class Kind:
    """A class that is to be written, and the scopes that it is for."""

    name: str
    full: Step
    """The one with the most children: the others lack some of these."""
    sequential: bool
    """Whether it is an `nn.Sequential`, without a `forward` of its own."""
    instances: list[Step] = field(default_factory=list)
    optional: dict[str, None] = field(default_factory=dict)
    """The children that not all have."""


class Kinds:
    """The scopes of a plan, sorted into classes."""

    def __init__(self, plan: Plan, reserved: set[str]) -> None:
        self.forms: dict[str, Form] = {}
        self.reserved = set(reserved)
        self.blocks: dict[str, list[Step]] = {}
        self.sorted: set[str] = set()
        self.of: dict[str, Kind] = {}
        """The class of a scope, by its qualified name; none for a scope that is built where it stands."""
        self.alike: dict[Hashable, Kind] = {}
        self.signatures: dict[str, Hashable] = {}
        self.kinds: list[Kind] = []
        """Each after those that it uses."""
        self.top = Step(
            "", SCOPE, None, (), tuple(plan.inputs.values()), plan.output, None, (), plan.scope, ()
        )  # fmt: skip
        for step in scopes(plan.steps):
            if step.type != SCOPE and not is_repeat(step):
                self.blocks.setdefault(step.type, []).append(step)
        for step in plan.steps:
            self.signature(step)

    def form(self, step: Step) -> Form:
        """How a layer stands in the module."""
        found = self.forms.get(step.name)
        if found is None:
            found = self.forms[step.name] = form_of(step)
        return found

    def sequential(self, scope: Scope) -> bool:
        """Whether a scope is an `nn.Sequential` of modules that torch calls one after the other."""
        return scope.straight and all(step.layer is None or self.form(step).plain for step in scope.steps)

    def signature(self, step: Step) -> Hashable:
        """What two steps have in common that differ in the arguments of their modules alone."""
        found = self.signatures.get(step.name)
        if found is None:
            found = self.signatures[step.name] = self.signed(step)
        return found

    def signed(self, step: Step) -> Hashable:
        """The signature of a step, made."""
        if step.layer is not None:
            form = self.form(step)
            arguments: tuple[Any, ...] = ()
            if isinstance(form.made, Call):
                arguments = (form.made.function, *form.made.arguments)
            if step.type in FUNCTIONS or not isinstance(form.made, Call):
                arguments = (*arguments, repr(step.layer))
            return (step.type, form.key, arguments)
        assert step.scope is not None
        if step.type in self.blocks and not is_repeat(step):
            self.sort(step.type)
            kind = self.of.get(step.name)
            return ("kind", id(kind)) if kind is not None else self.body(step.scope)
        body = self.body(step.scope)
        if self.sequential(step.scope):
            return body
        if body not in self.alike:
            self.alike[body] = self.new(step.local_name, step, False)
        self.join(self.alike[body], step)
        return ("kind", id(self.alike[body]))

    def body(self, scope: Scope) -> Hashable:
        """The signature of what is in a scope."""
        children = tuple((step.local_name, step.sources, step.results, self.signature(step)) for step in scope.steps)
        return (scope.inputs, tuple(scope.outputs.values()), children)

    def new(self, name: str, full: Step, sequential: bool) -> Kind:
        """A class with a name of its own."""
        words = [word for word in name.replace("-", "_").split("_") if word]
        base = "".join(word[:1].upper() + word[1:] for word in words)
        base = base if is_name(base) else f"Block{base}" if is_name(f"Block{base}") else "Block"
        unique, number = base, 2
        while unique in self.reserved:
            unique, number = f"{base}{number}", number + 1
        self.reserved.add(unique)
        kind = Kind(unique, full, sequential)
        self.kinds.append(kind)
        return kind

    def join(self, kind: Kind, step: Step) -> None:
        """Count a scope to a class."""
        kind.instances.append(step)
        self.of[step.name] = kind

    def sort(self, block: str) -> None:
        """Sort the uses of a block: those that lack some children of others share their class."""
        if block in self.sorted:
            return
        self.sorted.add(block)
        groups: dict[Hashable, list[Step]] = {}
        for step in self.blocks[block]:
            assert step.scope is not None
            groups.setdefault(self.body(step.scope), []).append(step)
        made: list[Kind] = []
        for group in sorted(groups.values(), key=lambda group: -len(group[0].steps)):
            scope = group[0].scope
            assert scope is not None
            for kind in made:
                missing = None if kind.sequential else self.missing(kind.full, group[0])
                if missing is not None:
                    kind.optional.update(missing)
                    break
            else:
                sequential = self.sequential(scope)
                if sequential and len(group) == 1:
                    continue
                kind = self.new(block, group[0], sequential)
                made.append(kind)
            for step in group:
                self.join(kind, step)

    def missing(self, full: Step, part: Step) -> dict[str, None] | None:
        """The children that a scope lacks of another, whose place their first input takes; None if that is not all."""
        assert full.scope is not None
        assert part.scope is not None
        theirs = {step.local_name: step for step in part.steps}
        absent = {step.local_name: None for step in full.steps if step.local_name not in theirs}
        if full.scope.inputs != part.scope.inputs or len(full.steps) - len(absent) != len(part.steps):
            return None
        places: dict[int, int] = {}

        def placed(reference: Reference) -> Reference:
            return reference._replace(position=places.get(reference.position, reference.position))

        count = 0
        for position, step in enumerate(full.steps):
            if step.local_name in absent:
                first = step.sources[:1]
                if not first or first[0].result is not None or first[0].keyword is not None or step.results:
                    return None
                places[position] = placed(first[0]).position
                continue
            other = theirs[step.local_name]
            alike = self.signature(step) == self.signature(other) and step.results == other.results
            if not alike or part.steps[count] is not other:
                return None
            if tuple(map(placed, step.sources)) != other.sources:
                return None
            places[position] = count
            count += 1
        outputs = tuple(placed(reference) for reference in full.scope.outputs.values())
        return absent if outputs == tuple(part.scope.outputs.values()) else None


def is_repeat(step: Step) -> bool:
    """Whether a scope is what a `repeat` makes: its children are written where it is."""
    return any(child.path == step.path for child in step.steps)


def scopes(steps: tuple[Step, ...]) -> Iterator[Step]:
    """The steps that are scopes, the inner ones too."""
    for step in steps:
        if step.scope is not None:
            yield step
            yield from scopes(step.steps)
