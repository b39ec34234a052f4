from __future__ import annotations

import inspect
import os
from typing import Any

import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from specbuild.catalogue.fields import Misfit
from specbuild.catalogue.optimizers import OPTIMIZERS
from specbuild.catalogue.optimizers.optimizer import KERNELS, group_of
from specbuild.catalogue.rules import Violation

torch.set_num_threads(1)
EXAMPLES = float(os.environ.get("SPECBUILD_EXAMPLES", "1"))

OWN = ("groups",)
"""Fields that torch does not have."""


def available(version: str) -> bool:
    return tuple(map(int, torch.__version__.split(".")[:2])) >= tuple(map(int, version.split(".")))


THERE = sorted(name for name in OPTIMIZERS if available(OPTIMIZERS[name].available or "0.0"))
"""Those that this torch has."""


def test_every_optimizer_of_torch_is_there() -> None:
    theirs = {name for name in torch.optim.__all__ if inspect.isclass(getattr(torch.optim, name))} - {"Optimizer"}
    assert theirs <= set(OPTIMIZERS)
    assert set(THERE) <= theirs


@pytest.mark.parametrize("name", THERE)
def test_the_fields_are_torchs_arguments_with_torchs_defaults(name: str) -> None:
    cls = OPTIMIZERS[name]
    theirs = {
        key: parameter.default
        for key, parameter in inspect.signature(getattr(torch.optim, name)).parameters.items()
        if key != "params" and (key not in cls.since or available(cls.since[key]))
    }
    assert {key: info.default for key, info in cls.model_fields.items() if key in theirs} == theirs
    assert [key for key in cls.model_fields if key in theirs] == [*theirs]
    assert cls.model_fields.keys() - theirs.keys() <= cls.since.keys() | {*OWN}


NUMBERS = st.sampled_from([-1.0, -1e-9, 0, 0.0, 1e-8, 0.5, 0.9, 1, 1.0, 1.5])
WHOLE = st.sampled_from([1, 2, 5, 99])
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "betas": st.lists(NUMBERS.map(float), min_size=2, max_size=2),
    "etas": st.lists(NUMBERS.map(float), min_size=2, max_size=2),
    "step_sizes": st.lists(NUMBERS.map(float), min_size=2, max_size=2),
    "ns_coefficients": st.lists(NUMBERS.map(float), min_size=3, max_size=3),
    "ns_steps": st.sampled_from([-1, 0, 1, 99, 100]),
    "adjust_lr_fn": st.sampled_from([None, "original", "match_rms_adamw", "other"]),
    "line_search_fn": st.sampled_from([None, "strong_wolfe", "other"]),
    "max_iter": WHOLE, "max_eval": WHOLE, "history_size": WHOLE,
    # below 0 torch takes these, and fails at a later step, or searches without end
    "lambd": NUMBERS.map(abs), "tolerance_grad": NUMBERS.map(abs), "tolerance_change": NUMBERS.map(abs),
}  # fmt: skip
"""What is drawn of the fields that are no plain number."""


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """An optimizer and some of its arguments, right and wrong. `capturable` is for another device."""
    name = draw(st.sampled_from(THERE))
    arguments: dict[str, Any] = {}
    for field, info in OPTIMIZERS[name].model_fields.items():
        if field in ("capturable", *OWN) or not draw(st.booleans()):
            continue
        if name == "Adafactor" and field == "eps":
            arguments[field] = [draw(st.none() | NUMBERS), draw(NUMBERS)]
        elif field in FIELDS:
            arguments[field] = draw(FIELDS[field])
        elif info.default is None:
            arguments[field] = draw(st.sampled_from([None, True, False]))
        elif isinstance(info.default, bool):
            arguments[field] = draw(st.booleans())
        else:
            arguments[field] = draw(NUMBERS)
    return name, arguments


