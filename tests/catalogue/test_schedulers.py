from __future__ import annotations

import errno
import inspect
import os
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from specbuild.catalogue.fields import Misfit
from specbuild.catalogue.optimizers import OPTIMIZERS
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.schedulers import EXCLUDED, SCHEDULERS
from specbuild.catalogue.schedulers.scheduler import Span

torch.set_num_threads(1)
EXAMPLES = float(os.environ.get("SPECBUILD_EXAMPLES", "1"))

OWN = ("interval", "metric")
"""Fields that torch does not have."""
INFERRED = {"T_max"}
"""What torch wants and the training settles."""


def test_every_scheduler_of_torch_is_there_or_excluded() -> None:
    assert set(lr_scheduler.__all__) == set(SCHEDULERS) | set(EXCLUDED)


@pytest.mark.parametrize("name", sorted(SCHEDULERS))
def test_the_fields_are_torchs_arguments_with_torchs_defaults(name: str) -> None:
    cls = SCHEDULERS[name]
    theirs = {
        key: parameter.default
        for key, parameter in inspect.signature(getattr(lr_scheduler, name)).parameters.items()
        if key not in ("optimizer", "last_epoch") and key not in cls.refused
    }
    fields = {key: info for key, info in cls.model_fields.items() if key not in OWN}
    assert [*fields] == [*theirs]
    for key, info in fields.items():
        if theirs[key] is inspect.Parameter.empty:
            assert info.is_required() or key in INFERRED
        else:
            assert info.default == theirs[key]
    assert [*cls.model_fields][-1] == "interval"


FACTORS = st.sampled_from([0, 0.1, 0.5, 1, 1.0])
WRONG = st.sampled_from([-1, -0.5, 0, 0.3, 1, 1.0, 1.5])
STEPS = st.sampled_from([1, 2, 3, 7])
PERHAPS_NO_STEPS = st.sampled_from([0, 1, 2, 5])
RATES = st.sampled_from([0.1, 1, [0.1], [0.1, 0.2], [0.1, 0.2, 0.3]])
MOMENTA = st.sampled_from([0.0, 0.5, [0.1, 0.2]])
DRAWN: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "StepLR": {"step_size": PERHAPS_NO_STEPS, "gamma": FACTORS},
    "MultiStepLR": {"milestones": st.lists(PERHAPS_NO_STEPS, max_size=3), "gamma": FACTORS},
    "ConstantLR": {"factor": WRONG, "total_iters": STEPS},
    "LinearLR": {"start_factor": WRONG, "end_factor": WRONG, "total_iters": STEPS},
    "ExponentialLR": {"gamma": FACTORS},
    "PolynomialLR": {"total_iters": STEPS, "power": FACTORS},
    "CosineAnnealingLR": {"T_max": PERHAPS_NO_STEPS, "eta_min": FACTORS},
    "CosineAnnealingWarmRestarts": {"T_0": PERHAPS_NO_STEPS, "T_mult": PERHAPS_NO_STEPS, "eta_min": FACTORS},
    "CyclicLR": {
        "base_lr": RATES, "max_lr": RATES,
        "step_size_up": PERHAPS_NO_STEPS, "step_size_down": st.none() | PERHAPS_NO_STEPS,
        "mode": st.sampled_from(["triangular", "triangular2", "exp_range", "other"]), "gamma": FACTORS,
        "cycle_momentum": st.booleans(), "base_momentum": MOMENTA, "max_momentum": MOMENTA,
    },
    "OneCycleLR": {
        "max_lr": RATES,
        "total_steps": st.sampled_from([-1, 0, 1, 2, 5, 10, 11, 20, 21]), "pct_start": WRONG.map(float),
        "anneal_strategy": st.sampled_from(["cos", "linear", "other"]), "cycle_momentum": st.booleans(),
        "base_momentum": MOMENTA, "max_momentum": MOMENTA, "div_factor": FACTORS, "final_div_factor": FACTORS,
        "three_phase": st.booleans(),
    },
    "ReduceLROnPlateau": {
        "mode": st.sampled_from(["min", "max", "other"]), "factor": FACTORS, "patience": PERHAPS_NO_STEPS,
        "threshold": FACTORS, "threshold_mode": st.sampled_from(["rel", "abs", "other"]), "cooldown": PERHAPS_NO_STEPS,
        "min_lr": RATES,
    },
}  # fmt: skip
"""Arguments right and wrong, without those that torch takes and that mean nothing, such as steps below 0."""
COUNT = 20
"""Steps of a drawn training."""
OPTIMIZER_ARGUMENTS = {"SGD": {"momentum": 0.9}, "AdamW": {}, "Adagrad": {}}


