"""What the values and the children of a scope are called in Python."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from specbuild.exporting.python.expressions import is_name
from specbuild.exporting.python.functions import FUNCTIONS
from specbuild.exporting.python.unparsing import literal
from specbuild.network.plan import Scope

RESERVED = frozenset({
    "self", "torch", "nn", "super", "range", "Tensor", "OrderedDict", "subsequent_mask", "getattr", "reduce", "_",
})  # fmt: skip
"""Names that no variable has."""

FLEETING = frozenset({"x", "y", "out", "output", "result"})
"""Variables that say nothing of what they hold: what is imported has no name from them."""


def named_by_hand(scope: Scope) -> set[str]:
    """The functions of a scope whose names are not those that counting gives."""
    counts: dict[str, int] = {}
    found = set()
    for step in scope.steps:
        counts[step.type] = counts.get(step.type, 0) + 1
        if step.type in FUNCTIONS and step.local_name != f"{step.type.lower()}_{counts[step.type]}":
            found.add(step.local_name)
    return found


def as_modules(scope: Scope, taken: Collection[str]) -> set[str]:
    """The functions of a scope whose names can be no variable's: they stand as modules."""
    arguments = set(arguments_of(scope.inputs))
    return {
        name
        for name in named_by_hand(scope)
        if not is_name(name)
        or name in RESERVED
        or name in FLEETING
        or name in taken
        or name in arguments
        or name.startswith("__")
    }


def arguments_of(inputs: Sequence[str]) -> tuple[str, ...]:
    """What `forward` calls its inputs."""
    if len(inputs) == 1:
        return ("x",)
    names: list[str] = []
    for name in inputs:
        plain = name.replace("-", "_")
        plain = plain if is_name(plain) and plain not in RESERVED and not plain.startswith("__") else f"input_{plain}"
        while plain in names:
            plain += "_"
        names.append(plain if is_name(plain) else f"input_{len(names)}")
    return tuple(names)


def attribute(name: str, of: str = "self") -> str:
    """A child as an attribute; Python would read some names otherwise."""
    return f"{of}.{name}" if is_name(name) and not name.startswith("__") else f"getattr({of}, {literal(name)})"
