"""Networks of one layer each, of arguments and inputs that are drawn: alone, and beside a second way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import specbuild
from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.types import TensorType
from tests.catalogue.cases import CASES
from tests.exporting.python.apart import Trial

MOST = 1000
"""After so many draws a layer is given up of which none was taken."""


def trials_of(kind: str, count: int) -> list[Trial]:
    """Networks of a layer that specbuild takes, so many draws; more where none of them is taken."""
    found: dict[str, Trial] = {}

    @settings(
        max_examples=count, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        case = CASES[kind]
        arguments = {**case.required, **data.draw(case.arguments)}
        types = data.draw(case.inputs)
        for way, document in documents(kind, arguments, types):
            try:
                spec = specbuild.load(document)
                plan = specbuild.infer(spec)
            except specbuild.SpecError:
                continue
            label = f"{kind} {way} {arguments} {[str(type) for type in types]}"
            found[label] = Trial(label, spec, plan, value=case.value)

    draw()
    return list(found.values()) if found or count > MOST else trials_of(kind, 10 * count)


def documents(
    kind: str, arguments: dict[str, Any], types: tuple[TensorType, ...]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """A network of the layer alone; then one that hands on its second results and its input as well."""
    names = [f"input{k}" for k in range(len(types))]
    inputs = {
        name: {"shape": list(type.shape), "dtype": type.dtype}
        for name, type in zip(names, types, strict=True) if type.batched
    }  # fmt: skip
    constants = [
        {"name": name, "type": "Parameter", "shape": list(type.shape), "batch": False, "init": "normal_"}
        for name, type in zip(names, types, strict=True) if not type.batched
    ]  # fmt: skip
    inputs = inputs or {"input": {"shape": [3]}}
    layer: dict[str, Any] = {"name": "it", "type": kind, **plain(arguments)}
    if LAYERS[kind].takes != ():
        layer["from"] = names
    head = {"specbuild": 1, "name": "one_layer", "inputs": inputs}
    yield "alone", {**head, "layers": [*constants, layer]}
    results = [
        {"name": f"{result}_read", "type": "Identity", "from": f"it.{result}"} for result in LAYERS[kind].results
    ]
    aside = {"name": "aside", "type": "Identity", "from": next(iter(inputs))}
    outputs = ["it", "aside", *(item["name"] for item in results)]
    yield "beside", {**head, "layers": [aside, *constants, layer, *results], "outputs": outputs}


def plain(value: Any) -> Any:
    """Arguments as a document has them."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value
