"""Scopes that can be one block: what they have in common, and params for what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from specbuild.importing.writtens import (
    ABSENT,
    INPUTS,
    KIND,
    OWN,
    arguments,
    default,
    effective_names,
    equal,
    is_expression,
    is_scope,
    sources,
)
from specbuild.language.blocks import OWN_KEYS

SHORT = {"out_channels": "channels", "out_features": "features"}
"""Params that are called shorter than the argument."""
WIDTHS = ("channels", "features", "length", "shape")
"""Params, or ends of theirs, that have no usual value."""
FACTORS = range(2, 9)

Way = tuple[int, ...]
"""A layer within a scope: its index, then that within it."""


class Member(NamedTuple):
    """A scope against the template."""

    entry: Mapping[str, Any]
    ways: Mapping[Way, Mapping[str, Any]]
    """By the way in the template, the layer; what it lacks is not in it."""


class Parametrized(NamedTuple):
    """A block."""

    params: dict[str, Any]
    layers: list[dict[str, Any]]
    values: list[dict[str, Any]]
    """The arguments of each use."""


class Slot(NamedTuple):
    """A value that differs: an argument of a layer, or whether the layer is there."""

    way: Way
    key: str
    values: list[Any]
    """One a member; `ABSENT` where the member has no such layer."""


class Template:
    """The longest of some scopes; the others have what it has, or less."""

    def __init__(self, entry: dict[str, Any], blocks: Mapping[str, Any]) -> None:
        self.entry, self.blocks = entry, blocks
        self.members = [Member(entry, dict(walk(entry)))]

    def parametrized(self) -> Parametrized | None:
        """The block with its params, and the arguments of each member; None where there can be none."""
        slots: list[Slot] = []
        flags: dict[tuple[bool, ...], list[Way]] = {}
        for way, layer in walk(self.entry):
            around = [member.ways.get(way[:-1]) is not None or len(way) == 1 for member in self.members]
            there = tuple(way in member.ways for member in self.members)
            if there != tuple(around):
                flags.setdefault(there, []).append(way)
            found = self.slots_of(way, layer)
            if found is None:
                return None
            slots += found
        params: dict[str, list[Any]] = {}
        said: dict[tuple[Way, str], Any] = {}
        taken = set(OWN_KEYS)
        for there, ways in flags.items():
            name = free_name(self.flag_name(ways), taken)
            params[name] = list(there)
            for way in ways:
                said[way, "when"] = f"${{{name}}}"
        for slot in slots:
            said[slot.way, slot.key] = self.said(slot, params, taken)
        return self.finished(params, said)

    def slots_of(self, way: Way, layer: Mapping[str, Any]) -> list[Slot] | None:
        """What differs of one layer; None where no param can say it."""
        kind = layer["type"]
        having = [member.ways[way] for member in self.members if way in member.ways]
        found = []
        for key in dict.fromkeys(key for other in having for key in arguments(other)):
            values = []
            for member in self.members:
                value = member.ways[way].get(key, default(kind, key, self.blocks)) if way in member.ways else ABSENT
                if value is ABSENT and way in member.ways:
                    return None
                values.append(list(value) if isinstance(value, tuple) else value)
            given = [value for value in values if value is not ABSENT]
            if all(equal(value, given[0]) for value in given):
                continue
            if any(is_expression(value) or isinstance(value, dict) for value in given):
                return None
            found.append(Slot(way, key, values))
        return found

    def said(self, slot: Slot, params: dict[str, list[Any]], taken: set[str]) -> Any:
        """An argument that differs; of lists of one length, those numbers that do."""
        given = [value for value in slot.values if value is not ABSENT]
        if not all(isinstance(value, list) and len(value) == len(given[0]) for value in given):
            return self.expression(slot, params, taken)
        found = []
        for index in range(len(given[0])):
            column = [value if value is ABSENT else value[index] for value in slot.values]
            first = given[0][index]
            same = all(value is ABSENT or equal(value, first) for value in column)
            found.append(first if same else self.expression(Slot(slot.way, slot.key, column), params, taken))
        return found

    def expression(self, slot: Slot, params: dict[str, list[Any]], taken: set[str]) -> str:
        """An argument as an expression of the params; a new one where none of those that there are will do."""
        for name, values in params.items():
            pairs = list(zip(values, slot.values, strict=True))
            if all(a is ABSENT or b is ABSENT or equal(a, b) for a, b in pairs):
                params[name] = [b if a is ABSENT else a for a, b in pairs]
                return f"${{{name}}}"
        for name, values in params.items():
            said = derived(name, values, slot.values)
            if said is not None:
                return said
        name = free_name(self.param_name(slot, taken), taken)
        params[name] = list(slot.values)
        return f"${{{name}}}"

    def param_name(self, slot: Slot, taken: Collection[str]) -> str:
        """A param's name: the argument's, where only one layer has it, else after the layer too."""
        if slot.key == "repeat":
            return "count"
        key = SHORT.get(slot.key, slot.key)
        own = [other for other in self.differing(slot.key) if other != slot.way]
        if key not in taken and (not own or slot.way == min([slot.way, *own])):
            return key
        return f"{self.path_name(slot.way)}_{key}"

    def differing(self, key: str) -> list[Way]:
        """The layers whose argument of a name differs."""
        found = []
        for way, layer in walk(self.entry):
            values = [
                m.ways[way].get(key, default(layer["type"], key, self.blocks)) for m in self.members if way in m.ways
            ]
            if any(not equal(value, values[0]) for value in values):
                found.append(way)
        return found

    def path_name(self, way: Way) -> str:
        """A layer's name within the block, as part of a variable."""
        layers, parts = self.entry["layers"], []
        for index in way:
            parts.append(effective_names(layers)[index])
            layers = layers[index].get("layers", [])
        return "_".join(parts).replace("-", "_")

    def flag_name(self, ways: Sequence[Way]) -> str:
        """A param that says whether layers are there."""
        layers = dict(walk(self.entry))
        for way in ways:
            if layers[way]["type"] == "Add" and len(way) == 1:
                return "residual"
        name = self.path_name(ways[0])
        return name if name[0].isalpha() else layers[ways[0]]["type"].lower()

    def finished(self, params: Mapping[str, list[Any]], said: Mapping[tuple[Way, str], Any]) -> Parametrized:
        """The block and its uses."""
        defaults: dict[str, Any] = {}
        filled: dict[str, list[Any]] = {}
        for name, values in params.items():
            given = [value for value in values if value is not ABSENT]
            usual, count = most_common(given)
            wanted = 2 * count < len(values) or count < 2 or isinstance(usual, list) or name.endswith(WIDTHS)
            defaults[name] = None if wanted else usual
            filled[name] = [given[0] if value is ABSENT and defaults[name] is None else value for value in values]
        uses = [
            {
                name: values[index]
                for name, values in filled.items()
                if values[index] is not ABSENT and (defaults[name] is None or not equal(values[index], defaults[name]))
            }
            for index in range(len(self.members))
        ]
        required = {name: value for name, value in defaults.items() if value is None}
        optional = {name: value for name, value in defaults.items() if value is not None}
        return Parametrized({**required, **optional}, self.written(self.entry["layers"], (), said), uses)

    def written(
        self, layers: Sequence[Mapping[str, Any]], way: Way, said: Mapping[tuple[Way, str], Any]
    ) -> list[dict[str, Any]]:
        """The block's layers with expressions where members differ."""
        found = []
        for index, layer in enumerate(layers):
            here = (*way, index)
            entry = {key: layer[key] for key in ("name", "type", "from", KIND, INPUTS) if key in layer}
            if (here, "when") in said:
                entry["when"] = said[here, "when"]
            keys = dict.fromkeys([*layer, *(key for other, key in said if other == here and key != "when")])
            for key in keys:
                if key in ("layers",) or (key in OWN and key not in ("repeat", "names")):
                    continue
                entry[key] = said.get((here, key), layer.get(key))
            if "layers" in layer:
                entry["layers"] = self.written(layer["layers"], here, said)
            found.append(entry)
        return found


