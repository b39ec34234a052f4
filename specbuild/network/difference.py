"""What changed in meaning between two documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from specbuild.catalogue.entry import Entry
from specbuild.catalogue.rules import NOTHING
from specbuild.catalogue.types import Dim, TensorType
from specbuild.language.document import Node, Spec
from specbuild.language.items import Reference
from specbuild.network.matching import Pair, Part, arguments_of, matched, parts_of
from specbuild.network.plan import Plan, Scope, Step
from specbuild.network.states import Weights, renamed, states_of, weights_of
from specbuild.network.values import ABSENT, Values, changes, short

if TYPE_CHECKING:
    from specbuild.catalogue.sizes.promises import Promise

SECTIONS = ("optimizer", "scheduler", "metrics", "data", "train")

NOWHERE = -(1 << 30)
"""The position of what has no partner."""


class LayerChange(NamedTuple):
    """A layer, or a scope, that is not as it was."""

    kind: Literal["added", "gone", "changed", "renamed", "moved"]
    old: Step | None
    new: Step | None
    arguments: Mapping[str, Values] = NOTHING
    """Each argument that changed; `from` is where its inputs come from, `type` the whole of another type."""


class ShapeChange(NamedTuple):
    """The first layer that gives another type, and how many more do after it."""

    old: Step
    new: Step
    after: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed from an old document to a new one. False if they mean the same.

    Layout, comments, ways of writing and the documents' own names are not looked at.
    """

    layers: tuple[LayerChange, ...]
    inputs: Mapping[str, tuple[TensorType | None, TensorType | None]]
    outputs: Mapping[str, tuple[str | None, str | None]]
    """By name: the layer that is that output."""
    shapes: ShapeChange | None
    parameters: tuple[int, int]
    macs: tuple[Dim, Dim]
    init: Mapping[str, Values]
    """By the new key: the scheme that fills a parameter which both have."""
    sections: Mapping[str, Values]
    """By path: values of `dims`, `tie`, `weights`, `freeze`, and of all that is beside the network."""
    weights: Weights

    def __bool__(self) -> bool:
        """Whether anything changed."""
        found = self.layers or self.inputs or self.outputs or self.shapes or self.init or self.sections
        return bool(found) or not self.weights.all_fit


def difference(old: Spec, old_plan: Plan, new: Spec, new_plan: Plan) -> Difference:
    """What changed from one document to another; each with its plan."""
    found = Comparison()
    found.compare(old_plan.scope, old.layers, new_plan.scope, new.layers)
    found.join_moves()
    names = {before.name: after.name for before, after in found.layers}
    return Difference(
        tuple(found.changes),
        {
            name: (old.inputs.get(name), new.inputs.get(name))
            for name in dict.fromkeys([*old.inputs, *new.inputs])
            if differ(old.inputs.get(name), new.inputs.get(name))
        },
        dict(outputs_changed(old_plan.scope, new_plan.scope, found.partners)),
        first_shape(new_plan, found.layers),
        (old_plan.parameters(), new_plan.parameters()),
        (old_plan.macs(), new_plan.macs()),
        dict(init_changed(old_plan, new_plan, names)),
        dict(sections_changed(old, new, names)),
        weights_of(old_plan, new_plan, names),
    )


