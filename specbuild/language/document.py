"""The validated document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from specbuild.catalogue.entry import Entry
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.losses import Loss
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.initializing import Rule
from specbuild.language.items import Reference
from specbuild.language.sections import Data
from specbuild.language.source import Source
from specbuild.language.training import Training

if TYPE_CHECKING:
    from specbuild.catalogue.sizes.promises import Promise
    from specbuild.language.transferring import Freeze, Weights


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
    metrics: tuple[Entry, ...] | None
    """None where they are not written: then it is accuracy, where a loss is of labels."""
    data: Data | None
    train: Training
    source: Source
    tree: Mapping[str, Any]
    """The document as plain values, overrides applied."""
    warnings: tuple[Diagnostic, ...] = ()
    """What is odd but not wrong."""
    weights: tuple[Weights, ...] = ()
    """What others have learned that it begins with; the later ones win."""
    freeze: Freeze | None = None
    """What of it stays as it begins."""
    ignored: tuple[str, ...] = ()
    """The codes of warnings that the document does without."""
    dims: Mapping[str, Promise] = field(default_factory=dict)
    """What is promised of each size that the inputs leave open; it has a name in their shapes."""
    origin: Spec | None = None
    """The document that leaves open what is settled here."""

    @property
    def open(self) -> bool:
        """Whether the inputs leave sizes open."""
        return bool(self.dims) and any(
            not isinstance(size, int) for kind in self.inputs.values() for size in kind.shape
        )

    def at(self, sizes: Mapping[str, int]) -> Spec:
        """The same network at sizes; what is not given is at the smallest that is promised.

        Raises `SpecError` (SB314) for sizes that are not promised, and for names that no input has.
        """
        if not self.dims and not sizes:
            return self
        from specbuild.language.dims import settled  # few documents leave sizes open

        return replace(self, inputs=settled(self, sizes), dims={}, origin=self)

    @property
    def loss(self) -> Loss | None:
        """The loss of a network with one output; None where there is none."""
        return next(iter(self.losses.values()), None)

    def place(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """The diagnostics with their places in the text filled in."""
        found = list(diagnostics)
        if not found:
            return ()
        from specbuild.language.origins import traced  # only a mistake pays for it

        return self.source.place(traced(found, self.source))
