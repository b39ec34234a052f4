"""The static verdict on layers and straight-line networks equals real torch's, every time.

SPECBUILD_EXAMPLES multiplies how many are drawn.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.rules import Outcome, Violation
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.language.parsing import parse_fields
from specbuild.network.compile import NAMESPACE
from tests.catalogue.cases import CASES
from tests.catalogue.drawing import SIZES
from tests.catalogue.oracle import Verdict, judged, make, stored, verdict

EXAMPLES = float(os.environ.get("SPECBUILD_EXAMPLES", "1"))
LINE = sorted(kind for kind in LAYERS if CASES[kind].several is None)
"""What can stand after another layer with nothing more said."""


def static(kind: str, arguments: dict[str, Any], *inputs: TensorType) -> Outcome | None:
    """The catalogue's verdict, None for an error."""
    problems: list[Diagnostic] = []
    layer = parse_fields(LAYERS[kind], arguments, (), problems)
    if layer is None:
        assert problems
        return None
    try:
        outcome = layer.infer(*inputs)
    except Violation:
        return None
    resolved = layer.model_copy(update=dict(outcome.arguments))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that trunc_normal_ has much to draw again
        built = resolved.build(NAMESPACE)
    parameters = [("", built)] if isinstance(built, nn.Parameter) else built.named_parameters()
    assert stored(parameters) == tuple((n, s.shape, s.dtype) for n, s in outcome.parameters.items())
    case = CASES[kind]
    if case.torch is not None:
        assert judged(built, inputs, case.value) == (outcome.output[:2],), "the module that stands in for torch's"
    if case.with_results is not None:
        switches = dict.fromkeys(layer.results.values(), True)
        types = (outcome.output[:2], *(outcome.results[name][:2] for name in layer.results))
        assert judged(resolved.build(NAMESPACE, **switches), inputs, case.value) == types
        torchs = case.with_results(**filled(kind, arguments, *inputs))
        assert judged(torchs, inputs, case.value) == types
    return outcome


def as_verdict(outcome: Outcome | None) -> Verdict | None:
    if outcome is None:
        return None
    return Verdict(
        outcome.output.shape, outcome.output.dtype,
        tuple((name, s.shape, s.dtype) for name, s in outcome.parameters.items()),
        tuple((name, s.shape, s.dtype) for name, s in outcome.buffers.items()),
        outcome.output.batched,
    )  # fmt: skip


def filled(kind: str, arguments: dict[str, Any], *inputs: TensorType) -> dict[str, Any]:
    """The arguments with inferred sizes as torch wants them."""
    missing = {}
    for name in CASES[kind].sizes:
        number, axis = SIZES[name]
        shape = inputs[number].shape
        missing[name] = shape[axis] if shape else 1
    return {**missing, **arguments}


def test_every_layer_has_its_row() -> None:
    assert sorted(CASES) == sorted(LAYERS)


def drawn(data: st.DataObject, kind: str) -> tuple[dict[str, Any], tuple[TensorType, ...]]:
    """Arguments and inputs, good or bad."""
    case = CASES[kind]
    inputs = data.draw(case.inputs, label="inputs")
    arguments = data.draw(case.arguments, label="arguments")
    for size in case.sizes:
        if data.draw(st.integers(0, 3)) == 0:
            arguments[size] = data.draw(st.integers(1, 6), label=size)
    return arguments, inputs


def verdicts(
    kind: str, arguments: dict[str, Any], inputs: tuple[TensorType, ...]
) -> tuple[Verdict | None, Verdict | None]:
    """Torch's, and the catalogue's."""
    expected = verdict(kind, filled(kind, arguments, *inputs), *inputs)
    return expected, as_verdict(static(kind, arguments, *inputs))


@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_layer(kind: str) -> None:
    @settings(max_examples=int(150 * EXAMPLES))
    @given(st.data())
    def agrees(data: st.DataObject) -> None:
        expected, found = verdicts(kind, *drawn(data, kind))
        assert found == expected

    agrees()


@settings(max_examples=int(300 * EXAMPLES))
@given(st.data())
def test_network(data: st.DataObject) -> None:
    """Layer after layer on what the one before gave, then all at once."""
    flowing = TensorType(data.draw(st.tuples(st.integers(1, 6), st.integers(1, 16), st.integers(1, 16))))
    start = flowing
    modules: list[nn.Module] = []
    for _ in range(data.draw(st.integers(1, 8))):
        kind = data.draw(st.sampled_from(LINE))
        arguments = data.draw(CASES[kind].arguments)
        outcome = static(kind, arguments, flowing)
        torch_arguments = filled(kind, arguments, flowing)
        assert as_verdict(outcome) == verdict(kind, torch_arguments, flowing), (kind, arguments)
        if outcome is None or outcome.output.size > 20_000:
            continue
        modules.append(make(kind, torch_arguments))
        flowing = outcome.output
    assert judged(nn.Sequential(*modules), [start]) == ((flowing.shape, flowing.dtype),)
