"""An `nn.Module` to a spec."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.importing.finishing import Imported, Original, finished
from specbuild.importing.graph import Filling
from specbuild.importing.proving import Trial, watched
from specbuild.importing.running import BATCH
from specbuild.importing.tracing import traced
from specbuild.language import names

SEED = 0
OTHER_BATCH = 3
"""Of the second proof: a forward may go by the size of the batch."""


def from_module(
    model: nn.Module,
    types: Mapping[str, TensorType],
    name: str | None = None,
    *,
    init: Mapping[str, Filling] | None = None,
    comment: str = "",
) -> Imported:
    """The spec of a model for inputs of these types; the model is left as it was.

    init: what filled its parameters. comment: what stands above the document, before what was proven.
    Raises `RunError`: SB516 with all that a spec cannot say, SB515 for a model that does not run on such inputs.
    """
    require_tensors(model)
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        inputs, others = drawn(types), drawn(types, OTHER_BATCH)
        result = run(model, inputs)
        require_layers(model)
        trace = traced(model, types, copied(inputs))
        other = None if trace.problems else run(model, others)
    finally:
        for module, mode in training.items():
            module.training = mode
    # what watches a run may keep torch from its faster ways, so the outputs are those of the run that nothing watched
    problems = trace.problems or tuple(unused(model, trace.called))
    if problems:
        raise RunError(problems)
    outputs = outputs_of(result, list(trace.outputs))
    again = Trial(others, outputs_of(other, list(trace.outputs)))
    graph = trace.graph
    wanted = name or type(model).__name__
    graph.name = wanted if names.malformed(wanted) is None else "model"
    graph.tie = ties(model)
    graph.init = dict(init or {})
    graph.keys = tuple(model.state_dict())
    graph.comment = comment or f"{graph.name}:"
    state = model.state_dict()
    return finished(graph, Original(state, inputs, outputs, lambda: watched(model, copied(inputs)), (again,)))


def require_tensors(model: nn.Module) -> None:
    """SB515 for parameters without values, or of other types than a spec's."""
    for name, parameter in model.named_parameters():
        if isinstance(parameter, UninitializedParameter):
            message, fix = "has no shape yet", "run the model once before it is handed over"
        elif parameter.is_meta:
            message, fix = "is on the device meta, which holds no values", "make the model on the cpu"
        elif parameter.is_floating_point() and parameter.dtype != torch.float32:
            message = f"is {str(parameter.dtype).removeprefix('torch.')}, and those of a spec are float32"
            fix = "model.float()"
        else:
            continue
        raise RunError([Diagnostic("SB515", f"the model's parameter `{name}` {message}", fix=fix)])


def require_layers(model: nn.Module) -> None:
    """SB516 for a model that is one layer with weights itself."""
    keys = list(model.state_dict())
    if keys and not list(model.children()) and type(model).__module__.startswith("torch.nn.modules."):
        kind = type(model).__name__
        message = f"the model is one {kind}, whose key `{keys[0]}` has no layer's name before it"
        raise RunError([Diagnostic("SB516", message, fix=f"an nn.Sequential that holds the {kind}")])


def copied(inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Inputs for a forward that may write into them."""
    return {name: tensor.clone() for name, tensor in inputs.items()}


def run(model: nn.Module, inputs: Mapping[str, Tensor]) -> Any:
    """What a model returns. Raises `RunError` (SB515) where it raises."""
    try:
        with torch.no_grad():
            given = copied(inputs)
            return model(**given) if len(given) > 1 else model(*given.values())
    except (Exception, SystemExit) as error:  # whatever somebody's forward raises
        told = ", ".join(
            f"{name} {tensor_type(x)}" if len(inputs) > 1 else tensor_type(x) for name, x in inputs.items()
        )
        message = f"its forward fails on an input of {told}: {last_line(error)}"
        raise RunError([Diagnostic("SB515", message, fix="--input, the shape of one sample")]) from None


def tensor_type(tensor: Tensor) -> str:
    """The type of one sample of a tensor, as specs are told it."""
    return str(TensorType(tuple(tensor.shape[1:]), str(tensor.dtype).removeprefix("torch.")))


def outputs_of(result: Any, called: Sequence[str]) -> dict[str, Tensor]:
    """What a model returned, by the names of the graph's outputs."""
    if isinstance(result, Tensor):
        return dict.fromkeys(called, result)
    values = list(result.values()) if isinstance(result, Mapping) else list(result)
    return dict(zip(called, [value for value in values if value is not None], strict=False))


def last_line(error: BaseException) -> str:
    """The type of an exception and the last line of what it says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__


def drawn(types: Mapping[str, TensorType], batch: int = BATCH) -> dict[str, Tensor]:
    """Samples for each input: normally distributed numbers, or 0 and 1 for integers."""
    generator = torch.Generator().manual_seed(SEED)
    found = {}
    for name, kind in types.items():
        dtype = getattr(torch, kind.dtype)
        shape = (batch, *kind.shape)
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
        keys = len(module.state_dict())
        if keys and not any(id(part) in called for part in module.modules()):
            told.append(name)
            message = f"{name}: forward does not run it in eval mode, and its {keys} keys would belong to no layer"
            fix = "make the model without it, by an argument of its factory"
            yield Diagnostic("SB516", message, fix=fix, file=file_of(model))


def file_of(model: nn.Module) -> str | None:
    """The file that the model's class is written in; None where there is none."""
    try:
        return inspect.getsourcefile(type(model))
    except TypeError:
        return None


def ties(model: nn.Module) -> dict[str, str]:
    """Parameters that are registered twice: each later one by the first."""
    first: dict[int, str] = {}
    found = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if id(parameter) in first:
            found[name] = first[id(parameter)]
        else:
            first[id(parameter)] = name
    return found


def types_of(given: Any) -> dict[str, TensorType]:
    """Types of inputs as Python gives them: a shape, a mapping of names to shapes, or `{shape: ..., dtype: ...}`."""
    from specbuild.language.ends import inputs_of

    problems: list[Diagnostic] = []
    several = isinstance(given, Mapping) and "shape" not in given
    value = {name: one(kind) for name, kind in given.items()} if several else one(given)
    found = inputs_of({"inputs": value} if several else {"input": value}, problems)
    problems += [
        Diagnostic("SB203", f"a size of an input is a positive integer; got {size}")
        for kind in found.values() for size in kind.shape if not isinstance(size, int)
    ]  # fmt: skip
    if problems:
        raise RunError([Diagnostic("SB515", f"--input: {p.message}", fix=as_option(p.fix))
                        for p in problems])  # fmt: skip
    return dict(found)


def as_option(fix: str | None) -> str:
    """A fix for a document as one for the command line."""
    if fix is None:
        return '--input "[3, 224, 224]"'
    key, colon, value = fix.partition(": ")
    return f'--input "{value}"' if colon and key in ("input", "inputs") else fix


def one(kind: Any) -> Any:
    """One input's type as a document has it."""
    if isinstance(kind, TensorType):
        return {"shape": list(kind.shape), "dtype": kind.dtype}
    return list(kind) if isinstance(kind, tuple) else dict(kind) if isinstance(kind, Mapping) else kind
