"""A graph as a document, flat: each scope written out, nothing left out that is not at its default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.types import TensorType
from specbuild.importing.graph import SCOPE, Graph, Input, Node, Scope, Source
from specbuild.language import names
from specbuild.language.document import Spec
from specbuild.language.parsing import parse_fields
from specbuild.network.plan import Plan, Step

WEIGHTLESS = frozenset(
    {
        "Add", "Multiply", "Concat", "Affine", "Identity", "Positions", "Flatten", "Unflatten", "Reshape", "Permute",
        "Transpose", "Squeeze", "Unsqueeze", "Select", "Narrow", "Mean", "GLU", "Fold", "Unfold", "Upsample",
        "StochasticDepth", "PixelShuffle", "PixelUnshuffle", "ChannelShuffle", "Softplus", "GELU", "SiLU", "Mish",
        "Hardswish", "Hardsigmoid", "Sigmoid", "Tanh", "Softmax", "LogSoftmax", "Softmin", "ReLU", "ReLU6", "ELU",
        "CELU", "SELU", "LeakyReLU", "Hardtanh", "LogSigmoid", "Softsign", "Tanhshrink", "Hardshrink", "Softshrink",
        "Threshold", "RReLU", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout",
    }
)  # fmt: skip
"""Layers that have no keys, whose names nothing but a document knows."""


def keyed(kind: str) -> bool:
    """Whether a layer's name may be in keys of the `state_dict`."""
    return kind not in WEIGHTLESS and "Pool" not in kind and "Pad" not in kind


def document(graph: Graph) -> dict[str, Any]:
    """The document of a graph, its blocks being those that scopes with several inputs need."""
    return Writer(graph).document()


class Writer:
    """One graph on its way to a document."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.blocks: dict[str, Any] = {}

    def document(self) -> dict[str, Any]:
        """The whole of it."""
        graph = self.graph
        layers = self.layers(graph.scope)
        found: dict[str, Any] = {"specbuild": 1, "name": graph.name}
        if self.blocks:
            found["blocks"] = self.blocks
        if list(graph.inputs) == ["input"]:
            found["input"] = as_input(graph.inputs["input"])
        else:
            found["inputs"] = {name: as_input(kind) for name, kind in graph.inputs.items()}
        found["layers"] = layers
        last = graph.scope.nodes[-1] if graph.scope.nodes else None
        if len(graph.scope.outputs) > 1 or any(s.value is not last for s in graph.scope.outputs.values()):
            found["outputs"] = list(graph.scope.outputs)
        if graph.tie:
            found["tie"] = dict(graph.tie)
        return found

    def layers(self, scope: Scope) -> list[dict[str, Any]]:
        """The nodes of a scope as layers."""
        single = len(scope.inputs) == 1
        called = {id(entry): "input" if single and scope is not self.graph.scope else entry.name
                  for entry in scope.inputs}  # fmt: skip
        counts: dict[str, int] = {}
        taken = {node.name for node in scope.nodes if node.name is not None}
        written: list[dict[str, Any]] = []
        types = [self.type_of(node) for node in scope.nodes]
        before: Node | Input | None = scope.inputs[0] if single else None
        for node, kind in zip(scope.nodes, types, strict=True):
            counts[kind] = counts.get(kind, 0) + 1
            own = names.automatic(kind, counts[kind])
            name = node.name
            if name is None:
                name = own if own not in taken else free(own, taken)
                taken.add(name)
            called[id(node)] = name
            entry: dict[str, Any] = {"type": kind} if name == own else {"name": as_name(name), "type": kind}
            source = self.sources(node, called, before)
            if source is not None:
                entry["from"] = source
            if node.scope is None:
                entry.update(node.arguments)
            elif kind == SCOPE:
                entry["layers"] = self.layers(node.scope)
            written.append(entry)
            before = node
        return written

    def type_of(self, node: Node) -> str:
        """A catalogue type, `Sequential`, or the block that a scope with several inputs becomes."""
        if node.scope is None or len(node.scope.inputs) == 1:
            return node.type
        name = free(block_name(node.kind), self.blocks)
        self.blocks[name] = {}
        taken = {inner.name for inner in node.scope.nodes}
        for entry in node.scope.inputs:
            if names.input_fault(entry.name) is not None or entry.name in taken:
                entry.name = free(f"{entry.name}_", taken)
        self.blocks[name] = {"inputs": [entry.name for entry in node.scope.inputs], "layers": self.layers(node.scope)}
        return name

    def sources(self, node: Node, called: Mapping[int, str], before: Node | Input | None) -> Any:
        """A `from`; None where the default says it."""

        def told(source: Source) -> str:
            name = called[id(source.value)]
            return f"{name}.{source.result}" if source.result else as_name(name)  # type: ignore[return-value]

        takes = () if node.type == "Parameter" else None
        if takes == ():
            return None
        if any(source.keyword for source in node.sources):
            return {source.keyword: told(source) for source in node.sources}
        if len(node.sources) == 1:
            (source,) = node.sources
            return None if source.value is before and source.result is None else told(source)
        return [told(source) for source in node.sources]


def free(name: str, taken: Any) -> str:
    """A name that is not taken."""
    found, count = name, 1
    while found in taken:
        count += 1
        found = f"{name}_{count}" if not name.endswith("_") else f"{name}{count}"
    return found


def as_name(name: str) -> str | int:
    """A plain integer as one."""
    return int(name) if name.isdecimal() and str(int(name)) == name else name


def as_input(kind: TensorType) -> Any:
    """A shape, or a shape and a dtype."""
    shape = list(kind.shape)
    return shape if kind.dtype == "float32" else {"shape": shape, "dtype": kind.dtype}


def block_name(kind: str) -> str:
    """A class's name as a block's: `_DenseLayer` is `dense_layer`, `BasicConv2d` is `basic_conv2d`."""
    text = kind.strip("_")
    found = ""
    for index, letter in enumerate(text):
        follows = index > 0 and (text[index - 1].islower() or text[index + 1 : index + 2].islower())
        found += "_" if letter.isupper() and follows and not found.endswith("_") else ""
        found += letter.lower()
    return found if found and found[0].isalpha() and found.isidentifier() else "block"


# what inference settles


def reduced(tree: dict[str, Any], spec: Spec, plan: Plan) -> None:
    """Leave out arguments that are torch's defaults, or that inference settles to the same."""
    steps: dict[tuple[Any, ...], list[Step]] = {}
    for step in plan.layers():
        steps.setdefault(step.path, []).append(step)
    del spec
    for layers, path in written_lists(tree):
        for index, entry in enumerate(layers):
            found = steps.get((*path, index))
            if found and found[0].layer is not None:
                reduce_layer(entry, found)


