"""A document with nothing left to default or infer, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from specbuild.catalogue.entry import Entry, OneOf
from specbuild.catalogue.types import TensorType
from specbuild.language.document import Spec
from specbuild.language.initializing import Rule
from specbuild.language.items import SCOPE, Reference
from specbuild.network.plan import Plan, Scope, Step


def resolved(spec: Spec, plan: Plan) -> dict[str, Any]:
    """The content of `spec.json`: a document that `load` reads back to the same network and training."""
    blocks: dict[str, Any] = {}
    layers = layers_document(plan.scope, blocks)
    document: dict[str, Any] = {"specbuild": 1, "name": spec.name}
    if blocks:
        document["blocks"] = blocks
    if tuple(spec.inputs) == ("input",):
        document["input"] = input_document(plan.input)
    else:
        document["inputs"] = {name: input_document(type) for name, type in spec.inputs.items()}
    if spec.dims:
        from specbuild.language.dims import dims_document  # few documents leave sizes open

        if promised := dims_document(spec.dims):
            document["dims"] = promised
    document["layers"] = layers
    if "outputs" in spec.tree and spec.tree["outputs"] is not None:
        document["outputs"] = list(spec.outputs)
    if spec.tie:
        document["tie"] = dict(spec.tie)
    if spec.init:
        document["init"] = init_document(spec.init)
    if spec.weights:
        from specbuild.language.transferring import weights_document  # few documents have it

        document["weights"] = weights_document(spec.weights)
    if spec.freeze is not None:
        from specbuild.language.transferring import freeze_document

        document["freeze"] = freeze_document(spec.freeze)
    if len(spec.outputs) > 1 and spec.losses:
        document["loss"] = {name: entry_document(loss) for name, loss in spec.losses.items()}
    elif spec.loss is not None:
        document["loss"] = entry_document(spec.loss)
    if spec.optimizer is not None:
        document["optimizer"] = entry_document(spec.optimizer)
    if spec.scheduler is not None:
        document["scheduler"] = entry_document(spec.scheduler)
    if spec.metrics is not None:
        document["metrics"] = [entry_document(metric) for metric in spec.metrics]
    if spec.data is not None:
        document["data"] = fields_document(spec.data)
    document["train"] = fields_document(spec.train)
    if spec.ignored:
        document["ignore"] = list(spec.ignored)
    return document


def init_document(rules: Sequence[Rule]) -> dict[str, Any]:
    """The rules as they are: the names of the layers are those that they were written for."""
    document: dict[str, Any] = {}
    for rule in rules:
        document.setdefault(rule.layers, {})[rule.parameters] = entry_document(rule.scheme)
    return document


def input_document(input_type: TensorType) -> dict[str, Any]:
    """The long form of an input."""
    sizes = [size if isinstance(size, int) else str(size) for size in input_type.shape]
    return {"shape": sizes, "dtype": input_type.dtype}


def layers_document(scope: Scope, blocks: dict[str, Any]) -> list[dict[str, Any]]:
    """The layers of a scope with their names, `from` where it is not what came before."""
    return [layer_document(step, position, scope, blocks) for position, step in enumerate(scope.steps)]


def layer_document(step: Step, position: int, scope: Scope, blocks: dict[str, Any]) -> dict[str, Any]:
    """A layer, or a scope, with its name; a scope of several inputs as a block of its own."""
    document: dict[str, Any] = {"name": step.local_name}
    if step.layer is not None:
        document.update(entry_document(step.layer))
    else:
        assert step.scope is not None
        inner = layers_document(step.scope, blocks)
        if step.scope.inputs == ("input",):
            document.update({"type": SCOPE, "layers": inner})
        else:
            block = f"block_{len(blocks) + 1}"
            blocks[block] = {"inputs": list(step.scope.inputs), "layers": inner}
            document["type"] = block
    usual = ((position - 1, None, None),) if position or len(scope.inputs) == 1 else None
    if step.sources != usual and (step.layer is None or step.layer.takes != ()):
        document["from"] = from_document(step.sources, scope)
    return document


def from_document(sources: tuple[Reference, ...], scope: Scope) -> Any:
    """`a`, `[a, b]`, or `{query: a}`."""

    def name_of(source: Reference) -> str:
        if source.position < 0:
            return scope.inputs[-1 - source.position]
        name = scope.steps[source.position].local_name
        return f"{name}.{source.result}" if source.result else name

    if any(source.keyword for source in sources):
        return {source.keyword: name_of(source) for source in sources}
    return name_of(sources[0]) if len(sources) == 1 else [name_of(source) for source in sources]


def entry_document(entry: Entry) -> dict[str, Any]:
    """`{type: X, ...}` with every argument."""
    return {"type": entry.type, **fields_document(entry)}


def fields_document(entry: Entry) -> dict[str, Any]:
    """The arguments of an entry as plain values; entries inside it in turn."""
    document: dict[str, Any] = {}
    for name in entry.__class__.model_fields:
        value = getattr(entry, name)
        sections = entry.__class__.children.get(name)
        document[name] = plain(value, typed=sections is None or isinstance(sections, OneOf))
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
