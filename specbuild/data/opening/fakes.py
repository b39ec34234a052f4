"""Images that are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from specbuild.catalogue.datasets.fake import FakeData
from specbuild.data.opening.opener import Openers
from specbuild.data.sources import Sample, SampleSource, Source, TensorSource
from specbuild.network.samples import INPUT

LARGEST_FAKE = 2**29
"""Bytes of random images that are made at once and held."""


class FakeSource(SampleSource):
    """Random images, each a function of its number."""

    images = True
    cached = False
    fields = (INPUT, "target")

    def __init__(self, entry: FakeData) -> None:
        self.entry, self.classes = entry, entry.num_classes

    def __len__(self) -> int:
        return self.entry.size

    def sample(self, index: int) -> Sample:
        """One image and a label."""
        generator = torch.Generator().manual_seed((index + self.entry.random_offset) % 2**63)
        label = torch.randint(self.entry.num_classes, (), generator=generator)
        image: Any = torch.randint(256, self.entry.image_size, generator=generator, dtype=torch.uint8)
        return {INPUT: image, "target": label}


def fake(entry: FakeData, root: Path, image: str | None) -> Source:
    """Random images: held where they are few, made when asked for where they are many."""
    source = FakeSource(entry)
    channels, height, width = entry.image_size
    if entry.size * channels * height * width > LARGEST_FAKE:
        return source
    samples = [source.sample(index) for index in range(entry.size)]
    held = {name: torch.stack([sample[name] for sample in samples]) for name in source.fields}
    return TensorSource(held, layout="NCHW", classes=entry.num_classes)


OPENERS: Openers = {FakeData: fake}
