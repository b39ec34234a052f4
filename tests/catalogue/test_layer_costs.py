"""Multiply-accumulates are half of what torch's own counter of floating-point operations counts."""

from __future__ import annotations

import os
import warnings
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.types import TensorType
from specbuild.network.compile import NAMESPACE
from tests.catalogue.cases import CASES

EXAMPLES = float(os.environ.get("SPECBUILD_EXAMPLES", "1"))
COUNTED = ["Conv2d", "ConvTranspose2d", "Linear"]


def operations(module: nn.Module, shape: tuple[int, ...], inputs: int = 1) -> int:
    """Floating-point operations on a batch of 2, counted without computing."""
    with warnings.catch_warnings(), FlopCounterMode(display=False) as counter:
        warnings.simplefilter("ignore")  # of a copy that `padding: same` needs
        module.to("meta")(*(torch.ones(2, *shape, device="meta") for _ in range(inputs)))
    return counter.get_total_flops()


@settings(max_examples=int(150 * EXAMPLES))
@given(st.sampled_from(COUNTED).flatmap(lambda kind: st.tuples(
    st.just(kind), CASES[kind].arguments, CASES[kind].shapes)))  # fmt: skip
def test_macs(case: tuple[str, dict[str, Any], tuple[int, ...]]) -> None:
    kind, arguments, shape = case
    try:
        layer = LAYERS[kind].model_validate(arguments)
        layer.check()
        outcome = layer.infer(TensorType(shape))
    except (ValidationError, Violation):
        return
    resolved = layer.model_copy(update=dict(outcome.arguments))
    assert outcome.macs * 2 * 2 == operations(resolved.build(nn), shape)


def test_all_others_cost_nothing() -> None:
    for kind in sorted(set(LAYERS) - set(COUNTED)):
        required: dict[str, Any] = {
            "kernel_size": 2, "output_size": 2, "dim": 1, "unflattened_size": (2, 2), "shape": (1, 4),
        }  # fmt: skip
        fields = LAYERS[kind].model_fields
        given_arguments = {name: required[name] for name in fields if name in required}
        layer = LAYERS[kind].model_validate(given_arguments)
        outcome = layer.infer(*[TensorType((4, 4, 4))] * layer.needs)
        assert outcome.macs == 0
        if layer.needs:
            module = layer.model_copy(update=dict(outcome.arguments)).build(NAMESPACE)
            assert operations(module, (4, 4, 4), layer.needs) == 0
