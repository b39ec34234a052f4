"""What every entry of the catalogue is: a frozen, closed set of fields under a type name."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, NamedTuple

from annotated_types import Ge, Gt
from pydantic import BaseModel, ConfigDict, Strict

Int = Annotated[int, Strict()]
"""An integer; neither a bool nor a string that looks like one."""
Size = Annotated[int, Strict(), Gt(0)]
"""A positive integer: a number of channels, a kernel size, a stride."""
Count = Annotated[int, Strict(), Ge(0)]
"""An integer from 0 on."""
Float = Annotated[float, Strict()]
"""A finite number; an integer will do."""
Bool = Annotated[bool, Strict()]
Str = Annotated[str, Strict()]


class OneOf(NamedTuple):
    """A field that names an entry of a table: `{type: X, ...}`, or `X` where it needs no arguments."""

    table: Mapping[str, builtins.type[Entry]]
    what: str
    """What an entry of the table is called in a message: "data set"."""
    many: bool = False
    """Whether the field is a list of them."""


class ListOf(NamedTuple):
    """A field that is a list of sections."""

    section: Callable[[], builtins.type[Entry]]
    """Gives their class, which is made when it is first asked for."""


class Entry(BaseModel):
    """A thing that a document may name by its `type`, with that thing's arguments as fields.

    The type's name is the class's. The docstring under a field is its documentation: it reaches the
    JSON Schema and the reference pages (`specbuild.language.schema` reads it from the source, which
    costs start-up nothing; pydantic's own `use_attribute_docstrings` takes 0.6 ms a class at import).
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, allow_inf_nan=False, protected_namespaces=()
    )

    refused: ClassVar[Mapping[str, str]] = {}
    """Arguments that torch has and specbuild does not, each with the reason that a user is given."""

    since: ClassVar[Mapping[str, str]] = {}
    """Arguments that need a newer torch than the oldest that specbuild admits, with its version."""

    beside: ClassVar[tuple[str, ...]] = ()
    """Keys that stand beside the fields and are no arguments."""

    documented_by: ClassVar[builtins.type[Entry] | None] = None
    """The class whose fields' docstrings are this one's too, where it is made from another."""

    available: ClassVar[str | None] = None
    """The first version of torch that has it, where that is newer than the oldest that specbuild admits."""

    children: ClassVar[Mapping[str, OneOf | ListOf | builtins.type[Entry]]] = {}
    """The fields that hold other entries; the parser makes those first and hands them in as instances."""

    @property
    def type(self) -> str:
        """The name that a document uses."""
        return self.__class__.__name__

    def check(self) -> None:
        """Raise a `Violation` where the arguments clash among themselves; the parser calls it."""

    def arguments(self) -> dict[str, Any]:
        """Every argument under torch's name for it, in torch's order."""
        return {name: getattr(self, name) for name in self.__class__.model_fields}

    def given(self) -> dict[str, Any]:
        """The arguments that torch is told: an older one is not told of a newer argument at its default."""
        fields = self.__class__.model_fields
        return {
            name: value
            for name, value in self.arguments().items()
            if name not in self.since or value != fields[name].default
        }


class Section(Entry):
    """Fields under a key that alone says what they are: no `type` names the class."""
