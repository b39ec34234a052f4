"""Merge: what is drawn, and what was found out about torch."""

from __future__ import annotations

import operator
from functools import reduce

import torch
from hypothesis import strategies as st

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import DIMS, DTYPES, Case, Computed, some


@st.composite
def stretchable(draw: st.DrawFn, *, constants: bool = True, most: int = 3) -> tuple[TensorType, ...]:
    """Two or three inputs whose shapes are alike, some axes 1 in one of them, now and then an axis more or less.

    constants: whether some have no batch axis, as a Parameter with `batch: false`. most: how many there may be.
    """
    base = draw(st.lists(st.integers(1, 4), max_size=3))
    types = []
    for _ in range(draw(st.integers(2, most))):
        shape = [draw(st.sampled_from([size, size, size, 1])) for size in base]
        batched = not constants or draw(st.integers(0, 2)) > 0
        if not batched and draw(st.booleans()):
            shape = shape[draw(st.integers(0, len(shape))) :]
        if draw(st.integers(0, 5)) == 0:
            shape.insert(draw(st.integers(0, len(shape))), draw(st.integers(1, 3)))
        if shape and draw(st.integers(0, 7)) == 0:
            shape[draw(st.integers(0, len(shape) - 1))] = draw(st.integers(1, 4))
        types.append(TensorType(tuple(shape), draw(DTYPES), batched))
    return tuple(types)


@st.composite
def joinable(draw: st.DrawFn) -> tuple[TensorType, ...]:
    """Two or three inputs whose shapes are alike but for one axis, mostly."""
    base = draw(st.lists(st.integers(1, 3), max_size=3))
    free = draw(st.integers(0, len(base)))
    types = []
    for _ in range(draw(st.integers(2, 3))):
        shape = [draw(st.integers(1, 3)) if axis == free else size for axis, size in enumerate(base)]
        if draw(st.integers(0, 9)) == 0:
            shape.append(1)
        types.append(TensorType(tuple(shape), draw(DTYPES)))
    return tuple(types)


def added(*inputs: torch.Tensor) -> torch.Tensor:
    return reduce(operator.add, inputs)


def multiplied(*inputs: torch.Tensor) -> torch.Tensor:
    return reduce(operator.mul, inputs)


CASES: dict[str, Case] = {
    "Add": Case(some(), several=stretchable(), torch=lambda: Computed(added)),
    "Concat": Case(some(dim=st.one_of(st.just(1), DIMS)), several=joinable(),
        torch=lambda dim=1: Computed(lambda *inputs: torch.cat(inputs, dim=dim)),
    ),
    "Multiply": Case(some(), several=stretchable(), torch=lambda: Computed(multiplied)),
}  # fmt: skip
