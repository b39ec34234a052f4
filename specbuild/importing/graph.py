"""The graph that every importer makes: nested scopes of nodes, before it is a document.

An importer fills a `Graph`; `documents` makes a document of it, `structure` finds its repeats and blocks.
Nodes refer to one another as objects, so a graph is rewritten by putting other objects in their place.
Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from specbuild.catalogue.types import TensorType

SCOPE = "Sequential"
"""The type of a node that is a scope."""


@dataclass(eq=False, slots=True)
class Input:
    """A value that comes into a scope."""

    name: str
    """What the scope calls it; of a scope with one input it does not matter."""


class Source(NamedTuple):
    """A value that a node takes."""

    value: Node | Input
    """An earlier node of the same scope, or an input of that scope."""
    result: str | None = None
    """A second result of that node: `indices`, `hidden`; of a scope with several outputs the output's name."""
    keyword: str | None = None
    """The name under which the layer takes it, of those in its `takes`; None is by order."""


@dataclass(eq=False, slots=True)
class Node:
    """A layer of the catalogue, or a scope."""

    type: str
    """The name in the catalogue, or `Sequential` for a scope."""
    name: str | None = None
    """The name within its scope, as in the `state_dict`; None for a layer without keys that needs none."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """As a document has them: numbers, strings, booleans, lists, mappings with `type` for layers; complete or not.
    What equals torch's default, and what inference settles, is left out later."""
    sources: list[Source] = field(default_factory=list)
    scope: Scope | None = None
    """What is inside a scope."""
    kind: str = ""
    """The name of the class that it was, which names a block: `Bottleneck`; empty where there was none."""
    origin: str = ""
    """The qualified name in the model that it came from, for messages."""


@dataclass(eq=False, slots=True)
class Scope:
    """Nodes that see one another, in an order in which they can run."""

    inputs: list[Input] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    outputs: dict[str, Source] = field(default_factory=dict)
    """What comes out, by name. An inner scope has one, under any name."""

    @property
    def output(self) -> Source:
        """The only output."""
        (source,) = self.outputs.values()
        return source


class Filling(NamedTuple):
    """How a parameter began: a function of torch.nn.init and its arguments."""

    scheme: str
    arguments: dict[str, Any]


@dataclass(eq=False, slots=True)
class Graph:
    """A network as an importer found it."""

    name: str
    """A name as layers have them: letters, digits, `_` and `-`."""
    inputs: dict[str, TensorType]
    """By name, the shape of one sample and the dtype; a single one is called `input`."""
    scope: Scope
    tie: dict[str, str] = field(default_factory=dict)
    """Parameters that are another one, both by their keys in the `state_dict`."""
    init: dict[str, Filling] = field(default_factory=dict)
    """What filled a parameter, by its key, where that is not what its layer does by itself."""
    keys: tuple[str, ...] = ()
    """The keys of the original's `state_dict`, which the spec's network has too."""
    comment: str = ""
    """What stands above the document: of what it is the spec."""


def walk(scope: Scope, prefix: str = "") -> Iterator[tuple[str, Node]]:
    """Every node that has a name, the inner ones too, each after its qualified name."""
    for node in scope.nodes:
        name = f"{prefix}{node.name}" if node.name is not None else ""
        if name:
            yield name, node
        if node.scope is not None:
            yield from walk(node.scope, f"{name}.")


def scopes(scope: Scope) -> Iterator[Scope]:
    """A scope and all that are within it, the inner ones first."""
    for node in scope.nodes:
        if node.scope is not None:
            yield from scopes(node.scope)
    yield scope


def replace_value(scope: Scope, old: Source, new: Source) -> None:
    """Let whoever takes `old` in the scope, by its first result or by a second one, take `new`."""

    def other(source: Source) -> Source:
        same = source.value is old.value and source.result == old.result
        return new._replace(keyword=source.keyword) if same else source

    for node in scope.nodes:
        node.sources = [other(source) for source in node.sources]
    scope.outputs = {name: other(source) for name, source in scope.outputs.items()}


def readers(scope: Scope) -> Mapping[int, list[Node | None]]:
    """Who takes a value of the scope, by the `id` of the node or input; None stands for the scope's output."""
    found: dict[int, list[Node | None]] = {}
    for node in scope.nodes:
        for source in node.sources:
            found.setdefault(id(source.value), []).append(node)
    for source in scope.outputs.values():
        found.setdefault(id(source.value), []).append(None)
    return found
