"""What stands where in a document, and the order and the form that it is given there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import Any

from specbuild.language.items import SCOPE

ORDER = (
    "specbuild", "name", "base", "set", "ignore", "vars", "blocks", "input", "inputs", "dims", "layers", "outputs",
    "tie", "init", "weights", "freeze", "loss", "optimizer", "scheduler", "metrics", "data", "train",
)  # fmt: skip
FIRST = ("name", "type")
"""What a layer begins with."""
BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""A type that may stand alone."""


class Role(Enum):
    """What a value is for; `plain` is all that a formatter need not know."""

    document = 1
    blocks = 2
    block = 3
    layers = 4
    layer = 5
    entry = 6
    entries = 7
    losses = 8
    init = 9
    schemes = 10
    data = 11
    split = 12
    plain = 13


SECTIONS = {
    "blocks": Role.blocks, "layers": Role.layers, "loss": Role.losses, "optimizer": Role.entry,
    "scheduler": Role.entry, "metrics": Role.entries, "init": Role.init, "data": Role.data,
}  # fmt: skip
CHILDREN = {
    Role.blocks: Role.block,
    Role.layers: Role.layer,
    Role.entries: Role.entry,
    Role.init: Role.schemes,
    Role.schemes: Role.entry,
}
SPLITS = ("train", "val", "test")
OPEN = frozenset({Role.document, Role.blocks, Role.block})
"""What has a line for each key, and for the layers of such a one."""
LISTS = frozenset({Role.layers, Role.entries})
"""What is a list; a mapping in its place is a mistake that stays as it is."""


def role_below(role: Role, key: str | int, type: Any) -> Role:
    """The role of what stands under a key; type: what its mapping is said to be, None where it does not say."""
    if role is Role.document:
        return SECTIONS.get(str(key), Role.plain)
    if role is Role.block or (role is Role.layer and type == SCOPE):
        return Role.layers if key == "layers" else Role.plain
    if role is Role.losses:
        return Role.plain if type is not None else Role.entry
    if role is Role.data:
        return Role.split if key in SPLITS else Role.plain
    if role is Role.split:
        return Role.entry if key == "dataset" else Role.entries if key == "transforms" else Role.plain
    if role in LISTS and isinstance(key, str):
        return Role.plain
    return CHILDREN.get(role, Role.plain)


def names_a_type(role: Role) -> bool:
    """Whether `{type: ReLU}` may be written `ReLU` there."""
    return role in (Role.layer, Role.entry, Role.losses)


def ordered(keys: Iterable[str], role: Role) -> list[str]:
    """The keys of a mapping in their settled order; those that have none come after, as they are written."""
    first = ORDER if role is Role.document else FIRST if role is Role.layer else ()
    written = list(keys)
    return [*(key for key in first if key in written), *(key for key in written if key not in first)]


def canonical(value: Any, role: Role = Role.document) -> Any:
    """A document's values in the order and the form that they are given; what it means is the same."""
    if isinstance(value, dict):
        if names_a_type(role) and len(value) == 1 and is_bare(value.get("type")):
            return value["type"]
        type = value.get("type")
        return {key: canonical(value[key], role_below(role, key, type)) for key in ordered(value, role)}
    if isinstance(value, list):
        return [canonical(item, role_below(role, index, None)) for index, item in enumerate(value)]
    return value


def is_bare(type: Any) -> bool:
    """Whether a type may stand alone."""
    return isinstance(type, str) and BARE.fullmatch(type) is not None


def same(a: Any, b: Any) -> bool:
    """Whether two values are the same, with the same types and their keys in the same order."""
    if a.__class__ is not b.__class__:
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)
