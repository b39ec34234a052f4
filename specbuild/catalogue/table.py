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

    def __init__(
        self,
        package: str,
        families: Mapping[str, tuple[str, ...]],
        *,
        excluded: Mapping[str, str] | None = None,
        classes: Mapping[str, str] | None = None,
    ) -> None:
        """excluded: what torch has beside these and a document may not name, each with the reason.

        classes: what the classes are called whose names are not those that a document uses.
        """
        self.package, self.excluded, self.classes = package, excluded or {}, classes or {}
        self.families = {name: family for family, names in families.items() for name in names}
        self.made: dict[str, type[E]] = {}

    def __getitem__(self, name: str) -> type[E]:
        found = self.made.get(name)
        if found is None:
            module = import_module(f"{self.package}.{self.families[name]}")
            found = self.made[name] = cast("type[E]", getattr(module, self.classes.get(name, name)))
        return found

    def add(self, cls: type[E]) -> None:
        """Put a class of somebody else's beside them."""
        self.families[cls.__name__] = cls.__module__
        self.made[cls.__name__] = cls

    def remove(self, name: str) -> None:
        """Take it out again."""
        del self.families[name], self.made[name]

    def __contains__(self, name: object) -> bool:
        return name in self.families

    def __iter__(self) -> Iterator[str]:
        return iter(self.families)

    def __len__(self) -> int:
        return len(self.families)
