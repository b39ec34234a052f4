"""What the uses of a class have in common, and what differs and becomes a parameter of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from specbuild.diagnostics.diagnostic import Path
from specbuild.exporting.python.expressions import Call, Chain, Formula, is_name, same
from specbuild.exporting.python.kinds import Kind, Kinds
from specbuild.exporting.python.recording import Made
from specbuild.language.document import Spec
from specbuild.language.items import SCOPE
from specbuild.network.plan import Step

SIZES = frozenset({
    "in_channels", "out_channels", "in_features", "out_features", "in1_features", "in2_features", "num_features",
    "num_channels", "embedding_dim", "normalized_shape", "input_size", "hidden_size", "embed_dim", "d_model",
    "groups", "num_parameters",
})  # fmt: skip
"""Arguments that count channels or features: one may be another's, or a multiple of it."""

TAKEN = frozenset({"self", "x", "i", "torch", "nn", "super", "range", "Tensor", "OrderedDict", "int", "float", "bool"})
"""Names that no parameter has."""

Values = dict[str, Any]
"""What something is in each use of a class, by the use's qualified name."""


@dataclass(eq=False, slots=True)
class Parameter:
    """A parameter of a class."""

    name: str
    values: Values
    size: bool = False
    default: Any = None
    required: bool = True
    hint: str | None = None
    field: str = ""
    """The argument that it was made for."""


@dataclass(slots=True)
class Body:
    """A class as it is to be written: its parameters, and what each child is made by."""

    kind: Kind
    parameters: list[Parameter] = field(default_factory=list)
    made: dict[str, Any] = field(default_factory=dict)
    flags: dict[str, str] = field(default_factory=dict)
    """The parameters that say whether an optional child is there."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands that differs: the argument's name, the call that it is of, the names of the layers."""

    field: str
    call: Call
    names: tuple[str, ...]
    size: bool