def walk(entry: Mapping[str, Any], way: Way = ()) -> Iterator[tuple[Way, Mapping[str, Any]]]:
    """Every layer of a scope with its way, those of inner scopes that are written out too."""
    for index, layer in enumerate(entry["layers"]):
        yield (*way, index), layer
        if is_scope(layer):
            yield from walk(layer, (*way, index))


def aligned(template: Template, entry: Mapping[str, Any], *, optional: bool) -> Member | None:
    """A scope as a member of a template; None where it is none."""
    ways: dict[Way, Mapping[str, Any]] = {}
    if align(template.entry, entry, (), ways, optional=optional):
        return Member(entry, ways)
    return None


def align(
    base: Mapping[str, Any], other: Mapping[str, Any], way: Way, ways: dict[Way, Mapping[str, Any]], *, optional: bool
) -> bool:
    """Put each layer of a scope to one of the base's; false where one has none, or takes something else."""
    if base.get(INPUTS) != other.get(INPUTS):
        return False
    ours, theirs = base["layers"], other["layers"]
    our_names, their_names = effective_names(ours), effective_names(theirs)
    our_sources, their_sources = sources(ours), sources(theirs)
    if len(theirs) > len(ours) or (len(theirs) < len(ours) and not optional):
        return False
    stands: dict[str, str] = {}
    """What stands for a layer: itself, or the first source of one that is left out."""
    at = 0
    for index, layer in enumerate(ours):
        if at < len(theirs) and our_names[index] == their_names[at] and alike(layer, theirs[at]):
            if renamed(our_sources[index], stands) != their_sources[at]:
                return False
            ways[*way, index] = theirs[at]
            if is_scope(layer) and not align(layer, theirs[at], (*way, index), ways, optional=optional):
                return False
            at += 1
        else:
            first = our_sources[index]
            if not optional or isinstance(first, dict) or not first:
                return False
            stands[our_names[index]] = renamed(first, stands)[0]
    if at < len(theirs):
        return False
    return not stands or stands.get(our_names[-1], our_names[-1]) == their_names[-1]


