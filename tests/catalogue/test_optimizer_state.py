"""What an optimizer keeps for a parameter is what torch's keeps after a step."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from specbuild.catalogue.optimizers import OPTIMIZERS

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in sorted(set(OPTIMIZERS) - {"LBFGS", "SparseAdam"})),
    ("SGD", {"momentum": 0.9}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {"amsgrad": True}),
    ("RMSprop", {"momentum": 0.9}),
    ("RMSprop", {"centered": True}),
]


def stepped(entry: Any, parameter: torch.nn.Parameter, sparse: bool = False) -> int:
    """The numbers in the state after enough steps to fill it, single ones left out."""
    optimizer = entry.build(torch.optim, [parameter])

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (parameter.sin() * torch.arange(parameter.numel()).view(parameter.shape)).sum()
        loss.backward()
        if sparse:
            parameter.grad = parameter.grad.to_sparse()  # type: ignore[union-attr]
        return loss

    for _ in range(60):
        closure()
        optimizer.step(closure) if entry.type == "LBFGS" else optimizer.step()
    found = 0
    for value in optimizer.state[parameter].values():
        for tensor in value if isinstance(value, list) else [value]:
            if isinstance(tensor, torch.Tensor) and tensor.dim():
                found += tensor.numel()
    return found


@pytest.mark.parametrize(("name", "arguments"), VARIANTS)
@pytest.mark.parametrize("shape", [(6, 4), (8,), (2, 3, 5)])
def test_state(name: str, arguments: dict[str, Any], shape: tuple[int, ...]) -> None:
    if name == "Muon" and len(shape) != 2:
        shape = (3, 7)
    entry = OPTIMIZERS[name].model_validate(arguments)
    assert entry.state(shape) == stepped(entry, torch.nn.Parameter(torch.randn(shape)))


def test_state_of_sparse_gradients() -> None:
    entry = OPTIMIZERS["SparseAdam"]()
    assert entry.state((6, 4)) == stepped(entry, torch.nn.Parameter(torch.randn(6, 4)), sparse=True)


def test_lbfgs_keeps_at_most_its_history() -> None:
    entry = OPTIMIZERS["LBFGS"].model_validate({"history_size": 3, "max_iter": 5, "lr": 0.1})
    kept = stepped(entry, torch.nn.Parameter(torch.randn(6, 4)))
    assert 24 < kept <= entry.state((6, 4))
