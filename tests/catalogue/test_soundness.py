"""The static verdict on layers and straight-line networks equals real torch's, every time.

SPECBUILD_EXAMPLES multiplies how many are drawn.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.rules import Outcome, Violation
from specbuild.catalogue.types import ITEM_BYTES, TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.language.parsing import parse_fields
from tests.catalogue.cases import CASES
from tests.catalogue.oracle import Verdict, judged, make, stored, verdict

EXAMPLES = float(os.environ.get("SPECBUILD_EXAMPLES", "1"))
DTYPES = st.one_of(st.just("float32"), st.just("float32"), st.sampled_from(sorted(ITEM_BYTES)))


def static(kind: str, arguments: dict[str, Any], input_type: TensorType) -> Outcome | None:
    """The catalogue's verdict, None for an error."""
    problems: list[Diagnostic] = []
    layer = parse_fields(LAYERS[kind], arguments, (), problems)
    if layer is None:
        assert problems
        return None
    try:
        outcome = layer.infer(input_type)
    except Violation:
        return None
    resolved = layer.model_copy(update=dict(outcome.arguments))
    built = resolved.build(nn)
    assert stored(built.named_parameters()) == tuple((n, s.shape, s.dtype) for n, s in outcome.parameters.items())
    return outcome


def as_verdict(outcome: Outcome | None) -> Verdict | None:
    return outcome and Verdict(
        outcome.output.shape, outcome.output.dtype,
        tuple((name, s.shape, s.dtype) for name, s in outcome.parameters.items()),
        tuple((name, s.shape, s.dtype) for name, s in outcome.buffers.items()),
    )  # fmt: skip


def filled(kind: str, arguments: dict[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    """The arguments with inferred sizes as torch wants them."""
    sizes = {
        "in_features": shape[-1:] or (1,),
        "in_channels": shape[:1] or (1,),
        "num_features": shape[:1] or (1,),
    }
    missing = {name: sizes[name][0] for name in CASES[kind].sizes if name not in arguments}
    return {**missing, **arguments}


def test_every_layer_has_its_row() -> None:
    assert sorted(CASES) == sorted(LAYERS)


@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_layer(kind: str) -> None:
    case = CASES[kind]

    @settings(max_examples=int(150 * EXAMPLES))
    @given(st.data())
    def agrees(data: st.DataObject) -> None:
        shape = data.draw(case.shapes, label="shape")
        dtype = data.draw(DTYPES, label="dtype")
        arguments = data.draw(case.arguments, label="arguments")
        for size in case.sizes:
            if data.draw(st.integers(0, 3)) == 0:
                arguments[size] = data.draw(st.integers(1, 6), label=size)
        expected = verdict(kind, filled(kind, arguments, shape), shape, dtype)
        assert as_verdict(static(kind, arguments, TensorType(shape, dtype))) == expected

    agrees()


@settings(max_examples=int(300 * EXAMPLES))
@given(st.data())
def test_network(data: st.DataObject) -> None:
    """Layer after layer on what the one before gave, then all at once."""
    flowing = TensorType(data.draw(st.tuples(st.integers(1, 6), st.integers(1, 16), st.integers(1, 16))))
    start = flowing
    modules: list[nn.Module] = []
    for _ in range(data.draw(st.integers(1, 8))):
        kind = data.draw(st.sampled_from(sorted(LAYERS)))
        arguments = data.draw(CASES[kind].arguments)
        outcome = static(kind, arguments, flowing)
        torch_arguments = filled(kind, arguments, flowing.shape)
        assert as_verdict(outcome) == verdict(kind, torch_arguments, flowing.shape, flowing.dtype), (
            kind,
            arguments,
        )
        if outcome is None or outcome.output.size > 20_000:
            continue
        modules.append(make(kind, torch_arguments))
        flowing = outcome.output
    assert judged(nn.Sequential(*modules), start.shape, start.dtype) == (flowing.shape, flowing.dtype)
