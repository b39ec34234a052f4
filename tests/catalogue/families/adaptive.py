"""Pooling to a wanted size: what is drawn, and what was found out about torch."""

from __future__ import annotations

from functools import partial

from hypothesis import strategies as st
from torch import nn

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import CHANNELS, SMALL, Case, Message, Refused, Run, Strategy, of_planes, some
from tests.catalogue.families.convolution import LONGEST, one_or_each
from tests.catalogue.families.pooling import INDICES


def sizes(axes: int) -> Strategy:
    """Sizes of the output, some of them the input's."""
    each = st.one_of(SMALL, SMALL, st.none()) if axes > 1 else SMALL
    strange = [0] + [2] * (axes - 1), [2] * (axes + 1), [None] * axes, [1] * (axes - 1)
    return some({"output_size": one_or_each(axes, each, 0, -1, None, *strange)})


def planes(axes: int) -> Strategy:
    """Channels before so many axes of more than 1: torch keeps nothing of what is 1 and stays 1, as null finds it."""
    good = st.tuples(CHANNELS, *[st.integers(2, LONGEST[axes])] * axes)
    other = st.lists(st.integers(1, 5), max_size=5).filter(lambda shape: len(shape) != 1 + axes)
    return st.one_of(good, good, good, other.map(tuple))


def averaging(axes: int) -> Case:
    return Case(sizes(axes), planes(axes), refused=of_planes(axes), required={"output_size": 1})


def maximum(axes: int) -> Case:
    return averaging(axes)._replace(
        unlike_torch=INDICES, with_results=partial(getattr(nn, f"AdaptiveMaxPool{axes}d"), return_indices=True)
    )


CASES: dict[str, Case] = {
    **{f"AdaptiveAvgPool{axes}d": averaging(axes) for axes in (1, 2, 3)},
    **{f"AdaptiveMaxPool{axes}d": maximum(axes) for axes in (1, 2, 3)},
}

RUNS: list[Run] = [
    ("AdaptiveAvgPool2d", {"output_size": [None, 1]}, (1, 1, 4), "float32", (1, 1, 1), "float32"),
    # more windows than there are values: they overlap
    ("AdaptiveMaxPool1d", {"output_size": [7]}, (1, 2), "float32", (1, 7), "float32"),
    ("AdaptiveAvgPool3d", {"output_size": [None, 9, 1]}, (1, 2, 3, 4), "float16", (1, 2, 9, 1), "float16"),
]

REFUSED: list[Refused] = [
    ("AdaptiveAvgPool2d", {"output_size": 1}, (1, 4, 4), "int64"),
    ("AdaptiveMaxPool2d", {"output_size": 1}, (1, 4, 4), "int64"),
    ("AdaptiveAvgPool2d", {"output_size": 0}, (1, 4, 4), "float32"),  # torch gives no elements
    ("AdaptiveAvgPool2d", {"output_size": 2}, (4, 4), "float32"),  # torch takes the batch for channels
    ("AdaptiveAvgPool1d", {"output_size": [None]}, (1, 4), "float32"),  # null is for several axes
    ("AdaptiveMaxPool1d", {"output_size": [None]}, (1, 4), "float32"),
]

MESSAGES: list[Message] = [
    ("AdaptiveAvgPool1d", {"output_size": 1}, (TensorType((1, 4, 4)),), "SB302", None,
     "AdaptiveAvgPool1d takes [channels, length], but the input is [1, 4, 4]",
     "type: AdaptiveAvgPool2d, or, as the batch axis is not written, [4, 4]"),
    ("AdaptiveMaxPool3d", {"output_size": 2**31 - 1}, (TensorType((1, 4, 4, 4)),), "SB307", "output_size",
     "the output would have 1 x 2147483647 x 2147483647 x 2147483647 elements, more than 2**48, "
     "which no machine holds", "a smaller output_size"),
]  # fmt: skip
