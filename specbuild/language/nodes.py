"""From the plain items of an expansion to nodes whose arguments are validated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from marshal import dumps

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.layers import LAYERS
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.diagnostics.suggest import nearest, renaming
from specbuild.language.document import Node
from specbuild.language.items import SCOPE, UNKNOWN, Item, Reference
from specbuild.language.parsing import parse_fields


class Nodes:
    """One pass over items; what several scopes share is made once."""

    def __init__(self, problems: list[Diagnostic]) -> None:
        self.problems = problems
        self.made: dict[int, tuple[Node, ...]] = {}
        """The nodes of children by their identity: uses of a block with the same arguments share them."""
        self.layers: dict[tuple[str, bytes], Layer] = {}
        """Layers by type and arguments: networks repeat themselves, and layers are immutable."""

    def of(self, items: Sequence[Item]) -> tuple[Node, ...]:
        """The nodes of the outermost scope."""
        return tuple([self.node(item, "", inside=False) for item in items])

    def node(self, item: Item, prefix: str, *, inside: bool) -> Node:
        """One item; inside: whether the line it is written at stands for several."""
        if item.type == SCOPE:
            children = self.made.get(id(item.children))
            if children is None:
                within = f"{prefix}{item.name}."
                inside = inside or item.written != SCOPE or any(child.path == item.path for child in item.children)
                children = tuple([self.node(child, within, inside=inside) for child in item.children])
                self.made[id(item.children)] = children
            if len(item.sources) != len(item.inputs) or any(source.keyword for source in item.sources):
                self.check_sources(item, item.inputs, len(item.inputs))
                return Node(item.name, item.written, None, ordered(item), children, item.inputs, item.path)
            return Node(item.name, item.written, None, item.sources, children, item.inputs, item.path)
        cls = LAYERS[item.type]
        before = len(self.problems)
        layer = self.layer(cls, item)
        if len(item.sources) != 1 or item.sources[0].keyword is not None or cls.needs != 1:
            misspelt = any(found.edit is not None and found.edit.value == "from" for found in self.problems[before:])
            if not misspelt:
                self.check_sources(item, cls.takes, cls.needs)
        if inside and len(self.problems) > before:
            name = f"{prefix}{item.name}"
            self.problems[before:] = [replace(found, instance=name) for found in self.problems[before:]]
        return Node(item.name, item.written, layer, item.sources, (), (), item.path)

    def layer(self, cls: type[Layer], item: Item) -> Layer | None:
        """The layer of an item; the same type and arguments give the same object."""
        try:
            key = (item.type, dumps(item.arguments, 2))
        except ValueError:  # it holds what was reported
            return parse_fields(cls, item.arguments, item.path, self.problems)
        found = self.layers.get(key)
        if found is None:
            found = parse_fields(cls, item.arguments, item.path, self.problems)
            if found is not None:
                self.layers[key] = found
        return found

    def check_sources(self, item: Item, takes: tuple[str, ...] | None, needs: int) -> None:
        """So many inputs, under these names."""
        if UNKNOWN in item.sources:
            return
        count = len(item.sources)
        path = (*item.path, "from")
        named = [source.keyword for source in item.sources if source.keyword is not None]
        for name in named:
            if takes is None or name not in takes:
                known = "from: [a, b], as its inputs have no names"
                if takes is not None:
                    known = f"its inputs are {', '.join(takes)}" if takes else "leave `from` out"
                meant = nearest(name, takes or ())
                fix = f"did you mean `{meant}`?" if meant else known
                edit = renaming((*path, name), name, meant, takes or (), "key")
                message = f"{item.written} takes no input `{name}`"
                self.problems.append(Diagnostic("SB213", message, (*path, name), "key", fix=fix, edit=edit))
                return
        most = None if takes is None else len(takes)
        absent = [name for name in (takes or ())[:needs] if named and name not in named]
        if absent:
            message = f"{item.written} is not given its input `{absent[0]}`"
            wanted = [name for name in takes or () if name in (*(takes or ())[:needs], *named)]
            self.problems.append(Diagnostic("SB213", message, path, fix=by_name(wanted)))
        elif count < needs or (most is not None and count > most):
            several = takes is not None and len(takes) > 1
            names = f" ({', '.join(takes or ())})" if several else ""
            fix = by_name((takes or ())[: needs if count < needs else None])
            if most is None:
                fix = "from: [a, b], the names of the layers to merge"
            elif most == 0:
                fix = "leave `from` out"
            elif not several:
                fix = "from: a, the name of one layer; `Add`, `Multiply` and `Concat` merge several"
            who = item.written if item.written in LAYERS or item.written == SCOPE else f"the block `{item.written}`"
            message = f"{who} takes {inputs_in_words(needs, most)}{names}, and is given {count}"
            self.problems.append(Diagnostic("SB213", message, path, fix=fix))


def by_name(names: Sequence[str]) -> str:
    """A `from` that gives inputs under these names."""
    return f"from: {{{', '.join(f'{name}: ...' for name in names)}}}"


def inputs_in_words(least: int, most: int | None) -> str:
    """`one input`, `two or more inputs`, `no input`."""
    if most == 0:
        return "no input"
    if most is None:
        return f"{least} or more inputs"
    number = str(least) if least == most else f"{least} to {most}"
    return f"{number} input{'s' if most != 1 else ''}"


def ordered(item: Item) -> tuple[Reference, ...]:
    """The sources of a scope in the order of its inputs, those by name too."""
    plain = [source for source in item.sources if source.keyword is None]
    named = {source.keyword: source._replace(keyword=None) for source in item.sources if source.keyword is not None}
    found = [named[name] if name in named else plain.pop(0) for name in item.inputs if name in named or plain]
    return tuple(found)
