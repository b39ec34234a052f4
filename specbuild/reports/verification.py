"""Holding a plan against real torch: the model is built, run and counted by torchinfo."""

from __future__ import annotations

import torch
import torchinfo
from torch import nn

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import SpecError
from specbuild.language.document import Spec
from specbuild.network.compile import build
from specbuild.network.plan import Plan, outcome_of

BATCH = 2


def verify(spec: Spec, plan: Plan) -> str:
    """Build the network, run it, and hold every shape and count of the plan against what happened.

    Returns a sentence that says what was held; raises `SpecError` (SB390) with each disagreement.
    """
    model = build(plan).eval()
    batch = sample(plan)
    seen: dict[str, tuple[tuple[int, ...], str]] = {}
    hooks = [module.register_forward_hook(recorder(seen, name)) for name, module in model.named_modules()]
    with torch.no_grad():
        output = model(batch)
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

    layers = list(plan.layers())
    for step in layers:
        hold(f"output of {step.name}", (step.output.shape, step.output.dtype), seen.get(step.name), step.path)
        module = model.get_submodule(step.name)
        stored = {name: tuple(p.shape) for name, p in module.named_parameters()}
        planned = {name: storage.shape for name, storage in outcome_of(step).parameters.items()}
        hold(f"parameters of {step.name}", planned, stored, step.path)
    hold("the output", (plan.output.shape, plan.output.dtype), described(output))
    counted = torchinfo.summary(model, input_data=batch, verbose=0)
    hold("parameters, by torchinfo", plan.parameters(), counted.total_params)
    if problems:
        raise SpecError(spec.place(problems))
    return (
        f"verified: {len(layers)} layers, {plan.parameters():,} parameters and the output {plan.output} "
        f"agree with torchinfo and with a forward pass of {BATCH} samples"
    )


def sample(plan: Plan) -> torch.Tensor:
    """A batch of the plan's input type: noise, or small whole numbers where integers belong."""
    dtype: torch.dtype = getattr(torch, plan.input.dtype)
    shape = (BATCH, *plan.input.shape)
    return torch.randn(shape).to(dtype) if dtype.is_floating_point else torch.ones(shape, dtype=dtype)


def described(output: torch.Tensor) -> tuple[tuple[int, ...], str]:
    """The shape of one sample, and the dtype."""
    return tuple(output.shape[1:]), str(output.dtype).removeprefix("torch.")


def recorder(seen: dict[str, tuple[tuple[int, ...], str]], name: str):  # type: ignore[no-untyped-def]
    """A hook that notes what a module gave."""

    def hook(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        seen[name] = described(output)

    return hook