@st.composite
def leaves(draw: st.DrawFn, names: tuple[str, ...] = tuple(DRAWN)) -> tuple[str, dict[str, Any]]:
    """A scheduler that is not made of others, with the arguments that it needs and some more."""
    name = draw(st.sampled_from(names))
    required = {key for key, info in SCHEDULERS[name].model_fields.items() if info.is_required()} | {
        "T_max",
        "total_steps",
    }
    return name, {
        key: draw(strategy) for key, strategy in DRAWN[name].items() if key in required or draw(st.booleans())
    }


def goes_on(part: tuple[str, dict[str, Any]]) -> bool:
    """Whether torch can go on with a part: one that is short may end before it divides by a 0 in it."""
    return not any(part[1].get(name) == 0 for name in ("step_size", "T_max", "T_0", "T_mult", "factor"))


PARTS = leaves(tuple(name for name in DRAWN if name not in ("CyclicLR", "OneCycleLR", "ReduceLROnPlateau")))


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Any scheduler; one of several with parts, and milestones of a number that may be wrong."""
    kind = draw(st.sampled_from(["leaf", "leaf", "leaf", "SequentialLR", "ChainedScheduler"]))
    if kind == "leaf":
        return draw(leaves())
    parts = draw(st.lists(PARTS.filter(goes_on), min_size=0, max_size=3))
    if kind == "ChainedScheduler":
        return kind, {"schedulers": parts}
    count = max(0, len(parts) - draw(st.sampled_from([1, 1, 1, 1, 0, 2])))
    milestones = sorted(draw(st.lists(st.integers(1, COUNT - 1), min_size=count, max_size=count, unique=True)))
    return kind, {"schedulers": parts, "milestones": milestones}


def by_hand(name: str, arguments: dict[str, Any], optimizer: torch.optim.Optimizer) -> Any:
    """torch's scheduler, parts first."""
    arguments = dict(arguments)
    if "schedulers" in arguments:
        arguments["schedulers"] = [by_hand(*part, optimizer) for part in arguments["schedulers"]]
    if name == "ChainedScheduler":
        return lr_scheduler.ChainedScheduler(**arguments)
    return getattr(lr_scheduler, name)(optimizer, **arguments)


def entry_of(name: str, arguments: dict[str, Any]) -> Any:
    """The catalogue's scheduler, checked as the parser checks it."""
    arguments = dict(arguments)
    if "schedulers" in arguments:
        arguments["schedulers"] = tuple(entry_of(*part) for part in arguments["schedulers"])
    entry = SCHEDULERS[name](**arguments)
    entry.check()
    return entry


def torch_optimizer(kind: str) -> torch.optim.Optimizer:
    """One of two groups of parameters."""
    groups = [{"params": [torch.nn.Parameter(torch.ones(2))], "lr": lr} for lr in (0.1, 0.2)]
    return OPTIMIZERS[kind](**OPTIMIZER_ARGUMENTS[kind]).build(torch.optim, groups)  # type: ignore[no-any-return]


def rates(optimizer: torch.optim.Optimizer, scheduler: Any, count: int = COUNT) -> list[list[Any]]:
    """The learning rates and momenta of each group at each step."""
    found = []
    for step in range(count):
        found.append([(g["lr"], g.get("momentum"), g.get("betas")) for g in optimizer.param_groups])
        optimizer.step()
        if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
            scheduler.step(float(step % 3))
        else:
            scheduler.step()
    return found


@settings(max_examples=int(600 * EXAMPLES), deadline=None)
@given(cases(), st.sampled_from(sorted(OPTIMIZER_ARGUMENTS)))
def test_verdict_and_rates_are_torchs(case: tuple[str, dict[str, Any]], kind: str) -> None:
    optimizer = torch_optimizer(kind)
    wanted: Any = None
    try:
        wanted = rates(optimizer, by_hand(*case, optimizer))
        verdict = None
    except Exception as error:
        verdict = f"{type(error).__name__}: {error}"
    found: Any = None
    try:
        entry = entry_of(*case)
        entry.check_optimizer(OPTIMIZERS[kind](), 2)
        entry = entry.settled(Span(COUNT, "step", COUNT))
        optimizer = torch_optimizer(kind)
        found = rates(optimizer, entry.build(lr_scheduler, optimizer))
        refusal = None
    except (Misfit, Violation) as error:
        refusal = str(error)
    assert (refusal is None) == (verdict is None), (refusal, verdict)
    assert found == wanted


def span(count: int, interval: Any = "step", per_epoch: int = 10) -> Span:
    return Span(count, interval, per_epoch)


