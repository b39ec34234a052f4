"""A namespace like torch.nn that writes down what layers build from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specbuild.catalogue.initialization import INITIALIZATIONS
from specbuild.catalogue.layers import LAYERS
from specbuild.exporting.python.expressions import Call


class Made:
    """A parameter that is being made: its shape, and what fills it."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.filled: Call | None = None


class Recording:
    """What stands for torch.nn in `Layer.build`: each class is a function that gives a `Call`."""

    @staticmethod
    def new_parameter(shape: tuple[int, ...]) -> Made:
        """A parameter of that shape."""
        return Made(tuple(shape))

    def __getattr__(self, name: str) -> Any:
        if name == "init":
            return Initializing()
        assert name in LAYERS, name

        def record(**arguments: Any) -> Call:
            return Call(f"nn.{name}", arguments, defaults_of(name))

        return record


class Initializing:
    """What stands for torch.nn.init."""

    def __getattr__(self, name: str) -> Any:
        assert name in INITIALIZATIONS, name

        def record(parameter: Made, **arguments: Any) -> None:
            parameter.filled = Call(f"nn.init.{name}", arguments, INITIALIZATION_DEFAULTS[name])

        return record


def defaults_of(kind: str) -> Mapping[str, Any]:
    """The defaults of a layer's arguments, which are torch's."""
    return {name: field.default for name, field in LAYERS[kind].model_fields.items() if not field.is_required()}


INITIALIZATION_DEFAULTS = {
    name: {field: entry.default for field, entry in cls.model_fields.items() if not entry.is_required()}
    for name, cls in INITIALIZATIONS.items()
}
"""The defaults of torch.nn.init's functions."""

NN: Any = Recording()
