"""Holding a plan against real torch: the model is built, run and counted by torchinfo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torchinfo
from torch import nn

from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import SpecError
from specbuild.language.document import Spec
from specbuild.network.compile import build
from specbuild.network.plan import Plan, Step, outcome_of

BATCH = 2

Described = tuple[tuple[int, ...], str]
"""The whole shape, and the dtype."""


def verify(spec: Spec, plan: Plan) -> str:
    """Build the network, run it, and hold every shape and count of the plan against what happened.

    Returns a sentence that says what was held; raises `SpecError` (SB390) with each disagreement.
    """
    model = build(plan).eval()
    layers = list(plan.layers())
    batch = [sample(kind) for kind in plan.inputs.values()]
    seen: dict[str, list[Described]] = {}
    modules = [(step.name, model.get_submodule(step.name)) for step in layers if not is_parameter(step)]
    hooks = [module.register_forward_hook(recorder(seen, name)) for name, module in modules]
    with torch.no_grad():
        output = model(*batch)
    for hook in hooks:
        hook.remove()
    problems: list[Diagnostic] = []

    def hold(what: str, planned: object, actual: object, path: tuple[str | int, ...] = ()) -> None:
        if planned != actual:
            problems.append(
                Diagnostic(
                    "SB390",
                    f"{what}: the plan says {planned}, torch says {actual}",
                    path,
                    fix="this is a defect of specbuild: please report it with the spec",
                )
            )

    for step in layers:
        if not is_parameter(step):
            results = [step.output, *(outcome_of(step).results[name] for name in step.results)]
            hold(f"output of {step.name}", [expected(kind) for kind in results], seen.get(step.name), step.path)
        planned = {name: storage.shape for name, storage in outcome_of(step).parameters.items()}
        hold(f"parameters of {step.name}", planned, parameters(model, step), step.path)
    outputs = output if isinstance(output, Mapping) else dict.fromkeys(plan.outputs, output)
    hold("the outputs", list(plan.outputs), list(outputs))
    for name, kind in plan.outputs.items():
        hold(f"the output {name}", expected(kind), described(outputs[name]))
    hold("parameters", plan.parameters(), sum(parameter.numel() for parameter in model.parameters()))
    loose = plan._replace(tie={})  # torchinfo counts a tied parameter now once, now wherever it stands
    counted = torchinfo.summary(build(loose) if plan.tie else model, input_data=batch, verbose=0)
    hold("parameters, by torchinfo", loose.parameters(), counted.total_params)
    if problems:
        raise SpecError(spec.place(problems))
    ends = ", ".join(str(kind) for kind in plan.outputs.values())
    return (
        f"verified: {len(layers)} layers, {plan.parameters():,} parameters and the output"
        f"{'s' if len(plan.outputs) > 1 else ''} {ends} "
        f"agree with torchinfo and with a forward pass of {BATCH} samples"
    )


def is_parameter(step: Step) -> bool:
    """Whether a step is a parameter of its scope, and so no module."""
    return "" in outcome_of(step).parameters


def parameters(model: nn.Module, step: Step) -> dict[str, tuple[int, ...]]:
    """The shapes of the parameters that torch has for a layer, by their names in it."""
    if is_parameter(step):
        return {"": tuple(model.get_parameter(step.name).shape)}
    return {name: tuple(p.shape) for name, p in model.get_submodule(step.name).named_parameters()}


def sample(kind: TensorType) -> torch.Tensor:
    """A batch of an input's type: noise, or small whole numbers where integers belong."""
    dtype: torch.dtype = getattr(torch, kind.dtype)
    shape = (BATCH, *kind.shape)
    return torch.randn(shape).to(dtype) if dtype.is_floating_point else torch.ones(shape, dtype=dtype)


def expected(kind: TensorType) -> Described:
    """What the plan says of a tensor."""
    return ((BATCH, *kind.shape) if kind.batched else kind.shape), kind.dtype


def described(output: torch.Tensor) -> Described:
    """What torch says of it."""
    return tuple(output.shape), str(output.dtype).removeprefix("torch.")


def recorder(seen: dict[str, list[Described]], name: str):  # type: ignore[no-untyped-def]
    """A hook that notes what a module gave: its result, and its second results."""

    def hook(module: nn.Module, inputs: object, output: Any) -> None:
        seen[name] = [described(result) for result in (output if isinstance(output, tuple) else (output,))]

    return hook