def stepped(name: str, arguments: dict[str, Any], *, sparse: bool, steps: int = 3) -> str | None:
    """What real torch says of the optimizer and some steps of it; None if all is well."""
    torch.manual_seed(0)
    table = torch.nn.Embedding(5, 3, sparse=sparse)
    try:
        optimizer = getattr(torch.optim, name)(table.parameters(), **arguments)

        def evaluated() -> torch.Tensor:
            optimizer.zero_grad()
            loss = table(torch.tensor([0, 1, 1])).square().sum()
            loss.backward()
            return loss  # type: ignore[no-any-return]

        for _ in range(steps):
            if name != "LBFGS":
                evaluated()
            optimizer.step(evaluated if name == "LBFGS" else None)
    except Exception as error:
        return str(error) or type(error).__name__
    return None


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@settings(max_examples=int(500 * EXAMPLES), deadline=None)
@given(cases(), st.booleans())
@example(("LBFGS", {"lr": 0.0, "line_search_fn": "strong_wolfe"}), False)
@example(("Muon", {"ns_steps": 100}), False)
@example(("SGD", {"weight_decay": 0.5}), True)
@example(("SGD", {"momentum": 0.9, "nesterov": True, "foreach": True}), True)
@example(("Adagrad", {"fused": True}), True)
@example(("SparseAdam", {}), False)
@example(("SparseAdam", {"lr": 0}), True)
def test_the_verdict_is_torchs(case: tuple[str, dict[str, Any]], sparse: bool) -> None:
    name, arguments = case
    evaluations = arguments.get("max_eval") or arguments.get("max_iter", 20)
    # torch searches along no line where it may evaluate but once
    assume(not (evaluations == 1 and arguments.get("lr") == 0 and arguments.get("line_search_fn") == "strong_wolfe"))
    verdict = stepped(name, arguments, sparse=sparse)
    try:
        entry = OPTIMIZERS[name](**arguments)
        entry.check()
        entry.check_parameter("weight", (5, 3), sparse=sparse)
        refusal = None
    except (Misfit, Violation) as error:
        refusal = str(error)
    assert (refusal is None) == (verdict is None), (refusal, verdict)
    if refusal is None:
        built = entry.build(torch.optim, [torch.nn.Parameter(torch.ones(3, 2))])
        assert type(built) is getattr(torch.optim, name)
        for key, value in arguments.items():
            if not (key == "max_eval" and value is None):
                assert built.defaults[key] == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize("name", THERE)
def test_a_group_has_the_arguments_that_torch_reads_from_groups(name: str) -> None:
    cls = OPTIMIZERS[name]
    if "groups" not in cls.model_fields:
        weights = [{"params": [torch.nn.Parameter(torch.ones(3, 2))]} for _ in range(2)]
        with pytest.raises(ValueError, match="parameter groups"):
            getattr(torch.optim, name)(weights)
        return
    group = group_of(cls)
    assert [*group.model_fields] == [
        "parameters", "types", *(key for key in cls.model_fields if key not in (*OWN, *KERNELS, *cls.whole))
    ]  # fmt: skip
    assert set(group.refused) == {key for key in cls.model_fields if key in (*KERNELS, *cls.whole)}
    assert group(parameters="a").changes() == {}
    assert group(parameters="a", lr=0.5).changes() == {"lr": 0.5}


@pytest.mark.parametrize(
    ("name", "arguments", "field", "message"),
    [
        ("SGD", {"nesterov": True}, "nesterov",
         "nesterov needs a momentum above 0 and a dampening of 0, but momentum is 0 and dampening is 0"),
        ("Adam", {"fused": True, "foreach": True}, "foreach",
         "fused and foreach are two ways to run the step: only one can be true"),
        ("Adadelta", {"differentiable": True}, "differentiable",
         "differentiable: true takes gradients through the step, which training does not do"),
        ("LBFGS", {"lr": 0, "line_search_fn": "strong_wolfe"}, "lr", "the line search begins at lr, which is 0"),
    ],
)  # fmt: skip
def test_messages(name: str, arguments: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(Violation) as raised:
        OPTIMIZERS[name](**arguments).check()
    assert (raised.value.code, raised.value.field, str(raised.value)) == ("SB410", field, message)


@pytest.mark.parametrize(
    ("name", "arguments", "shape", "sparse", "field", "message"),
    [
        ("Muon", {}, (3,), False, None, "Muon takes matrices alone, but w is [3]"),
        ("Muon", {}, (3, 3), True, None, "Muon takes no sparse gradients, as those of w are"),
        ("AdamW", {}, (3, 3), True, None, "AdamW takes no sparse gradients, as those of w are"),
        ("SparseAdam", {}, (3, 3), False, None, "SparseAdam needs sparse gradients, but those of w are dense"),
        ("SGD", {"weight_decay": 0.1}, (3, 3), True, "weight_decay",
         "SGD has no `weight_decay` for sparse gradients, as those of w are"),
        ("Adagrad", {"fused": True}, (3, 3), True, "fused",
         "Adagrad has no `fused` for sparse gradients, as those of w are"),
    ],
)  # fmt: skip
def test_messages_of_parameters(
    name: str, arguments: dict[str, Any], shape: tuple[int, ...], sparse: bool, field: str | None, message: str
) -> None:
    with pytest.raises(Violation) as raised:
        OPTIMIZERS[name](**arguments).check_parameter("w", shape, sparse=sparse)
    assert (raised.value.code, raised.value.field, str(raised.value)) == ("SB414", field, message)


def test_capturable_is_for_cuda() -> None:
    entry = OPTIMIZERS["Adam"](capturable=True)
    entry.check_device("cuda")
    with pytest.raises(Violation, match="capturable: true is for CUDA graphs, but the device is cpu"):
        entry.check_device("cpu")
