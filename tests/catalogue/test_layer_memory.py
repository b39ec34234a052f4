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
from specbuild.catalogue.types import FLOATS, ITEM_BYTES, TensorType
from specbuild.language.parsing import parse_fields
from specbuild.network.compile import NAMESPACE
from tests.catalogue.cases import CASES
from tests.catalogue.families import activation, distance, dropout, linear, rectifier, shrinkage, sigmoid, softmax
from tests.catalogue.oracle import batch_of

EXAMPLES = float(os.environ.get("SPECBUILD_EXAMPLES", "1"))
BATCH = 16
PLAIN = {kind for family in (activation, distance, dropout, linear, rectifier, shrinkage, sigmoid, softmax)
         for kind in family.CASES}  # fmt: skip
"""What keeps inputs as they are, or not at all; others copy them where their shape or an argument asks for it."""


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
    if getattr(layer, "inplace", False):
        batch = [tensor.clone() for tensor in batch]  # torch does not let a leaf be overwritten
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        module(*batch)
    return sum(found.values())


@pytest.mark.parametrize("kind", sorted(kind for kind in LAYERS if kind != "Parameter" and CASES[kind].kept))
def test_kept(kind: str) -> None:
    case = CASES[kind]

    @settings(max_examples=int(40 * EXAMPLES))
    @given(case.inputs, case.arguments)
    def agrees(inputs: tuple[TensorType, ...], arguments: dict[str, Any]) -> None:
        layer = parse_fields(LAYERS[kind], {**arguments}, (), [])
        if layer is None or any(type.dtype == "float64" for type in inputs):
            return
        try:
            outcome = layer.infer(*inputs)
        except Violation:
            return
        if not outcome.parameters and not any(type.dtype in FLOATS for type in inputs):
            return  # there is nothing to go back to
        if layer.broadcasts and len({type.dtype for type in inputs}) > 1:
            return  # which inputs are kept hangs on which of the others are differentiated
        resolved = layer.model_copy(update=dict(outcome.arguments))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = measured(resolved, inputs, case.value)
        once = sum(storage.bytes for storage in (*outcome.parameters.values(), *outcome.buffers.values()))
        if not all(type.batched for type in inputs):
            once = found if not outcome.output.batched else once + size_of(outcome.output)  # grows with no batch
        expected = estimated(resolved, inputs, outcome)
        assert abs(expected - found) <= 0.1 * found + once + 64, (expected, found)

    agrees()


@pytest.mark.parametrize("kind", sorted(kind for kind in LAYERS if kind != "Parameter"))
def test_what_is_kept_whole_cannot_be_overwritten(kind: str) -> None:
    """Torch refuses to go backward where the output, or an input, was written to, just if `keeps` names it."""
    case = CASES[kind]

    @settings(max_examples=int(20 * EXAMPLES))
    @given(case.inputs, case.arguments)
    def agrees(inputs: tuple[TensorType, ...], arguments: dict[str, Any]) -> None:
        layer = parse_fields(LAYERS[kind], {**arguments}, (), [])
        if layer is None or any(type.dtype != "float32" or not type.batched for type in inputs):
            return
        try:
            outcome = layer.infer(*inputs)
        except Violation:
            return
        resolved = layer.model_copy(update=dict(outcome.arguments))
        module = resolved.build(NAMESPACE).train()
        names = ["output"]
        if kind in PLAIN and not getattr(layer, "inplace", False):
            names += layer.takes or ()
        for name in names:
            leaves = [batch_of(BATCH, type, case.value).requires_grad_() for type in inputs]
            taken = [tensor.clone() for tensor in leaves]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = module(*taken)
            output = result[0] if isinstance(result, tuple) else result
            if output.grad_fn is None or any(output is tensor for tensor in taken):
                return
            known = {**dict(zip(layer.takes or (), taken, strict=False)), "output": output}
            with torch.no_grad():
                known[name].add_(1)
            raised = ""
            try:
                output.sum().backward()
            except RuntimeError as error:
                raised = str(error)
            assert ("modified by an inplace operation" in raised) == (name in layer.keeps()), (name, raised)

    agrees()
