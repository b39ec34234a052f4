"""A Sequential that routes by name: what a scope with branches compiles to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

from torch import Tensor, nn


class Route(NamedTuple):
    """How one child is called, in numbered slots that hold what flows.

    child: its name. arguments, keywords: the slots that it takes. slot: where its result goes; its second
    results go to the slots after it, in the order of `results`. freed: the slots that nothing reads later.
    parameter: it is a parameter of the scope and no module; with True its leading 1 spans the batch.
    """

    child: str
    arguments: tuple[int, ...]
    keywords: tuple[tuple[str, int], ...]
    slot: int
    results: int
    freed: tuple[int, ...]
    parameter: bool | None = None


class Routing(NamedTuple):
    """The ways through a scope.

    inputs: their names in order, which fill the first slots. batch: the slot of an input that has a batch
    axis. outputs: by name, the slot of each. slots: how many there are.
    """

    routes: tuple[Route, ...]
    inputs: tuple[str, ...]
    batch: int
    outputs: Mapping[str, int]
    slots: int


class Routed(nn.Sequential):
    """A Sequential whose children take the results that they name, not only what came before.

    The children stand in the order and under the names of the document, so the keys of the `state_dict`
    are those of an `nn.Sequential`. Called with its inputs in their order or by their names; several
    outputs come as a dict. What would change the children but not their routes raises `TypeError`.
    """

    def __init__(
        self,
        children: Mapping[str, nn.Module],
        routing: Routing,
        parameters: Mapping[str, nn.Parameter],
    ) -> None:
        super().__init__(OrderedDict(children))
        self._routing = routing
        for name, parameter in parameters.items():
            self.register_parameter(name, parameter)

    def forward(self, *inputs: Tensor, **named: Tensor) -> Any:
        """The output, or a dict of them."""
        routes, names, batched, outputs, slots = self._routing
        if len(inputs) + len(named) != len(names) or set(names[len(inputs) :]) != set(named):
            got = [f"{len(inputs)} by order", *(f"`{name}`" for name in named)]
            raise TypeError(f"the inputs are {', '.join(names)}; got {', '.join(got)}")
        values: list[Any] = [*inputs, *(named[name] for name in names[len(inputs) :])]
        sample = values[batched]
        values += [None] * (slots - len(values))
        for route in routes:
            if route.parameter is not None:
                constant = getattr(self, route.child)
                if route.parameter:
                    constant = constant.expand(sample.shape[0], *constant.shape[1:])
                values[route.slot] = constant
                continue
            arguments = [values[slot] for slot in route.arguments]
            keywords = {name: values[slot] for name, slot in route.keywords}
            result = self._modules[route.child](*arguments, **keywords)
            if route.results:
                values[route.slot : route.slot + 1 + route.results] = result
            else:
                values[route.slot] = result
            del arguments, keywords, result
            for slot in route.freed:
                values[slot] = None
        if len(outputs) == 1:
            (slot,) = outputs.values()
            return values[slot]
        return {name: values[slot] for name, slot in outputs.items()}

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a routed network keeps its children: change the spec and build again")

    append = extend = insert = pop = _refuse
    __delitem__ = __add__ = __radd__ = __iadd__ = __mul__ = __imul__ = __rmul__ = _refuse

    def __getitem__(self, index: Any) -> Any:
        """A child by its index; a slice would lose the routes."""
        if isinstance(index, slice):
            self._refuse()
        return super().__getitem__(index)