class Comparison:
    """Two networks side by side: what is found so far."""

    def __init__(self) -> None:
        self.layers: list[tuple[Step, Step]] = []
        """The layers that both have."""
        self.changes: list[LayerChange] = []
        self.partners: Mapping[int, int] = {}
        """In the outermost scopes: the new position of a step by its old one."""

    def compare(self, old: Scope, old_nodes: Sequence[Node], new: Scope, new_nodes: Sequence[Node]) -> None:
        """Two scopes that are one another's; the outermost ones come last."""
        pairs = matched(parts_of(old, old_nodes), parts_of(new, new_nodes))
        partners = {pair.old.position: pair.new.position for pair in pairs if pair.old and pair.new}
        for pair in pairs:
            if pair.old is not None and pair.new is not None:
                self.compare_parts(pair, pair.old, pair.new, sources_changed(pair.old, old, pair.new, new, partners))
            elif pair.new is not None:
                self.changes.append(LayerChange("added", None, pair.new.step))
            elif pair.old is not None:
                self.changes.append(LayerChange("gone", pair.old.step, None))
        self.partners = partners

    def compare_parts(self, pair: Pair, old: Part, new: Part, sources: Mapping[str, Values]) -> None:
        """A layer or a scope that both have."""
        changed = {**arguments_changed(old, new), **sources}
        counts = not (old.automatic or new.automatic) or any(True for _ in states_of(new.step))
        if pair.moved:
            self.changes.append(LayerChange("moved", old.step, new.step, changed))
        elif old.name != new.name and counts:  # a number that nothing goes by is no name
            self.changes.append(LayerChange("renamed", old.step, new.step, changed))
        elif changed:
            self.changes.append(LayerChange("changed", old.step, new.step, changed))
        if old.step.scope is not None and new.step.scope is not None:
            self.compare(old.step.scope, old.node.children, new.step.scope, new.node.children)
        elif old.step.layer is not None and new.step.layer is not None:
            self.layers.append((old.step, new.step))

    def join_moves(self) -> None:
        """A layer that is gone from one scope, and stands in another as it was, has moved."""
        gone = leaves_by_name(change.old for change in self.changes if change.kind == "gone")
        added = leaves_by_name(change.new for change in self.changes if change.kind == "added")
        for name in [name for name in gone if name in added]:
            old, new = gone[name], added[name]
            if old is not None and new is not None and old.layer == new.layer:
                self.layers.append((old, new))
                kept = [change for change in self.changes if change.old is not old and change.new is not new]
                self.changes = [*kept, LayerChange("moved", old, new)]


def leaves_by_name(steps: Iterable[Step | None]) -> dict[str, Step | None]:
    """The layers with weights in some steps, by their local names; None where there are several of one name."""
    found: dict[str, Step | None] = {}
    for step in steps:
        for layer in leaves(step) if step is not None else ():
            if any(True for _ in states_of(layer)):
                found[layer.local_name] = None if layer.local_name in found else layer
    return found


def leaves(step: Step) -> Iterator[Step]:
    """The layers in a scope, or a layer itself."""
    if step.layer is not None:
        yield step
    for inner in step.steps:
        yield from leaves(inner)


def sources_changed(
    old: Part, old_scope: Scope, new: Part, new_scope: Scope, partners: Mapping[int, int]
) -> Mapping[str, Values]:
    """`from`, where inputs come from elsewhere; partners: new positions by old ones.

    Where both take what comes before, that is no news.
    """
    mapped = tuple(
        source if source.position < 0 else source._replace(position=partners.get(source.position, NOWHERE))
        for source in old.step.sources
    )
    if mapped == new.step.sources or (old.usual and new.usual):
        return NOTHING
    return {"from": (sources_named(old_scope, old.step), sources_named(new_scope, new.step))}


def sources_named(scope: Scope, step: Step) -> Any:
    """The inputs of a layer, as `from` has them."""
    named = [named_in(scope, source) for source in step.sources]
    if any(source.keyword for source in step.sources):
        return {source.keyword: name for source, name in zip(step.sources, named, strict=True)}
    return named[0] if len(named) == 1 else named


def named_in(scope: Scope, reference: Reference) -> str:
    """A value in a scope by its name."""
    if reference.position < 0:
        return scope.inputs[-1 - reference.position]
    name = scope.steps[reference.position].local_name
    return f"{name}.{reference.result}" if reference.result else name


def arguments_changed(old: Part, new: Part) -> Mapping[str, Values]:
    """The arguments that mean something else; of another type, the whole."""
    before, after = old.node.layer, new.node.layer
    if before is None or after is None or before.type != after.type:
        if before is None and after is None:
            return NOTHING
        return {"type": (short(before) if before else old.step.type, short(after) if after else new.step.type)}
    ours, theirs = arguments_of(old.step, before), arguments_of(new.step, after)
    return {
        path: (ours.get(path, ABSENT), theirs.get(path, ABSENT))
        for path in dict.fromkeys([*ours, *theirs])
        if ours.get(path, ABSENT) != theirs.get(path, ABSENT)
        and ("." not in path or (path in ours and path in theirs))  # a size inside is inferred where it is not written
    }


