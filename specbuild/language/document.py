"""The validated document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from specbuild.catalogue.entry import Entry
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.losses import Loss
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.initializing import Rule
from specbuild.language.items import Reference
from specbuild.language.sections import Data, Training
from specbuild.language.source import Source


class Node(NamedTuple):
    """A layer with its name, or a named scope of layers."""

    name: str
    written: str
    """The type as the document has it: a catalogue type, `Sequential`, or a block's name."""
    layer: Layer | None
    """None for a scope."""
    sources: tuple[Reference, ...]
    children: tuple[Node, ...]
    inputs: tuple[str, ...]
    """What a scope calls its inputs; empty for a layer."""
    path: Path
    """Where it is written."""


@dataclass(frozen=True, slots=True)
class Spec:
    """A document in which every key is known and every value has its type; shapes are not judged yet."""

    name: str
    inputs: Mapping[str, TensorType]
    """By name; the only one is called `input`."""
    layers: tuple[Node, ...]
    outputs: Mapping[str, Reference]
    """By name: the layers that are written under `outputs`, or the last one."""
    tie: Mapping[str, str]
    """Parameters that are another one: `head.weight` by `embedding.weight`."""
    init: tuple[Rule, ...]
    """How parameters begin; the later rules win."""
    losses: Mapping[str, Loss]
    """By the output that each is of."""
    optimizer: Entry | None
    scheduler: Entry | None
    metrics: tuple[Entry, ...]
    data: Data | None
    train: Training
    source: Source
    tree: Mapping[str, Any]
    """The document as plain values, overrides applied."""
    warnings: tuple[Diagnostic, ...] = ()
    """What is odd but not wrong."""

    @property
    def loss(self) -> Loss | None:
        """The loss of a network with one output; None where there is none."""
        return next(iter(self.losses.values()), None)

    def place(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """The diagnostics with their places in the text filled in."""
        from specbuild.language.origins import traced  # only a mistake pays for it

        return self.source.place(traced(diagnostics, self.source))
