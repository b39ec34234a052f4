"""From a Plan to torch; with `modules` and `routed`, the only part of `network` that imports it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from specbuild.catalogue.rules import Violation
from specbuild.errors import SpecError
from specbuild.language.document import Spec
from specbuild.language.parsing import of_violation
from specbuild.network import modules
from specbuild.network.plan import Plan, Scope, Step
from specbuild.network.routed import Route, Routed, Routing


class Namespace(SimpleNamespace):
    """What layers are built from: torch.nn, and what specbuild adds to it."""

    @staticmethod
    def new_parameter(shape: tuple[int, ...]) -> nn.Parameter:
        """A parameter that is still to be initialized."""
        return nn.Parameter(torch.empty(shape))

    def __getattr__(self, name: str) -> Any:
        return getattr(modules if name in modules.__all__ else nn, name)


NAMESPACE = Namespace()


def build(plan: Plan, spec: Spec | None = None) -> nn.Sequential:
    """The network, with torch's own initial weights but for those that the plan says; what is frozen has no gradient.

    A straight line of layers is a plain `nn.Sequential(OrderedDict(...))`, nested where the document
    nests; a scope with branches is one `Routed`. The keys of the `state_dict` are the layers' names.
    Raises `SpecError` (SB315) for a plug-in that fails, placed in `spec` where that is given.
    """
    try:
        network = of_scope(plan.scope, [type.batched for type in plan.inputs.values()])
    except SpecError as error:
        raise error if spec is None else SpecError(spec.place(error.diagnostics)) from None
    for tied, kept in plan.tie.items():
        module, _, name = tied.rpartition(".")
        setattr(network.get_submodule(module), name, network.get_parameter(kept))
    for key in plan.frozen:
        module, _, name = key.rpartition(".")
        found = getattr(network.get_submodule(module), name)
        if isinstance(found, nn.Parameter):
            found.requires_grad_(False)
    with torch.no_grad():
        for key, scheme in plan.init.items():
            scheme.apply(nn.init, network.get_parameter(key))
    return network


def of_scope(scope: Scope, batched: Sequence[bool]) -> nn.Sequential:
    """The modules of one scope under their names; batched: which of its inputs have a batch axis."""
    built = {step.local_name: of_step(step) for step in scope.steps}
    if scope.straight:
        return nn.Sequential(OrderedDict(built))
    return Routed(
        {name: module for name, module in built.items() if isinstance(module, nn.Module)},
        routing(scope, batched),
        {name: made for name, made in built.items() if isinstance(made, nn.Parameter)},
    )


def of_step(step: Step) -> Any:
    """One layer, or one scope, as a module; a Parameter as an `nn.Parameter`."""
    if step.layer is None:
        assert step.scope is not None
        return of_scope(step.scope, [type.batched for type in step.inputs])
    try:
        return step.layer.build(NAMESPACE, **{step.layer.results[name]: True for name in step.results})
    except Violation as violation:  # of a plug-in
        raise SpecError([replace(of_violation(violation, step.path), instance=step.name)]) from violation


def routing(scope: Scope, batched: Sequence[bool]) -> Routing:
    """The ways through a scope; batched: which of its inputs have a batch axis."""
    slots: list[int] = []
    count = len(scope.inputs)
    for step in scope.steps:
        slots.append(count)
        count += 1 + len(step.results)

    def slot_of(position: int, result: str | None) -> int:
        if position < 0:
            return -1 - position
        return slots[position] + (1 + scope.steps[position].results.index(result) if result else 0)

    outputs = {name: slot_of(reference.position, reference.result) for name, reference in scope.outputs.items()}
    taken = [
        [(source.keyword, slot_of(source.position, source.result)) for source in step.sources] for step in scope.steps
    ]
    last: dict[int, int] = {slot: index for index, sources in enumerate(taken) for _, slot in sources}
    for index, step in enumerate(scope.steps):
        for slot in range(slots[index], slots[index] + 1 + len(step.results)):
            last.setdefault(slot, index)
    routes = tuple(
        Route(
            step.local_name,
            tuple(slot for keyword, slot in taken[index] if keyword is None),
            tuple((keyword, slot) for keyword, slot in taken[index] if keyword is not None),
            slots[index],
            len(step.results),
            tuple(slot for slot, end in last.items() if end == index and slot not in outputs.values()),
            getattr(step.layer, "batch", None) if step.layer is not None and step.layer.takes == () else None,
        )
        for index, step in enumerate(scope.steps)
    )
    # without a batch there is nothing that asks for it: inference has seen to that
    return Routing(routes, scope.inputs, batched.index(True) if True in batched else 0, outputs, count)
