"""What a checkpoint holds, held against the training that is to go on from it.

Whoever forges a checkpoint can forge its manifest too. So nothing of it is restored before every value is of the type,
the shape and the range that a training writes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from specbuild.network.metrics import metric_names
from specbuild.runs import metrics
from specbuild.runs.reading import shown
from specbuild.training.memories import require_memory
from specbuild.training.state import generators

if TYPE_CHECKING:
    from specbuild.training.fitting import Fit
    from specbuild.training.measuring import Meter

MOST = 2**53
"""Of a count."""
CYCLED = ("lr", "momentum", "betas")
"""What schedulers change in an optimizer's groups."""
COUNTS = ("last_epoch", "_step_count", "T_cur", "T_i", "num_bad_epochs", "cooldown_counter")
NUMBERS = ("_last_lr", "best")
"""What schedulers change in themselves."""


def require(fit: Fit, state: Mapping[str, Any], own: Mapping[str, Any], place: tuple[int, int]) -> None:
    """Raise `ValueError` or `KeyError` for a state that is not one of this training's.

    own: of this process. place: finished epochs and steps, by the checkpoint's name.
    """
    require_position(fit, state, own, place)
    epochs, steps = place
    if fit.world.has_whole:
        alike(state["model"], fit.model.state_dict(), "model")
        require_groups(fit.optimizer, state["optimizer"])
        require_memory(fit, state["optimizer"]["state"], steps)
    schedule = fit.schedule
    if schedule.scheduler is not None:
        require_scheduler(schedule.scheduler.state_dict(), state["scheduler"], steps if schedule.by_step else epochs)
    if state["rates"] is not None:
        numbers(state["rates"], len(fit.optimizer.param_groups), "rates")
    if fit.learning.scaler is not None and state["scaler"]:
        alike(state["scaler"], fit.learning.scaler.state_dict(), "scaler")
        if not 0 < state["scaler"]["scale"] < math.inf:
            raise ValueError("the scale of the loss is none")
    if fit.average is not None:
        counted(state["average"]["steps"], "average.steps")
        alike(state["average"]["state"], fit.average.averaged.state_dict(), "average")
    require_kept(fit, state)
    require_records(fit, state["records"], epochs)


