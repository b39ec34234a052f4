"""All that a training is made of at one moment, as a tree of plain values and tensors, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

import torch

from specbuild.runs.tree import on_host
from specbuild.training.averaging import Kept

if TYPE_CHECKING:
    from specbuild.training.fitting import Fit
    from specbuild.training.measuring import Meter

State = dict[str, Any]


@dataclass(slots=True)
class Position:
    """How far a training is in the order of its data."""

    epoch: int = 1
    """The one that is under way, or comes next."""
    batches: int = 0
    """Batches of it that were learned from."""
    read: int = 0
    """Batches of it that were read: some may have had no sample that could be."""
    learned: bool = False
    """Whether all of it is learned from, and val is next."""
    seconds: float = 0.0
    """Spent on it before it was left."""
    meter: Meter | None = field(default=None, compare=False)
    """What was measured of it so far."""
    generators: dict[str, torch.Tensor] | None = None
    """The generators as they were when it was learned."""


def generators(device: torch.device) -> dict[str, torch.Tensor]:
    """The state of torch's global generators: of the CPU, and of the device."""
    found = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        found["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        found["mps"] = torch.mps.get_rng_state()
    return found


def restore_generators(states: Mapping[str, torch.Tensor], device: torch.device) -> None:
    """Draw on from there; a device's generator is left where the training was on another."""
    torch.set_rng_state(states["cpu"])
    if device.type in states and device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)
    elif device.type in states and device.type == "mps":
        torch.mps.set_rng_state(states["mps"])


def captured(fit: Fit) -> State:
    """What every process has alike, copied to host memory; of a network in parts all but the parts."""
    live: State = {
        "scheduler": None if fit.schedule.scheduler is None else fit.schedule.scheduler.state_dict(),
        "rates": fit.schedule.last,
        "scaler": None if fit.learning.scaler is None else fit.learning.scaler.state_dict(),
    }
    if fit.world.has_whole:
        live |= {"model": fit.model.state_dict(), "optimizer": fit.optimizer.state_dict()}
    if fit.average is not None:
        live["average"] = {"steps": fit.average.steps, "state": fit.average.averaged.state_dict()}
    state: State = on_host(live)
    limits, position = fit.limits, fit.position
    state["limits"] = {
        "steps": limits.steps, "reached": limits.reached, "waited": limits.waited,
        "seconds": monotonic() - limits.begun, "reason": limits.reason,
    }  # fmt: skip
    state["position"] = {
        "epoch": position.epoch, "batches": position.batches, "read": position.read, "learned": position.learned,
        "seconds": position.seconds,
    }  # fmt: skip
    state["best"], state["last"] = kept(fit.kept), None if fit.last is fit.kept else kept(fit.last)
    if fit.last is not None and fit.kept is not None and fit.last.weights is fit.kept.weights:
        state["last"] = None
    return state


def captured_own(fit: Fit) -> State:
    """What each process has for itself, copied to host memory."""
    position = fit.position
    drawn = position.generators if position.generators is not None else generators(fit.device)
    meter = None if position.meter is None else position.meter.state()
    return dict(on_host({"generator": drawn, "meter": meter}))


def kept(weights: Kept | None) -> State | None:
    """The weights of an epoch, which nothing writes over."""
    if weights is None:
        return None
    host = {name: tensor if tensor.device.type == "cpu" else tensor.cpu() for name, tensor in weights.weights.items()}
    return {"score": weights.score, "tables": dict(weights.tables), "weights": host}


def restored(state: Mapping[str, Any]) -> Kept | None:
    """The weights of an epoch as they were kept."""
    return None if state is None else Kept(state["score"], state["weights"], state["tables"])


def restore(fit: Fit, state: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Put a training that has not begun where another was; own: of this process.

    Raises `KeyError`, `TypeError`, `ValueError` or `RuntimeError` where it is another training's.
    """
    if fit.world.has_whole:
        fit.model.load_state_dict(state["model"])
        require_fit(fit.optimizer, state["optimizer"])
        fit.optimizer.load_state_dict(state["optimizer"])
        fit.schedule.groups = fit.optimizer.param_groups
    if fit.schedule.scheduler is not None:
        load_scheduler(fit.schedule.scheduler, state["scheduler"])
    fit.schedule.last = state["rates"]
    if fit.learning.scaler is not None and state["scaler"]:
        fit.learning.scaler.load_state_dict(state["scaler"])
    if fit.average is not None:
        fit.average.steps = state["average"]["steps"]
        fit.average.averaged.load_state_dict(state["average"]["state"])
    limits, saved = fit.limits, state["limits"]
    limits.steps, limits.reached, limits.waited = saved["steps"], saved["reached"], saved["waited"]
    limits.begun, limits.reason = monotonic() - saved["seconds"], saved["reason"]
    fit.kept = restored(state["best"])
    fit.last = restored(state["last"]) or fit.kept
    fit.position = Position(**state["position"])
    if own["meter"] is not None:
        fit.position.meter = fit.train_meter()
        fit.position.meter.restore(own["meter"])
    if fit.position.learned:
        fit.position.generators = dict(own["generator"])
    restore_generators(own["generator"], fit.device)


def require_fit(optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Raise `ValueError` where an optimizer's state is not of these parameters.

    torch's kernels over several tensors at once take what they are given.
    """
    fresh = optimizer.state_dict()
    for group, saved in zip(fresh["param_groups"], state["param_groups"], strict=True):
        if group["params"] != saved["params"] or not group.keys() <= saved.keys():
            raise ValueError("the optimizer has other parameters")
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    whole = type(optimizer).__name__ in WHOLE
    for index, values in state["state"].items():
        for tensor in values.values():
            is_tensor = isinstance(tensor, torch.Tensor) and tensor.dim()
            if whole and is_tensor and tensor.shape != parameters[index].shape:
                raise ValueError("the optimizer's state is of other parameters")


WHOLE = frozenset({"SGD", "Adam", "AdamW", "Adagrad"})
"""Optimizers whose state has the shapes of the parameters, and that may be fused."""


def load_scheduler(scheduler: Any, state: Mapping[str, Any]) -> None:
    """`load_state_dict` of what has the same keys, each counter one again."""
    fresh = scheduler.state_dict()
    if fresh.keys() != state.keys():
        raise ValueError("the scheduler is another one")
    counters = {key for key, value in fresh.items() if isinstance(value, Counter)}
    scheduler.load_state_dict({key: Counter(value) if key in counters else value for key, value in state.items()})
