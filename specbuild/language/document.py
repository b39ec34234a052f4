"""The validated document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from specbuild.catalogue.entry import Entry
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.sections import Data, Training
from specbuild.language.source import Source


class Node(NamedTuple):
    """A layer with its name, or a named scope of layers."""

    name: str
    layer: Layer | None
    """None for a scope."""
    children: tuple[Node, ...]
    path: Path
    """Where it is written."""


@dataclass(frozen=True, slots=True)
class Spec:
    """A document in which every key is known and every value has its type; shapes are not judged yet."""

    name: str
    input: TensorType
    layers: tuple[Node, ...]
    loss: Entry | None
    optimizer: Entry | None
    metrics: tuple[Entry, ...]
    data: Data | None
    train: Training
    source: Source
    tree: Mapping[str, Any]
    """The document as plain values, overrides applied."""

    def place(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """The diagnostics with their places in the text filled in."""
        return self.source.place(diagnostics)
