"""Operations that mix each sample of a batch with the one before it, and their targets alike.

v2 draws one share for a batch. Here each sample draws its own, from the same distribution: so its share is the same
in every batch, though whom it is mixed with is as the batch falls out.
"""

from __future__ import annotations

import torch

from specbuild.catalogue.transforms.mixing import CutMix, MixUp
from specbuild.data.operations.adjusting import each
from specbuild.data.operations.erasing import Boxes
from specbuild.data.operations.operation import Builders, Draws, Operation

POINTS = 8192
"""How many points of the distribution of the shares are tabled."""


class Beta:
    """Beta(alpha, alpha), by a table of its distribution from 0 to 1/2, to which it is symmetric."""

    def __init__(self, alpha: float) -> None:
        # Integrated over t = x^alpha where alpha < 1: the density's pole at 0 is then gone.
        self.power = min(alpha, 1.0)
        self.points = torch.linspace(0.0, 0.5**self.power, POINTS + 1, dtype=torch.float64)
        middles = ((self.points[1:] + self.points[:-1]) / 2) ** (1.0 / self.power)
        density = (4 * middles) ** (alpha - self.power) * (1 - middles) ** (alpha - 1.0)
        total = torch.cat([torch.zeros(1, dtype=torch.float64), density.cumsum(0)])
        self.total = total / (2 * total[-1])
        """How much of the distribution is up to each point."""

    def of(self, draws: torch.Tensor) -> torch.Tensor:
        """The quantiles of uniform draws, float64 `[B]`."""
        half = torch.minimum(draws, 1.0 - draws)
        after = torch.searchsorted(self.total, half).clamp_(1, POINTS)
        low, high = self.total[after - 1], self.total[after]
        step = (half - low) / (high - low).clamp_(min=1e-300)
        points = self.points[after - 1] + step * (self.points[after] - self.points[after - 1])
        found = points ** (1.0 / self.power)
        return torch.where(draws <= 0.5, found, 1.0 - found)


def mixup(transform: MixUp) -> Operation:
    """Blended."""
    beta = Beta(transform.alpha)

    def mix(images: torch.Tensor, targets: torch.Tensor, draws: Draws) -> tuple[torch.Tensor, torch.Tensor]:
        shares = beta.of(draws[0])
        own, others = each(shares, images), each(1.0 - shares, images)
        mixed = images.roll(1, 0).mul_(others).add_(images.mul(own))
        return mixed, mixed_targets(targets, shares)

    return Operation(unmixed, streams=1, mix=mix)


def cutmix(transform: CutMix) -> Operation:
    """A rectangle exchanged."""
    beta = Beta(transform.alpha)

    def mix(images: torch.Tensor, targets: torch.Tensor, draws: Draws) -> tuple[torch.Tensor, torch.Tensor]:
        height, width = images.shape[-2:]
        boxes = cut(beta.of(draws[0]), draws[1], draws[2], height, width)
        area = (boxes.bottom - boxes.top) * (boxes.right - boxes.left)
        mixed = images.clone()
        for k, rows, columns in boxes.each():
            mixed[k, :, rows, columns] = images[k - 1, :, rows, columns]
        return mixed, mixed_targets(targets, 1.0 - area.double() / (height * width))

    return Operation(unmixed, streams=3, mix=mix)


def cut(shares: torch.Tensor, across: torch.Tensor, down: torch.Tensor, height: int, width: int) -> Boxes:
    """v2's rectangle: of 1 - share of the area, around a point of the image, within the image."""
    half = (1.0 - shares).sqrt() * 0.5
    x, y = across.mul(width).long(), down.mul(height).long()
    wide, tall = half.mul(width).long(), half.mul(height).long()
    return Boxes((y - tall).clamp_(min=0), (x - wide).clamp_(min=0), (y + tall).clamp_(max=height),
                 (x + wide).clamp_(max=width))  # fmt: skip


def mixed_targets(targets: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Probabilities `[B, classes]`: the sample's own by its share and those of the one before it."""
    own = shares.to(targets.device, targets.dtype, non_blocking=True).view(-1, *[1] * (targets.dim() - 1))
    return targets.roll(1, 0).mul_(1.0 - own).add_(targets.mul(own))


def unmixed(images: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Images alone are left as they are."""
    return images


BUILDERS: Builders = {MixUp: mixup, CutMix: cutmix}
