"""An ONNX file as a graph: its operators are layers, called as their weights are."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

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
from specbuild.importing.onnx_files import Array, Op, called, loaded
from specbuild.importing.onnx_model import File
from specbuild.importing.onnx_naming import UNNAMED, Naming
from specbuild.importing.onnx_operators import OPERATORS, SIZES
from specbuild.importing.proving import Trial
from specbuild.language import names

MOST_TOLD = 20


def from_onnx(path: Path, input: Mapping[str, TensorType] | None = None) -> Imported:
    """The spec of an ONNX file, proven by a forward pass of both: outputs within a tolerance, at batches of 2 and 1.

    input: the types of its inputs, where the file leaves sizes open beside the batch.
    Raises `RunError`: SB515 for a file that cannot be read, SB516 with all that a spec cannot say.
    """
    file = File(path, loaded(path), input)
    try:
        return finished(*graph_of(file, joined=False))
    except Unordered as fact:
        first = Diagnostic("SB516", f"{fact.name or 'the model'}: {fact.message}")
    try:  # parts of modules that run between those of others: each layer by itself, its scopes in its name
        return finished(*graph_of(file, joined=True))
    except Unordered:
        raise RunError([first]) from None


def ties(state: Mapping[str, Tensor]) -> dict[str, str]:
    """Matrices that are the same as an earlier one, and say something."""
    first: dict[object, str] = {}
    found = {}
    for key, tensor in state.items():
        if not key.endswith(".weight") or tensor.dim() < 2 or bool((tensor == tensor.flatten()[:1]).all()):
            continue
        content = hashlib.sha256(tensor.contiguous().numpy().tobytes()).digest()
        earlier = first.setdefault((tuple(tensor.shape), tensor.dtype, content), key)
        if earlier != key:
            found[key] = earlier
    return found


def graph_of(file: File, *, joined: bool) -> tuple[Graph, Original]:
    """A file's model as a graph, and what the proof needs of it.

    joined: write the scopes of a layer into its name. Raises `RunError` (SB516), and `Unordered`.
    """
    reader = Reader(file)
    reader.read()
    if joined:
        for node in reader.scope.nodes:
            if node.name is not None:
                node.name = UNNAMED if UNNAMED in node.name else node.name.replace(".", "_")
    inputs = [entry.name for entry in reader.scope.inputs]
    types = dict(zip(inputs, file.types.values(), strict=True))
    graph = Graph(file.path.stem if names.malformed(file.path.stem) is None else "model", types, reader.scope)
    graph.comment = f"{file.path.name}, an ONNX file:"
    normalized(graph.scope)
    for _, node in walk(graph.scope):
        if node.name is not None and node.name.startswith(UNNAMED):
            node.name = None
        if node.scope is not None:
            node.kind = file.classes.get(node.origin, node.kind)
    document(graph)  # which gives the names
    state, where = {}, {}
    for name, node in walk(graph.scope):
        where[name] = reader.values.get(node)
        for own, array in reader.parameters.get(node, {}).items():
            state[f"{name}.{own}" if own else name] = torch.from_numpy(np.array(array))
    graph.tie.update(ties(state))

    def watch() -> dict[str, Tensor]:
        found = file.session({name: tensor.numpy() for name, tensor in file.trials[0].inputs.items()})
        return {name: torch.from_numpy(np.array(found[value])) for name, value in where.items() if value}

    trials = [Trial(dict(zip(inputs, trial.inputs.values(), strict=True)), trial.outputs) for trial in file.trials]
    return graph, Original(state, trials[0].inputs, trials[0].outputs, watch, tuple(trials[1:]), near=True)


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
        try:
            made = handler(call)
        except (LookupError, TypeError, ValueError, ArithmeticError):
            raise Unsayable("has arguments that import does not know") from None
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
