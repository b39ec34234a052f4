"""Holding a plan against real torch: the model is built, run and counted by torchinfo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
import torchinfo
from torch import nn

from specbuild.catalogue.plugged import PLUGGED
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import SpecError
from specbuild.language.document import Spec
from specbuild.network.compile import build
from specbuild.network.cost import memory_here, require_memory
from specbuild.network.plan import Plan, Step, outcome_of

BATCH = 2

Described = tuple[tuple[int, ...], str]
"""The whole shape, and the dtype."""


def verify(spec: Spec, plan: Plan) -> str:
    """Build the network, run it, and hold every shape and count of the plan against what happened.

    Returns a sentence that says what was held; raises `SpecError` with each disagreement (SB390), and for weights
    that are larger than this machine's memory (SB311).
    """
    try:
        require_memory(plan, memory_here())
    except SpecError as error:
        raise SpecError(spec.place(error.diagnostics)) from None
    model = build(plan, spec).eval()
    layers = list(plan.layers())
    batch = [sample(kind) for kind in plan.inputs.values()]
    seen: dict[str, list[Described]] = {}
    modules = [(step.name, model.get_submodule(step.name)) for step in layers if not is_parameter(step)]
    hooks = [module.register_forward_hook(recorder(seen, name)) for name, module in modules]
    try:
        with torch.no_grad():
            output = model(*batch)
    except Exception as error:
        problems = [*misfits(layers, seen)]
        if not problems:
            raise
        raise SpecError(spec.place(problems)) from error
    for hook in hooks:
        hook.remove()
    problems = [*misfits(layers, seen)]
    if problems:
        raise SpecError(spec.place(problems))

    def hold(what: str, planned: object, actual: object, path: tuple[str | int, ...] = (), own: str = "") -> None:
        if planned != actual:
            fix = "this is a defect of specbuild: please report it with the spec"
            if own:
                fix = f"mend `infer` or `build` of {own} ({PLUGGED[own].__module__})"
            problems.append(Diagnostic("SB390", f"{what}: the plan says {planned}, torch says {actual}", path, fix=fix))

    for step in layers:
        if not is_parameter(step):
            results = [step.output, *(outcome_of(step).results[name] for name in step.results)]
            hold(f"output of {step.name}", [expected(kind) for kind in results], seen.get(step.name), step.path)
        planned = {name: storage.shape for name, storage in outcome_of(step).parameters.items()}
        own = step.type if step.type in PLUGGED else ""
        hold(f"parameters of {step.name}", planned, parameters(model, step), step.path, own)
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


def misfits(layers: Iterable[Step], seen: Mapping[str, list[Described]]) -> Iterator[Diagnostic]:
    """SB390 for each layer of a plug-in whose module gave something else than its class says."""
    for step in layers:
        if step.type in PLUGGED and step.name in seen:
            results = [step.output, *(outcome_of(step).results[name] for name in step.results)]
            said = [expected(kind) for kind in results]
            if said != seen[step.name]:
                yield Diagnostic(
                    "SB390", f"{step.type}'s `infer` says {shown(said)}, but its module gives {shown(seen[step.name])}",
                    step.path, instance=step.name,
                    fix=f"mend `infer` or `build` of {step.type} ({PLUGGED[step.type].__module__})",
                )  # fmt: skip


def shown(results: Iterable[Described]) -> str:
    """Shapes as a message has them, the batch left out."""
    return " and ".join(
        f"{list(shape[1:])}" + (f" {dtype}" if dtype != "float32" else "") if shape[:1] == (BATCH,)
        else f"{list(shape)} of a batch of {BATCH}" for shape, dtype in results
    )  # fmt: skip


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
