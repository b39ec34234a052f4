"""One random change to the text of a document, as a person's slip would make it.

Where values stand is PyYAML's word, not specbuild's: the changed texts are what specbuild is held against.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import NamedTuple

import yaml

Path = tuple[str | int, ...]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
DTYPES = ("float32", "float64", "int64", "int32", "uint8", "bool")
KINDS = (
    "drop a layer", "drop a key", "drop a from", "misspell a key", "misspell a type", "misspell a value",
    "change a number", "swap two layers", "change a dtype", "change a from",
)  # fmt: skip


class Range(NamedTuple):
    """A stretch of characters."""

    start: int
    end: int


class Place(NamedTuple):
    """A value in the text."""

    path: Path
    node: yaml.Node
    parent: yaml.Node | None
    key: yaml.Node | None
    """The key that holds it; None for an item of a list."""


class Mutant(NamedTuple):
    """A changed text."""

    kind: str
    what: str
    text: str
    path: Path
    """What was changed, in the document as it was."""
    other: Path | None
    """The other one of two that were swapped."""
    changed: Range
    """Where the change is in the new text."""
    replaced: Range
    """What it stands in place of in the old text."""


class Edit(NamedTuple):
    """Characters to put in place of others, and what that changes."""

    what: str
    range: Range
    text: str
    path: Path
    other: Path | None = None


def places(text: str) -> list[Place]:
    """Every value of a document."""
    found: list[Place] = []

    def walk(node: yaml.Node, path: Path, parent: yaml.Node | None, key: yaml.Node | None) -> None:
        found.append(Place(path, node, parent, key))
        if isinstance(node, yaml.MappingNode):
            for inner_key, value in node.value:
                walk(value, (*path, inner_key.value), node, inner_key)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                walk(value, (*path, index), node, None)

    walk(yaml.compose(text, Loader=yaml.SafeLoader), (), None, None)
    return found


def range_of(text: str, node: yaml.Node) -> Range:
    """A value without the empty lines and comments that PyYAML counts to it."""
    start, end = node.start_mark.index, node.end_mark.index
    if not isinstance(node, yaml.ScalarNode) and not node.flow_style:
        kept = text[start:end].rstrip(" \n")
        while kept.rpartition("\n")[2].lstrip().startswith("#"):
            kept = kept.rpartition("\n")[0].rstrip(" \n")
        end = start + len(kept)
    return Range(start, end)


def mutate(text: str, kind: str, draw: random.Random) -> Mutant | None:
    """The text with one change of a kind; None where there is nothing to change so."""
    edits = list(EDITS[kind](text, places(text), draw))
    draw.shuffle(edits)
    for edit in edits:
        changed = text[: edit.range.start] + edit.text + text[edit.range.end :]
        try:
            yaml.compose(changed, Loader=yaml.SafeLoader)
        except yaml.YAMLError:
            continue
        if changed != text:
            new = Range(edit.range.start, edit.range.start + len(edit.text))
            return Mutant(kind, edit.what, changed, edit.path, edit.other, new, edit.range)
    return None


def is_layer(path: Path) -> bool:
    return len(path) >= 2 and path[-2] == "layers" and isinstance(path[-1], int)


def without_item(text: str, place: Place) -> Range:
    """An item of a list with what sets it apart from the next."""
    assert isinstance(place.parent, yaml.SequenceNode)
    items = place.parent.value
    index = items.index(place.node)
    if place.parent.flow_style:
        if index + 1 < len(items):
            return Range(place.node.start_mark.index, items[index + 1].start_mark.index)
        start = items[index - 1].end_mark.index if index else place.node.start_mark.index
        return Range(start, place.node.end_mark.index)
    start = text.rfind("\n", 0, place.node.start_mark.index) + 1
    end = range_of(text, place.node).end
    return Range(start, text.find("\n", end) + 1 or len(text))


def without_key(text: str, place: Place) -> Range | None:
    """A key with its value, and what sets them apart from the next."""
    assert isinstance(place.parent, yaml.MappingNode)
    assert place.key is not None
    keys = [key for key, _ in place.parent.value]
    index = keys.index(place.key)
    if index + 1 < len(keys):
        return Range(place.key.start_mark.index, keys[index + 1].start_mark.index)
    end = range_of(text, place.node).end
    if index == 0:
        return Range(place.key.start_mark.index, end) if place.parent.flow_style else None
    before = place.parent.value[index - 1][1]
    return Range(range_of(text, before).end, end)


def misspelt(word: str, draw: random.Random) -> str:
    """A letter missing, doubled, replaced, or exchanged with its neighbour."""
    index = draw.randrange(len(word))
    letter = draw.choice(LETTERS)
    return draw.choice(
        [
            word[:index] + word[index + 1 :],
            word[:index] + word[index] + word[index:],
            word[:index] + letter + word[index + 1 :],
            word[: index - 1] + word[index] + word[index - 1] + word[index + 1 :] if index else word[1:],
        ]
    )


def drop_layers(text: str, found: list[Place], draw: random.Random) -> Iterator[Edit]:
    for place in found:
        if is_layer(place.path) and len(place.parent.value) > 1:  # type: ignore[union-attr]
            yield Edit(text[slice(*range_of(text, place.node))], without_item(text, place), "", place.path)


def drop_keys(text: str, found: list[Place], draw: random.Random, only: str | None = None) -> Iterator[Edit]:
    for place in found:
        if place.key is not None and (only is None or place.key.value == only):
            taken = without_key(text, place)
            if taken is not None:
                yield Edit(place.key.value, taken, "", place.path)


def drop_froms(text: str, found: list[Place], draw: random.Random) -> Iterator[Edit]:
    yield from drop_keys(text, found, draw, "from")


def misspell_keys(text: str, found: list[Place], draw: random.Random) -> Iterator[Edit]:
    for place in found:
        if place.key is not None and place.key.style is None and place.key.value.isidentifier():
            word = misspelt(place.key.value, draw)
            if word:
                at = Range(place.key.start_mark.index, place.key.end_mark.index)
                yield Edit(f"{place.key.value} → {word}", at, word, place.path)


def misspell_types(text: str, found: list[Place], draw: random.Random) -> Iterator[Edit]:
    for place in found:
        named = is_layer(place.path) or place.path[-1:] == ("type",) or place.path in (("loss",), ("optimizer",))
        if named and isinstance(place.node, yaml.ScalarNode):
            yield from misspell(place, draw)


def misspell_values(text: str, found: list[Place], draw: random.Random) -> Iterator[Edit]:
    for place in found:
        if isinstance(place.node, yaml.ScalarNode) and not is_layer(place.path) and place.path[-1:] != ("type",):
            yield from misspell(place, draw)


def misspell(place: Place, draw: random.Random) -> Iterator[Edit]:
    if place.node.style is None and re.fullmatch(r"[A-Za-z_]\w*", place.node.value):
        word = misspelt(place.node.value, draw)
        if word:
            at = Range(place.node.start_mark.index, place.node.end_mark.index)
            yield Edit(f"{place.node.value} → {word}", at, word, place.path)


def change_numbers(text: str, found: list[Place], draw: random.Random) -> Iterator[Edit]:
    for place in found:
        if not isinstance(place.node, yaml.ScalarNode):
            continue
        start, end = place.node.start_mark.index, place.node.end_mark.index
        written = text[start:end]
        whole = re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", written)
        expression = re.fullmatch(r'"\$\{.*\}"', written)
        if whole is None and expression is None:
            continue
        numbers = [whole] if whole and not whole[2] else list(re.finditer(r"\d+", written))
        if numbers:
            number = draw.choice(numbers)
            value = number[0]
            changed = str(int(float(value)) + draw.choice([-1, 1])) if "." not in value else str(float(value) + 1)
            at = Range(start + number.start(), start + number.end())
            yield Edit(f"{'.'.join(map(str, place.path[-2:]))}: {value} → {changed}", at, changed, place.path)


def swap_layers(text: str, found: list[Place], draw: random.Random) -> Iterator[Edit]:
    for place in found:
        if place.path[-1:] != ("layers",) or not isinstance(place.node, yaml.SequenceNode):
            continue
        for index, (one, other) in enumerate(zip(place.node.value, place.node.value[1:], strict=False)):
            a, b = range_of(text, one), range_of(text, other)
            swapped = text[b.start : b.end] + text[a.end : b.start] + text[a.start : a.end]
            paths = (*place.path, index), (*place.path, index + 1)
            yield Edit(f"{text[slice(*a)]} ↔ {text[slice(*b)]}", Range(a.start, b.end), swapped, *paths)


def change_dtypes(text: str, found: list[Place], draw: random.Random) -> Iterator[Edit]:
    for place in found:
        dtype = draw.choice(DTYPES)
        at = Range(place.node.start_mark.index, place.node.end_mark.index)
        if place.path[-1:] == ("dtype",):
            yield Edit(f"{place.node.value} → {dtype}", at, dtype, place.path)
        elif (place.path == ("input",) or place.path[:-1] == ("inputs",)) and isinstance(place.node, yaml.SequenceNode):
            yield Edit(dtype, at, f"{{shape: {text[slice(*at)]}, dtype: {dtype}}}", place.path)


def change_froms(text: str, found: list[Place], draw: random.Random) -> Iterator[Edit]:
    """Another layer of the same scope that has a name."""
    for place in found:
        if "from" not in place.path or not isinstance(place.node, yaml.ScalarNode):
            continue
        scope = place.path[: len(place.path) - place.path[::-1].index("from") - 2]
        names = [
            other.node.value
            for other in found
            if other.path[:-2] == scope and other.path[-1] == "name" and other.node.value != place.node.value
        ]
        name = draw.choice([*names, "input"])
        at = Range(place.node.start_mark.index, place.node.end_mark.index)
        yield Edit(f"{place.node.value} → {name}", at, name, place.path)


EDITS = dict(
    zip(
        KINDS,
        (
            drop_layers, drop_keys, drop_froms, misspell_keys, misspell_types, misspell_values, change_numbers,
            swap_layers, change_dtypes, change_froms,
        ),
        strict=True,
    )
)  # fmt: skip
