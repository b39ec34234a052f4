"""Every rule flows over sizes that are left open, and says what it says of each size in their place.

SPECBUILD_EXAMPLES multiplies how many are drawn.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.rules import NOTES, Outcome, Storage, Violation
from specbuild.catalogue.sizes.columns import holds_at, value_at
from specbuild.catalogue.sizes.conditions import Condition, Limit
from specbuild.catalogue.sizes.expressions import Size, symbol
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.language.parsing import parse_fields
from tests.catalogue.test_soundness import drawn

EXAMPLES = float(os.environ.get("SPECBUILD_EXAMPLES", "1"))
SIZES = st.integers(1, 200)


def opened(data: st.DataObject, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
    """The inputs with one or two symbols in place of sizes."""
    places = [(i, axis) for i, kind in enumerate(inputs) for axis in range(len(kind.shape))]
    assume(places)
    shapes: list[list[Any]] = [list(kind.shape) for kind in inputs]
    for name in ("H", "W")[: data.draw(st.integers(1, 2), label="symbols")]:
        i, axis = data.draw(st.sampled_from(places), label=name)
        size = inputs[i].shape[axis]
        same = [(j, k) for j, k in places if isinstance(shapes[j][k], int) and shapes[j][k] == size]
        together = data.draw(st.booleans(), label=f"all {name}")
        for j, k in [(j, k) for j, k in same if j != i and k == axis] if together else []:
            shapes[j][k] = symbol(name)
        shapes[i][axis] = symbol(name)
    return tuple(kind.with_shape(tuple(shape)) for kind, shape in zip(inputs, shapes, strict=True))


def at(value: Any, sizes: dict[str, int]) -> Any:
    """Whatever a rule finds out, with numbers for symbols."""
    if isinstance(value, Size):
        return value_at(value, sizes)
    if isinstance(value, (TensorType, Storage)):
        return value._replace(shape=at(value.shape, sizes))
    if isinstance(value, (tuple, list)):
        return type(value)([at(each, sizes) for each in value])
    if isinstance(value, dict):
        return {key: at(each, sizes) for key, each in value.items()}
    if isinstance(value, Layer):
        return {key: at(getattr(value, key), sizes) for key in type(value).model_fields}
    return value


def facts(outcome: Outcome, sizes: dict[str, int]) -> tuple[Any, ...]:
    """All that a rule found out."""
    found = (outcome.output, dict(outcome.results), dict(outcome.parameters), dict(outcome.buffers),
             outcome.macs, outcome.saved, dict(outcome.arguments))  # fmt: skip
    return tuple(at(each, sizes) for each in found)


def concrete(layer: Layer, inputs: tuple[TensorType, ...]) -> Outcome | None:
    try:
        return layer.infer(*inputs)
    except Violation:
        return None


@pytest.mark.parametrize("kind", sorted({*LAYERS} - {"Parameter"}))
def test_rule(kind: str) -> None:
    @settings(max_examples=int(60 * EXAMPLES), suppress_health_check=[HealthCheck.filter_too_much])
    @given(st.data())
    def flows(data: st.DataObject) -> None:
        arguments, inputs = drawn(data, kind)
        problems: list[Diagnostic] = []
        layer = parse_fields(LAYERS[kind], arguments, (), problems)
        assume(layer is not None and not problems)
        assert layer is not None
        over = opened(data, inputs)
        pairs = data.draw(st.lists(st.tuples(SIZES, SIZES), min_size=8, max_size=8), label="sizes")
        sizes = [dict(zip("HW", pair, strict=True)) for pair in pairs]
        sizes += [{"H": size, "W": size} for size in (1, 2, 3, 4, 6, 8)]
        notes: list[Condition] = []
        token = NOTES.set(notes)
        outcome = None
        try:
            outcome = layer.infer(*over)
        except Violation as violation:
            if violation.code == "SB312":
                return  # weights of an open size
        except TypeError:  # `Unsettled` among them: in the words of what fails at every size
            assert all(concrete(layer, at(over, each)) is None for each in sizes), "the rule branches on a size"
        finally:
            NOTES.reset(token)
        asked = [note.condition if isinstance(note, Limit) else note for note in notes]
        for each in sizes:
            found = concrete(layer, at(over, each))
            holds = outcome is not None and all(holds_at(condition, each) for condition in asked)
            assert holds == (found is not None), (each, [str(a) for a in asked])
            if outcome is not None and found is not None:
                assert facts(outcome, each) == facts(found, each)

    flows()