def outputs_changed(
    old: Scope, new: Scope, partners: Mapping[int, int]
) -> Iterator[tuple[str, tuple[str | None, str | None]]]:
    """Outputs of other names, or that are of other layers; the only one of a network has no name that counts."""

    def told(scope: Scope, name: str) -> str | None:
        return named_in(scope, scope.outputs[name]) if name in scope.outputs else None

    def is_last(scope: Scope, reference: Reference) -> bool:
        return reference == Reference(len(scope.steps) - 1)

    if len(old.outputs) == len(new.outputs) == 1:
        (one, before), (other, after) = *old.outputs.items(), *new.outputs.items()
        same = partners.get(before.position) == after.position and before.result == after.result
        if not same and not (is_last(old, before) and is_last(new, after)):
            yield other, (told(old, one), told(new, other))
        return
    for name in dict.fromkeys([*old.outputs, *new.outputs]):
        reference = old.outputs.get(name)
        if reference is not None:  # where it would be in the new network
            reference = reference._replace(position=partners.get(reference.position, NOWHERE))
        if reference != new.outputs.get(name):
            yield name, (told(old, name), told(new, name))


def first_shape(plan: Plan, layers: Sequence[tuple[Step, Step]]) -> ShapeChange | None:
    """The first layer that both have and that gives another type, in the order of the new plan."""
    found = {new.name: (old, new) for old, new in layers if differ(old.output, new.output)}
    first = next((step.name for step in plan.layers() if step.name in found), None)
    return ShapeChange(*found[first], len(found) - 1) if first is not None else None


def differ(old: TensorType | Dim | None, new: TensorType | Dim | None) -> bool:
    """Whether two types or sizes are not written alike; sizes that are left open cannot be asked."""
    return str(old) != str(new)


def init_changed(old: Plan, new: Plan, names: Mapping[str, str]) -> Iterator[tuple[str, Values]]:
    """The schemes of parameters that both networks have; names: a layer's new name by its old one."""
    before = {renamed(key, names): scheme for key, scheme in old.init.items()}
    both = {renamed(key, names) for key, _ in old.storages()} & {key for key, _ in new.storages()}
    for key in dict.fromkeys([*before, *new.init]):
        if key in both and before.get(key) != new.init.get(key):
            yield key, (scheme_of(before.get(key)), scheme_of(new.init.get(key)))


def scheme_of(scheme: Entry | None) -> Any:
    """What fills a parameter."""
    return "torch's own" if scheme is None else short(scheme)


def worded(promise: Promise) -> Any:
    """A promise as `dims` has it."""
    written = {"min": promise.least, "max": promise.most, "multiple_of": promise.multiple_of}
    return {name: size for name, size in written.items() if size not in (None, 1)} or "any size"


def sections_changed(old: Spec, new: Spec, names: Mapping[str, str]) -> Iterator[tuple[str, Values]]:
    """What is beside the layers, by paths; names: a layer's new name by its old one."""
    yield from changes("dims", *({name: worded(promise) for name, promise in spec.dims.items()} for spec in (old, new)))
    tie = {renamed(key, names): renamed(kept, names) for key, kept in old.tie.items()}
    yield from changes("tie", tie, dict(new.tie))
    if old.weights or new.weights or old.freeze or new.freeze:
        from specbuild.language.transferring import freeze_document, weights_document  # few documents have them

        for index in range(max(len(old.weights), len(new.weights))):
            before, after = (dict(enumerate(weights_document(spec.weights))).get(index, {}) for spec in (old, new))
            yield from changes(f"weights[{index}]", before, after)
        before, after = ({} if spec.freeze is None else freeze_document(spec.freeze) for spec in (old, new))
        yield from changes("freeze", before, after)
    if len(old.losses) <= 1 and len(new.losses) <= 1:
        yield from changes("loss", old.loss, new.loss)
    else:
        yield from changes("loss", dict(old.losses), dict(new.losses))
    for name in SECTIONS:
        yield from changes(name, getattr(old, name), getattr(new, name))
