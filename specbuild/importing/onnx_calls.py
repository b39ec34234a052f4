"""An operator of an ONNX file with what it takes, as whoever makes a layer of it asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from specbuild.importing.aten import Unsayable
from specbuild.importing.onnx_files import Array, Op


@dataclass(slots=True)
class Made:
    """A layer that an operator is, or one of several, each of which takes the one before."""

    type: str
    arguments: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Array] = field(default_factory=dict)
    """Its parameters and buffers, by their names in the layer."""
    takes: tuple[int, ...] = (0,)
    """Which of the operator's inputs it takes; of the first layer of several."""


@dataclass(slots=True)
class Call:
    """An operator, the shapes of its values in a run, and the values that are the same in each run."""

    op: Op
    shapes: Mapping[str, tuple[int, ...]]
    constants: Mapping[str, Array]
    batched: Mapping[str, bool]
    """Whether the first axis of a value is the batch."""
    dtypes: Mapping[str, str]
    opset: int

    def get(self, name: str, default: Any) -> Any:
        """An attribute."""
        value = self.op.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else value

    def number(self, name: str, default: float) -> float:
        """An attribute of single precision, as people write it."""
        return shortest(self.get(name, default))

    def shape(self, index: int = 0) -> tuple[int, ...]:
        """Of a value that it takes."""
        return self.shapes[self.op.inputs[index]]

    @property
    def rank(self) -> int:
        """The number of axes of what it takes first."""
        return len(self.shape())

    @property
    def output(self) -> tuple[int, ...]:
        """The shape of what it gives."""
        return self.shapes[self.op.outputs[0]]

    def has(self, index: int) -> bool:
        """Whether an input is given."""
        return index < len(self.op.inputs) and bool(self.op.inputs[index])

    def constant(self, index: int, what: str) -> Array:
        """An input that is the same whatever the model is run on."""
        name = self.op.inputs[index]
        if name not in self.constants:
            raise Unsayable(f"has a computed {what}, where a layer has a parameter or a number")
        return self.constants[name]

    def parameters(self, *names: str) -> dict[str, Array]:
        """The inputs behind the first one by the names in the layer; those that are left out are not there."""
        return {name: self.constant(i, name) for i, name in enumerate(names, 1) if self.has(i)}

    def setting(self, name: str, index: int, default: Any = None) -> Any:
        """An argument that is an attribute in older versions of an operator, and a constant input in newer ones."""
        if name in self.op.attributes:
            return self.get(name, None)
        return self.constant(index, name).tolist() if self.has(index) else default

    def axis(self, axis: int, rank: int | None = None) -> int:
        """An axis counted from the front, which is not the batch."""
        found = axis % (self.rank if rank is None else rank)
        if found == 0 and self.batched[self.op.inputs[0]]:
            raise Unsayable("moves or reads the batch, which in a spec is always axis 0")
        return found

    def require_batch(self) -> None:
        """Hold that the batch stays the first axis."""
        if not self.batched[self.op.inputs[0]] or not self.batched[self.op.outputs[0]]:
            raise Unsayable(f"makes {[*self.output]} of {[*self.shape()]}, which does not keep the batch as axis 0")


def shortest(value: float) -> float:
    """A number of single precision as the shortest decimal that is it."""
    return float(str(np.float32(value)))


def plain(value: Sequence[Any]) -> Any:
    """A list of equal numbers as one."""
    listed = list(value)
    return listed[0] if listed and all(item == listed[0] for item in listed) else listed
