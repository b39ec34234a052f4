"""An ONNX file as a graph: its operators are layers, called as their weights are."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.importing.aten import Unsayable
from specbuild.importing.documents import document, keyed
from specbuild.importing.finishing import Imported, Original, finished
from specbuild.importing.graph import Graph, Input, Node, Scope, Source, walk
from specbuild.importing.normalizing import Unsayable as Unordered
from specbuild.importing.normalizing import normalized
from specbuild.importing.onnx_calls import Call, Made
from specbuild.importing.onnx_files import Array, Op, Session, called, loaded, operators, opset
from specbuild.importing.onnx_fusing import fused
from specbuild.importing.onnx_modules import Values, gathered
from specbuild.importing.onnx_naming import UNNAMED, Naming
from specbuild.importing.onnx_operators import OPERATORS, SIZES
from specbuild.importing.proving import Trial
from specbuild.language import names

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

BATCHES = (2, 1)
"""Tried where the batch is open."""
SEED = 0
MOST_TOLD = 20


def from_onnx(path: Path, input: Mapping[str, TensorType] | None = None) -> Imported:
    """The spec of an ONNX file, proven by a forward pass of both: outputs within a tolerance, at batches of 2 and 1.

    input: the types of its inputs, where the file leaves sizes open beside the batch.
    Raises `RunError`: SB515 for a file that cannot be read, SB516 with all that a spec cannot say.
    """
    file = File(path, loaded(path), input)
    try:
        return finished(*file.graph(joined=False))
    except Unordered as fact:
        first = Diagnostic("SB516", f"{fact.name or 'the model'}: {fact.message}")
    try:  # parts of modules that run between those of others: each layer by itself, its scopes in its name
        return finished(*file.graph(joined=True))
    except Unordered:
        raise RunError([first]) from None


class File:
    """A model that was run: its operators, and what is known of its values."""

    def __init__(self, path: Path, model: ModelProto, given: Mapping[str, TensorType] | None) -> None:
        from onnx import numpy_helper

        self.path, self.opset = path, opset(model)
        self.initializers = {each.name: np.array(numpy_helper.to_array(each)) for each in model.graph.initializer}
        entries = [value for value in model.graph.input if value.name not in self.initializers]
        self.outputs = [value.name for value in model.graph.output]
        self.types, batch = types_of(entries, given)
        ops = operators(model.graph)
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
        self.ops = parted(fused(gathered(ops, values), self.constants, self.outputs, self.shapes))

    def graph(self, *, joined: bool) -> tuple[Graph, Original]:
        """The model as a graph, and what the proof needs of it.

        joined: write the scopes of a layer into its name. Raises `RunError` (SB516), and `Unordered`.
        """
        reader = Reader(self)
        reader.read()
        if joined:
            for node in reader.scope.nodes:
                if node.name is not None:
                    node.name = UNNAMED if UNNAMED in node.name else node.name.replace(".", "_")
        graph = Graph(self.path.stem if names.malformed(self.path.stem) is None else "model", self.types, reader.scope)
        graph.comment = f"{self.path.name}, an ONNX file:"
        normalized(graph.scope)
        for _, node in walk(graph.scope):
            if node.name is not None and node.name.startswith(UNNAMED):
                node.name = None
        document(graph)  # which gives the names
        state, where = {}, {}
        for name, node in walk(graph.scope):
            where[name] = reader.values.get(node)
            for own, array in reader.parameters.get(node, {}).items():
                state[f"{name}.{own}" if own else name] = torch.from_numpy(np.array(array))
        graph.tie.update(ties(state))

        def watch() -> dict[str, Tensor]:
            found = self.session({name: tensor.numpy() for name, tensor in self.trials[0].inputs.items()})
            return {name: torch.from_numpy(np.array(found[value])) for name, value in where.items() if value}

        first, *more = self.trials
        return graph, Original(state, first.inputs, first.outputs, watch, tuple(more), near=True)


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
        found[entry.name] = TensorType(tuple(sizes), str(helper.tensor_dtype_to_np_dtype(kind.elem_type)))
    if problems:
        raise RunError(problems)
    if None in batches:
        return found, None
    if len(batches) > 1:
        message = f"its inputs have different sizes of axis 0, {sorted(batches)}; that is the batch in a spec"
        raise RunError([Diagnostic("SB516", message)])
    return found, next(iter(batches), 1)


def drawn(types: Mapping[str, TensorType], batch: int) -> dict[str, Tensor]:
    """The same batch of each input every time."""
    generator = torch.Generator().manual_seed(SEED)
    found = {}
    for name, kind in types.items():
        dtype, shape = getattr(torch, kind.dtype), (batch, *kind.shape)
        random = torch.randn(shape, generator=generator) if dtype.is_floating_point else (
            torch.randint(0, 2, shape, generator=generator))  # fmt: skip
        found[name] = random.to(dtype)
    return found


def independent(ops: Sequence[Op], inputs: set[str]) -> set[str]:
    """The values that are the same whatever the model is run on."""
    moving = set(inputs)
    for op in ops:
        if moving.intersection(op.inputs) or "Random" in op.kind:
            moving.update(op.outputs)
    return {name for op in ops for name in op.outputs if name and name not in moving}


def parted(ops: Sequence[Op]) -> list[Op]:
    """Operators with a Split as one for each of its parts."""
    found = []
    for op in ops:
        if op.kind != "Split":
            found.append(op)
            continue
        for part, name in enumerate(op.outputs):
            attributes = {**op.attributes, "part": part, "parts": list(op.outputs)}
            found.append(Op("Split", op.name, op.inputs[:1], [name], attributes, op.place))
    return found


def ties(state: Mapping[str, Tensor]) -> dict[str, str]:
    """Matrices that are the same as an earlier one, and say something."""
    first: dict[object, str] = {}
    found = {}
    for key, tensor in state.items():
        if tensor.dim() < 2 or bool((tensor == tensor.flatten()[:1]).all()):
            continue
        content = hashlib.sha256(tensor.contiguous().numpy().tobytes()).digest()
        earlier = first.setdefault((tuple(tensor.shape), tensor.dtype, content), key)
        if earlier != key:
            found[key] = earlier
    return found


class Unsaid(Exception):  # noqa: N818  it is caught
    """What is made of something that a spec cannot say, which is told."""


class Reader:
    """One walk over the operators of a file that its outputs need."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.scope = Scope()
        self.sources: dict[str, Source] = {}
        self.parameters: dict[Node, dict[str, Array]] = {}
        self.values: dict[Node, str] = {}
        """What the file calls the output of a layer."""
        self.problems: list[Diagnostic] = []
        self.ops = needed(file.ops, file.constants, file.outputs)
        self.naming = Naming(self.ops, file.initializers)

    def read(self) -> None:
        """Fill the scope. Raises `RunError` (SB516)."""
        types = self.file.types
        for index, name in enumerate(list(types)):
            clean = re.sub(r"\W", "_", name)
            own = "input" if len(types) == 1 else clean if names.input_fault(clean) is None else f"input_{index}"
            self.scope.inputs.append(Input(own))
            self.sources[name] = Source(self.scope.inputs[-1])
        for op in self.ops:
            try:
                self.layer(op)
            except Unsayable as fact:
                self.problems.append(Diagnostic("SB516", f"{called(op)}: {op.kind} {fact}"))
            except Unsaid:
                continue
        if not self.problems:
            for index, name in enumerate(self.file.outputs):
                self.output(name, f"output{index + 1}" if len(self.file.outputs) > 1 else "output")
        if self.problems:
            told = {problem.message: problem for problem in self.problems}
            raise RunError([*told.values()][:MOST_TOLD])
        self.file.types = dict(zip([e.name for e in self.scope.inputs], types.values(), strict=True))
        self.file.trials = [
            Trial(dict(zip(self.file.types, trial.inputs.values(), strict=True)), trial.outputs)
            for trial in self.file.trials
        ]

    def output(self, name: str, own: str) -> None:
        """One output of the model."""
        if name not in self.sources or not isinstance(self.sources[name].value, Node):
            message = f"the output {name} is an input or a constant; a spec's is a layer's"
            self.problems.append(Diagnostic("SB516", message))
        elif self.sources[name] in self.scope.outputs.values():
            self.problems.append(Diagnostic("SB516", f"the output {name} is another output too"))
        else:
            self.scope.outputs[own] = self.sources[name]

    def layer(self, op: Op) -> None:
        """What an operator is."""
        handler, file = OPERATORS.get(op.kind), self.file
        if any(name in self.sources or name in file.constants or not name for name in op.inputs) is False and op.inputs:
            raise Unsaid
        if handler is None:
            raise Unsayable("has no layer in the catalogue")
        call = Call(op, file.shapes, file.constants, file.batched, file.dtypes, file.opset)
        made = handler(call)
        if made is None or made == []:
            self.sources[op.outputs[0]] = self.source(op.inputs[0], op)
            return
        layers = made if isinstance(made, list) else [made]
        sources = [self.source(op.inputs[index], op) for index in layers[0].takes]
        for each in layers:
            node = self.node(op, each, sources)
            sources = [Source(node)]
        self.values[node] = op.outputs[0]
        self.sources[op.outputs[0]] = Source(node)

    def node(self, op: Op, made: Made, sources: list[Source]) -> Node:
        """A layer."""
        if made.type == "Parameter":
            name = self.naming.of_parameter(op.inputs[0], op)
        else:
            name = self.naming.of(op, keyed=keyed(made.type))
        arguments = {key: value for key, value in made.arguments.items() if key in LAYERS[made.type].model_fields}
        node = Node(made.type, name, arguments, sources, origin=called(op))
        if made.parameters:
            self.parameters[node] = made.parameters
        self.scope.nodes.append(node)
        return node

    def source(self, name: str, op: Op) -> Source:
        """What a value is; a constant becomes a parameter."""
        if name in self.sources:
            return self.sources[name]
        if name not in self.file.constants:
            raise Unsaid
        value = self.file.constants[name]
        if value.dtype != np.float32:
            raise Unsayable(f"takes a constant of {value.dtype}, for which the catalogue has no layer")
        made = Made("Parameter", {"shape": list(value.shape), "batch": False}, {"": value})
        node = Node("Parameter", self.naming.of_parameter(name, op), made.arguments, [], origin=name)
        self.parameters[node] = made.parameters
        self.scope.nodes.append(node)
        self.sources[name] = Source(node)
        return self.sources[name]


def needed(ops: Sequence[Op], constants: Mapping[str, Array], outputs: Sequence[str]) -> list[Op]:
    """The operators that make what the outputs are made of, without those that only compute sizes."""
    wanted, found = set(outputs), []
    for op in reversed(ops):
        if not wanted.intersection(op.outputs) or all(name in constants for name in op.outputs if name):
            continue
        wanted.update(op.inputs[:1] if op.kind in SIZES else op.inputs)
        found.append(op)
    return found[::-1]