def written_lists(tree: Mapping[str, Any]) -> list[tuple[list[dict[str, Any]], tuple[Any, ...]]]:
    """Every list of layers in a document, with its path."""
    found: list[tuple[list[dict[str, Any]], tuple[Any, ...]]] = []
    stack: list[tuple[list[dict[str, Any]], tuple[Any, ...]]] = [(tree["layers"], ("layers",))]
    stack += [(block["layers"], ("blocks", name, "layers")) for name, block in tree.get("blocks", {}).items()]
    while stack:
        layers, path = stack.pop()
        found.append((layers, path))
        for index, entry in enumerate(layers):
            if isinstance(entry, dict) and "layers" in entry:
                stack.append((entry["layers"], (*path, index, "layers")))
    return found


def reduce_layer(entry: dict[str, Any], steps: Sequence[Step]) -> None:
    """Leave out of one layer what need not be written."""
    layer = steps[0].layer
    assert layer is not None
    cls, fields = type(layer), type(layer).model_fields
    for name in list(entry):
        if name in fields and not fields[name].is_required() and getattr(layer, name) == fields[name].default:
            del entry[name]
    optional = [name for name in entry if name in fields and not fields[name].is_required()
                and fields[name].default is None and name != "init"]  # fmt: skip
    if optional and all(settles(cls, entry, optional, step) for step in steps):
        for name in optional:
            del entry[name]
        return
    for name in optional:
        if all(settles(cls, entry, [name], step) for step in steps):
            del entry[name]


def settles(cls: type[Layer], entry: Mapping[str, Any], without: Sequence[str], step: Step) -> bool:
    """Whether a layer without some of its arguments is resolved to what it is."""
    kept = {name: value for name, value in entry.items() if name in cls.model_fields and name not in without}
    problems: list[Any] = []
    layer = parse_fields(cls, kept, (), problems)
    if layer is None or problems:
        return False
    from specbuild.catalogue.rules import Violation

    given = list(zip(step.sources, step.inputs, strict=True))
    try:
        outcome = layer.infer(*(t for s, t in given if s.keyword is None), **{s.keyword: t for s, t in given if s.keyword})
    except Violation:
        return False
    return layer.model_copy(update=outcome.arguments) == step.layer


