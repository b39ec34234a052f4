"""Layers as a document writes them, with what folding has to know of them: names, defaults, marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from specbuild.catalogue.layers import LAYERS
from specbuild.importing.graph import SCOPE
from specbuild.language import names

KIND, INPUTS = "_kind", "_inputs"
"""Marks of a scope that no document has: the class that it was, and the names of its inputs where there are several."""
OWN = frozenset({"name", "type", "from", "when", "repeat", "names", "layers", KIND, INPUTS})
"""What is no argument."""
ABSENT: Any = object()


def is_scope(entry: Mapping[str, Any]) -> bool:
    """Whether a layer is a scope that is written out."""
    return "layers" in entry


def effective_names(layers: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of layers, the automatic ones too."""
    counts: dict[str, int] = {}
    found = []
    for entry in layers:
        kind = entry["type"]
        counts[kind] = counts.get(kind, 0) + 1
        found.append(str(entry["name"]) if "name" in entry else names.automatic(kind, counts[kind]))
    return found


def sources(layers: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The `from` of each layer, by names; what the default says is written out."""
    found: list[Any] = []
    before: Any = "input"
    for entry, name in zip(layers, effective_names(layers), strict=True):
        given = entry.get("from", [] if entry["type"] == "Parameter" else before)
        if isinstance(given, dict):
            found.append({key: str(value) for key, value in given.items()})
        else:
            found.append([str(value) for value in given] if isinstance(given, list) else [str(given)])
        before = name
    return found


def arguments(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What a layer says beside its own keys; the count of a repeat is one of them."""
    found = {key: value for key, value in entry.items() if key not in OWN}
    if isinstance(entry.get("repeat"), int):
        found["repeat"] = entry["repeat"]
    return found


def default(kind: str, name: str, blocks: Mapping[str, Any]) -> Any:
    """What an argument is where it is not written; `ABSENT` where a document cannot write that."""
    if kind in blocks:
        value = blocks[kind].get("params", {}).get(name)
        return ABSENT if value is None else value
    fields = LAYERS[kind].model_fields if kind in LAYERS else {}
    if name not in fields or fields[name].is_required() or fields[name].default is None:
        return ABSENT
    return fields[name].default


def is_expression(value: Any) -> bool:
    """Whether a value holds `${...}`."""
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, dict):
        return any(is_expression(item) for item in value.values())
    return isinstance(value, list) and any(is_expression(item) for item in value)


def names_and_types(entry: Mapping[str, Any]) -> Any:
    """The form of a layer: what is the same of all that could be one block."""
    if not is_scope(entry):
        return entry["type"]
    children = entry["layers"]
    called = effective_names(children)
    return (
        SCOPE,
        tuple(entry.get(INPUTS, ())),
        tuple((n, names_and_types(c), str(s)) for n, c, s in zip(called, children, sources(children), strict=True)),
    )


def equal(a: Any, b: Any) -> bool:
    """Whether two values are the same in a document; 1 is not true, and 1.0 not 1."""
    return type(a) is type(b) and bool(a == b) if not isinstance(a, (list, dict)) else bool(a == b)
