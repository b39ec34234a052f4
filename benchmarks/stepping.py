"""What the training loop costs a step, over a loop written by hand that computes the same quantities.

`python benchmarks/stepping.py`: a Linear layer of 8 to 10, batches of 16 that lie ready, SGD. Both loops learn from
the same batches and sum the loss and the hits; they take turns, epoch by epoch. Printed are medians.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import nn
from torch.utils.data import TensorDataset

from specbuild.api import build, infer, load
from specbuild.data import open_data
from specbuild.training.fitting import Fit
from specbuild.training.reporting import Silent

BATCHES, BATCH = 100, 16
ROUNDS = 400
DOCUMENT: dict[str, Any] = {
    "specbuild": 1,
    "name": "tiny",
    "input": [8],
    "layers": [{"name": "head", "type": "Linear", "out_features": 10}],
    "loss": "CrossEntropyLoss",
    "optimizer": {"type": "SGD", "lr": 1e-3},
    "train": {"epochs": 1, "precision": "float32"},
}


class Ready:
    """A split whose batches lie in memory, cut already: what is measured is the loop."""

    skipped = None
    views = 1
    read = 0

    def __init__(self, split: Any) -> None:
        self.loader, self.steps, self.size = split.loader, BATCHES, len(split)
        images, labels = torch.rand(BATCHES, BATCH, 8), torch.randint(0, 10, (BATCHES, BATCH))
        self.ready = [{"input": x, "target": y} for x, y in zip(images, labels, strict=True)]

    def __len__(self) -> int:
        return self.size

    def batches(self, epoch: int, device: torch.device, first: int = 0) -> Iterator[dict[str, torch.Tensor]]:
        """The batches, always the same."""
        return iter(self.ready)


def by_hand(model: nn.Module, optimizer: torch.optim.Optimizer, batches: Any) -> tuple[float, float]:
    """An epoch as people write it, with the mean loss and the accuracy at its end."""
    criterion = nn.CrossEntropyLoss()
    losses, hits = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.int64)
    seen = 0
    model.train()
    for batch in batches:
        given, target = batch["input"], batch["target"]
        output = model(given)
        loss = criterion(output, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses += loss.detach() * len(target)
        hits += (output.detach().argmax(1) == target).sum()
        seen += len(target)
    return losses.item() / seen, hits.item() / seen


def main() -> None:
    """Take turns, and print."""
    torch.set_num_threads(1)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    spec = load(DOCUMENT)
    own = TensorDataset(torch.rand(BATCHES * BATCH, 8), torch.arange(BATCHES * BATCH) % 10)
    ready: Any = Ready(open_data(spec, splits=("train",), train=own)["train"])
    fit = Fit(spec, infer(spec), torch.device("cpu"), {"train": ready}, Silent())
    torch.manual_seed(0)
    model = build(spec)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    hand: list[float] = []
    ours: list[float] = []
    for number in range(rounds):
        begun = perf_counter()
        wanted = by_hand(model, optimizer, ready.batches(number, "cpu"))
        between = perf_counter()
        record = fit.epoch(number)
        ended = perf_counter()
        assert torch.allclose(torch.tensor(wanted), torch.tensor([record["train_loss"], record["train_accuracy"]]))
        hand.append((between - begun) / BATCHES * 1e6)
        ours.append((ended - between) / BATCHES * 1e6)
    differences = [b - a for a, b in zip(hand, ours, strict=True)]
    print(f"{rounds} epochs of {BATCHES} steps each, by turns; microseconds a step, median (least)")
    print(f"by hand    {median(hand):7.1f} ({min(hand):.1f})")
    print(f"specbuild  {median(ours):7.1f} ({min(ours):.1f})")
    print(f"over it    {median(differences):7.1f} ({min(ours) - min(hand):.1f})   budget: 10")


if __name__ == "__main__":
    main()
