"""From text to Plan, beside building and running the same network on torch's meta device.

    python benchmarks/frontend.py [--layers 10000] [--rounds 5]

One process, interleaved, medians. The network repeats Conv2d, BatchNorm2d, ReLU; the document is JSON with
every layer written out, as a program would generate it.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from specbuild.language.loading import load
from specbuild.network.inference import infer


def document(layers: int) -> str:
    """A JSON document of so many layers."""
    kinds = [
        {"type": "Conv2d", "out_channels": 16, "kernel_size": 3, "padding": 1, "bias": False},
        {"type": "BatchNorm2d"},
        {"type": "ReLU", "inplace": True},
    ]
    written = [{"name": f"layer{i}", **kinds[i % 3]} for i in range(layers)]
    return json.dumps({"specbuild": 1, "input": [16, 8, 8], "layers": written})


def specbuild_plan(text: str) -> None:
    infer(load(text))


def on_meta(layers: int) -> None:
    """The same network, built and run without memory."""
    with torch.device("meta"), torch.no_grad():
        kinds: list[Callable[[], nn.Module]] = [
            lambda: nn.Conv2d(16, 16, 3, padding=1, bias=False),
            lambda: nn.BatchNorm2d(16),
            lambda: nn.ReLU(inplace=True),
        ]
        model = nn.Sequential(*(kinds[i % 3]() for i in range(layers)))
        model(torch.empty(2, 16, 8, 8))


def seconds(action: Callable[[], None]) -> float:
    gc.collect()
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    small, large = document(options.layers), document(10 * options.layers)
    specbuild_plan(document(10))
    on_meta(10)
    times: dict[str, list[float]] = {"small": [], "large": [], "meta": []}
    for _ in range(options.rounds):
        times["small"].append(seconds(lambda: specbuild_plan(small)))
        times["meta"].append(seconds(lambda: on_meta(options.layers)))
        times["large"].append(seconds(lambda: specbuild_plan(large)))
    median = {name: statistics.median(values) for name, values in times.items()}
    print(f"{options.layers:,} layers, text to Plan          {median['small'] * 1000:8.0f} ms")
    print(f"{options.layers:,} layers, built and run on meta {median['meta'] * 1000:8.0f} ms")
    print(f"{10 * options.layers:,} layers, text to Plan         {median['large'] * 1000:8.0f} ms")
    print(f"text to Plan is {median['small'] / median['meta']:.4f} of meta (budget 0.02)")
    print(f"ten times the layers take {median['large'] / median['small']:.1f} times as long (budget 12)")


if __name__ == "__main__":
    main()
