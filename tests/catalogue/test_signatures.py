"""Every layer's fields and defaults are the parameters of torch's class."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.layers import LAYERS
from specbuild.network.compile import NAMESPACE

NOT_ARGUMENTS = {"device", "dtype"}
"""A network moves and converts as a whole."""
INFERRED = {"in_channels", "in_features", "num_features"}
"""Required in torch; may be left out here, so their default is null."""
REFUSED = {("MaxPool2d", "return_indices"): "naming the second result switches it on"}
"""Arguments of torch that are no fields."""
NO_MODULE = {"Parameter": "torch makes one from a tensor; what the tensor is, and how it meets the batch, is ours"}
"""Layers that no class of torch.nn, and none that specbuild adds to it, has the fields of."""
MODULES = sorted(set(LAYERS) - set(NO_MODULE))


@pytest.mark.parametrize("kind", MODULES)
def test_fields_are_torchs_parameters(kind: str) -> None:
    cls: type[Layer] = LAYERS[kind]
    expected: dict[str, Any] = {}
    for name, parameter in inspect.signature(getattr(NAMESPACE, kind)).parameters.items():
        variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if variadic or name in NOT_ARGUMENTS or (kind, name) in REFUSED:
            continue
        expected[name] = None if name in INFERRED else parameter.default
    actual = {
        name: inspect.Parameter.empty if field.is_required() else field.default
        for name, field in cls.model_fields.items()
    }
    assert actual == expected
    assert list(actual) == list(expected), "in torch's order"


@pytest.mark.parametrize(("kind", "name"), sorted(REFUSED))
def test_what_is_refused_says_why(kind: str, name: str) -> None:
    assert LAYERS[kind].refused[name]
    assert name in inspect.signature(getattr(NAMESPACE, kind)).parameters


@pytest.mark.parametrize("kind", MODULES)
def test_built_module_has_the_defaults_of_torch(kind: str) -> None:
    """What is left out is what torch would take, seen from the built module."""
    required = {"out_channels": 2, "kernel_size": 1, "output_size": 1, "out_features": 2, "dim": 1,
                "unflattened_size": (1, 2)}  # fmt: skip
    given = {name: required[name] for name, field in LAYERS[kind].model_fields.items() if field.is_required()}
    sizes = {name: 2 for name in LAYERS[kind].model_fields if name in INFERRED}
    ours = LAYERS[kind].model_validate({**given, **sizes}).build(NAMESPACE)
    assert repr(ours) == repr(getattr(NAMESPACE, kind)(**given, **sizes))
