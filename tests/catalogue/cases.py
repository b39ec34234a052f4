"""The notes on all families of layers as one.

A layer that is added to the catalogue needs its row in `families/`, and nothing else to be put through every test.
"""

from __future__ import annotations

from tests.catalogue.drawing import Case, Message, Refused, Run
from tests.catalogue.families import (
    activation,
    adaptive,
    attention,
    batch_normalization,
    cells,
    convolution,
    distance,
    dropout,
    embedding,
    fractional,
    linear,
    lp_pooling,
    merge,
    normalization,
    padding,
    padding_modes,
    parameter,
    pooling,
    rearranging,
    rectifier,
    recurrent,
    resampling,
    selecting,
    shape,
    shrinkage,
    sigmoid,
    softmax,
    transformer,
    transposed,
    unfolding,
    unpooling,
)

FAMILIES = [
    activation,
    adaptive,
    attention,
    batch_normalization,
    cells,
    convolution,
    distance,
    dropout,
    embedding,
    fractional,
    linear,
    lp_pooling,
    merge,
    normalization,
    padding,
    padding_modes,
    parameter,
    pooling,
    rearranging,
    rectifier,
    recurrent,
    resampling,
    selecting,
    shape,
    shrinkage,
    sigmoid,
    softmax,
    transformer,
    transposed,
    unfolding,
    unpooling,
]

CASES: dict[str, Case] = {kind: case for family in FAMILIES for kind, case in family.CASES.items()}
RUNS: list[Run] = [run for family in FAMILIES for run in getattr(family, "RUNS", ())]
REFUSED: list[Refused] = [refused for family in FAMILIES for refused in getattr(family, "REFUSED", ())]
MESSAGES: list[Message] = [message for family in FAMILIES for message in getattr(family, "MESSAGES", ())]
