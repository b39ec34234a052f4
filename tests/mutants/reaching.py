"""Where the errors of a changed document may stand: in what was changed, or in what takes from it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import yaml

import specbuild
from specbuild.language.document import Node
from specbuild.language.items import Reference
from tests.mutants.changing import Mutant, Path, Range, is_layer, places, range_of

AFTER = {
    "data": ("data", "loss", "metrics", "train", "scheduler"),
    "loss": ("loss", "metrics", "train", "data"),
    "metrics": ("metrics", "train"),
    "optimizer": ("optimizer", "scheduler"),
    "scheduler": ("scheduler",),
    "train": ("train", "scheduler"),
    "init": ("init",),
    "tie": ("tie", "optimizer", "init"),
    "outputs": ("outputs", "loss", "metrics"),
    "ignore": ("ignore",),
    "name": ("name",),
    "specbuild": ("specbuild",),
}
"""The sections that a section may break; what makes the network may break all of them."""


class Leaf(NamedTuple):
    """One layer as it runs."""

    chain: tuple[Path, ...]
    """Where it is written, and before that the scopes around it."""
    takes: tuple[int, ...]
    """The layers that it takes from; -1 is the input."""


class Reach:
    """One right document: what takes from what."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.nodes = {place.path: place.node for place in places(text)}
        self.keys = {place.path: place.key for place in places(text)}
        self.leaves: list[Leaf] = []
        spec = specbuild.load(text)
        self.walk(spec.layers, [(-1,)] * len(spec.inputs), ())

    def walk(
        self, nodes: Sequence[Node], inputs: Sequence[tuple[int, ...]], chain: tuple[Path, ...]
    ) -> tuple[int, ...]:
        """What the end of a scope is made by."""
        made: list[tuple[int, ...]] = []
        for node in nodes:
            taken = [self.taken(source, made, inputs) for source in node.sources]
            if node.layer is None:
                made.append(self.walk(node.children, taken, (*chain, node.path)))
            else:
                self.leaves.append(Leaf((*chain, node.path), tuple(one for several in taken for one in several)))
                made.append((len(self.leaves) - 1,))
        return made[-1]

    def taken(
        self, source: Reference, made: Sequence[tuple[int, ...]], inputs: Sequence[tuple[int, ...]]
    ) -> tuple[int, ...]:
        return made[source.position] if source.position >= 0 else inputs[-1 - source.position]

    def reached(self, seeds: set[int]) -> set[int]:
        """The layers that take from some, and those themselves."""
        found = set(seeds)
        for index, leaf in enumerate(self.leaves):
            if found & set(leaf.takes):
                found.add(index)
        return found

    def seeds(self, path: Path) -> set[int]:
        """The layers that a change at a path is about; -1 where it is about an input."""
        if path[0] in ("input", "inputs"):
            return {-1}
        if path[0] == "vars":
            users = self.readers(path)
        elif path[0] == "blocks" and "layers" not in path:
            users = {place for place in self.nodes if place[: min(2, len(path))] == path[:2]}
            if len(path) > 1:
                uses = {place for place in self.nodes if self.value(place) == path[1] and place[-1] == "type"}
                users |= {place[:-1] for place in uses}
        else:
            users = {path}
        elements = {self.element(user) for user in users}
        found = {
            index
            for index, leaf in enumerate(self.leaves)
            if any(step[: len(element)] == element for step in leaf.chain for element in elements)
        }
        return found | ({-1} if any(element[:1] in (("input",), ("inputs",)) for element in elements) else set())

    def readers(self, path: Path) -> set[Path]:
        """What reads a variable, or all of them, or variables that are made from it."""
        names = {str(part) for part in path[1:2]} or {str(p[1]) for p in self.nodes if p[:1] == ("vars",) and p[1:]}
        while True:
            more = {str(p[1]) for p in self.nodes if p[:1] == ("vars",) and p[1:] and self.mentions(p, names)}
            if more <= names:
                return {place for place in self.nodes if self.mentions(place, names)}
            names |= more

    def value(self, path: Path) -> str:
        node = self.nodes[path]
        return node.value if isinstance(node, yaml.ScalarNode) else ""

    def mentions(self, path: Path, names: set[str]) -> bool:
        return "${" in self.value(path) and bool(names & set(re.findall(r"\w+", self.value(path))))

    def element(self, path: Path) -> Path:
        """The layer that a path is in; the section where it is in none."""
        for length in range(len(path), 0, -1):
            if is_layer(path[:length]):
                return path[:length]
        return path[:2] if path[0] in ("blocks", "inputs") else path[:1]

    def allowed(self, mutant: Mutant) -> list[Range]:
        """Where errors may stand, in the new text."""
        of_network = mutant.path[0] in ("input", "inputs", "vars", "blocks", "layers")
        found = [mutant.changed]
        if mutant.kind != "drop a layer" and mutant.kind != "swap two layers":
            found += [self.moved(self.whole(self.element(mutant.path)), mutant)]
        if not of_network:
            sections = AFTER.get(str(mutant.path[0]), ())
            return [
                *found,
                *(self.moved(self.whole((section,)), mutant) for section in sections if (section,) in self.nodes),
            ]
        seeds = self.seeds(mutant.path) | (self.seeds(mutant.other) if mutant.other else set())
        paths = {path for index in self.reached(seeds) if index >= 0 for path in self.leaves[index].chain}
        paths |= {(section,) for section in AFTER if (section,) in self.nodes}
        if mutant.path[0] == "vars":
            paths |= {self.element(path) for path in self.readers(mutant.path)}
        return [*found, *(self.moved(part, mutant) for path in paths for part in self.own(path))]

    def whole(self, path: Path) -> Range:
        """A value with its key."""
        start, end = range_of(self.text, self.nodes[path])
        key = self.keys[path]
        return Range(start if key is None else key.start_mark.index, end)

    def own(self, path: Path) -> Iterator[Range]:
        """What is written of an element, the layers inside it apart."""
        start, end = self.whole(path)
        inner = self.nodes.get((*path, "layers"))
        if inner is None:
            yield Range(start, end)
        else:
            hole = range_of(self.text, inner)
            yield Range(start, hole.start)
            yield Range(hole.end, end)

    def moved(self, old: Range, mutant: Mutant) -> Range:
        """The same characters in the new text."""
        shift = len(mutant.text) - len(self.text)

        def position(index: int) -> int:
            if index <= mutant.replaced.start:
                return index
            return max(index + shift, mutant.changed.start) if index >= mutant.replaced.end else mutant.changed.end

        return Range(position(old.start), position(old.end))
