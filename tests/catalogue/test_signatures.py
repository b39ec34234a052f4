"""Every layer's fields and defaults are the parameters of torch's class."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.layers import LAYERS
from specbuild.network.compile import NAMESPACE
from tests.catalogue.cases import CASES
from tests.catalogue.drawing import SIZES

NOT_ARGUMENTS = {"device", "dtype"}
"""A network moves and converts as a whole."""
MODULES = sorted(kind for kind in LAYERS if "*" not in CASES[kind].unlike_torch)
UNLIKE = sorted((kind, name) for kind, case in CASES.items() for name in case.unlike_torch if name != "*")


@pytest.mark.parametrize("kind", MODULES)
def test_fields_are_torchs_parameters(kind: str) -> None:
    """Names, order and defaults; sizes that are inferred may be left out here, so their default is null."""
    cls: type[Layer] = LAYERS[kind]
    unlike = CASES[kind].unlike_torch
    expected: dict[str, Any] = {}
    for name, parameter in inspect.signature(getattr(NAMESPACE, kind)).parameters.items():
        variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if variadic or name in NOT_ARGUMENTS or name in unlike:
            continue
        expected[name] = None if name in SIZES else parameter.default
    actual = {
        name: inspect.Parameter.empty if field.is_required() else field.default
        for name, field in cls.model_fields.items()
        if name not in unlike
    }
    assert actual == expected
    assert list(actual) == list(expected), "in torch's order"


@pytest.mark.parametrize(("kind", "name"), UNLIKE)
def test_what_is_unlike_torch_has_a_reason(kind: str, name: str) -> None:
    assert CASES[kind].unlike_torch[name]
    if name not in LAYERS[kind].model_fields:
        assert LAYERS[kind].refused[name], "a user who writes it is told why"


@pytest.mark.parametrize("kind", MODULES)
def test_built_module_has_the_defaults_of_torch(kind: str) -> None:
    """What is left out is what torch would take, seen from the built module."""
    given = dict(CASES[kind].required)
    sizes = {name: 8 for name, field in LAYERS[kind].model_fields.items() if name in SIZES and not field.is_required()}
    ours = LAYERS[kind].model_validate({**given, **sizes}).build(NAMESPACE)
    built = {name: value.build(NAMESPACE) if isinstance(value, Layer) else value for name, value in given.items()}
    assert repr(ours) == repr(getattr(NAMESPACE, kind)(**built, **sizes))


def test_required_arguments_have_a_value() -> None:
    for kind, case in CASES.items():
        missing = {name for name, field in LAYERS[kind].model_fields.items() if field.is_required()}
        assert missing <= set(case.required), kind
