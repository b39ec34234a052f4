"""Training samples as the network will get them: a sheet of images with their labels, or lines of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from specbuild.data import Split
from specbuild.language.document import Spec
from specbuild.reports.drawing import FAINT, INK, Tile, mask, picture, sheet

if TYPE_CHECKING:
    from PIL.Image import Image

NUMBERS = 8
"""Numbers of a vector that are written out."""


class Preview(NamedTuple):
    """What is seen of a split: a picture, or where it has no images, text."""

    picture: Image | None
    text: str


def preview(spec: Spec, split: Split, count: int) -> Preview:
    """The first `count` samples of the first epoch, transformed. Raises `DataError` for one that cannot be used."""
    samples: list[dict[str, torch.Tensor]] = []
    for batch in split.batches(1, "cpu"):
        size = len(next(iter(batch.values())))
        samples += [{name: tensor[k] for name, tensor in batch.items()} for k in range(size)]
        if len(samples) >= count:
            break
    samples = samples[:count]
    title = f"{spec.name}: {len(samples)} of {len(split):,} training samples, as in the first epoch"
    ranges = {name: extent(split, name, samples) for name in samples[0]}
    tiles = [tile_of(spec, split, sample, ranges) for sample in samples]
    if any(tile.images for tile in tiles):
        return Preview(sheet(tiles, title), title)
    lines = ["  ".join(f"{name} {words(split, name, value)}" for name, value in sample.items()) for sample in samples]
    return Preview(None, "\n".join([title, *lines]))


def tile_of(
    spec: Spec, split: Split, sample: Mapping[str, torch.Tensor], ranges: Mapping[str, tuple[float, float]]
) -> Tile:
    """One sample: images and masks side by side, all else below."""
    images, lines = [], []
    for name, value in sample.items():
        image = None
        if value.dim() >= 2:
            labels = name not in spec.inputs and not value.is_floating_point()
            image = mask(value) if labels else picture(unscaled(split, name, value), *ranges[name])
        if image is not None:
            images.append(image)
        else:
            lines.append((words(split, name, value), INK if name == "target" else FAINT))
    return Tile(images, lines)


def extent(split: Split, name: str, samples: list[dict[str, torch.Tensor]]) -> tuple[float, float]:
    """The numbers of a field that are black and white: of all its samples together."""
    values = [unscaled(split, name, sample[name]).float() for sample in samples if sample[name].numel()]
    if not values:
        return 0.0, 1.0
    low, high = (float(extreme) for extreme in (min(v.min() for v in values), max(v.max() for v in values)))
    return (0.0, 1.0) if low >= -0.01 and high <= 1.01 else (low, high)


def unscaled(split: Split, name: str, value: torch.Tensor) -> torch.Tensor:
    """An image before `Normalize`: what a person would know again."""
    last: Any = split.transforms[-1] if split.transforms and name == split.image else None
    if last is None or last.type != "Normalize" or value.dim() != 3:
        return value
    mean, std = (torch.tensor(numbers).reshape(-1, 1, 1) for numbers in (last.mean, last.std))
    return value * std + mean


def words(split: Split, name: str, value: torch.Tensor) -> str:
    """A label by its name, probabilities by the classes that have some, numbers as they are."""
    names = getattr(split.source, "class_names", None) if name == "target" else None
    if value.dim() == 0:
        number = value.item()
        if isinstance(number, float):
            return f"{number:.4g}"
        return str(names[int(number)]) if names and 0 <= number < len(names) else str(number)
    flat = value.flatten()
    classes = name == "target" and value.dim() == 1 and len(flat) > 1 and flat.is_floating_point()
    if classes and abs(float(flat.sum()) - 1) < 1e-3 and float(flat.min()) >= 0:
        shares = [(float(share), k) for k, share in enumerate(flat.tolist()) if share >= 0.005]
        return " ".join(f"{names[k] if names else k} {share:.0%}" for share, k in sorted(shares, reverse=True)[:3])
    shown = " ".join(f"{number:.4g}" for number in flat[:NUMBERS].tolist())
    return f"{shown} … ({len(flat)})" if len(flat) > NUMBERS else shown
