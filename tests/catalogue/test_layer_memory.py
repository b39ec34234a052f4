"""What a layer keeps for backward is what torch saves in its graph, counted by hooks, each memory once."""

from __future__ import annotations

import os
import warnings
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from torch.autograd.graph import saved_tensors_hooks

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.rules import Outcome, Violation
from specbuild.catalogue.types import ITEM_BYTES, TensorType
from specbuild.language.parsing import parse_fields
from specbuild.network.compile import NAMESPACE
from tests.catalogue.cases import CASES
from tests.catalogue.oracle import batch_of

EXAMPLES = float(os.environ.get("SPECBUILD_EXAMPLES", "1"))
BATCH = 16


def size_of(type: TensorType) -> int:
    return type.size * ITEM_BYTES[type.dtype] * (BATCH if type.batched else 1)


def estimated(layer: Layer, inputs: tuple[TensorType, ...], outcome: Outcome) -> int:
    """Bytes for a batch, as the catalogue says."""
    takes = layer.takes or ()
    known = {**dict(zip(takes, inputs, strict=False)), **outcome.results, "output": outcome.output}
    total = outcome.saved * BATCH
    for name in layer.keeps():
        total += sum(map(size_of, inputs)) if name == "inputs" else size_of(known[name])
    return total


def measured(layer: Layer, inputs: tuple[TensorType, ...], value: float) -> int:
    """Bytes that one forward pass in training leaves for backward, weights apart."""
    module = layer.build(NAMESPACE).train()
    own = {t.untyped_storage().data_ptr() for t in (*module.parameters(), *module.buffers())}
    found: dict[int, int] = {}
    alive: list[torch.Tensor] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            found[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)  # so that no memory is used twice
        return tensor

    batch = [batch_of(BATCH, type, value) for type in inputs]
    for tensor in batch:
        tensor.requires_grad_(tensor.is_floating_point())
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        module(*batch)
    return sum(found.values())


@pytest.mark.parametrize("kind", sorted(set(LAYERS) - {"Parameter"}))
def test_kept(kind: str) -> None:
    case = CASES[kind]

    @settings(max_examples=int(40 * EXAMPLES))
    @given(case.inputs, case.arguments)
    def agrees(inputs: tuple[TensorType, ...], arguments: dict[str, Any]) -> None:
        layer = parse_fields(LAYERS[kind], {**arguments}, (), [])
        if layer is None or getattr(layer, "inplace", False) or any(type.dtype == "float64" for type in inputs):
            return
        try:
            outcome = layer.infer(*inputs)
        except Violation:
            return
        resolved = layer.model_copy(update=dict(outcome.arguments))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = measured(resolved, inputs, case.value)
        once = sum(storage.bytes for storage in (*outcome.parameters.values(), *outcome.buffers.values()))
        expected = estimated(resolved, inputs, outcome)
        assert abs(expected - found) <= 0.1 * found + once + 64, (expected, found)

    agrees()
