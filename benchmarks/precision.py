"""What bfloat16 and fused optimizers gain on this CPU: a step in either, by turns, medians.

    python benchmarks/precision.py [--rounds 30]

The first table is what the threshold of `precision: auto` was read from (`specbuild/training/precision.py`), the second
which optimizers are fused by themselves.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch
from torch import nn
from torch.nn import functional

import specbuild

NETWORKS = [(8, 8, 64), (8, 16, 64), (16, 16, 32), (16, 16, 64), (16, 32, 32), (32, 32, 32), (32, 32, 64)]
"""Width, height and width of the images, and images a batch."""
ENCODERS = [(32, 16, 32), (64, 32, 32), (128, 64, 16)]
"""Width, tokens and samples a batch."""
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4},
    "Adam": {},
    "AdamW": {},
    "Adagrad": {},
}
Step = Callable[[], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    print(f"{torch.get_num_threads()} threads, medians of {rounds} steps by turns")
    print(f"{'network':<44}{'multiply-adds':>14}{'float32':>12}{'bfloat16':>12}{'gain':>8}")
    for width, size, batch in NETWORKS:
        network = f"three convolutions of {width}, {batch} x {size} x {size}"
        compare(network, convolutional(width, size), (3, size, size), batch, rounds)
    for width, tokens, batch in ENCODERS:
        network = f"an encoder of {width}, {batch} x {tokens} tokens"
        compare(network, encoder(width, tokens), (tokens, width), batch, rounds)
    print(f"\n{'a step on 423,962 parameters in 8 tensors':<44}{'default':>26}{'fused':>12}{'gain':>8}")
    for name, arguments in OPTIMIZERS.items():
        default, fused = medians([stepping(name, arguments), stepping(name, {**arguments, "fused": True})], rounds)
        print(f"{name:<44}{default * 1e3:23.2f} ms{fused * 1e3:9.2f} ms{default / fused:8.2f}")


def convolutional(width: int, size: int) -> dict[str, Any]:
    layer = {"type": "Conv2d", "kernel_size": 3, "padding": 1}
    layers: list[Any] = []
    for k in range(3):
        layers += [{**layer, "out_channels": width * 2**k}, "ReLU", {"type": "MaxPool2d", "kernel_size": 2}]
    layers += ["Flatten", {"type": "Linear", "out_features": 10}]
    return {"specbuild": 1, "input": [3, size, size], "layers": layers}


def encoder(width: int, tokens: int) -> dict[str, Any]:
    layer = {"type": "TransformerEncoderLayer", "nhead": 4, "dim_feedforward": 4 * width, "dropout": 0.0}
    layers = [
        {"type": "TransformerEncoder", "num_layers": 2, "encoder_layer": layer},
        {"type": "Mean", "dim": 1},
        {"type": "Linear", "out_features": 10},
    ]
    return {"specbuild": 1, "input": [tokens, width], "layers": layers}


def compare(name: str, document: dict[str, Any], shape: tuple[int, ...], batch: int, rounds: int) -> None:
    plan = specbuild.infer(document)
    samples, labels = torch.randn(batch, *shape), torch.randint(10, (batch,))
    whole, half = medians([learning(document, samples, labels, half) for half in (False, True)], rounds)
    macs = plan.macs() * batch / 1e6
    print(f"{name:<44}{macs:12.1f} M{whole * 1e3:9.1f} ms{half * 1e3:9.1f} ms{whole / half:8.2f}")


def learning(document: dict[str, Any], samples: torch.Tensor, labels: torch.Tensor, half: bool) -> Step:
    """A step of SGD in either precision, images channels last."""
    layout = torch.channels_last if samples.dim() == 4 else torch.contiguous_format
    model = specbuild.build(document).to(memory_format=layout)
    optimizer, given = torch.optim.SGD(model.parameters(), lr=1e-3), samples.contiguous(memory_format=layout)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss = functional.cross_entropy(model(given), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def stepping(name: str, arguments: dict[str, Any]) -> Step:
    """A step of an optimizer alone."""
    layers = [nn.Linear(640, 512), nn.Linear(512, 160), nn.Linear(160, 80), nn.Linear(80, 10)]
    parameters = [parameter for layer in layers for parameter in layer.parameters()]
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    optimizer = getattr(torch.optim, name)(parameters, **arguments)
    return lambda: optimizer.step()  # a wrapper: torch wraps `step` itself


def medians(steps: list[Step], rounds: int) -> list[float]:
    """Seconds of each step, by turns."""
    for step in steps:
        for _ in range(3):
            step()
    seconds: list[list[float]] = [[] for _ in steps]
    for _ in range(rounds):
        for taken, step in zip(seconds, steps, strict=True):
            begun = perf_counter()
            step()
            taken.append(perf_counter() - begun)
    return [statistics.median(taken) for taken in seconds]


if __name__ == "__main__":
    main()