def require_position(fit: Fit, state: Mapping[str, Any], own: Mapping[str, Any], place: tuple[int, int]) -> None:
    """How far it is, with what was measured of the epoch so far."""
    limits, position, batches = state["limits"], state["position"], fit.splits["train"].steps
    every = fit.spec.train.accumulate
    for name in ("steps", "waited"):
        counted(limits[name], f"limits.{name}")
    if limits["reached"] is not None:
        real(limits["reached"], "limits.reached")
    for of, seconds in (("limits", limits["seconds"]), ("position", position["seconds"])):
        real(seconds, f"{of}.seconds", 0.0, 1e12)
    if position.keys() != {"epoch", "batches", "read", "learned", "seconds"}:
        raise ValueError("the position has other keys")
    for name, least, most in (("epoch", 1, MOST), ("batches", 0, batches), ("read", position["batches"], batches)):
        counted(position[name], f"position.{name}", least, most)
    learned, done = position["learned"], position["batches"]
    if type(learned) is not bool:
        raise ValueError("position.learned is neither true nor false")
    taken = limits["steps"] if learned else limits["steps"] + -(-done // every)
    if (position["epoch"] - 1, taken) != place or taken > position["epoch"] * -(-batches // every):
        raise ValueError("it is of another step than its name says")
    if own["meter"] is None and (done or learned):
        raise ValueError("what was measured of the epoch is missing")
    if own["meter"] is not None:
        require_meter(fit.train_meter(), own["meter"])
    for name, wanted in generators(fit.device).items():
        if name in own["generator"] or name == "cpu":
            alike(own["generator"][name], wanted, f"generator.{name}")


def require_groups(optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Arguments are those of the document, but for what schedulers change and how the step is computed."""
    fresh = optimizer.state_dict()["param_groups"]
    if not isinstance(state["param_groups"], list) or len(fresh) != len(state["param_groups"]):
        raise ValueError("the optimizer has other groups")
    for group, saved in zip(fresh, state["param_groups"], strict=True):
        if not isinstance(saved, dict) or group.keys() != saved.keys():
            raise ValueError("the optimizer has other arguments")
        for name, value in group.items():
            if name == "lr":
                real(saved[name], name)
            elif name in CYCLED and saved[name] != value:
                alike(saved[name], value, name)
                for share in saved[name] if isinstance(saved[name], tuple) else (saved[name],):
                    if not 0 <= share < 1 and saved[name] != value:
                        raise ValueError(f"the optimizer's {name} is no share")
            elif name != "fused" and not same(value, saved[name]):
                raise ValueError(f"the optimizer's {name} is another")
            elif name == "fused" and saved[name] not in (None, True, False):
                raise ValueError("the optimizer's fused is none")


def require_scheduler(fresh: Mapping[str, Any], state: Any, steps: int) -> None:
    """Arguments are those of the document; what is counted is no more than the steps, or the epochs, that it had."""
    if not isinstance(state, dict) or fresh.keys() != state.keys():
        raise ValueError("the scheduler is another one")
    for name, value in fresh.items():
        saved = state[name]
        if name == "_schedulers":
            if not isinstance(saved, (list, tuple)) or len(saved) != len(value):
                raise ValueError("the scheduler has other parts")
            for one, other in zip(value, saved, strict=True):
                require_scheduler(one, other, steps)
        elif name == "T_i":
            counted(saved, name, fresh["T_0"])
        elif name in COUNTS:
            counted(saved, name, min(0, value), steps + 1)  # a scheduler that waits for its turn is at -1
        elif name in NUMBERS and isinstance(value, list):
            numbers(saved, len(value), name)
        elif name in NUMBERS:
            real(saved, name, -math.inf)
        elif not same(value, saved):
            raise ValueError(f"the scheduler's {name} is another")


def require_kept(fit: Fit, state: Mapping[str, Any]) -> None:
    """The weights of epochs, with their scores and tables."""
    if (state["best"] is None) != (not state["records"]) or (state["best"] is None and state["last"] is not None):
        raise ValueError("the weights of the best epoch are missing, or of none")
    model = fit.model if fit.average is None else fit.average.model
    for which in ("best", "last"):
        saved = state[which]
        if saved is None:
            continue
        if saved.keys() != {"score", "tables", "weights"}:
            raise ValueError(f"{which} has other keys")
        real(saved["score"], f"{which}.score", -math.inf)
        alike(saved["weights"], model.state_dict(), which)
        if saved["tables"] or any(not metric.number for metric in fit.metrics):
            require_tables(saved["tables"], fit.meter().tables())


def require_tables(saved: Any, fresh: Any) -> None:
    """Counts, in the same rows; their labels are the names of files."""
    if type(saved) is not type(fresh) or (isinstance(saved, (dict, list)) and len(saved) != len(fresh)):
        raise ValueError("a table has another form")
    if isinstance(fresh, dict):
        for label, table in fresh.items():
            require_tables(saved[label], table)
    elif isinstance(fresh, list):
        for row, wanted in zip(saved, fresh, strict=True):
            require_tables(row, wanted)
    else:
        real(saved, "a count", 0.0)


def require_records(fit: Fit, records: Any, epochs: int) -> None:
    """What was measured, an epoch each, from the first."""
    if not isinstance(records, list) or len(records) != epochs:
        raise ValueError("it has not as many records as epochs")
    names = {*metric_names(fit.spec, val="val" in fit.splits), *fit.schedule.rates}
    names |= {"epoch", "best", "seconds", "samples_per_second"}
    for number, record in enumerate(records, start=1):
        if not isinstance(record, dict) or not names <= record.keys() or type(record["best"]) is not bool:
            raise ValueError(f"the record of epoch {number} is none")
        fault = metrics.fault_of(record)
        if fault is not None or record["epoch"] != number or isinstance(record["epoch"], bool):
            raise ValueError(f"the record of epoch {number} is none: {fault or 'it is of another'}")
        for name, value in record.items():
            if value is None and name in ("train_loss", "val_loss", "seconds", "samples_per_second"):
                raise ValueError(f"the record of epoch {number} has no {name}")
            if value is not None:
                real(float(value), name)
            if not name.isprintable() or name == "crc":
                raise ValueError(f"the record of epoch {number} has another name")
    if records and not any(record["best"] for record in records):
        raise ValueError("no record is of the best epoch")


def require_meter(meter: Meter, state: Mapping[str, Any]) -> None:
    """Sums of the same form as an empty meter's."""
    fresh = meter.state()
    if state.keys() != fresh.keys():
        raise ValueError("the meter has other keys")
    counted(state["samples"], "meter.samples")
    alike(state["losses"], fresh["losses"], "meter.losses")
    for name, hits in fresh["hits"].items():
        saved = state["hits"][name]
        counted(saved["labels"], "meter.labels")
        alike({**saved, "labels": 0}, {**hits, "labels": 0}, "meter.hits")
    for name, series in meter.series.items():
        series.require(state["series"][name])


def alike(value: Any, fresh: Any, where: str) -> None:
    """Raise `ValueError` unless a value has the form of another: keys, lengths, types; shapes and dtypes of tensors."""
    if isinstance(fresh, torch.Tensor):
        if not isinstance(value, torch.Tensor) or value.shape != fresh.shape or value.dtype != fresh.dtype:
            raise ValueError(f"{where} is not {list(fresh.shape)} {str(fresh.dtype).removeprefix('torch.')}")
    elif isinstance(fresh, Mapping):
        if not isinstance(value, dict) or value.keys() != fresh.keys():
            raise ValueError(f"{where} has other keys")
        for key, part in fresh.items():
            alike(value[key], part, f"{where}.{key}")
    elif isinstance(fresh, (list, tuple)):
        if type(value) is not type(fresh) or len(value) != len(fresh):
            raise ValueError(f"{where} has another length")
        for index, (one, part) in enumerate(zip(value, fresh, strict=True)):
            alike(one, part, f"{where}.{index}")
    elif isinstance(fresh, float):
        real(value, where)
    elif type(fresh) is int:
        counted(value, where)
    elif value is not fresh and value != fresh:
        raise ValueError(f"{where} is another")


def same(value: Any, saved: Any) -> bool:
    """Whether two plain values are equal; a mapping of any kind is its pairs."""
    if isinstance(value, Mapping):
        return isinstance(saved, Mapping) and dict(value) == dict(saved)
    if isinstance(saved, torch.Tensor) or isinstance(value, torch.Tensor):
        return False
    if isinstance(value, (list, tuple)):
        return type(value) is type(saved) and len(value) == len(saved) and all(map(same, value, saved))
    return type(value) is type(saved) and bool(value == saved)


def real(value: Any, where: str, least: float = -1e300, most: float = math.inf) -> None:
    """Raise `ValueError` unless a value is a number, from least to most; infinite only where least is."""
    ok = type(value) in (int, float) and least <= value <= most
    if not ok or (math.isinf(value) and not math.isinf(least)):
        raise ValueError(f"{shown(where)} is no number that it can be")


def counted(value: Any, where: str, least: int = 0, most: int = MOST) -> None:
    """Raise `ValueError` unless a value is a whole number from least to most."""
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{shown(where)} is no count that it can be")


def numbers(values: Any, count: int, where: str) -> None:
    """Raise `ValueError` unless it is a list of so many numbers."""
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != count:
        raise ValueError(f"{where} has another length")
    for value in values:
        real(value, where)
