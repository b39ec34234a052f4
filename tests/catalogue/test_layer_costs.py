"""Multiply-accumulates are half of what torch's own counter of floating-point operations counts."""

from __future__ import annotations

import os
import warnings
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.types import TensorType
from specbuild.language.parsing import parse_fields
from specbuild.network.compile import NAMESPACE
from tests.catalogue.cases import CASES

EXAMPLES = float(os.environ.get("SPECBUILD_EXAMPLES", "1"))


def operations(module: nn.Module, inputs: tuple[TensorType, ...]) -> int:
    """Floating-point operations on a batch of 2, counted without computing."""
    batch = [
        torch.ones((2, *type.shape) if type.batched else type.shape, dtype=getattr(torch, type.dtype), device="meta")
        for type in inputs
    ]
    with warnings.catch_warnings(), FlopCounterMode(display=False) as counter:
        warnings.simplefilter("ignore")  # of a copy that `padding: same` needs
        module.to("meta")(*batch)
    return counter.get_total_flops()


@pytest.mark.parametrize("kind", sorted(set(LAYERS) - {"Parameter"}))
def test_macs(kind: str) -> None:
    case = CASES[kind]

    @settings(max_examples=int(30 * EXAMPLES))
    @given(case.inputs, case.arguments)
    def agrees(inputs: tuple[TensorType, ...], arguments: dict[str, Any]) -> None:
        layer = parse_fields(LAYERS[kind], {**arguments}, (), [])
        if layer is None:
            return
        try:
            outcome = layer.infer(*inputs)
        except Violation:
            return
        if case.macs is not None:
            assert outcome.macs == case.macs(arguments, inputs)
            return
        resolved = layer.model_copy(update=dict(outcome.arguments))
        assert outcome.macs * 2 * 2 == operations(resolved.build(NAMESPACE), inputs)

    agrees()
