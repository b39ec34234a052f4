"""Normalization: what is drawn, and what was found out about torch."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import BOOLS, PLANES, Case, Refused, Run, some


def other_channels(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    """A written size that torch does not look at where there are neither weights nor statistics."""
    shape = inputs[0].shape
    return len(shape) == 3 and arguments["num_features"] != shape[0]


CASES: dict[str, Case] = {
    "BatchNorm2d": Case(
        some(eps=st.sampled_from([1e-5, 0.1, 0, -1]), momentum=st.sampled_from([0.1, None, 0, 1, 2.0]), affine=BOOLS,
             track_running_stats=BOOLS, bias=BOOLS),
        PLANES, ("num_features",), refused=other_channels,
    ),
}  # fmt: skip

RUNS: list[Run] = [
    # half precision goes through float32 weights here, and float64 where there are none
    ("BatchNorm2d", {}, (3, 2, 2), "bfloat16", (3, 2, 2), "bfloat16"),
    ("BatchNorm2d", {"affine": False, "track_running_stats": False}, (3, 2, 2), "float64", (3, 2, 2), "float64"),
    ("BatchNorm2d", {"bias": False}, (3, 2, 2), "float32", (3, 2, 2), "float32"),
    ("BatchNorm2d", {"momentum": -1}, (3, 2, 2), "float32", (3, 2, 2), "float32"),
]  # fmt: skip

REFUSED: list[Refused] = [
    ("BatchNorm2d", {"eps": 0}, (3, 2, 2), "float32"),  # torch 2.13 raises in training alone
    ("BatchNorm2d", {"affine": False}, (3, 2, 2), "float64"),
    ("BatchNorm2d", {}, (3, 2), "float32"),
]  # fmt: skip
