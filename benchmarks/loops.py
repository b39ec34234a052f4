"""The loops that specbuild's is held against, written by hand for the network, loss and optimizer of a spec.

Each takes uint8 images `[N, C, H, W]` and labels `[N]`, crops (4 pixels of padding), mirrors and normalizes, and
trains one epoch at a call of `epoch`, which gives the mean loss and the share of right answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional

import specbuild
from specbuild.data.vision import torchvision

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
PADDING = 4


class Usual:
    """What a tutorial has: a DataLoader with two workers, torchvision's transforms on PIL images, `.item()` a step."""

    def __init__(self, spec: Any, images: torch.Tensor, labels: torch.Tensor, batch: int, device: str = "cpu") -> None:
        torch.manual_seed(0)
        self.device = torch.device(device)
        self.model = specbuild.build(spec).to(self.device)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
        self.loader = torch.utils.data.DataLoader(
            PilImages(images, labels), batch_size=batch, shuffle=True, num_workers=2, drop_last=True
        )

    def epoch(self) -> tuple[float, float]:
        """Every image once."""
        criterion = nn.CrossEntropyLoss()
        self.model.train()
        loss_sum, right, seen = 0.0, 0, 0
        for images, labels in self.loader:
            images, labels = images.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            output = self.model(images)
            loss = criterion(output, labels)
            loss.backward()
            self.optimizer.step()
            loss_sum += loss.item() * len(labels)
            right += int((output.argmax(1) == labels).sum())
            seen += len(labels)
        return loss_sum / seen, right / seen


class PilImages(torch.utils.data.Dataset[Any]):
    """As torchvision's CIFAR10: an array, a PIL image of each, and its transforms."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        transforms = torchvision().transforms
        self.arrays, self.labels = images.permute(0, 2, 3, 1).contiguous().numpy(), labels.tolist()
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(images.shape[-1], padding=PADDING),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        from PIL import Image

        return self.transform(Image.fromarray(self.arrays[index])), self.labels[index]


class Tuned:
    """The best that was found by hand: bytes in memory, whole batches cropped and mirrored by one gather, channels
    last, bfloat16 where the device is fast in it, the loss read once an epoch; `count`: the right answers too."""

    def __init__(
        self,
        spec: Any,
        images: torch.Tensor,
        labels: torch.Tensor,
        batch: int,
        *,
        device: str = "cpu",
        half: bool = True,
        count: bool = True,
    ) -> None:
        torch.manual_seed(0)
        self.device, self.batch, self.half, self.count = torch.device(device), batch, half, count
        self.model = specbuild.build(spec).to(self.device).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, fused=True)
        self.images = functional.pad(images, (PADDING,) * 4).to(self.device)
        self.labels, self.size = labels.to(self.device), images.shape[-1]
        mean, std = (torch.tensor(values, device=self.device).view(-1, 1, 1) * 255 for values in (MEAN, STD))
        self.scale, self.shift = 1 / std, -mean / std

    def batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Every image once, cropped and mirrored, in random order."""
        size, span, count = self.size, 2 * PADDING + 1, len(self.images)
        order = torch.randperm(count, device=self.device)
        tops, lefts = (torch.randint(span, (count,), device=self.device) for _ in range(2))
        flips = torch.rand(count, device=self.device) < 0.5
        sample, channel, row, column = self.images.stride()
        # Every window of every image as a view: one gather takes those that were drawn.
        windows = self.images.as_strided(
            (count, span, span, self.images.shape[1], size, size), (sample, row, column, channel, row, column)
        )
        for start in range(0, count - self.batch + 1, self.batch):
            chosen = order[start : start + self.batch]
            images = windows[chosen, tops[chosen], lefts[chosen]]
            if self.device.type == "cpu":
                mirrored = flips[chosen].nonzero().squeeze(1)
                images.index_copy_(0, mirrored, images.index_select(0, mirrored).flip(-1))
            else:  # `nonzero` would wait for the device
                images = torch.where(flips[chosen].view(-1, 1, 1, 1), images.flip(-1), images)
            images = images.to(torch.float32).mul_(self.scale).add_(self.shift)
            yield images.contiguous(memory_format=torch.channels_last), self.labels[chosen]

    def epoch(self) -> tuple[float, float]:
        """Every image once."""
        self.model.train()
        loss_sum = torch.zeros((), device=self.device)
        right = torch.zeros((), dtype=torch.int64, device=self.device)
        seen = 0
        for images, labels in self.batches():
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
                output = self.model(images)
                loss = functional.cross_entropy(output, labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            loss_sum += loss.detach() * len(labels)
            if self.count:
                right += (output.detach().argmax(1) == labels).sum()
            seen += len(labels)
        return float(loss_sum) / seen, int(right) / seen
