from __future__ import annotations

import torch

from specbuild.data.randomness import order, uniform


def test_draws_are_a_function_of_their_arguments() -> None:
    state = torch.get_rng_state()
    assert torch.equal(uniform(9, 1, 2, "a"), uniform(9, 1, 2, "a"))
    assert torch.equal(order(9, 1, 2), order(9, 1, 2))
    assert torch.equal(torch.get_rng_state(), state), "the generator of dropout is not touched"


def test_draws_are_recorded() -> None:
    """Another stream would change every run there is."""
    assert order(6, 0, 1).tolist() == [0, 2, 4, 5, 3, 1]


def test_an_order_has_every_sample_once() -> None:
    assert order(1000, 5, 3).sort().values.tolist() == list(range(1000))
    assert not torch.equal(order(1000, 5, 3), order(1000, 5, 4))
