"""Entries that the person at the keyboard added: which they are, and the modules they came from."""

from __future__ import annotations

import re
from typing import Any, cast

from specbuild.catalogue.datasets import DATASETS, Dataset
from specbuild.catalogue.entry import Entry
from specbuild.catalogue.guarding import guard
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.losses import LOSSES, Loss
from specbuild.catalogue.table import Table
from specbuild.catalogue.transforms import TRANSFORMS, Transform

TYPE_NAME = re.compile(r"[A-Z][A-Za-z0-9_]*")
TABLES: dict[type[Entry], Table[Any]] = {Layer: LAYERS, Loss: LOSSES, Dataset: DATASETS, Transform: TRANSFORMS}
PLUGGED: dict[str, type[Entry]] = {}
"""What was added, by its type."""


def plug(cls: type[Entry]) -> None:
    """Add a class to the table of its kind.

    Raises `TypeError` for what is none, `ValueError` for a name that is taken.
    """
    name = cls.__name__
    kind = next((base for base in TABLES if isinstance(cls, type) and issubclass(cls, base)), None)
    if kind is None:
        kinds = ", ".join(base.__name__ for base in TABLES)
        raise TypeError(f"a plug-in is a subclass of {kinds}; got {name}")
    if not TYPE_NAME.fullmatch(name):
        raise ValueError(f"a type's name begins with a capital letter, as {name.capitalize()}; got {name}")
    known = PLUGGED.get(name)
    same = known is not None and (known.__module__, known.__qualname__) == (cls.__module__, cls.__qualname__)
    if not same and any(name in table or name in table.excluded for table in TABLES.values()):
        raise ValueError(f"there is a {name} already")
    guard(cls)
    cls.plugged = True
    TABLES[kind].add(cls)
    PLUGGED[name] = cls


def unplug(name: str) -> None:
    """Take a class out again."""
    cls = PLUGGED.pop(name)
    next(table for base, table in TABLES.items() if issubclass(cls, base)).remove(name)


def origins(entries: Any) -> dict[str, str]:
    """The plug-ins among some entries, each with the module it came from."""
    types = {cast(Entry, entry).type for entry in entries}
    return {name: cls.__module__ for name, cls in sorted(PLUGGED.items()) if name in types}
