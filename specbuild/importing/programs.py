"""A saved torch.export program as a graph: its operators are layers, the modules that they were in are scopes."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import fx
from torch.export import ExportedProgram

from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.importing.archives import first_line, loaded
from specbuild.importing.aten import OPERATORS, UNTOUCHED, Unsayable, listed
from specbuild.importing.finishing import Imported, Original, finished
from specbuild.importing.graph import Graph, Input, Node, Scope, Source, walk
from specbuild.importing.modules import drawn
from specbuild.importing.normalizing import Unsayable as Unordered
from specbuild.importing.normalizing import normalized
from specbuild.language import names

BATCH = 2
UNNAMED = "@"
"""How the names of layers begin that get the automatic ones."""
MOST_TOLD = 20


def from_program(path: Path) -> Imported:
    """The spec of a program, proven by a forward pass of both: equal keys, outputs equal bit for bit.

    Raises `RunError`: SB515 for a file that cannot be read, SB516 with all that a spec cannot say.
    """
    program = loaded(path)
    reader = Reader(program)
    graph = reader.graph(path.stem if names.malformed(path.stem) is None else "model")
    graph.comment = f"{path.name}, a program of torch.export:"
    try:
        normalized(graph.scope)
    except Unordered as fact:
        raise RunError([Diagnostic("SB516", f"{fact.name or 'the program'}: {fact.message}")]) from None
    for _, node in walk(graph.scope):
        if node.name is not None and node.name.startswith(UNNAMED):
            node.name = None
        if node.scope is not None:
            node.kind = reader.classes.get(node.origin, node.kind)
    inputs = drawn(graph.inputs, reader.batch)
    try:
        with torch.no_grad():
            result = program.module(check_guards=False)(*(tensor.clone() for tensor in inputs.values()))
    except Exception as error:  # torch raises of every kind
        raise RunError([Diagnostic("SB515", f"the program does not run: {first_line(error)}")]) from None
    results = list(result.values()) if isinstance(result, Mapping) else listed(result)
    state = {key: tensor.detach() for key, tensor in program.state_dict.items()}
    return finished(graph, Original(state, inputs, dict(zip(graph.scope.outputs, results, strict=True))))


class Unsaid(Exception):  # noqa: N818  it is caught
    """What is made of something that a spec cannot say, which is told."""


class Reader:
    """One walk over the operators of a program."""

    def __init__(self, program: ExportedProgram) -> None:
        self.program = program
        signature = program.graph_signature
        self.kept: dict[str, str] = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
        """The keys of parameters and buffers, by the names of their placeholders."""
        self.classes: dict[str, str] = {}
        """The name of each module's class, by its qualified name."""
        self.sources: dict[fx.Node, Source] = {}
        self.scope = Scope()
        self.problems: list[Diagnostic] = []
        self.unsaid: dict[fx.Node, Diagnostic | None] = {}
        """What has no source, and why, where that was not told yet."""
        self.batch = BATCH
        self.counts = Counter(
            self.place(node) for node in program.graph.nodes
            if self.real(node) and node.target is not operator.getitem
        )  # fmt: skip
        """How many operators each module has."""
        self.taken: set[str] = set()

    def graph(self, name: str) -> Graph:
        """All of it. Raises `RunError` (SB516)."""
        users = set(self.program.graph_signature.user_inputs)
        entries = [node for node in self.program.graph.nodes if node.op == "placeholder" and node.name in users]
        inputs = {("input" if len(entries) == 1 else node.name): self.type_of(node) for node in entries}
        for key, node in zip(inputs, entries, strict=True):
            self.scope.inputs.append(Input(key))
            self.sources[node] = Source(self.scope.inputs[-1])
        for node in self.program.graph.nodes:
            if node.op != "call_function" or not self.real(node):
                continue
            try:
                self.sources[node] = self.result(node) if node.target is operator.getitem else self.layer(node)
            except Unsayable as fact:
                problem = self.told(node, str(fact))
                self.unsaid[node] = problem
                if any(value in self.sources or value.name in self.kept for value in node.all_input_nodes):
                    self.problems.append(problem)  # what is made of nothing, only if it is taken
            except Unsaid:
                self.unsaid[node] = None
        if not self.problems:
            outputs = [node for node in self.program.graph.output_node().args[0] if isinstance(node, fx.Node)]
            for index, node in enumerate(outputs):
                self.scope.outputs[f"output{index + 1}" if len(outputs) > 1 else "output"] = self.sources[node]
        if self.problems:
            told = {problem.message: problem for problem in self.problems}
            raise RunError([*told.values()][:MOST_TOLD])
        return Graph(name, inputs, self.scope, keys=tuple(self.program.state_dict))

    def told(self, node: fx.Node, fact: str) -> Diagnostic:
        """SB516 with the place."""
        packet = node.target._opname if isinstance(node.target, torch._ops.OpOverload) else str(node.target)
        return Diagnostic("SB516", f"{self.place(node) or 'the model'}: aten.{packet} {fact}")

    def result(self, node: fx.Node) -> Source:
        """One of several results of an operator."""
        value, index = node.args
        found = self.source(value, node)
        results = [*LAYERS[found.value.type].results] if isinstance(found.value, Node) else []
        if index == 0:
            return found
        if isinstance(index, int) and index <= len(results):
            return found._replace(result=results[index - 1])
        raise Unsayable(f"gives a result {index}, which no layer of the catalogue does")

    def type_of(self, node: fx.Node) -> TensorType:
        """The type of an input; notes the batch."""
        value = node.meta["val"]
        first, *sizes = value.shape
        if isinstance(first, int):
            self.batch = first
        if not all(isinstance(size, int) for size in sizes):
            message = f"the input {node.name} leaves sizes open beside the batch; import is of fixed ones"
            self.problems.append(Diagnostic("SB516", message, fix="export it with the sizes settled"))
            sizes = [size if isinstance(size, int) else size.node.hint for size in sizes]
        return TensorType(tuple(sizes), str(value.dtype).removeprefix("torch."))

    def place(self, node: fx.Node) -> str:
        """The module that an operator is in; notes the classes of the modules around it."""
        found = ""
        for path, kind in (node.meta.get("nn_module_stack") or {}).values():
            text = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
            self.classes[path] = text.rpartition(".")[2]
            found = path
        return found

    def real(self, node: fx.Node) -> bool:
        """Whether a node computes a tensor of its own."""
        name = getattr(node.target, "__name__", "")  # of the arithmetic of sizes
        return node.op == "call_function" and not name.startswith("sym_size") and node.target not in (
            operator.mul, operator.add, operator.floordiv, operator.sub,
        )  # fmt: skip

    def layer(self, node: fx.Node) -> Source:
        """The layer that an operator is."""
        if not isinstance(node.target, torch._ops.OpOverload):
            raise Unsayable("is no operator of ATen")
        packet = node.target._opname
        given = self.arguments(node)
        if packet in UNTOUCHED:
            return self.source(next(iter(given.values())), node)
        if packet == "expand":
            return self.parameter(node, given)
        known = OPERATORS.get(packet) or OPERATORS.get(packet.rstrip("_"))
        if known is None:
            raise Unsayable("has no layer in the catalogue")
        where = self.place(node)
        tensors = [tensor for name in known.takes for tensor in listed(given[name])]
        shapes = {name: self.shape(value) if isinstance(value, fx.Node) else value for name, value in given.items()}
        first = self.shape(tensors[0]) if isinstance(tensors[0], fx.Node) else []
        shapes |= {"shape": first, "rank": len(first), "batch": self.is_batch}
        if "size" in given:
            shapes["size"] = listed(given["size"])
        kind = known.type if isinstance(known.type, str) else known.type(shapes)
        arguments = known.arguments(shapes)
        if packet in ("add", "mul"):
            kind, arguments, tensors = self.arithmetic(packet, given, tensors)
        own = self.classes.get(where, "")
        single = self.counts[where] == 1 and bool(where)
        if single and own in LAYERS:
            kind = own
        if packet.endswith("_"):
            arguments["inplace"] = True
        arguments = {name: value for name, value in arguments.items() if name in LAYERS[kind].model_fields}
        name = self.name(node, where, given, known.keeps) if known.keeps else where if single else None
        if name is None or name in self.taken:
            if known.keeps:
                raise Unsayable(f"is the layer `{name}` a second time")
            name = f"{where}.{UNNAMED}{len(self.taken)}" if where else f"{UNNAMED}{len(self.taken)}"
        self.taken.add(name)
        made = Node(kind, name, arguments, [self.source(tensor, node) for tensor in tensors], kind=own, origin=name)
        self.scope.nodes.append(made)
        return Source(made)

    def arguments(self, node: fx.Node) -> dict[str, Any]:
        """The arguments of a call by the names in the operator's schema, the defaults too."""
        given = {}
        for index, argument in enumerate(node.target._schema.arguments):  # type: ignore[union-attr]
            if argument.name in node.kwargs:
                given[argument.name] = node.kwargs[argument.name]
            elif index < len(node.args):
                given[argument.name] = node.args[index]
            else:
                given[argument.name] = argument.default_value
        return given

    def name(self, node: fx.Node, where: str, given: Mapping[str, Any], keeps: Mapping[str, str]) -> str | None:
        """The layer's name: that of what holds its parameters."""
        found = None
        for argument, own in keeps.items():
            value = given[argument]
            if value is None:
                continue
            key = self.kept.get(value.name) if isinstance(value, fx.Node) else None
            if key is None:
                raise Unsayable(f"has a computed {argument}, where a layer has a parameter")
            owner, _, last = key.rpartition(".")
            if last != own:
                raise Unsayable(f"has the {argument} `{key}`, where a layer has one called `{own}`")
            if not owner:
                raise Unsayable(f"has the key `{key}`, with no layer's name before it")
            found = owner
        return found if found is not None else where or None

    def arithmetic(
        self, packet: str, given: Mapping[str, Any], tensors: list[Any]
    ) -> tuple[str, dict[str, Any], list[Any]]:
        """A sum or a product, of two tensors or of one with a number."""
        if given.get("alpha", 1) != 1:
            raise Unsayable("has an alpha, for which the catalogue has no layer")
        numbers = [value for value in tensors if not isinstance(value, fx.Node)]
        if not numbers:
            return ("Add" if packet == "add" else "Multiply"), {}, tensors
        others = [value for value in tensors if isinstance(value, fx.Node)]
        return "Affine", {"shift" if packet == "add" else "scale": float(numbers[0])}, others

    def source(self, value: Any, user: fx.Node) -> Source:
        """What a tensor is; a parameter that is read as it is becomes a layer."""
        if not isinstance(value, fx.Node):
            raise Unsayable(f"takes {value!r}, which is no tensor of the network")
        if value in self.unsaid:
            if (problem := self.unsaid[value]) is not None:
                self.problems.append(problem)
            raise Unsaid
        if value not in self.sources:
            if value.name not in self.kept:
                raise Unsayable(f"takes %{value.name}, which a spec cannot say")
            self.sources[value] = self.held(value, batch=False)
        return self.sources[value]

    def held(self, node: fx.Node, *, batch: bool) -> Source:
        """A parameter of a scope."""
        arguments = {"shape": self.shape(node), **({} if batch else {"batch": False})}
        made = Node("Parameter", self.kept[node.name], arguments, origin=self.kept[node.name])
        self.scope.nodes.append(made)
        return Source(made)

    def parameter(self, node: fx.Node, given: Mapping[str, Any]) -> Source:
        """A parameter that is given to each sample."""
        held, sizes = given["self"], listed(given["size"])
        shape = self.shape(held) if isinstance(held, fx.Node) else []
        if (
            not isinstance(held, fx.Node)
            or held.name not in self.kept
            or shape[:1] != [1]
            or not self.is_batch(sizes[0])
        ):
            raise Unsayable("has no layer in the catalogue but for a parameter")
        return self.held(held, batch=True)

    def shape(self, node: fx.Node) -> list[Any]:
        """Of a tensor."""
        return list(node.meta["val"].shape)

    def is_batch(self, size: Any) -> bool:
        """Whether a size in a call is the batch's."""
        value = size.meta["val"] if isinstance(size, fx.Node) else size
        return not isinstance(value, int) or value in (-1, self.batch)