def test_what_the_length_settles() -> None:
    cosine, cycle = SCHEDULERS["CosineAnnealingLR"], SCHEDULERS["OneCycleLR"]
    assert cosine().settled(span(30)).T_max == 30  # type: ignore[attr-defined]
    assert cosine(T_max=7).settled(span(30)).T_max == 7  # type: ignore[attr-defined]
    for arguments, total in (
        ({}, 30), ({"total_steps": 40}, 40), ({"epochs": 5}, 50), ({"steps_per_epoch": 12}, 36),
        ({"epochs": 4, "steps_per_epoch": 11}, 44), ({"epochs": 1, "total_steps": 30}, 30),
    ):  # fmt: skip
        assert cycle(max_lr=1, **arguments).settled(span(30)).total_steps == total  # type: ignore[attr-defined]
    whole = entry_of("SequentialLR", {
        "schedulers": [("LinearLR", {}), ("CosineAnnealingLR", {}), ("CosineAnnealingLR", {})], "milestones": [5, 12],
    })  # fmt: skip
    assert [part.T_max for part in whole.settled(span(30)).schedulers[1:]] == [7, 18]
    chained = entry_of("ChainedScheduler", {"schedulers": [("LinearLR", {}), ("CosineAnnealingLR", {})]})
    assert chained.settled(span(30)).schedulers[1].T_max == 30


@pytest.mark.parametrize(
    ("name", "arguments", "length", "field", "message"),
    [
        ("OneCycleLR", {"max_lr": 1, "total_steps": 29}, span(30), "total_steps",
         "OneCycleLR ends after 29 steps, but the training has 30"),
        ("OneCycleLR", {"max_lr": 1, "steps_per_epoch": 9}, span(30), "steps_per_epoch",
         "OneCycleLR ends after 27 steps, but the training has 30"),
        ("OneCycleLR", {"max_lr": 1, "pct_start": 0.1}, span(10), "pct_start",
         "the first phase has no length: pct_start is 0.1 of 10 steps"),
        ("OneCycleLR", {"max_lr": 1, "pct_start": 1}, span(10), "pct_start",
         "the last phase has no length: pct_start is 1 of 10 steps"),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1, "mode": "triangular2", "step_size_up": 1}, span(2048), "mode",
         "triangular2 halves the height 1024 times, and torch fails after 1023"),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1, "mode": "exp_range", "gamma": 2}, span(2000), "gamma",
         "gamma is 2: after 2000 steps torch fails on a number too large"),
        ("SequentialLR", {"schedulers": [("LinearLR", {}), ("CosineAnnealingLR", {})], "milestones": [500]},
         span(20, "epoch", 1), ("milestones", 0), "CosineAnnealingLR begins at 500, but there are only 20 epochs"),
        ("SequentialLR",
         {"schedulers": [("LinearLR", {}), ("OneCycleLR", {"max_lr": 1, "total_steps": 5})], "milestones": [5]},
         span(20), ("schedulers", 1, "total_steps"), "OneCycleLR ends after 5 steps, but the training has 15"),
    ],
)  # fmt: skip
def test_messages_of_the_length(name: str, arguments: Any, length: Span, field: Any, message: str) -> None:
    with pytest.raises(Violation) as raised:
        entry_of(name, arguments).settled(length)
    assert (raised.value.code, raised.value.field, str(raised.value)) == ("SB415", field, message)


def test_torch_fails_where_cycles_halve_too_often() -> None:
    optimizer = torch_optimizer("SGD")
    cyclic = lr_scheduler.CyclicLR(optimizer, 0.1, 1, step_size_up=1, mode="triangular2")
    rates(optimizer, cyclic, 2047)
    with pytest.raises(OverflowError) as raised:
        rates(optimizer, cyclic, 1)
    assert raised.value.args[0] == errno.ERANGE


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "groups", "field", "message"),
    [
        ("OneCycleLR", {"max_lr": 1}, "Adagrad", 1, "cycle_momentum",
         "cycle_momentum needs an optimizer with `momentum` or `betas`, and Adagrad has neither"),
        ("OneCycleLR", {"max_lr": [1, 2]}, "SGD", 1, "max_lr",
         "max_lr has 2 numbers, but the optimizer has 1 group of parameters"),
        ("ReduceLROnPlateau", {"min_lr": [1]}, "SGD", 3, "min_lr",
         "min_lr has 1 number, but the optimizer has 3 groups of parameters"),
        ("ChainedScheduler", {"schedulers": [("CyclicLR", {"base_lr": 0, "max_lr": 1})]}, "Rprop", 1,
         ("schedulers", 0, "cycle_momentum"),
         "cycle_momentum needs an optimizer with `momentum` or `betas`, and Rprop has neither"),
    ],
)  # fmt: skip
def test_messages_of_the_optimizer(name: str, arguments: Any, kind: str, groups: int, field: Any, message: str) -> None:
    with pytest.raises(Violation) as raised:
        entry_of(name, arguments).check_optimizer(OPTIMIZERS[kind](), groups)
    assert (raised.value.code, raised.value.field, str(raised.value)) == ("SB415", field, message)


def test_intervals_by_default() -> None:
    steps = {name for name in SCHEDULERS if SCHEDULERS[name].customary == "step"}
    assert steps == {"CyclicLR", "OneCycleLR"}
    assert SCHEDULERS["StepLR"](step_size=1).settled_interval == "epoch"
    assert SCHEDULERS["StepLR"](step_size=1, interval="step").settled_interval == "step"
