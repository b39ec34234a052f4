"""A document with nothing left to default or infer, as plain values."""

from __future__ import annotations

from typing import Any

from specbuild.catalogue.entry import Entry
from specbuild.catalogue.types import TensorType
from specbuild.language.document import Node, Spec
from specbuild.language.expansion import SCOPE
from specbuild.network.plan import Plan, Step


def resolved(spec: Spec, plan: Plan) -> dict[str, Any]:
    """The content of `spec.json`: a document that `load` reads back to the same network and training."""
    document: dict[str, Any] = {
        "specbuild": 1,
        "name": spec.name,
        "input": input_document(spec.input),
        "layers": [layer_document(node, step) for node, step in zip(spec.layers, plan.steps, strict=True)],
    }
    if spec.loss is not None:
        document["loss"] = entry_document(spec.loss)
    if spec.optimizer is not None:
        document["optimizer"] = entry_document(spec.optimizer)
    if spec.metrics:
        document["metrics"] = [entry_document(metric) for metric in spec.metrics]
    if spec.data is not None:
        document["data"] = fields_document(spec.data)
    document["train"] = fields_document(spec.train)
    return document


def input_document(input_type: TensorType) -> dict[str, Any]:
    """The long form of an input."""
    return {"shape": list(input_type.shape), "dtype": input_type.dtype}


def layer_document(node: Node, step: Step) -> dict[str, Any]:
    """A layer, or a scope, with its name."""
    if step.layer is None:
        inner = [layer_document(child, below) for child, below in zip(node.children, step.steps, strict=True)]
        return {"name": node.name, "type": SCOPE, "layers": inner}
    return {"name": node.name, **entry_document(step.layer)}


def entry_document(entry: Entry) -> dict[str, Any]:
    """`{type: X, ...}` with every argument."""
    return {"type": entry.type, **fields_document(entry)}


def fields_document(entry: Entry) -> dict[str, Any]:
    """The arguments of an entry as plain values; entries inside it in turn."""
    document: dict[str, Any] = {}
    for name in entry.__class__.model_fields:
        value = getattr(entry, name)
        sections = entry.__class__.children.get(name)
        document[name] = plain(value, typed=not isinstance(sections, type))
    return document


def plain(value: Any, *, typed: bool) -> Any:
    """A field's value without tuples and entries; `typed` entries say their type."""
    if isinstance(value, Entry):
        return entry_document(value) if typed else fields_document(value)
    if isinstance(value, (tuple, list)):
        return [plain(item, typed=typed) for item in value]
    if isinstance(value, dict):
        return {key: plain(item, typed=typed) for key, item in value.items()}
    return value
