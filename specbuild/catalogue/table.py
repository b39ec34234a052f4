"""A table of entries by name, whose classes are made when they are first asked for.

Making a class costs a third of a millisecond, and a document uses few of a hundred.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Generic, TypeVar, cast

from specbuild.catalogue.entry import Entry

E = TypeVar("E", bound=Entry)


class Table(Mapping[str, type[E]], Generic[E]):
    """The classes that a document may name, by family: the module of a package that holds them."""

    def __init__(self, package: str, families: Mapping[str, tuple[str, ...]]) -> None:
        self.package = package
        self.families = {name: family for family, names in families.items() for name in names}
        self.made: dict[str, type[E]] = {}

    def __getitem__(self, name: str) -> type[E]:
        found = self.made.get(name)
        if found is None:
            module = import_module(f"{self.package}.{self.families[name]}")
            found = self.made[name] = cast("type[E]", getattr(module, name))
        return found

    def __contains__(self, name: object) -> bool:
        return name in self.families

    def __iter__(self) -> Iterator[str]:
        return iter(self.families)

    def __len__(self) -> int:
        return len(self.families)
