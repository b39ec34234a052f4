"""One pass over a split: learning from it, or measuring on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from time import perf_counter
from typing import Any

import torch
from torch import nn

from specbuild.network.plan import Plan
from specbuild.training.measuring import Meter

TICK = 0.5
"""Seconds between two looks at the running loss: on a GPU each look waits for the device."""

Batches = Iterable[Mapping[str, torch.Tensor]]
Tick = Callable[[Meter], None]


def memory_format(plan: Plan, device: torch.device) -> torch.memory_format:
    """Channels last for networks of 2-d convolutions, which run up to twice as fast that way."""
    convolves = any(step.type in ("Conv2d", "ConvTranspose2d") for step in plan.layers())
    fits = len(plan.input.shape) == 3 and device.type in ("cpu", "cuda")
    return torch.channels_last if convolves and fits else torch.contiguous_format


def learn(
    model: nn.Module,
    criterion: Callable[[Any, Any], torch.Tensor],
    optimizer: torch.optim.Optimizer,
    batches: Batches,
    target: str,
    layout: torch.memory_format,
    meter: Meter,
    tick: Tick,
) -> None:
    """One epoch of training: each batch once forward, back, and a step."""
    model.train()
    due = perf_counter() + TICK
    for batch in batches:
        wanted = batch[target]
        output = model(batch["input"].contiguous(memory_format=layout))
        loss = criterion(output, wanted)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        meter.add(loss, output, wanted)
        if perf_counter() >= due:
            tick(meter)
            due = perf_counter() + TICK


def measure(
    model: nn.Module,
    criterion: Callable[[Any, Any], torch.Tensor],
    batches: Batches,
    target: str,
    layout: torch.memory_format,
    meter: Meter,
) -> None:
    """Loss and metrics in eval mode; the model is left in it."""
    model.eval()
    with torch.inference_mode():
        for batch in batches:
            wanted = batch[target]
            output = model(batch["input"].contiguous(memory_format=layout))
            meter.add(criterion(output, wanted), output, wanted)
