"""What is hostile to sizes that are left open: many questions, long formulas, long periods."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any


def spec(layers: Iterable[Any], **more: Any) -> bytes:
    """A document of these layers over sizes that are left open, as JSON."""
    document = {"specbuild": 1, "input": [1, "H"], **more, "layers": [*layers]}
    if "inputs" in document:
        del document["input"]
    return json.dumps(document, separators=(",", ":")).encode()


def inputs(count: int) -> dict[str, Any]:
    """Inputs of a size of its own each."""
    return {f"i{k}": [1, f"S{k}"] for k in range(count)}


def there_and_back(kernels: Iterable[int], start: str = "input") -> list[Any]:
    """Pooled and spread again, each by another number, and joined to what there was: each asks for multiples of it."""
    layers: list[Any] = []
    for k, size in enumerate(kernels):
        layers += [
            {"name": f"d{k}", "type": "MaxPool1d", "kernel_size": size, "from": start},
            {"name": f"u{k}", "type": "ConvTranspose1d", "out_channels": 1, "kernel_size": size, "stride": size},
            {"name": f"c{k}", "type": "Concat", "from": [f"u{k}", start]},
        ]
    return layers


def convolutions(count: int, **arguments: Any) -> list[Any]:
    """Convolutions that all differ."""
    return [{"type": "Conv1d", "out_channels": 1 + k % 4000, **arguments} for k in range(count)]


JOINED = {"name": "sum", "type": "Add", "from": ["a", "b"]}
POOLED = {"type": "AdaptiveAvgPool1d", "output_size": 4}

DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "sizes_of_long_periods.json": lambda: spec(there_and_back(range(9000, 12_000))),
    "sizes_of_many_periods.json": lambda: spec(there_and_back(range(2, 3002))),
    "sizes_that_fail_before_many_layers.json": lambda: spec(
        [*there_and_back(range(2, 302), "a"), JOINED, POOLED, *convolutions(14_000, kernel_size=1)],
        inputs={"a": [1, "H"], "b": [1, "W"]},
    ),
    "sizes_in_thirds_and_halves.json": lambda: spec(
        [{"type": "ConvTranspose1d", "out_channels": 1, "kernel_size": 3, "stride": 3},
         {"type": "MaxPool1d", "kernel_size": 2}] * 2000
    ),
    "sizes_through_many_convolutions.json": lambda: spec(convolutions(15_000, kernel_size=3, padding=1)),
    "sizes_halved_without_end.json": lambda: spec(convolutions(3000, kernel_size=3, stride=2, padding=1)),
    "sizes_joined.json": lambda: spec(
        [{"type": "Concat", "dim": 2, "from": [*inputs(3000)]}], inputs=inputs(3000)
    ),
    "sizes_joined_and_convolved.json": lambda: spec(
        [{"type": "Concat", "dim": 2, "from": [*inputs(150)]}, *convolutions(3000, kernel_size=3, padding=2)],
        inputs=inputs(150),
    ),
    "sizes_of_a_name_each.json": lambda: spec(
        [{"type": "MaxPool1d", "kernel_size": k + 3, "from": f"i{k}"} for k in range(3000)],
        inputs=inputs(3000), dims={f"S{k}": {"min": k + 1, "multiple_of": k + 1} for k in range(3000)},
    ),
    "sizes_by_many_factors.json": lambda: spec(
        [{"type": "Upsample", "scale_factor": 1.1 + k / 1000, "from": "input"} for k in range(5000)],
        dims={"H": {"max": 90_000}},
    ),
    "sizes_squared.json": lambda: spec(
        [step for k in range(3000) for step in ("Flatten", {"type": "Unflatten", "dim": 1, "unflattened_size": [1, -1]},
                                                {"type": "ZeroPad1d", "padding": 1 + k % 3})],
        input=[1, "H", "H"],
    ),
}  # fmt: skip
