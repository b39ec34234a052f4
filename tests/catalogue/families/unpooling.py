"""The way back from a pooling: what is drawn, and what was found out about torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from torch import nn

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import DTYPES, Case, Computed, Message, Strategy, odd, some
from tests.catalogue.families.convolution import one_or_each, spatial
from tests.catalogue.families.pooling import kernels, of_whole_windows


def unpooling(axes: int) -> Callable[..., nn.Module]:
    """Torch's module, which is told the size of the output as it is called."""

    def make(output_size: Any = None, **arguments: Any) -> nn.Module:
        module = getattr(nn, f"MaxUnpool{axes}d")(**arguments)
        return Computed(lambda input, indices: module(input, indices, output_size and list(output_size)))

    return make


@st.composite
def values_and_indices(draw: st.DrawFn, axes: int) -> tuple[TensorType, ...]:
    """Two types that mostly go together."""
    shape = draw(spatial(axes).filter(lambda shape: max(shape, default=1) <= 6))
    other = draw(odd(st.just(shape), (*shape[:-1], 5), shape[:-1], (1, *shape)))
    return TensorType(shape, draw(DTYPES)), TensorType(other, draw(odd(st.just("int64"), "int32", "float32")))


def unpool(axes: int) -> Case:
    size: Strategy = st.lists(st.integers(1, 12), min_size=axes, max_size=axes)
    return Case(
        some(
            {"kernel_size": kernels(axes)},
            stride=one_or_each(axes, st.integers(1, 3), 0, -1, None, [2] * (axes + 1)),
            padding=one_or_each(axes, st.integers(-1, 2), 3, [1] * (axes + 1)),
            output_size=odd(size, None, 4, [4] * (axes + 1), [0] * axes),
        ),
        several=values_and_indices(axes), value=0, refused=of_whole_windows(axes), torch=unpooling(axes),
        required={"kernel_size": 1},
    )  # fmt: skip


CASES: dict[str, Case] = {f"MaxUnpool{axes}d": unpool(axes) for axes in (1, 2, 3)}

VALUES, INDICES = TensorType((8, 4, 4)), TensorType((8, 4, 4), "int64")
MESSAGES: list[Message] = [
    ("MaxUnpool2d", {"kernel_size": 2}, (VALUES, VALUES), "SB305", "from",
     "MaxUnpool2d takes int64 as its indices, but they are float32",
     "the second result of a pooling, as in `from: [x, pool1.indices]`"),
    ("MaxUnpool2d", {"kernel_size": 2}, (TensorType((4, 4, 4)), INDICES), "SB308", "from",
     "an index is needed for each value: the input is [4, 4, 4], the indices are [8, 4, 4] int64",
     "an input of the shape that the pooling gave"),
    ("MaxUnpool2d", {"kernel_size": 2, "stride": 1, "padding": 3}, (VALUES, INDICES), "SB303", "padding",
     "the output's height would be -1: padding 3 takes all of it away", "padding: 2, or a larger kernel_size"),
    ("MaxUnpool2d", {"kernel_size": 2, "output_size": [9, 10]}, (VALUES, INDICES), "SB303", "output_size",
     "`output_size` has width 10, but this input was pooled from 7 to 9",
     "the size of what was pooled, or leave it out"),
    ("MaxUnpool2d", {"kernel_size": 2, "output_size": [6, 9]}, (VALUES, INDICES), "SB303", "output_size",
     "`output_size` has height 6, but this input was pooled from 7 to 9",
     "the size of what was pooled, or leave it out"),
    ("MaxUnpool2d", {"kernel_size": 1, "padding": 2, "output_size": [2, 1]}, (VALUES, INDICES), "SB303", "padding",
     "the output's height would be at most 0: the padding takes all of it away",
     "a smaller padding, or a larger kernel_size"),
    ("MaxUnpool2d", {"kernel_size": 2, "padding": 4, "output_size": [2, 1]}, (VALUES, INDICES), "SB303", "output_size",
     "`output_size` has height 2, but this input was pooled from 1 to 1", "the size of what was pooled"),
]  # fmt: skip
