"""The Plan: what inference finds out about a network, for all that comes after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.rules import Outcome
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Path


class Step(NamedTuple):
    """One layer, or one scope of layers, as it runs."""

    name: str
    """The qualified name, as in a `state_dict`: `stem.conv1`."""
    layer: Layer | None
    """The resolved layer, nothing left to infer; None for a scope."""
    inputs: tuple[TensorType, ...]
    output: TensorType
    outcome: Outcome | None
    """What the layer's rule found out; None for a scope."""
    steps: tuple[Step, ...]
    """The steps of a scope, in the order they run; empty for a layer."""
    path: Path
    """Where the layer is written."""

    @property
    def type(self) -> str:
        """The name that the document uses."""
        return self.layer.type if self.layer is not None else "Sequential"

    @property
    def local_name(self) -> str:
        """The name within its scope."""
        return self.name.rpartition(".")[2]


class Plan(NamedTuple):
    """A network whose every size is settled."""

    name: str
    input: TensorType
    output: TensorType
    steps: tuple[Step, ...]

    def layers(self) -> Iterator[Step]:
        """The steps that are layers, in the order they run; scopes are opened."""
        stack = list(reversed(self.steps))
        while stack:
            step = stack.pop()
            if step.layer is None:
                stack.extend(reversed(step.steps))
            else:
                yield step

    def parameters(self) -> int:
        """The number of trainable elements."""
        return sum(s.size for step in self.layers() for s in outcome_of(step).parameters.values())

    def parameter_bytes(self) -> int:
        """Bytes of the parameters and the buffers."""
        return sum(
            s.bytes
            for step in self.layers()
            for s in (*outcome_of(step).parameters.values(), *outcome_of(step).buffers.values())
        )

    def macs(self) -> int:
        """Multiply-accumulates for one sample."""
        return sum(outcome_of(step).macs for step in self.layers())


def outcome_of(step: Step) -> Outcome:
    """The outcome of a step that is a layer."""
    assert step.outcome is not None, f"{step.name} is a scope"
    return step.outcome
