"""Pooling by windows at random places: what is drawn, and what was found out about torch."""

from __future__ import annotations

from functools import partial

from hypothesis import strategies as st
from torch import nn

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import Case, Message, Refused, Run, some
from tests.catalogue.families.convolution import one_or_each, spatial
from tests.catalogue.families.pooling import INDICES, kernels, of_whole_windows


def fractions(axes: int) -> Case:
    size = one_or_each(axes, st.integers(1, 4), 0, -1, [2] * (axes + 1))
    ratio = one_or_each(axes, st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.99]), 0, 1, 1.0, -0.5, [0.5] * (axes - 1))
    said = st.one_of(
        some({"output_size": size}), some({"output_ratio": ratio}), some(output_size=size, output_ratio=ratio)
    )
    arguments = st.tuples(some({"kernel_size": kernels(axes)}), said).map(lambda both: both[0] | both[1])
    cls = getattr(nn, f"FractionalMaxPool{axes}d")
    return Case(
        arguments, spatial(axes), refused=of_whole_windows(axes), required={"kernel_size": 1, "output_size": 1},
        unlike_torch={**INDICES, "_random_samples": "a test's own door"},
        with_results=partial(cls, return_indices=True),
    )  # fmt: skip


CASES: dict[str, Case] = {f"FractionalMaxPool{axes}d": fractions(axes) for axes in (2, 3)}

RUNS: list[Run] = [
    # as many windows as there are places, over two axes; over three, one fewer
    ("FractionalMaxPool2d", {"kernel_size": 3, "output_size": 6}, (1, 8, 8), "float32", (1, 6, 6), "float32"),
    ("FractionalMaxPool3d", {"kernel_size": 3, "output_size": 5}, (1, 8, 8, 8), "float32", (1, 5, 5, 5), "float32"),
    # 0.29 of 100 is 28.999... in float64
    ("FractionalMaxPool2d", {"kernel_size": 2, "output_ratio": 0.29}, (1, 100, 100), "float32", (1, 28, 28),
     "float32"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("FractionalMaxPool3d", {"kernel_size": 3, "output_size": 6}, (1, 8, 8, 8), "float32"),
    ("FractionalMaxPool2d", {"kernel_size": 2, "output_ratio": 0.1}, (1, 9, 9), "float32"),  # nothing is left
    ("FractionalMaxPool2d", {"kernel_size": 2}, (1, 9, 9), "float32"),
    ("FractionalMaxPool2d", {"kernel_size": 2, "output_size": 2, "output_ratio": 0.5}, (1, 9, 9), "float32"),
]

MESSAGES: list[Message] = [
    ("FractionalMaxPool2d", {"kernel_size": 2}, (TensorType((1, 9, 9)),), "SB304", None,
     "the size of the output is not said: neither `output_size` nor `output_ratio` is given", "output_ratio: 0.5"),
    ("FractionalMaxPool2d", {"kernel_size": 2, "output_size": 2, "output_ratio": 0.5}, (TensorType((1, 9, 9)),),
     "SB304", "output_ratio", "`output_size` and `output_ratio` both say how large the output is",
     "leave one of them out"),
    ("FractionalMaxPool2d", {"kernel_size": 2, "output_ratio": 0.1}, (TensorType((1, 9, 9)),), "SB303",
     "output_ratio", "`output_ratio` 0.1 leaves nothing of the input's height 9", "output_size: 1 instead"),
    ("FractionalMaxPool2d", {"kernel_size": 1, "output_ratio": 0.5}, (TensorType((1, 9, 1)),), "SB303",
     "output_ratio", "`output_ratio` 0.5 leaves nothing of the input's width 1", "output_size: [4, 1] instead"),
    ("FractionalMaxPool2d", {"kernel_size": 3, "output_size": [6, 7]}, (TensorType((1, 8, 8)),), "SB303",
     "output_size", "an output of width 7 is too large: kernel_size 3 and an input of width 8 have room for 6",
     "output_size: 6, or kernel_size: [3, 2]"),
    ("FractionalMaxPool2d", {"kernel_size": 3, "output_ratio": 0.9}, (TensorType((1, 8, 20)),), "SB303",
     "output_ratio", "an output of height 7 is too large: kernel_size 3 and an input of height 8 have room for 6",
     "output_size: [6, 18] instead, or kernel_size: [2, 3]"),
    ("FractionalMaxPool3d", {"kernel_size": 1, "output_size": 1}, (TensorType((1, 8, 8, 1)),), "SB303",
     "output_size", "an output of width 1 is too large: kernel_size 1 and an input of width 1 have room for 0",
     "leave the layer out"),
    ("FractionalMaxPool3d", {"kernel_size": 3, "output_ratio": 0.5}, (TensorType((1, 3, 8, 8)),), "SB303",
     "output_ratio", "an output of depth 1 is too large: kernel_size 3 and an input of depth 3 have room for 0",
     "kernel_size: [2, 3, 3]"),
    ("FractionalMaxPool2d", {"kernel_size": 2, "output_size": 2}, (TensorType((1, 8, 131), "bfloat16"),), "SB303",
     None, "the input's width 131 is too large for bfloat16, in which torch places the windows",
     "an input of dtype float32"),
    ("FractionalMaxPool2d", {"kernel_size": 2, "output_size": 2}, (TensorType((1, 8, 10_000_000)),), "SB303",
     None, "the input's width 10000000 is too large for float32, in which torch places the windows",
     "an input of dtype float64"),
]  # fmt: skip
