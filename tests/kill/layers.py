"""Plug-ins for trainings that are hard to end: data that are long in coming, layers that are long in computing.

How long, the environment says: the document is the same, and so the training can go on without it.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from typing import Any

import torch

from specbuild.plugins import Dataset, Int, Layer, Outcome, SampleType, TensorType, plugin
from tests.kill.dying import NOTES


def seconds(name: str) -> float:
    """What the environment says of a delay."""
    return float(os.environ.get(name, "0"))


class NoiseSamples(torch.utils.data.Dataset[Any]):
    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        time.sleep(seconds("SAMPLE"))
        drawn = torch.Generator().manual_seed(index)
        image = torch.rand(1, 8, 8, generator=drawn)
        return {"input": image, "target": (10 * image.mean()).long() % 10}


@plugin
class Noise(Dataset):
    """Images that are a function of their number; each takes SAMPLE seconds."""

    samples: Int = 64
    """How many."""

    def sample(self) -> dict[str, SampleType]:
        return {"input": SampleType((1, 8, 8), "float32", image=True), "target": SampleType((), "int64", classes=10)}

    def length(self) -> int:
        return self.samples

    def open(self, root: Any) -> Any:
        return NoiseSamples(self.samples)


def compute(rounds: int) -> None:
    hashlib.pbkdf2_hmac("sha256", b"", b"", rounds)


def tell(thread: int) -> None:
    """Note `computing` once a thread is inside the C call of `compute`: its line alone has been begun there."""
    code = compute.__code__
    while (frame := sys._current_frames()[thread]).f_code is not code or frame.f_lineno == code.co_firstlineno:
        time.sleep(0.001)
    for note in NOTES:
        note("computing")


class HoldingModule(torch.nn.Module):
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if not self.training:
            time.sleep(seconds("JUDGE"))
        elif seconds("LEARN"):
            time.sleep(seconds("LEARN"))
        elif seconds("COMPUTE"):  # no handler of a signal runs meanwhile
            threading.Thread(target=tell, args=(threading.get_ident(),), daemon=True).start()
            compute(int(1_000_000 * seconds("COMPUTE")))
        return input


@plugin
class Holding(Layer):
    """What comes in, after LEARN seconds, or JUDGE in eval mode.

    Or after COMPUTE million rounds of a hash, a fraction of a second each, in which no handler of a signal runs: once
    it is there, the trace says `computing`.
    """

    def infer(self, input: TensorType) -> Outcome:
        return Outcome(input)

    def build(self, nn: Any, **switches: Any) -> Any:
        return HoldingModule()
