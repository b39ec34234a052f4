"""The Plan: what inference finds out about a network, for all that comes after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.rules import NOTHING, Outcome, Storage
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Path
from specbuild.language.items import Reference

if TYPE_CHECKING:
    from specbuild.catalogue.initialization import Initialization
    from specbuild.catalogue.sizes.promises import Promise

H = TypeVar("H")
"""Whatever a walk over a plan knows of a value."""


class Step(NamedTuple):
    """One layer, or one scope of layers, as it runs."""

    name: str
    """The qualified name, as in a `state_dict`: `stem.conv1`."""
    type: str
    """The type as the document has it: a catalogue type, `Sequential`, or a block's name."""
    layer: Layer | None
    """The resolved layer, nothing left to infer; None for a scope."""
    sources: tuple[Reference, ...]
    """Where its inputs come from, by position in its scope."""
    inputs: tuple[TensorType, ...]
    output: TensorType
    outcome: Outcome | None
    """What the layer's rule found out; None for a scope."""
    results: tuple[str, ...]
    """The second results that something reads."""
    scope: Scope | None
    """What is inside a scope; None for a layer."""
    path: Path
    """Where the layer is written."""

    @property
    def local_name(self) -> str:
        """The name within its scope."""
        return self.name.rpartition(".")[2]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of a scope, in the order they run; none for a layer."""
        return self.scope.steps if self.scope is not None else ()


class Scope(NamedTuple):
    """Steps that see one another, and what goes in and out."""

    inputs: tuple[str, ...]
    steps: tuple[Step, ...]
    outputs: Mapping[str, Reference]

    @property
    def straight(self) -> bool:
        """Whether each step takes what came before and nothing else: an `nn.Sequential`."""
        return (
            len(self.inputs) == len(self.outputs) == 1
            and all(reference == (len(self.steps) - 1, None, None) for reference in self.outputs.values())
            and all(
                step.sources == ((position - 1, None, None),) and not step.results
                for position, step in enumerate(self.steps)
            )
        )


class Plan(NamedTuple):
    """A network whose every size is settled."""

    name: str
    inputs: Mapping[str, TensorType]
    outputs: Mapping[str, TensorType]
    scope: Scope
    tie: Mapping[str, str]
    """Parameters that are another one."""
    init: Mapping[str, Initialization] = NOTHING
    """What fills a parameter, by its key in the `state_dict`, in the order of the layers; torch's own elsewhere."""
    frozen: frozenset[str] = frozenset()
    """The keys of the parameters that stay as they begin, and of the buffers of a normalization that has no others."""
    dims: Mapping[str, Promise] = NOTHING
    """What is promised of each size that is left open; then shapes are written over them, and so are costs."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the outermost scope, in the order they run."""
        return self.scope.steps

    @property
    def input(self) -> TensorType:
        """The only input, or the first."""
        return next(iter(self.inputs.values()))

    @property
    def output(self) -> TensorType:
        """The only output, or the first."""
        return next(iter(self.outputs.values()))

    def layers(self) -> Iterator[Step]:
        """The steps that are layers, in the order they run; scopes are opened."""
        stack = list(reversed(self.steps))
        while stack:
            step = stack.pop()
            if step.layer is None:
                stack.extend(reversed(step.steps))
            else:
                yield step

    def storages(self) -> Iterator[tuple[str, Storage]]:
        """Every parameter by its key in the `state_dict`, a tied one once."""
        for step in self.layers():
            for name, storage in outcome_of(step).parameters.items():
                key = f"{step.name}.{name}" if name else step.name
                if key not in self.tie:
                    yield key, storage

    def parameters(self) -> int:
        """The number of elements of all parameters."""
        return sum(storage.size for _, storage in self.storages())

    def trainable(self) -> int:
        """The number of elements that are not frozen."""
        return sum(storage.size for key, storage in self.storages() if key not in self.frozen)

    def parameter_bytes(self) -> int:
        """Bytes of the parameters and the buffers."""
        buffers = sum(s.bytes for step in self.layers() for s in outcome_of(step).buffers.values())
        return buffers + sum(storage.bytes for _, storage in self.storages())

    def macs(self) -> int:
        """Multiply-accumulates for one sample."""
        return sum(outcome_of(step).macs for step in self.layers())


def led_to(reference: Reference, values: Sequence[Mapping[str | None, H]], inputs: Sequence[H]) -> H:
    """What a reference leads to: of a step's results, by name, or of the scope's inputs."""
    position = reference.position
    return values[position][reference.result] if position >= 0 else inputs[-1 - position]


def kept_by(step: Step, taken: Sequence[H], results: Mapping[str | None, H]) -> Iterator[H]:
    """Of what a layer takes and gives, that which its backward needs again; second results that nothing reads apart.

    taken: something for each of its sources. results: something for each of its results, None for the first.
    """
    layer = step.layer
    assert layer is not None
    for name in layer.keeps():
        if name == "inputs":
            yield from taken
        elif name == "output":
            yield results[None]
        elif name in layer.results:
            if name in results:
                yield results[name]
        else:
            for index, (source, held) in enumerate(zip(step.sources, taken, strict=True)):
                if name == (source.keyword or (layer.takes[index] if layer.takes is not None else None)):
                    yield held


def outcome_of(step: Step) -> Outcome:
    """The outcome of a step that is a layer."""
    assert step.outcome is not None, f"{step.name} is a scope"
    return step.outcome
