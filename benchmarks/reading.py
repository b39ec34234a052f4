"""How fast a YAML document is read, beside PyYAML's own fast loader on the same text.

    python benchmarks/reading.py [--layers 10000] [--rounds 7]

The budget: reading, and then placing a value, at most half of `yaml.load(text, yaml.CSafeLoader)`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import yaml

from specbuild.language.source import read_text

BUDGET = 0.5


def document(layers: int) -> str:
    """A plausible document of so many layers."""
    lines = ["specbuild: 1", "input: [64, 32, 32]", "layers:"]
    for index in range(layers):
        if index % 2:
            lines.append("  - {type: LeakyReLU, negative_slope: 0.2}")
        else:
            lines.append(f"  - {{name: conv{index}, type: Conv2d, out_channels: 64, kernel_size: [3, 3], padding: 1}}")
    return "\n".join(lines) + "\n"


def seconds(run: Callable[[], object]) -> float:
    """The time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    """Print the medians and their ratios."""
    parser = argparse.ArgumentParser(description="Reading YAML, beside yaml.load(CSafeLoader).")
    parser.add_argument("--layers", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    text = document(options.layers)
    path = ("layers", options.layers - 1, "type")
    rivals: dict[str, Callable[[], object]] = {
        "yaml.load(CSafeLoader)": lambda: yaml.load(text, yaml.CSafeLoader),
        "specbuild, values": lambda: read_text(text, format="yaml"),
        "specbuild, values and places": lambda: read_text(text, format="yaml").locate(path),
    }
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(options.rounds):
        for name, run in rivals.items():
            times[name].append(seconds(run))
    base = statistics.median(times["yaml.load(CSafeLoader)"])
    print(f"{options.layers:,} layers, {len(text):,} characters, {options.rounds} rounds; budget {BUDGET}")
    for name, measured in times.items():
        median = statistics.median(measured)
        print(f"{name:<30} {median * 1e3:9.1f} ms  ratio {median / base:.3f}")


if __name__ == "__main__":
    main()