def renamed(given: Any, stands: Mapping[str, str]) -> Any:
    """Sources with what stands for layers that are left out."""
    if isinstance(given, dict):
        return {key: stands.get(name, name) for key, name in given.items()}
    return [stands.get(name, name) for name in given]


def alike(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether two layers may be one line: of one type, and of what no param can say the same."""
    if a["type"] != b["type"] or is_scope(a) != is_scope(b) or a.get("names") != b.get("names"):
        return False
    rows = [layer.get("repeat") for layer in (a, b)]
    if any(isinstance(row, list) for row in rows) or (rows[0] is None) != (rows[1] is None):
        return bool(rows[0] == rows[1])
    keys = {*arguments(a), *arguments(b)}
    return all(a.get(key) == b.get(key) for key in keys if is_expression(a.get(key)) or is_expression(b.get(key)))


def derived(name: str, values: Sequence[Any], wanted: Sequence[Any]) -> str | None:
    """A vector of integers as another one times a number, or halved."""
    pairs = [(a, b) for a, b in zip(values, wanted, strict=True) if b is not ABSENT]
    if any(type(a) is not int or type(b) is not int for a, b in pairs):
        return None
    for factor in FACTORS:
        if all(b == factor * a for a, b in pairs):
            return f"${{{factor} * {name}}}"
    if all(b == a // 2 for a, b in pairs):
        return f"${{{name} // 2}}"
    for factor in FACTORS:
        if all(a == factor * b for a, b in pairs):
            return f"${{{name} // {factor}}}"
    return None


def most_common(values: Sequence[Any]) -> tuple[Any, int]:
    """The most frequent value, and how often it is there."""
    count = Counter(repr(value) for value in values)
    text, number = count.most_common(1)[0]
    return next(value for value in values if repr(value) == text), number


def free_name(name: str, taken: set[str]) -> str:
    """A variable that is not taken yet; it is then."""
    clean = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in name)
    clean = clean if clean and not clean[0].isdecimal() else f"p{clean}"
    found, count = clean, 1
    while found in taken or found in RESERVED:
        count += 1
        found = f"{clean}{count}"
    taken.add(found)
    return found


RESERVED = frozenset(
    {"i", "if", "else", "and", "or", "not", "min", "max", "round", "int", "len", "in", "true", "false"}
)
"""What means something else in an expression."""
