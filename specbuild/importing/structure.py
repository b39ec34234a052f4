"""Repeats and blocks, found again in a document that writes every scope out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from specbuild.importing.documents import block_name, free
from specbuild.importing.graph import SCOPE
from specbuild.importing.merging import Member, Template, aligned
from specbuild.importing.repeating import repeated
from specbuild.importing.writtens import INPUTS, KIND, effective_names, is_expression, is_scope, names_and_types

GENERIC = frozenset({"", "Sequential", "ModuleList", "ModuleDict", "Module"})
"""Classes that say nothing of what is in them."""
MOST_PARAMS = 10
"""A block with more of them is harder to read than what it stands for."""


class Place:
    """A scope in the document."""

    def __init__(self, entry: dict[str, Any], name: str, parent: Place | None) -> None:
        self.entry, self.name, self.parent = entry, name, parent
        self.kind: str = entry.get(KIND, "")
        self.parts: list[Place] = [Place(child, part, self) for child, part in zip(
            entry["layers"], effective_names(entry["layers"]), strict=True) if is_scope(child)]  # fmt: skip
        self.level: int = 1 + max((part.level for part in self.parts), default=0)
        self.form = names_and_types(entry)

    def all(self) -> Iterator[Place]:
        """It and all that are within it."""
        yield self
        for part in self.parts:
            yield from part.all()

    @property
    def group(self) -> object:
        """What is alike at first sight: the class, or the form of what is no class of its own."""
        return self.form if self.kind in GENERIC else (self.kind, tuple(self.entry.get(INPUTS, ())))


def unfolded(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The document with all scopes written out; those with several inputs are blocks. tree: as `folded` takes it."""
    tree = copy(tree)
    root = Place({"type": SCOPE, "layers": tree["layers"]}, "", None)
    blocks: dict[str, Any] = {}
    for place in [place for part in root.parts for place in part.all()]:
        if INPUTS in place.entry:
            alone(place, blocks)
    return arranged(tree, blocks)


def copy(value: Any) -> Any:
    """A document of its own."""
    if isinstance(value, dict):
        return {key: copy(item) for key, item in value.items()}
    return [copy(item) for item in value] if isinstance(value, list) else value


def folded(tree: Mapping[str, Any], *, optional: bool = True) -> dict[str, Any]:
    """The document with repeats and blocks; scopes with several inputs are blocks in any case.

    tree: with the marks of `writtens`. optional: whether scopes are one block, too, of which some
    have layers that others lack.
    """
    tree = copy(tree)
    root = Place({"type": SCOPE, "layers": tree["layers"]}, "", None)
    places = [place for part in root.parts for place in part.all()]
    levels(places)
    forms = Counter(place.form for place in places)
    blocks: dict[str, Any] = {}
    for level in sorted({place.level for place in places}):
        here = [place for place in places if place.level == level]
        fold_repeats(here, blocks, forms)
        groups: dict[object, list[Place]] = {}
        for place in here:
            if is_scope(place.entry):
                groups.setdefault(place.group, []).append(place)
        for group in groups.values():
            for members, template in families(group, optional=optional, blocks=blocks):
                make_block(members, template, blocks, forms)
    for place in places:
        if is_scope(place.entry) and INPUTS in place.entry:
            alone(place, blocks)
    return arranged(tree, blocks)


