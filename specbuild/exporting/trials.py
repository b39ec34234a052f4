"""The fixed inputs that a network is traced with, and those that an export is tried on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch

from specbuild.catalogue.sizes.promises import Promise
from specbuild.catalogue.types import TensorType
from specbuild.language.document import Spec
from specbuild.runs.golden import fixed_input

SAMPLES = (1, 3)
"""The batches that are tried."""
TRACED = 2
"""The batch that is traced; torch takes sizes of 1 as such."""


class Trial(NamedTuple):
    """One batch of each input."""

    words: str
    inputs: dict[str, torch.Tensor]
    """By the names that the document has."""


def traced(spec: Spec) -> dict[str, torch.Tensor]:
    """What the network is traced with: no open size is that of another one, nor 1, if others are promised."""
    sizes: dict[str, int] = {}
    for name, promise in spec.dims.items():
        several = promise.sizes(len(spec.dims) + 3)
        free = [size for size in several if size > 2 and size not in sizes.values()]
        sizes[name] = free[0] if free else several[-1]
    return drawn(spec, sizes, TRACED)


def trials(spec: Spec) -> list[Trial]:
    """A batch of 1 and one of several; with open sizes each at the smallest ones, and one at others."""
    found = []
    for sizes in sizes_tried(spec.dims):
        told = "".join(f", {name} = {size}" for name, size in sizes.items())
        for batch in SAMPLES if sizes == first_of(spec.dims) else SAMPLES[-1:]:
            found.append(Trial(f"a batch of {batch}{told}", drawn(spec, sizes, batch)))
    return found


def first_of(dims: Mapping[str, Promise]) -> dict[str, int]:
    """The smallest sizes."""
    return {name: promise.first for name, promise in dims.items()}


def sizes_tried(dims: Mapping[str, Promise]) -> list[dict[str, int]]:
    """The smallest sizes; others, which differ among themselves; the same again, a size further."""
    found = [first_of(dims)]
    for further in (1, 2):
        sizes = {}
        for number, (name, promise) in enumerate(dims.items()):
            several = promise.sizes(1 + further + number % 3)
            sizes[name] = several[-1]
        if sizes not in found:
            found.append(sizes)
    return found


def drawn(spec: Spec, sizes: Mapping[str, int], batch: int) -> dict[str, torch.Tensor]:
    """The same batch every time."""
    generator = torch.Generator().manual_seed(0)
    return {name: drawn_of(kind, batch, generator) for name, kind in spec.at(sizes).inputs.items()}


def drawn_of(kind: TensorType, batch: int, generator: torch.Generator) -> torch.Tensor:
    """A batch of this type, of so many samples."""
    parts = [fixed_input(kind, generator) for _ in range(-(-batch // TRACED))]
    return torch.cat(parts)[:batch].contiguous()
