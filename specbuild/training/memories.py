"""What an optimizer remembers of each parameter, held against what it would remember after a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import torch

from specbuild.catalogue.optimizers import Optimizer

if TYPE_CHECKING:
    from specbuild.training.fitting import Fit

FLAT = ("d", "prev_flat_grad")
"""What L-BFGS has of all parameters together."""
HISTORY = ("old_dirs", "old_stps")


def require_memory(fit: Fit, saved: Any, steps: int) -> None:
    """Raise `ValueError` for what an optimizer that has taken so many steps cannot have.

    torch's kernels over several tensors at once take what they are given, and a count that is negative divides by 0.
    """
    if not isinstance(saved, dict):
        raise ValueError("the optimizer's state is none")
    parameters = [(group, each) for group in fit.optimizer.param_groups for each in group["params"]]
    if not all(type(index) is int and 0 <= index < len(parameters) for index in saved):
        raise ValueError("the optimizer has other parameters")
    if isinstance(fit.optimizer, torch.optim.LBFGS):
        for index, state in saved.items():
            require_history(state, [each for _, each in parameters], fit.optimizer.param_groups[0]["history_size"])
            if index:
                raise ValueError("the optimizer has other parameters")
        return
    entry = cast(Optimizer, fit.spec.optimizer)
    known: dict[tuple[Any, ...], dict[str, Any]] = {}
    for index, state in saved.items():
        group, parameter = parameters[index]
        key = id(group), parameter.shape, parameter.dtype
        if key not in known:
            known[key] = remembered(entry, group, parameter)
        require_entries(state, known[key], steps)


def remembered(entry: Optimizer, group: Mapping[str, Any], parameter: torch.Tensor) -> dict[str, Any]:
    """What the optimizer remembers of such a parameter after a step without gradients, on the CPU."""
    fresh = torch.nn.Parameter(torch.zeros(parameter.shape, dtype=parameter.dtype))
    fresh.grad = torch.zeros_like(fresh).to_sparse() if entry.sparse == "needed" else torch.zeros_like(fresh)
    plain = {name: None for name in ("fused", "foreach") if name in group}
    arguments = {name: value for name, value in group.items() if name != "params"}
    arguments |= plain | ({"capturable": False} if "capturable" in group else {})
    optimizer = entry.build(torch.optim, [{**arguments, "params": [fresh]}])
    optimizer.step()
    return dict(optimizer.state[fresh])


def require_entries(state: Any, wanted: Mapping[str, Any], steps: int) -> None:
    """Each entry has the shape and dtype of the one that is wanted; a count is one of steps that were taken."""
    if not isinstance(state, dict) or state.keys() != wanted.keys():
        raise ValueError("the optimizer's state has other entries")
    for name, value in wanted.items():
        saved = state[name]
        if not isinstance(value, torch.Tensor):
            if type(saved) is not type(value):
                raise ValueError(f"the optimizer's {name} is of another type")
        elif not isinstance(saved, torch.Tensor) or saved.shape != value.shape or saved.dtype != value.dtype:
            raise ValueError(f"the optimizer's {name} is of other parameters")
        if name == "step" and not (0 <= float(saved) <= steps and float(saved).is_integer()):
            raise ValueError("the optimizer has counted other steps")
        if name == "mu_product" and not 0 <= float(saved) < 1:
            raise ValueError("the optimizer's mu_product is none")


def require_history(state: Any, parameters: list[torch.Tensor], most: int) -> None:
    """What L-BFGS remembers: vectors over all parameters, and numbers."""
    if not isinstance(state, dict) or not {"func_evals", "n_iter"} <= state.keys():
        raise ValueError("the optimizer's state has other entries")
    for name in ("func_evals", "n_iter"):
        if type(state[name]) is not int or not 0 <= state[name] < 2**53:
            raise ValueError(f"the optimizer's {name} is no count")
    rest = {"d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss"}
    if not state["n_iter"] and state.keys() == {"func_evals", "n_iter"}:
        return
    if not rest <= state.keys() <= rest | {"func_evals", "n_iter", "al"} or not state["n_iter"]:
        raise ValueError("the optimizer's state has other entries")
    count, dtype = sum(each.numel() for each in parameters), parameters[0].dtype

    def number(value: Any, kinds: tuple[type, ...] = (int, float)) -> bool:
        if isinstance(value, torch.Tensor):
            return value.dim() == 0 and value.dtype == dtype
        return type(value) in kinds

    def vector(value: Any) -> bool:
        return isinstance(value, torch.Tensor) and value.shape == (count,) and value.dtype == dtype

    pasts = [state[name] for name in (*HISTORY, "ro")]
    al = state.get("al", [None] * most)
    if (
        not all(vector(state[name]) for name in FLAT)
        or not all(number(state[name]) for name in ("t", "H_diag", "prev_loss"))
        or not all(isinstance(past, list) and len(past) == len(pasts[0]) <= most for past in pasts)
        or not all(vector(one) for past in pasts[:2] for one in past)
        or not all(number(one, ()) for one in pasts[2])
        or not (isinstance(al, list) and len(al) == most)
        or not all(one is None or number(one, ()) for one in al)
    ):
        raise ValueError("the optimizer's history is of other parameters")
