"""Which layer of one network is which layer of another."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

from specbuild.catalogue.entry import Entry
from specbuild.catalogue.layer import Layer
from specbuild.language.document import Node
from specbuild.network.plan import Scope, Step, outcome_of
from specbuild.network.values import one_form

MOST_PAIRS = 250_000
"""How many pairs of layers of two scopes are weighed; beyond it, names alone decide."""
EQUAL, SAME, RENUMBERED, NAMED, UNLIKE, NUMBERED = 12, 10, 9, 8, 6, 5
"""What a pair weighs: name and arguments are equal; the arguments, under two names; the same under names by number;
a name that was given, and the type; such a name alone; a name by number, and the type."""
NUMBER = re.compile(r"(.+)_\d+")


class Part(NamedTuple):
    """A layer or a scope of one network."""

    position: int
    step: Step
    node: Node
    content: Hashable
    """What it does, its own name and its sources apart; equal for two that do the same."""

    @property
    def name(self) -> str:
        """The name within its scope."""
        return self.node.name

    @property
    def usual(self) -> bool:
        """Whether it takes what came before, and nothing else."""
        return self.step.sources == ((self.position - 1, None, None),)

    @property
    def automatic(self) -> bool:
        """Whether the name is the type with a number, as a layer without a name has it."""
        found = NUMBER.fullmatch(self.name)
        return found is not None and found[1] == self.node.written.lower()


class Pair(NamedTuple):
    """A layer of the old network and the same one of the new; None where the other has none."""

    old: Part | None
    new: Part | None
    moved: bool = False


def parts_of(scope: Scope, nodes: Sequence[Node]) -> list[Part]:
    """The parts of a scope; nodes: those that its steps were made from."""
    return [
        Part(position, step, node, content_of(step, node))
        for position, (step, node) in enumerate(zip(scope.steps, nodes, strict=True))
    ]


def content_of(step: Step, node: Node) -> Hashable:
    """What a step does: the arguments of a layer, or names, wiring and contents of what is in a scope."""
    if step.layer is None or node.layer is None:
        return tuple(
            [
                (inner.name, step.sources, content_of(step, inner))
                for step, inner in zip(step.steps, node.children, strict=True)
            ]
        )
    return step.type, *arguments_of(step, node.layer).items()


def arguments_of(step: Step, layer: Layer) -> dict[str, Hashable]:
    """The arguments of a layer by their paths, those that its input settles left out, in one form."""
    inferred = {name for name, value in outcome_of(step).arguments.items() if not isinstance(value, Entry)}
    found = {path: value for path, value in flat(layer) if path not in inferred}
    if layer.type.endswith(("Pool1d", "Pool2d", "Pool3d")) and found.get("stride", 0) is None:
        found["stride"] = found["kernel_size"]
    return found


def flat(entry: Entry, prefix: str = "") -> Iterator[tuple[str, Hashable]]:
    """The fields of an entry, those of entries inside it under dotted paths."""
    for name in entry.__class__.model_fields:
        value = getattr(entry, name)
        if isinstance(value, Entry):
            yield f"{prefix}{name}.type", value.type
            yield from flat(value, f"{prefix}{name}.")
        elif value is not None or not prefix:
            yield prefix + name, one_form(value)


def matched(old: Sequence[Part], new: Sequence[Part]) -> list[Pair]:
    """The pairs of two scopes, in the order of the new; what has no partner stands where it stood."""
    head = 0
    while head < min(len(old), len(new)) and alike(old[head], new[head]):
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and alike(old[-1 - tail], new[-1 - tail]):
        tail += 1
    inner_old, inner_new = old[head : len(old) - tail], new[head : len(new) - tail]
    if len(inner_old) * len(inner_new) > MOST_PAIRS:
        middle = by_name(inner_old, inner_new)
    else:
        middle = with_moves(aligned(inner_old, inner_new))
    return [
        *(Pair(a, b) for a, b in zip(old[:head], new[:head], strict=True)),
        *middle,
        *(Pair(a, b) for a, b in zip(old[len(old) - tail :], new[len(new) - tail :], strict=True)),
    ]


def alike(old: Part, new: Part) -> bool:
    """Whether two parts have one name and do the same."""
    return old.name == new.name and old.content == new.content


def weight(old: Part, new: Part) -> int:
    """How much two parts are one another; 0 for not at all."""
    if old.content == new.content and (old.step.layer is None) == (new.step.layer is None):
        return EQUAL if old.name == new.name else RENUMBERED if old.automatic and new.automatic else SAME
    if old.name != new.name:
        return 0
    if old.node.written == new.node.written:
        return NUMBERED if old.automatic else NAMED
    return UNLIKE


def aligned(old: Sequence[Part], new: Sequence[Part]) -> list[Pair]:
    """The heaviest alignment that keeps the order of both."""
    weights = [[weight(a, b) for b in new] for a in old]
    best = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        row, below, here = best[i], best[i + 1], weights[i]
        for j in range(len(new) - 1, -1, -1):
            row[j] = max(below[j], row[j + 1], below[j + 1] + here[j] if here[j] else 0)
    pairs: list[Pair] = []
    i = j = 0
    while i < len(old) or j < len(new):
        if i < len(old) and j < len(new) and weights[i][j] and best[i][j] == best[i + 1][j + 1] + weights[i][j]:
            pairs.append(Pair(old[i], new[j]))
            i, j = i + 1, j + 1
        elif i < len(old) and (j == len(new) or best[i][j] == best[i + 1][j]):
            pairs.append(Pair(old[i], None))
            i += 1
        else:
            pairs.append(Pair(None, new[j]))
            j += 1
    return pairs


def with_moves(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs, those that the order kept apart put together: the same name, or the same thing if it is a weight's."""
    gone = {pair.old.name: pair.old for pair in pairs if pair.new is None and pair.old is not None}
    moved: dict[str, Part] = {}
    for pair in pairs:
        old = gone.get(pair.new.name) if pair.old is None and pair.new is not None else None
        if old is not None and pair.new is not None and weight(old, pair.new) > UNLIKE:
            moved[old.name] = old
    found = []
    for pair in pairs:
        if pair.old is None and pair.new is not None and pair.new.name in moved:
            found.append(Pair(moved[pair.new.name], pair.new, moved=True))
        elif pair.new is not None or pair.old is None or pair.old.name not in moved:
            found.append(pair)
    return found


def by_name(old: Sequence[Part], new: Sequence[Part]) -> list[Pair]:
    """The pairs of one name."""
    known = {part.name: part for part in old}
    names = {part.name for part in new}
    return [
        *(Pair(part, None) for part in old if part.name not in names),
        *(Pair(known.get(part.name), part) for part in new),
    ]
