"""What the layers of an ONNX file are called: as their weights are, or as the modules that they were in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from specbuild.catalogue.layers import LAYERS
from specbuild.importing.onnx_files import Array, Op
from specbuild.language import names

UNNAMED = "@"
"""How the names of layers begin that get the automatic ones."""
AUTOMATIC = frozenset(type.lower() for type in LAYERS)


class Naming:
    """The names of one file's layers."""

    def __init__(self, ops: Sequence[Op], initializers: Mapping[str, Array]) -> None:
        self.initializers = initializers
        self.counts = Counter(op.place for op in ops)
        """How many operators each module has."""
        held = {name for op in ops for name in op.inputs if name in initializers}
        owners = {owner(name) for name in held}
        self.containers = {"", *(place for place, count in self.counts.items() if count > 1 and place not in owners)}
        for name in {*held, *self.counts}:
            parts = name.split(".")
            self.containers.update(".".join(parts[:length]) for length in range(1, len(parts)))
        self.containers -= {name for name in owners if not any(each.startswith(f"{name}.") for each in owners)
                            and self.counts[name] <= 1}  # fmt: skip
        self.taken: set[str] = set()

    def of(self, op: Op, *, keyed: bool) -> str:
        """A layer's name, with dots between the scopes that it is in."""
        candidates: list[str] = []
        if keyed:
            held = [name for name in op.inputs if name in self.initializers]
            owners = [owner(name) for name in held if self.initializers[name].ndim > 1]
            candidates += [name for name in owners if name == op.place or name not in self.counts]
            candidates += [op.place, *(owner(name) for name in held)]
        elif self.counts[op.place] == 1 and not automatic(op.place):
            candidates.append(op.place)
        return self.first(candidates) or self.within(op)

    def of_parameter(self, name: str, op: Op) -> str:
        """The name of a tensor that is a parameter of a scope."""
        return self.first([name] if name in self.initializers else []) or self.within(op)

    def first(self, candidates: Sequence[str]) -> str | None:
        """The first name that can be one and is not taken; it is then."""
        for name in candidates:
            if name and name not in self.taken and name not in self.containers and sayable(name):
                self.taken.add(name)
                return name
        return None

    def within(self, op: Op) -> str:
        """A name that gives way to the automatic one, in the scope of a module."""
        scope = op.place
        while scope and (scope not in self.containers or scope in self.taken or not sayable(scope)):
            scope = scope.rpartition(".")[0]
        name = f"{UNNAMED}{len(self.taken)}"
        found = f"{scope}.{name}" if scope else name
        self.taken.add(found)
        return found


def owner(key: str) -> str:
    """The layer that a key of a `state_dict` is of."""
    return key.rpartition(".")[0]


def automatic(place: str) -> bool:
    """Whether a module is called as layers are that nobody named: `relu_2`."""
    kind, _, number = place.rpartition(".")[2].rpartition("_")
    return number.isdecimal() and kind in AUTOMATIC


def sayable(name: str) -> bool:
    """Whether each part of a qualified name can be a layer's."""
    return all(names.malformed(part) is None and part not in names.RESERVED for part in name.split("."))
