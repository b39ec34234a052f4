"""A graph as a document, flat: each scope written out, nothing left out that is not at its default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.types import TensorType
from specbuild.importing.graph import Graph, Input, Node, Scope, Source
from specbuild.importing.writtens import INPUTS, KIND
from specbuild.language import names
from specbuild.language.parsing import parse_fields
from specbuild.network.plan import Step

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
    """The document of a graph, with the marks of `writtens`: every scope written out, none a block."""
    taken = {node.name for node in graph.scope.nodes}
    for entry in graph.scope.inputs:
        if entry.name in taken:  # keys of the `state_dict` stay as they are
            renamed = free(f"{entry.name}_input", taken)
            graph.inputs = {renamed if name == entry.name else name: kind for name, kind in graph.inputs.items()}
            entry.name = renamed
    layers = layers_of(graph.scope, outermost=True)
    found: dict[str, Any] = {"specbuild": 1, "name": graph.name}
    if list(graph.inputs) == ["input"]:
        found["input"] = as_input(graph.inputs["input"])
    else:
        found["inputs"] = {name: as_input(kind) for name, kind in graph.inputs.items()}
    found["layers"] = layers
    if len(graph.scope.outputs) > 1:
        found["outputs"] = [as_name(str(source.value.name)) for source in graph.scope.outputs.values()]
    if graph.tie:
        found["tie"] = dict(graph.tie)
    return found


def layers_of(scope: Scope, *, outermost: bool = False) -> list[dict[str, Any]]:
    """The nodes of a scope as layers. A node without a name gets the automatic one."""
    single = len(scope.inputs) == 1
    called = {id(entry): "input" if single and not outermost else entry.name for entry in scope.inputs}
    counts: dict[str, int] = {}
    taken = {node.name for node in scope.nodes if node.name is not None}
    written: list[dict[str, Any]] = []
    before: Node | Input | None = scope.inputs[0] if single else None
    for node in scope.nodes:
        counts[node.type] = counts.get(node.type, 0) + 1
        own = names.automatic(node.type, counts[node.type])
        if node.name is None:
            node.name = own if own not in taken else free(own, taken)
            taken.add(node.name)
        called[id(node)] = node.name
        automatic = node.name == own and node.scope is None
        entry: dict[str, Any] = {"type": node.type} if automatic else {"name": as_name(node.name), "type": node.type}
        source = None if node.type == "Parameter" else sources_of(node, called, before)
        if source is not None:
            entry["from"] = source
        if node.scope is None:
            order = LAYERS[node.type].model_fields
            entry.update({name: node.arguments[name] for name in order if name in node.arguments})
        else:
            entry[KIND] = node.kind
            if len(node.scope.inputs) > 1:
                entry[INPUTS] = inputs_of(node.scope)
            entry["layers"] = layers_of(node.scope)
        written.append(entry)
        before = node
    return written


def inputs_of(scope: Scope) -> list[str]:
    """The names of a scope's inputs, which none of its layers has."""
    taken = {inner.name for inner in scope.nodes}
    for entry in scope.inputs:
        if names.input_fault(entry.name) is not None or entry.name in taken or entry.name == "input":
            entry.name = free(f"{entry.name}_", taken)
        taken.add(entry.name)
    return [entry.name for entry in scope.inputs]


def sources_of(node: Node, called: Mapping[int, str], before: Node | Input | None) -> Any:
    """A `from`; None where the default says it."""

    def told(source: Source) -> str | int:
        name = called[id(source.value)]
        return f"{name}.{source.result}" if source.result else as_name(name)

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


def reduced(layers: Sequence[dict[str, Any]], steps: Sequence[Step]) -> None:
    """Leave out arguments that are torch's defaults, or that inference settles to the same."""
    for entry, step in zip(layers, steps, strict=True):
        if step.layer is not None:
            reduce_layer(entry, step)
        else:
            reduced(entry["layers"], step.steps)


def reduce_layer(entry: dict[str, Any], step: Step) -> None:
    """Leave out of one layer what need not be written."""
    layer = step.layer
    assert layer is not None
    cls, fields = type(layer), type(layer).model_fields
    for name in list(entry):
        if name in fields and not fields[name].is_required() and getattr(layer, name) == fields[name].default:
            del entry[name]
    optional = [name for name in entry if name in fields and not fields[name].is_required()
                and fields[name].default is None and name != "init"]  # fmt: skip
    if optional and settles(cls, entry, optional, step):
        for name in optional:
            del entry[name]
        return
    for name in optional:
        if settles(cls, entry, [name], step):
            del entry[name]


def settles(cls: type[Layer], entry: Mapping[str, Any], without: Sequence[str], step: Step) -> bool:
    """Whether a layer without some of its arguments is resolved to what it is."""
    kept = {name: value for name, value in entry.items() if name in cls.model_fields and name not in without}
    problems: list[Any] = []
    layer = parse_fields(cls, kept, (), problems)
    if layer is None or problems:
        return False
    given = list(zip(step.sources, step.inputs, strict=True))
    try:
        outcome = layer.infer(
            *(t for s, t in given if s.keyword is None), **{s.keyword: t for s, t in given if s.keyword}
        )
    except Violation:
        return False
    return layer.model_copy(update=outcome.arguments) == step.layer
