"""A network as a torch.export program, and what torch says where there is none."""

from __future__ import annotations

import inspect
import io
import keyword
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from specbuild.catalogue.sizes.expressions import Size
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.exporting.subject import Subject
from specbuild.exporting.trials import traced
from specbuild.language.document import Spec

BATCH = "batch"
"""What the open size of axis 0 is called."""


def program_of(subject: Subject, model: nn.Module | None = None) -> ExportedProgram:
    """The network as ATen operators, its batch open and the sizes that the document leaves open.

    model: another one that takes the same inputs. Raises `RunError` (SB512) with torch's words.
    """
    require_plain_names(subject)
    model = subject.model if model is None else model
    inputs = traced(subject.spec)
    with quiet(), called_by(model, inputs) as names, watched(model) as layers:
        shapes = dict(zip(names, shapes_of(subject.spec).values(), strict=True))
        try:
            program = torch.export.export(model, tuple(inputs.values()), dynamic_shapes=shapes, strict=False)
        except Exception as error:  # torch raises of every kind
            raise refused("torch.export", error, layers[-1] if layers else None, subject.spec) from None
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # names files of the machine
    return program


def require_plain_names(subject: Subject) -> None:
    """SB512 for layers with weights whose names torch would write into Python, where they are words of the language."""
    for key in subject.model.state_dict():
        word = next((part for part in key.split(".") if keyword.iskeyword(part)), None)
        if word is not None:
            message = f"torch.export cannot express it: a layer is called `{word}`, a word of Python's own"
            raise RunError([Diagnostic("SB512", message, fix="another name for it, or --to safetensors, --to python")])


def shapes_of(spec: Spec) -> dict[str, dict[int, Any]]:
    """The open sizes of each input, by axis, with what is promised of them."""
    sizes: dict[str, Any] = {}
    for name, promise in spec.dims.items():
        step, last = promise.multiple_of, promise.last
        if promise.total == 1:
            sizes[name] = promise.first
            continue
        root = Dim(f"_{name}" if step > 1 else name, min=promise.first // step, max=last and last // step)
        sizes[name] = step * root if step > 1 else root
    batch = Dim(BATCH if BATCH not in spec.dims else f"_{BATCH}")
    return {
        name: {
            0: batch,
            **{axis: sizes[str(size)] for axis, size in enumerate(kind.shape, 1) if isinstance(size, Size)},
        }
        for name, kind in spec.inputs.items()
    }


@contextmanager
def called_by(model: nn.Module, inputs: Mapping[str, Tensor]) -> Iterator[list[str]]:
    """The model with the names of the inputs in forward's signature, where they can stand in one."""
    names = [
        name if name.isidentifier() and not keyword.iskeyword(name) else f"input_{index}"
        for index, name in enumerate(inputs)
    ]
    original = model.forward

    def forward(*arguments: Tensor) -> Any:
        return original(*arguments)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    forward.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])  # type: ignore[attr-defined]
    model.forward = forward
    try:
        yield names
    finally:
        del model.forward


@contextmanager
def watched(model: nn.Module) -> Iterator[list[str]]:
    """The names of the modules that are running, from the outermost in."""
    running: list[str] = []
    handles = []
    for name, module in model.named_modules():
        if name:

            def enter(module: nn.Module, arguments: Any, name: str = name) -> None:
                running.append(name)

            def leave(module: nn.Module, arguments: Any, output: Any) -> None:
                running.pop()

            handles += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
    try:
        yield running
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def quiet() -> Iterator[None]:
    """What torch warns, logs and prints in here is not for the user."""
    before = logging.root.manager.disable
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(redirect_stdout(io.StringIO()))
        stack.enter_context(redirect_stderr(io.StringIO()))
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(before)


def refused(tool: str, error: BaseException, layer: str | None, spec: Spec) -> RunError:
    """SB512 with torch's own words."""
    fix = None
    if spec.open:
        fix = f"settle the sizes, if they are why: --set input={example(spec)}" if "input" in spec.inputs else None
    because = f"in {layer}" if layer else None
    return RunError([Diagnostic("SB512", f"{tool} cannot express it: {words_of(error)}", because=because, fix=fix)])


def example(spec: Spec) -> str:
    """The input at the smallest sizes that are promised."""
    return str([*next(iter(spec.at({}).inputs.values())).shape])


def words_of(error: BaseException) -> str:
    """The first line of what began it that says something; of violated constraints, the first of them."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    if lines[0].startswith("Constraints violated") and len(lines) > 1:
        return lines[1].removeprefix("- ").partition(". If you're using")[0]
    return lines[0]
