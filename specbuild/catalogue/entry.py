"""What every entry of the catalogue is: a frozen, closed set of fields under a type name."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import (
    Annotated,
    Any,
    ClassVar,
    NamedTuple,
    NoReturn,
    TypeVar,
    cast,
    dataclass_transform,
    get_origin,
    get_type_hints,
)

from annotated_types import Ge, Gt

from specbuild.catalogue.fields import MISSING, Fault, Field, Misfit, Take, field_of, taker, wrong_item

Int = int
"""An integer; neither a bool nor a string that looks like one."""
Size = Annotated[int, Gt(0)]
"""A positive integer: a number of channels, a kernel size, a stride."""
Count = Annotated[int, Ge(0)]
"""An integer from 0 on."""
Float = float
"""A finite number; an integer will do."""
Bool = bool
Str = str
Self = TypeVar("Self", bound="Entry")


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


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Entry:
    """A thing that a document may name by its `type`, with that thing's arguments as fields.

    The type's name is the class's. The docstring under a field is its documentation: it reaches the
    JSON Schema and the reference pages (`specbuild.language.schema` reads it from the source).
    An entry is frozen; what it has in common with a pydantic model is called as there.
    """

    short: ClassVar[str | None] = None
    """The name that a document uses, where that is not the class's."""

    model_fields: ClassVar[Mapping[str, Field]] = MappingProxyType({})
    """The arguments in their order, those of the bases first."""

    takers: ClassVar[Mapping[str, Take] | None] = None
    """What takes the values of each field; made when the first entry of the class is."""

    refused: ClassVar[Mapping[str, str]] = {}
    """Arguments that torch has and specbuild does not, each with the reason that a user is given."""

    since: ClassVar[Mapping[str, str]] = {}
    """Arguments that need a newer torch than the oldest that specbuild admits, with its version."""

    beside: ClassVar[tuple[str, ...]] = ()
    """Keys that stand beside the fields and are no arguments."""

    plugged: ClassVar[bool] = False
    """Whether it is of a plug-in."""

    documented_by: ClassVar[builtins.type[Entry] | None] = None
    """The class whose fields' docstrings are this one's too, where it is made from another."""

    available: ClassVar[str | None] = None
    """The first version of torch that has it, where that is newer than the oldest that specbuild admits."""

    children: ClassVar[Mapping[str, OneOf | ListOf | builtins.type[Entry]]] = {}
    """The fields that hold other entries; the parser makes those first and hands them in as instances."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = cls.__dict__.get("__annotations__", {})  # noqa: RUF063  no import of `inspect`
        if any(isinstance(annotation, str) for annotation in own.values()):  # as `from __future__` makes them
            hints = get_type_hints(cls, include_extras=True)
            own = {name: hints[name] for name in own}
        fields: dict[str, Field] = {}
        for base in reversed(cls.__mro__[1:]):
            fields.update(base.__dict__.get("model_fields", {}))
        for name, annotation in own.items():
            if annotation is not ClassVar and get_origin(annotation) is not ClassVar:
                fields[name] = field_of(annotation, cls.__dict__.get(name, MISSING))
                if name in cls.__dict__:
                    delattr(cls, name)
        cls.model_fields = fields
        cls.takers = None

    def __init__(self, /, **values: Any) -> None:
        """An entry with these arguments. Raises `Misfit`."""
        cls = self.__class__
        if cls.takers is None:
            cls.takers = {name: taker(field.annotated) for name, field in cls.model_fields.items()}
        taken = {name: take(values[name]) for name, take in cls.takers.items() if name in values}
        wrong = tuple(faults(cls.model_fields, values, taken))
        if wrong:
            raise Misfit(self.type, wrong)
        self.__dict__.update(settled(cls.model_fields, taken))

    @classmethod
    def model_validate(cls: builtins.type[Self], values: Mapping[str, Any]) -> Self:
        """An entry with these arguments. Raises `Misfit`."""
        return cls(**values)

    @classmethod
    def model_construct(cls: builtins.type[Self], **values: Any) -> Self:
        """An entry with these arguments, which are known to be right."""
        made = cls.__new__(cls)
        made.__dict__.update(settled(cls.model_fields, values))
        return made

    def model_copy(self: Self, *, update: Mapping[str, Any]) -> Self:
        """The same with other arguments, which are known to be right."""
        own = {name: self.__dict__[name] for name in self.model_fields_set}
        return self.model_construct(**{**own, **update})

    @property
    def model_fields_set(self) -> frozenset[str]:
        """The arguments that were written."""
        return cast("frozenset[str]", self.__dict__[WRITTEN])

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{self.type} is frozen")

    def __eq__(self, other: object) -> bool:
        fields = self.__class__.model_fields
        return other.__class__ is self.__class__ and all(self.__dict__[k] == other.__dict__[k] for k in fields)

    def __hash__(self) -> int:
        return hash((self.__class__, *(self.__dict__[name] for name in self.__class__.model_fields)))

    def __repr__(self) -> str:
        return f"{self.type}({', '.join(f'{name}={self.__dict__[name]!r}' for name in self.__class__.model_fields)})"

    @property
    def type(self) -> str:
        """The name that a document uses."""
        return self.__class__.short or self.__class__.__name__

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


WRITTEN = " written"
"""Under which an entry keeps the names of what was written; no field's name has a space in it."""


def faults(fields: Mapping[str, Field], values: Mapping[str, Any], taken: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong with the arguments of an entry, in the order of its fields."""
    for name, field in fields.items():
        if name not in values:
            if field.is_required():
                yield Fault(name, "missing")
        elif taken[name] is MISSING:
            yield Fault(name, "wrong", wrong_item(field.annotation, values[name]))
    for name in values:
        if name not in fields:
            yield Fault(name, "unknown")


def settled(fields: Mapping[str, Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry keeps: every field, in their order, and which of them were written."""
    state = {name: values.get(name, field.default) for name, field in fields.items()}
    state[WRITTEN] = frozenset(values)
    return state


class Section(Entry):
    """Fields under a key that alone says what they are: no `type` names the class."""
