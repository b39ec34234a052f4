"""Parameter: what is drawn, and what was found out about torch."""

from __future__ import annotations

from functools import partial

import torch
from hypothesis import strategies as st

from tests.catalogue.drawing import BOOLS, DIMS, SMALL, Case, Computed, some

STDS = st.sampled_from([0, 0.02, 1.0, -1.0])
BOUNDS = st.sampled_from([-2.0, -1, 0, 0.5, 2.0])
FACTORS = st.sampled_from([0, 0.5, 1.0, -1.0, 1e39])
INITIALIZATION = st.one_of(
    st.none(),
    st.sampled_from(["zeros_", "ones_", "normal_", "xavier_normal_", "xavier_uniform_"]),
    some({"type": st.just("constant_"), "val": FACTORS}),
    some({"type": st.just("normal_")}, mean=FACTORS, std=STDS),
    some({"type": st.just("trunc_normal_")}, mean=FACTORS, std=STDS, a=BOUNDS, b=BOUNDS),
    some({"type": st.just("uniform_")}, a=BOUNDS, b=BOUNDS),
    some({"type": st.sampled_from(["xavier_normal_", "xavier_uniform_"])}, gain=FACTORS),
)


def positions(input: torch.Tensor, dim: int) -> torch.Tensor:
    """The index along `dim`, once a sample."""
    return torch.stack([torch.arange(input.shape[dim]) for _ in range(input.shape[0])])


CASES: dict[str, Case] = {
    "Parameter": Case(
        some({"shape": st.tuples(st.lists(st.just(1), max_size=1), st.lists(SMALL, max_size=3)).map(
                 lambda parts: [*parts[0], *parts[1]])},
             init=INITIALIZATION, batch=BOOLS),
        several=st.just(()),
        required={"shape": (1, 4)},
        unlike_torch={"*": "torch makes one from a tensor; what it is, and how it meets the batch, is ours"},
    ),
    "Positions": Case(some(dim=DIMS), torch=lambda dim=1: Computed(partial(positions, dim=dim))),
}  # fmt: skip