class Unifier:
    """Bodies of classes, each made when it is first asked for."""

    def __init__(self, kinds: Kinds, spec: Spec) -> None:
        self.kinds, self.spec = kinds, spec
        self.bodies: dict[str, Body] = {}

    def expression(self, step: Step) -> Any:
        """What makes a layer or a scope."""
        if step.layer is not None:
            made = self.kinds.form(step).made
            return replace(made, path=step.path) if isinstance(made, Call) else made
        kind = self.kinds.of.get(step.name)
        if kind is None:
            return Chain(tuple(s.local_name for s in step.steps), tuple(self.expression(s) for s in step.steps))
        parameters = self.body(kind).parameters
        values = {p.name: p.values.get(step.name, p.default) for p in parameters}
        defaults = {p.name: p.default for p in parameters if not p.required}
        return Call(kind.name, values, defaults, frozenset(p.name for p in parameters if p.required), step.path)

    def body(self, kind: Kind) -> Body:
        """The class's parameters and children."""
        found = self.bodies.get(kind.name)
        if found is None:
            found = self.bodies[kind.name] = self.solved(kind)
        return found

    def solved(self, kind: Kind) -> Body:
        """The body of a class, made."""
        body = Body(kind)
        for child in kind.full.steps:
            name = child.local_name
            theirs = {step.name: inner for step in kind.instances for inner in step.steps if inner.local_name == name}
            if name in kind.optional:
                self.flag(body, child, {step.name: step.name in theirs for step in kind.instances})
            made = {instance: self.expression(inner) for instance, inner in theirs.items()}
            first = next(iter(made.values()))
            body.made[name] = first if isinstance(first, Made) else self.unified(body, made, (name,))
        for parameter in body.parameters:
            if parameter.required and len(parameter.values) < len(kind.instances):
                parameter.default = Counter(map(repr_key, parameter.values.values())).most_common(1)[0][0][1]
                parameter.required = False
        body.parameters.sort(key=lambda parameter: not parameter.required)
        return body

    def flag(self, body: Body, child: Step, values: Values) -> None:
        """A parameter that says whether a child is there."""
        hint = self.hint(child.path, "when")
        existing = next(
            (p for p in body.parameters if hint is not None and p.hint == hint and p.values == values), None
        )
        if existing is None:
            name = "residual" if child.type == "Add" else child.local_name
            wanted = [hint or name, name, f"with_{name}", f"has_{child.type.lower()}"]
            usual = self.declared(body.kind.full.type, hint) is True
            existing = Parameter(self.free(body, wanted), values, False, usual, False, hint)
            body.parameters.append(existing)
        body.flags[child.local_name] = existing.name

    def unified(self, body: Body, made: Mapping[str, Any], names: tuple[str, ...]) -> Any:
        """One expression for all uses; what differs is a parameter."""
        first: Any = next(iter(made.values()))
        if isinstance(first, Chain):
            items = tuple(
                self.unified(body, {use: chain.items[k] for use, chain in made.items()}, (*names, inner))
                for k, inner in enumerate(first.names)
            )
            return Chain(first.names, items)
        arguments: dict[str, Any] = {}
        for name in first.arguments:
            values = {use: call.arguments[name] for use, call in made.items()}
            if isinstance(first.arguments[name], Call):
                arguments[name] = self.unified(body, values, names)
                continue
            size = name in SIZES or any(
                parameter.size and parameter.name == name
                for other in self.bodies.values()
                if other.kind.name == first.function
                for parameter in other.parameters
            )
            arguments[name] = self.resolved(body, values, Place(name, first, names, size), arguments)
        return replace(first, arguments=arguments)

    def resolved(self, body: Body, values: Values, place: Place, before: Mapping[str, Any]) -> Any:
        """What stands for a value: itself where it is always the same, else a parameter or a formula."""
        first = next(iter(values.values()))
        hint = self.hint(place.call.path, place.field)
        if all(identical(value, first) for value in values.values()):
            said = next((p for p in body.parameters if hint is not None and p.hint == hint), None)
            return Formula(said.name) if said is not None and agree(said.values, values) else first
        kernel = before.get("kernel_size")
        if place.field == "padding" and isinstance(kernel, Formula):
            of = next((p for p in body.parameters if p.name == kernel.text), None)
            if of is not None and multiple(of.values, values) == (1, 2):
                return Formula(f"{kernel.text} // 2")
        for parameter in body.parameters:
            alike = parameter.field == place.field and parameter.hint == hint
            related = (parameter.size and place.size) or (hint is not None and parameter.hint == hint) or alike
            if related and agree(parameter.values, values):
                parameter.values.update(values)
                return Formula(parameter.name)
        if place.size:
            for parameter in body.parameters:
                factor = multiple(parameter.values, values) if parameter.size else None
                if factor is not None and factor[1] == 1:
                    return Formula(f"{factor[0]} * {parameter.name}")
        return Formula(self.new(body, values, place, hint).name)

    def new(self, body: Body, values: Values, place: Place, hint: str | None) -> Parameter:
        """A new parameter of the class."""
        own = place.field
        wanted = [hint or own, own, *(f"{'_'.join(place.names[k:])}_{own}" for k in reversed(range(len(place.names))))]
        parameter = Parameter(self.free(body, wanted), dict(values), place.size, hint=hint, field=own)
        default = place.call.defaults.get(own)
        declared = self.declared(body.kind.full.type, hint)
        if declared is not None and all(type(declared) is type(value) for value in values.values()):
            parameter.default, parameter.required = declared, False
        elif not place.size and any(identical(value, default) for value in values.values()):
            parameter.default, parameter.required = default, False
        body.parameters.append(parameter)
        return parameter

    def declared(self, block: str, parameter: str | None) -> Any:
        """The default that a block's parameter has in the document; None where that is no plain value."""
        try:
            value = self.spec.tree["blocks"][block]["params"][parameter]
        except (KeyError, TypeError):
            return None
        return value if isinstance(value, (bool, int, float)) else None

    def free(self, body: Body, wanted: Sequence[str]) -> str:
        """The first of some names that is none yet."""
        taken = TAKEN | {parameter.name for parameter in body.parameters} | self.kinds.reserved
        for name in wanted:
            if is_name(name) and name not in taken and not name.startswith("__"):
                return name
        number = 2
        while f"value_{number}" in taken:
            number += 1
        return f"value_{number}"

    def hint(self, path: Path, name: str) -> str | None:
        """The parameter of a block whose value is written there; `sizes_0` for `${sizes[0]}`."""
        node: Any = self.spec.tree
        for part in (*path, name):
            try:
                node = node[part]
            except (KeyError, IndexError, TypeError):
                return None
        found = re.fullmatch(r"\$\{\s*([A-Za-z_]\w*)(?:\[(\d+)\])?\s*\}", node) if isinstance(node, str) else None
        if found is None or path[:1] != ("blocks",):
            return None
        return found[1] if found[2] is None else f"{found[1]}_{found[2]}"


def identical(a: Any, b: Any) -> bool:
    """Whether two values are one; formulas too."""
    return a == b if isinstance(a, Formula) or isinstance(b, Formula) else same(a, b)


def repr_key(value: Any) -> tuple[str, Any]:
    """A value with a text that tells it from others."""
    return repr(value), value


def agree(a: Values, b: Values) -> bool:
    """Whether two values are the same wherever both are there, which is somewhere."""
    common = [use for use in a if use in b]
    return bool(common) and all(identical(a[use], b[use]) for use in common)


def multiple(of: Values, values: Values) -> tuple[int, int] | None:
    """(k, 1) if values are k times others, (1, 2) if they are half of them, rounded down; None if neither."""
    pairs = [(of[use], value) for use, value in values.items() if use in of]
    if len(pairs) < len(values) or any(type(a) is not int or type(b) is not int or a < 1 for a, b in pairs):
        return None
    (a, b), *_ = pairs
    if b > a and b % a == 0 and all(other == one * (b // a) for one, other in pairs):
        return b // a, 1
    return (1, 2) if all(one // 2 == other for one, other in pairs) else None


__all__ = ["SCOPE", "Body", "Parameter", "Unifier"]