def arranged(tree: Mapping[str, Any], blocks: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a document in the order in which people write them, without marks."""
    made = {key: value for key, value in tree.items() if key != "layers"}
    ordered = {"specbuild": made.pop("specbuild"), "name": made.pop("name")}
    if blocks:
        ordered["blocks"] = blocks
    shapes = {key: made.pop(key) for key in ("input", "inputs") if key in made}
    found: dict[str, Any] = cleaned({**ordered, **shapes, "layers": tree["layers"], **made})
    return found


def levels(places: Sequence[Place]) -> None:
    """Scopes of one class are looked at together: at the level of the deepest."""
    for _ in range(20):
        deepest: dict[object, int] = {}
        for place in places:
            if place.kind not in GENERIC:
                deepest[place.group] = max(deepest.get(place.group, 0), place.level)
        changed = False
        for place in reversed(places):
            wanted = max([1, *(part.level + 1 for part in place.parts), deepest.get(place.group, 0)])
            if wanted != place.level:
                place.level, changed = wanted, True
        if not changed:
            return


def fold_repeats(places: Sequence[Place], blocks: Mapping[str, Any], forms: Counter[object]) -> None:
    """Write scopes of equal children as repeats.

    Not those whose surroundings could be one block but for what the repeats would say: params say that.
    """
    found = {id(place): repeated(place.entry, blocks) for place in places}
    said: dict[object, list[Any]] = {}
    for place in places:
        if found[id(place)] is not None:
            said.setdefault(position(place, forms), []).append(wording(found[id(place)] or {}))
    for place in places:
        repeat = found[id(place)]
        if repeat is None or any(other != wording(repeat) for other in said[position(place, forms)]):
            continue
        entry = place.entry
        source = {"from": entry["from"]} if "from" in entry else {}
        name = entry["name"]
        entry.clear()
        entry.update({"name": name, "type": repeat["type"], **source, **repeat})


def position(place: Place, forms: Counter[object]) -> object:
    """What a scope has in common with those at its place in equal surroundings; itself where there are none."""
    parent = place.parent
    if parent is None or parent.parent is None or forms[parent.form] < 2:
        return id(place)
    return (parent.form, place.name)


def wording(repeat: Mapping[str, Any]) -> dict[str, Any]:
    """What no param can say of a repeat."""
    return {key: value for key, value in repeat.items() if is_expression(value) or isinstance(value, (list, dict))}


def families(
    group: Sequence[Place], *, optional: bool, blocks: Mapping[str, Any]
) -> Iterator[tuple[list[Place], Template]]:
    """Of scopes that are alike at first sight those that can be one block, with what they have in common."""
    waiting = sorted(group, key=lambda place: -len(place.entry["layers"]))
    while waiting:
        first, *rest = waiting
        template = Template(first.entry, blocks)
        members, waiting = [first], []
        for place in rest:
            member: Member | None = aligned(template, place.entry, optional=optional)
            if member is None:
                waiting.append(place)
            else:
                template.members.append(member)
                members.append(place)
        yield members, template


def make_block(members: Sequence[Place], template: Template, blocks: dict[str, Any], forms: Counter[object]) -> None:
    """Make one block of scopes that can be one, if that makes the document shorter."""
    uses = len({seen_from(place, forms) for place in members})
    lines = length(template.entry)
    if len(members) < 2 or uses * lines <= lines + 2 + uses:
        return
    found = template.parametrized()
    if found is None or len(found.params) > MOST_PARAMS:
        return
    name = free(named(members[0]), {**blocks, "input": 0})
    block: dict[str, Any] = {}
    if found.params:
        block["params"] = found.params
    if INPUTS in template.entry:
        block["inputs"] = list(template.entry[INPUTS])
    block["layers"] = found.layers
    blocks[name] = block
    for place, values in zip(members, found.values, strict=True):
        use(place, name, values)


def use(place: Place, block: str, values: Mapping[str, Any]) -> None:
    """Write a scope as a use of a block."""
    entry = place.entry
    kept = {"name": entry["name"], "type": block}
    if "from" in entry:
        kept["from"] = entry["from"]
    entry.clear()
    entry.update({**kept, **values})


def alone(place: Place, blocks: dict[str, Any]) -> None:
    """A block for one scope, which has several inputs."""
    name = free(named(place), blocks)
    blocks[name] = {"inputs": list(place.entry[INPUTS]), "layers": place.entry["layers"]}
    use(place, name, {})


def seen_from(place: Place, forms: Counter[object]) -> object:
    """Where a scope would be written, were the scopes around it that have equals one block each."""
    way: list[str] = [place.name]
    around = place.parent
    while around is not None and forms[around.form] < 2:
        way.append(around.name)
        around = around.parent
    return (around.form if around is not None else None, tuple(way))


def length(entry: Mapping[str, Any]) -> int:
    """The lines of a scope's layers."""
    return sum(2 + length(child) if is_scope(child) else 1 for child in entry["layers"])


def named(place: Place) -> str:
    """A block's name: by the class, or by what the scope is called."""
    if place.kind not in GENERIC:
        return block_name(place.kind)
    text = "".join(letter for letter in place.name if letter.isalpha() or letter == "_").strip("_").lower()
    return text if text and text[0].isalpha() and text.isascii() else "part"


def cleaned(value: Any) -> Any:
    """Without the marks; a layer that is only a type is a string."""
    if isinstance(value, dict):
        found = {key: cleaned(item) for key, item in value.items() if key not in (KIND, INPUTS)}
        if isinstance(found.get("layers"), list):
            found["layers"] = [shortened(layer) for layer in found["layers"]]
        return found
    return [cleaned(item) for item in value] if isinstance(value, list) else value


def shortened(layer: Any) -> Any:
    """A layer without arguments as its type."""
    return layer["type"] if isinstance(layer, dict) and list(layer) == ["type"] else layer
