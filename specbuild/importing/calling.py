"""A function of torch as it was called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from specbuild.importing.graph import Source
from specbuild.importing.reading import Inexpressible

if TYPE_CHECKING:
    from specbuild.importing.running import Running

MISSING: Any = object()


class Call:
    """A function with what it was given."""

    def __init__(self, tracer: Running, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.tracer, self.name, self.args, self.kwargs = tracer, name, args, kwargs
        self.tensors: list[Tensor] = []
        self.shapes: list[tuple[int, ...]] = []
        """Of the tensors that it was given, before it ran."""
        dunder = name.startswith("__")
        self.inplace = (
            bool(kwargs.get("inplace"))
            or (name.startswith("__i") and name not in {"__invert__"})
            or (not dunder and name.endswith("_"))
        )

    def get(self, position: int, name: str, default: Any = MISSING) -> Any:
        """An argument by its place or its name."""
        if name in self.kwargs:
            return self.kwargs[name]
        if position < len(self.args):
            return self.args[position]
        if default is MISSING:
            raise Inexpressible(f"`{self.name}` is called without `{name}`")
        return default

    def rest(self, position: int, *names: str) -> Any:
        """All arguments from a place on, as one sequence: `view(2, 3)` and `view((2, 3))`."""
        for name in names:
            if name in self.kwargs:
                return self.kwargs[name]
        found = self.args[position:]
        return found[0] if len(found) == 1 else tuple(found)

    def source(self, tensor: Any, *, batch: bool = False) -> Source:
        """What a tensor is in the running scope."""
        return self.tracer.source(tensor, batch=batch)

    def add(self, kind: str, arguments: Mapping[str, Any], *sources: Source) -> Source:
        """A layer that stands for it, or for a part of it."""
        return self.tracer.add(kind, arguments, list(sources))

    @property
    def input(self) -> Any:
        """The first argument."""
        return self.get(0, "input")

    @property
    def shape(self) -> tuple[int, ...]:
        """The input's shape before the call."""
        return self.shapes[0]


Handler = Callable[[Call, Any], "Source | list[Source] | None"]
"""From a call and its result to what stands for the result."""


def number(value: Any) -> bool:
    """Whether a value is a plain number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def axis(dim: int, rank: int) -> int:
    """An axis counted from 0."""
    return dim + rank if dim < 0 else dim
