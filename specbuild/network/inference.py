"""From a Spec to a Plan: one walk over the graph, each rule applied to what its inputs are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple, cast

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.rules import Outcome, Violation
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import SpecError
from specbuild.language.collector import paused_collector
from specbuild.language.document import Node, Spec
from specbuild.language.items import Reference
from specbuild.language.parsing import of_violation
from specbuild.language.problems import Enough, Problems, few
from specbuild.network.indexing import LOOKUPS, out_of_range
from specbuild.network.initialization import initialized
from specbuild.network.memory import overwritten
from specbuild.network.plan import Plan, Scope, Step
from specbuild.network.tying import check_ties

TRAIL_HEAD, TRAIL_TAIL = 2, 3
"""How many shapes a trail shows at its beginning and at its end."""


class Value(NamedTuple):
    """What flows: its type, the layer that made it, and the value before on the way."""

    type: TensorType
    name: str
    before: Value | None
    results: Mapping[str, TensorType]
    first: str | None = None
    """The layer whose second result it is."""
    layer: bool = True
    """Whether a layer made it; if not, it is an input of the network."""


Judged = tuple[Layer, Outcome]
NO_RESULTS: Mapping[str, TensorType] = {}


def infer(spec: Spec) -> Plan:
    """The plan of a network; raises `SpecError` with every layer that is wrong.

    After a layer that does not fit its input, what depends on its output is not judged; what does not is.
    """
    with paused_collector():
        if spec.open:
            from specbuild.network.open_sizes import open_plan  # few documents leave sizes open

            return open_plan(spec)
        return plan_of(spec, Walk())


def plan_of(spec: Spec, walk: Walk) -> Plan:
    """The plan; raises `SpecError`."""
    inputs = [Value(type, name, None, NO_RESULTS, layer=False) for name, type in spec.inputs.items()]
    steps: tuple[Step, ...] = ()
    values: list[Value | None] = []
    with suppress(Enough):  # which is said
        steps, values = walk.scope(spec.layers, inputs, "", spec.outputs.values())
    if walk.problems:
        from specbuild.network.instances import certain

        raise SpecError(spec.place(certain(walk.problems, spec.layers)))
    outputs = {name: walk.taken(reference, values, inputs) for name, reference in spec.outputs.items()}
    plan = Plan(
        spec.name,
        spec.inputs,
        {name: value.type for name, value in outputs.items() if value is not None},
        Scope(tuple(spec.inputs), steps, spec.outputs),
        spec.tie,
    )
    problems = few(check_ties(plan))
    if spec.init:
        schemes, misfits = initialized(plan, spec.init)
        problems += misfits
        plan = plan._replace(init=schemes)
    if spec.weights or spec.freeze is not None:
        plan, misfits = transferred(plan, spec)
        problems += misfits
    if walk.in_place and (walk.branches or walk.overwrites or not plan.scope.straight):
        problems += overwritten(plan, spec)
    if walk.looks_up:
        problems += out_of_range(plan, walk.holds)
    if problems:
        raise SpecError(spec.place(few(problems)))
    return plan


def transferred(plan: Plan, spec: Spec) -> tuple[Plan, list[Diagnostic]]:
    """The plan with what is frozen; and what is wrong with `weights` and `freeze`."""
    from specbuild.network.freezing import frozen  # few documents have them
    from specbuild.network.transfer import check_weights

    problems = list(check_weights(plan, spec.weights))
    if spec.freeze is not None:
        keys, misfits = frozen(plan, spec.freeze)
        return plan._replace(frozen=keys), problems + misfits
    return plan, problems


class Walk:
    """One inference: what was found wrong so far, and what each layer made of each input."""

    def __init__(self) -> None:
        self.problems: list[Diagnostic] = Problems()
        self.known: dict[tuple[int, TensorType], Judged] = {}
        """By the layer's identity and its input: networks repeat themselves, and rules are pure."""
        self.branches = False
        """Whether some layer takes other than what came before it."""
        self.in_place = False
        """Whether some layer works in place."""
        self.overwrites = False
        """Whether one does on what the layer before it may need again, or hands on."""
        self.looks_up = False
        """Whether some layer fails on an integer that is too large."""

    def scope(
        self,
        nodes: Sequence[Node],
        inputs: Sequence[Value | None],
        prefix: str,
        outputs: Collection[Reference] = (),
    ) -> tuple[tuple[Step, ...], list[Value | None]]:
        """The steps of a scope and the value of each; None where a layer, or one before it, was wrong.

        outputs: what is read from outside, beside the last one.
        """
        steps: list[Step] = []
        values: list[Value | None] = []
        named: set[tuple[int, str]] | None = None
        for position, node in enumerate(nodes):
            name = prefix + node.name if prefix else node.name
            sources = node.sources
            if len(sources) == 1 and sources[0] == (position - 1, None, None):
                taken = [values[-1] if position else inputs[0]]
            else:
                taken = [self.taken(reference, values, inputs) for reference in sources]
                self.branches = True
            value = None
            if node.layer is None:
                inner, ends = self.scope(node.children, taken, name + ".")
                value = ends[-1] if ends and None not in taken else None
                if value is not None:
                    scope = Scope(node.inputs, inner, {node.children[-1].name: Reference(len(inner) - 1)})
                    steps.append(
                        Step(name, node.written, None, sources, types_of(taken), value.type, None, (), scope, node.path)
                    )
            elif None not in taken:
                if not sources and not self.has_batch(node.layer, inputs):
                    self.problems.append(without_batch(node, name))
                judged = self.judge(node, node.layer, name, cast("list[Value]", taken))
                if judged is not None:
                    layer, outcome = judged
                    if getattr(layer, "inplace", False):
                        self.in_place = True
                        self.overwrites = self.overwrites or position == 0 or hands_on(nodes[position - 1].layer)
                    if node.written in LOOKUPS:
                        self.looks_up = True
                    value = Value(outcome.output, name, taken[0] if taken else None, outcome.results)
                    used: tuple[str, ...] = ()
                    if outcome.results:
                        if named is None:
                            read = [source for each in nodes for source in each.sources] + [*outputs]
                            named = {(source.position, source.result) for source in read if source.result is not None}
                        used = tuple(result for result in outcome.results if (position, result) in named)
                    steps.append(
                        Step(
                            name, node.written, layer, sources, types_of(taken), outcome.output, outcome, used, None,
                            node.path,
                        )
                    )  # fmt: skip
            values.append(value)
        return tuple(steps), values

    def taken(
        self, reference: Reference, values: Sequence[Value | None], inputs: Sequence[Value | None]
    ) -> Value | None:
        """The value that a reference leads to."""
        position = reference.position
        value = values[position] if position >= 0 else inputs[-1 - position]
        if value is None or reference.result is None:
            return value
        name = f"{value.name}.{reference.result}"
        return Value(value.results[reference.result], name, value.before, NO_RESULTS, value.name)

    def has_batch(self, layer: Layer, inputs: Sequence[Value | None]) -> bool:
        """Whether a layer without inputs, which may span the batch, stands in a scope that has one."""
        return not getattr(layer, "batch", False) or any(value is None or value.type.batched for value in inputs)

    def holds(self, condition: bool, step: Step) -> bool:
        """Whether a condition on sizes holds, which was asked about a step."""
        return condition

    def judge(self, node: Node, layer: Layer, name: str, inputs: Sequence[Value]) -> Judged | None:
        """The resolved layer and what its rule finds out, or None and a report."""
        plain = len(inputs) == 1 and node.sources[0].keyword is None
        if plain:
            known = self.known.get((id(layer), inputs[0].type))
            if known is not None:
                return known
        try:
            outcome = applied(node, layer, inputs)
        except Violation as violation:
            found = of_violation(violation, node.path)
            if violation.code == "SB305" and (violation.fix or "").startswith("give the network an input"):
                found = replace(found, fix=dtype_fix(inputs, violation.message))
            because = "; ".join(dict.fromkeys(trail_text(value) for value in inputs)) or None
            self.problems.append(replace(found, instance=name, because=because))
            return None
        resolved = layer.model_copy(update=dict(outcome.arguments)) if outcome.arguments else layer
        if plain:
            self.known[id(layer), inputs[0].type] = (resolved, outcome)
        return resolved, outcome


