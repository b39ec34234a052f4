"""An `nn.Module` to a spec, proven by a forward pass of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError, SpecError
from specbuild.importing.documents import document, reduced
from specbuild.importing.graph import Graph
from specbuild.importing.normalizing import Unsayable, normalized
from specbuild.importing.proving import prove
from specbuild.importing.structure import folded, unfolded
from specbuild.importing.comparing import same_plan
from specbuild.importing.tracing import BATCH, traced
from specbuild.language.loading import load
from specbuild.network.inference import infer

SEED = 0


class Flat(NamedTuple):
    """A model as a document that writes every scope out."""

    tree: dict[str, Any]
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


def flat(model: nn.Module, types: Mapping[str, TensorType], name: str | None = None) -> Flat:
    """The document of a model, without repeats. Raises `RunError` (SB516) with all that a spec cannot say."""
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        inputs = drawn(types)
        trace = traced(model, types, inputs)
    finally:
        for module, mode in training.items():
            module.training = mode
    problems = list(trace.problems)
    problems += unused(model, trace.called)
    if problems:
        raise RunError(problems)
    graph = trace.graph
    graph.name = name or graph.name
    graph.tie = ties(model)
    try:
        normalized(graph.scope)
    except Unsayable as fact:
        raise RunError([Diagnostic("SB516", f"{fact.name or 'the model'}: {fact.message}")]) from None
    tree = document(graph)
    try:
        reduced(tree["layers"], infer(load(unfolded(tree))).steps)
    except SpecError as error:
        raise RunError([Diagnostic("SB516", str(found.text), fix=found.fix) for found in error.diagnostics]) from None
    return Flat(tree, inputs, trace.outputs)


def structured(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The document with repeats and blocks, whose plan is that of the one without; else the one without."""
    plain = unfolded(tree)
    wanted = infer(load(plain))
    for optional in (True, False):
        found = folded(tree, optional=optional)
        try:
            if same_plan(wanted, infer(load(found))):
                return found
        except SpecError:
            continue
    return plain


def drawn(types: Mapping[str, TensorType]) -> dict[str, Tensor]:
    """Two samples for each input: normally distributed numbers, or small integers."""
    generator = torch.Generator().manual_seed(SEED)
    found = {}
    for name, kind in types.items():
        dtype = getattr(torch, kind.dtype)
        shape = (BATCH, *kind.shape)
        if dtype.is_floating_point:
            found[name] = torch.randn(shape, generator=generator).to(dtype)
        else:
            found[name] = torch.randint(0, 2, shape, generator=generator).to(dtype)
    return found


def unused(model: nn.Module, called: set[int]) -> Iterator[Diagnostic]:
    """SB516 for parts with weights that `forward` does not run; of nested ones the outermost."""
    told: list[str] = []
    for name, module in model.named_modules():
        if not name or any(name.startswith(f"{other}.") for other in told):
            continue
        keys = [key for key in module.state_dict()]
        if keys and not any(id(part) in called for part in module.modules()):
            told.append(name)
            message = f"{name}: forward does not run it in eval mode, and its {len(keys)} keys belong to no layer then"
            yield Diagnostic("SB516", message, fix="make the model without it, by an argument of its factory")


def ties(model: nn.Module) -> dict[str, str]:
    """Parameters that are registered twice."""
    first: dict[int, str] = {}
    found = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if id(parameter) in first:
            found[name] = first[id(parameter)]
        else:
            first[id(parameter)] = name
    return found
