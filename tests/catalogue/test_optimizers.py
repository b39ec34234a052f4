from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from specbuild.catalogue.optimizers import OPTIMIZERS
from specbuild.catalogue.rules import Violation

torch.set_num_threads(1)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_the_fields_are_torchs_arguments_with_torchs_defaults(name: str) -> None:
    cls = OPTIMIZERS[name]
    theirs = {
        key: parameter.default
        for key, parameter in inspect.signature(getattr(torch.optim, name)).parameters.items()
        if key != "params" and (key not in cls.since or available(cls.since[key]))
    }
    assert {key: info.default for key, info in cls.model_fields.items() if key in theirs} == theirs
    assert [key for key in cls.model_fields if key in theirs] == [*theirs]
    assert cls.model_fields.keys() - theirs.keys() <= cls.since.keys()


def available(version: str) -> bool:
    return tuple(map(int, torch.__version__.split(".")[:2])) >= tuple(map(int, version.split(".")))


NUMBERS = st.sampled_from([-1.0, -1e-9, 0, 0.0, 1e-8, 0.5, 0.9, 1, 1.0, 1.5])


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """An optimizer and some of its arguments, right and wrong. `capturable` is for another device."""
    name = draw(st.sampled_from(sorted(OPTIMIZERS)))
    arguments: dict[str, Any] = {}
    for field, info in OPTIMIZERS[name].model_fields.items():
        if field == "capturable" or not draw(st.booleans()):
            continue
        if field == "betas":
            arguments[field] = [float(draw(NUMBERS)), float(draw(NUMBERS))]
        elif info.default is None:
            arguments[field] = draw(st.sampled_from([None, True, False]))
        elif isinstance(info.default, bool):
            arguments[field] = draw(st.booleans())
        else:
            arguments[field] = draw(NUMBERS)
    return name, arguments


def torch_says(name: str, arguments: dict[str, Any]) -> str | None:
    """What real torch makes of the optimizer and one step of it."""
    weight = torch.nn.Parameter(torch.ones(3))
    weight.grad = torch.ones(3)
    try:
        getattr(torch.optim, name)([weight], **arguments).step()
    except Exception as error:
        return str(error)
    return None


@settings(max_examples=500, deadline=None)
@given(cases())
def test_the_verdict_is_torchs(case: tuple[str, dict[str, Any]]) -> None:
    name, arguments = case
    verdict = torch_says(name, arguments)
    try:
        entry = OPTIMIZERS[name](**arguments)
        entry.check()
        refusal = None
    except (ValidationError, Violation) as error:
        refusal = str(error)
    assert (refusal is None) == (verdict is None), (refusal, verdict)
    if refusal is None:
        built = entry.build(torch.optim, [torch.nn.Parameter(torch.ones(3))])
        assert type(built) is getattr(torch.optim, name)
        for key, value in arguments.items():
            assert built.defaults[key] == (tuple(value) if key == "betas" else value)


@pytest.mark.parametrize(
    ("name", "arguments", "field", "message"),
    [
        ("SGD", {"nesterov": True}, "nesterov",
         "nesterov needs a momentum above 0 and a dampening of 0, but momentum is 0 and dampening is 0"),
        ("Adam", {"fused": True, "foreach": True}, "foreach",
         "fused and foreach are two ways to run the step: only one can be true"),
        ("Adadelta", {"differentiable": True}, "differentiable",
         "differentiable: true takes gradients through the step, which training does not do"),
    ],
)  # fmt: skip
def test_messages(name: str, arguments: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(Violation) as raised:
        OPTIMIZERS[name](**arguments).check()
    assert (raised.value.code, raised.value.field, str(raised.value)) == ("SB410", field, message)


def test_capturable_is_for_cuda() -> None:
    entry = OPTIMIZERS["Adam"](capturable=True)
    entry.check_device("cuda")
    with pytest.raises(Violation, match="capturable: true is for CUDA graphs, but the device is cpu"):
        entry.check_device("cpu")
