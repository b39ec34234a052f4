"""An ONNX file that was run: its operators, and what is known of each value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.importing.modules import drawn
from specbuild.importing.onnx_files import Array, Op, Session, classes, operators, opset
from specbuild.importing.onnx_fusing import fused
from specbuild.importing.onnx_modules import Values, gathered
from specbuild.importing.proving import Trial

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

BATCHES = (2, 1)
"""Tried where the batch is open."""


class File:
    """A model that was run: its operators, and what is known of its values."""

    def __init__(self, path: Path, model: ModelProto, given: Mapping[str, TensorType] | None) -> None:
        from onnx import numpy_helper

        self.path, self.opset = path, opset(model)
        self.initializers = {each.name: np.array(numpy_helper.to_array(each)) for each in model.graph.initializer}
        entries = [value for value in model.graph.input if value.name not in self.initializers]
        self.outputs = [value.name for value in model.graph.output]
        self.types, batch = types_of(entries, given)
        ops, self.classes = operators(model.graph), classes(model.graph)
        fixed = independent(ops, {value.name for value in entries})
        session = Session(path, model, dict.fromkeys(name for op in ops for name in op.outputs if name))
        self.trials: list[Trial] = []
        self.batches = BATCHES if batch is None else (batch,)
        shapes: list[dict[str, tuple[int, ...]]] = []
        for size in self.batches:
            inputs = drawn(self.types, size)
            found = session({name: tensor.numpy() for name, tensor in inputs.items()})
            outputs = {name: torch.from_numpy(np.array(found[name])) for name in self.outputs}
            self.trials.append(Trial(inputs, outputs))
            known = {**found, **{name: tensor.numpy() for name, tensor in inputs.items()}, **self.initializers}
            shapes.append({name: array.shape for name, array in known.items()})
            if size == self.batches[0]:
                self.constants = {**self.initializers, **{name: found[name] for name in fixed}}
                self.dtypes = {name: str(array.dtype) for name, array in known.items()}
        self.session, self.shapes = session, shapes[0]
        self.batched = {
            name: name not in self.constants
            and all(each[name][:1] == (size,) for each, size in zip(shapes, self.batches, strict=True))
            for name in shapes[0]
        }
        values = Values(self.shapes, self.dtypes, self.constants, self.batched, [*self.types], self.outputs)
        self.ops = plainer(fused(gathered(ops, values), self.constants, self.outputs, self.shapes), self.constants)


def types_of(
    entries: Sequence[ValueInfoProto], given: Mapping[str, TensorType] | None
) -> tuple[dict[str, TensorType], int | None]:
    """The types of the inputs, and the batch, None where it is open. Raises `RunError` (SB516)."""
    from onnx import helper

    found, batches, problems = {}, set(), []
    for entry in entries:
        kind = entry.type.tensor_type
        sizes: list[Any] = [dim.dim_value or None for dim in kind.shape.dim]
        if not sizes:
            problems.append(Diagnostic("SB516", f"the input {entry.name} has no axis 0, which is a spec's batch"))
            continue
        batches.add(sizes.pop(0))
        wanted = (given or {}).get(entry.name) or (next(iter(given.values())) if given and len(entries) == 1 else None)
        if wanted is not None:
            told = [size if size is not None else "?" for size in sizes]
            if len(told) != len(wanted.shape) or any(
                a not in ("?", b) for a, b in zip(told, wanted.shape, strict=True)
            ):
                message = f"--input: the file's input {entry.name} is {told} for one sample, not {list(wanted.shape)}"
                raise RunError([Diagnostic("SB515", message.replace("'?'", "?"))])
            sizes = list(wanted.shape)
        if None in sizes:
            message = f"the input {entry.name} leaves sizes open beside the batch"
            fix = f'say them: --input "[{", ".join(str(size or 64) for size in sizes)}]"'
            problems.append(Diagnostic("SB516", message, fix=fix if len(entries) == 1 else "say them with --input"))
            continue
        dtype = str(helper.tensor_dtype_to_np_dtype(kind.elem_type))
        if not isinstance(getattr(torch, dtype, None), torch.dtype):
            problems.append(
                Diagnostic("SB516", f"the input {entry.name} is of {dtype}, of which no tensor of torch's is")
            )
            continue
        found[entry.name] = TensorType(tuple(sizes), dtype)
    if problems:
        raise RunError(problems)
    if None in batches:
        return found, None
    if len(batches) > 1:
        message = f"its inputs have different sizes of axis 0, {sorted(batches)}; that is the batch in a spec"
        raise RunError([Diagnostic("SB516", message)])
    return found, next(iter(batches), 1)


def independent(ops: Sequence[Op], inputs: set[str]) -> set[str]:
    """The values that are the same whatever the model is run on."""
    moving = set(inputs)
    for op in ops:
        if moving.intersection(op.inputs) or "Random" in op.kind:
            moving.update(op.outputs)
    return {name for op in ops for name in op.outputs if name and name not in moving}


def plainer(ops: Sequence[Op], constants: dict[str, Array]) -> list[Op]:
    """Operators with a Split as one for each of its parts, and differences and quotients as sums and products.

    constants: grows by what is added or multiplied instead.
    """
    found = []
    for op in ops:
        if op.kind == "Split":
            for part, name in enumerate(op.outputs):
                attributes = {**op.attributes, "part": part, "parts": list(op.outputs)}
                found.append(Op("Split", op.name, op.inputs[:1], [name], attributes, op.place))
        elif op.kind == "Sub" and all(name not in constants or constants[name].size > 1 for name in op.inputs):
            turned = f"{op.outputs[0]}@turned"
            if op.inputs[1] in constants:
                constants[turned] = -constants[op.inputs[1]]
            else:
                constants[f"{turned}@by"] = np.array(-1.0, np.float32)
                found.append(Op("Mul", op.name, [op.inputs[1], f"{turned}@by"], [turned], place=op.place))
            found.append(Op("Add", op.name, [op.inputs[0], turned], op.outputs, place=op.place))
        elif op.kind == "Div" and constants.get(op.inputs[1], np.zeros(1)).size > 1 and constants[op.inputs[1]].all():
            turned = f"{op.outputs[0]}@turned"
            constants[turned] = (1 / constants[op.inputs[1]]).astype(constants[op.inputs[1]].dtype)
            found.append(Op("Mul", op.name, [op.inputs[0], turned], op.outputs, place=op.place))
        else:
            found.append(op)
    return found