def hands_on(layer: Layer | None) -> bool:
    """Whether a layer may give memory that someone else reads, its own backward too; so may a scope."""
    return (
        layer is None
        or layer.shares
        or layer.takes == ()
        or getattr(layer, "inplace", False)
        or type(layer).passes is not Layer.passes
        or "output" in layer.keeps()
    )


def applied(node: Node, layer: Layer, inputs: Sequence[Value]) -> Outcome:
    """What a layer's rule makes of its inputs; raises `Violation`."""
    if not layer.broadcasts:
        for value in inputs:
            if not value.type.batched:
                raise Violation(
                    "SB302", f"{layer.type} takes a batch, but `{value.name}` is {value.type}",
                    fix="leave `batch: false` out of the Parameter",
                )  # fmt: skip
    plain = [value.type for value, source in zip(inputs, node.sources, strict=True) if source.keyword is None]
    named = {s.keyword: value.type for value, s in zip(inputs, node.sources, strict=True) if s.keyword is not None}
    return layer.infer(*plain, **named)


def dtype_fix(inputs: Sequence[Value], message: str) -> str:
    """The mend for a dtype that a layer does not take, by what gave it."""
    value = next((value for value in inputs if message.endswith(value.type.dtype)), inputs[0])
    dtype = value.type.dtype
    while value.before is not None and value.before.type.dtype == dtype:
        value = value.before
    if value.first is not None:
        return f"take `{value.first.rpartition('.')[2]}`, which is its output: `{value.name}` is {dtype}"
    if value.layer:
        after = "an Embedding after it makes vectors of them" if dtype in ("int64", "int32") else "take another layer"
        return f"{value.name} gives {dtype}: {after}"
    which = "the network an input of" if value.name == "input" else f"the input `{value.name}` the"
    return f"give {which} dtype float32"


def without_batch(node: Node, name: str) -> Diagnostic:
    """SB302 for a Parameter that is to span a batch which its scope does not see."""
    return Diagnostic(
        "SB302", "it spans the batch, but no input of its scope has one", node.path, instance=name,
        fix="batch: false, or give the scope an input that has a batch",
    )  # fmt: skip


def types_of(values: Sequence[Value | None]) -> tuple[TensorType, ...]:
    """The types of values that are there."""
    return tuple([value.type for value in values if value is not None])


def trail_text(value: Value) -> str:
    """The shapes that led to a value, the middle left out."""
    parts: list[str] = []
    step: Value | None = value
    while step is not None:
        parts.append(f"{step.name} {step.type}")
        step = step.before
    parts.reverse()
    if len(parts) > TRAIL_HEAD + TRAIL_TAIL:
        parts = [*parts[:TRAIL_HEAD], "…", *parts[-TRAIL_TAIL:]]
    return " → ".join(parts)
