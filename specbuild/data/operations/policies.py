"""What the automatic augmentations draw from, as in v2: operations, their magnitudes, and the policies learnt."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch

GEOMETRIC = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")
ADJUSTING = ("Brightness", "Color", "Contrast", "Sharpness")
SIGNED = {*GEOMETRIC, *ADJUSTING}
"""The operations whose magnitude may be negative, half of the times."""
OTHERS = ("Posterize", "Solarize", "AutoContrast", "Equalize")


class Space(NamedTuple):
    """The operations of an augmentation, and how strong each may be."""

    operations: tuple[str, ...]
    shear: float
    """The most."""
    translate: Callable[[int], float]
    """The most, of a height or width."""
    rotate: float
    """The most, in degrees."""
    adjust: float
    """The most that a factor is off 1."""
    bits: tuple[int, int]
    """The most bits that are kept, and how many of them may go."""

    def magnitudes(self, bins: int, height: int, width: int) -> torch.Tensor:
        """Of each operation its magnitudes, weakest first: float64 `[operations, bins]`; 0 where it has none."""
        return torch.stack([self.row(name, bins, height, width).double() for name in self.operations])

    def row(self, name: str, bins: int, height: int, width: int) -> torch.Tensor:
        """The magnitudes of one operation."""
        if name == "Posterize":
            kept, lost = self.bits
            return (kept - (torch.arange(bins) / ((bins - 1) / lost))).round()
        if name == "Solarize":
            return torch.linspace(1.0, 0.0, bins)
        most = {
            "ShearX": self.shear,
            "ShearY": self.shear,
            "TranslateX": self.translate(width),
            "TranslateY": self.translate(height),
            "Rotate": self.rotate,
            **dict.fromkeys(ADJUSTING, self.adjust),
        }
        return torch.linspace(0.0, most.get(name, 0.0), bins)

    def signed(self) -> torch.Tensor:
        """Which operations have a sign: bool `[operations]`."""
        return torch.tensor([name in SIGNED for name in self.operations])


def part(size: int) -> float:
    """How far RandAugment and AutoAugment move at most."""
    return 150.0 / 331.0 * size


EVERY = ("Identity", *GEOMETRIC, *ADJUSTING, *OTHERS)
AUTO = Space((*EVERY, "Invert"), 0.3, part, 30.0, 0.9, (8, 4))
RAND = Space(EVERY, 0.3, part, 30.0, 0.9, (8, 4))
TRIVIAL = Space(EVERY, 0.99, lambda size: 32.0, 135.0, 0.99, (8, 6))
MIX = Space((*GEOMETRIC, *OTHERS, *ADJUSTING), 0.3, lambda size: size / 3.0, 30.0, 0.9, (4, 4))
MIX_PART = MIX._replace(operations=(*GEOMETRIC, *OTHERS))

LEARNT = {
    "imagenet": """
        Posterize 0.4 8, Rotate 0.6 9
        Solarize 0.6 5, AutoContrast 0.6
        Equalize 0.8, Equalize 0.6
        Posterize 0.6 7, Posterize 0.6 6
        Equalize 0.4, Solarize 0.2 4
        Equalize 0.4, Rotate 0.8 8
        Solarize 0.6 3, Equalize 0.6
        Posterize 0.8 5, Equalize 1.0
        Rotate 0.2 3, Solarize 0.6 8
        Equalize 0.6, Posterize 0.4 6
        Rotate 0.8 8, Color 0.4 0
        Rotate 0.4 9, Equalize 0.6
        Equalize 0.0, Equalize 0.8
        Invert 0.6, Equalize 1.0
        Color 0.6 4, Contrast 1.0 8
        Rotate 0.8 8, Color 1.0 2
        Color 0.8 8, Solarize 0.8 7
        Sharpness 0.4 7, Invert 0.6
        ShearX 0.6 5, Equalize 1.0
        Color 0.4 0, Equalize 0.6
        Equalize 0.4, Solarize 0.2 4
        Solarize 0.6 5, AutoContrast 0.6
        Invert 0.6, Equalize 1.0
        Color 0.6 4, Contrast 1.0 8
        Equalize 0.8, Equalize 0.6
    """,
    "cifar10": """
        Invert 0.1, Contrast 0.2 6
        Rotate 0.7 2, TranslateX 0.3 9
        Sharpness 0.8 1, Sharpness 0.9 3
        ShearY 0.5 8, TranslateY 0.7 9
        AutoContrast 0.5, Equalize 0.9
        ShearY 0.2 7, Posterize 0.3 7
        Color 0.4 3, Brightness 0.6 7
        Sharpness 0.3 9, Brightness 0.7 9
        Equalize 0.6, Equalize 0.5
        Contrast 0.6 7, Sharpness 0.6 5
        Color 0.7 7, TranslateX 0.5 8
        Equalize 0.3, AutoContrast 0.4
        TranslateY 0.4 3, Sharpness 0.2 6
        Brightness 0.9 6, Color 0.2 8
        Solarize 0.5 2, Invert 0.0
        Equalize 0.2, AutoContrast 0.6
        Equalize 0.2, Equalize 0.6
        Color 0.9 9, Equalize 0.6
        AutoContrast 0.8, Solarize 0.2 8
        Brightness 0.1 3, Color 0.7 0
        Solarize 0.4 5, AutoContrast 0.9
        TranslateY 0.9 9, TranslateY 0.7 9
        AutoContrast 0.9, Solarize 0.8 3
        Equalize 0.8, Invert 0.1
        TranslateY 0.7 9, AutoContrast 0.9
    """,
    "svhn": """
        ShearX 0.9 4, Invert 0.2
        ShearY 0.9 8, Invert 0.7
        Equalize 0.6, Solarize 0.6 6
        Invert 0.9, Equalize 0.6
        Equalize 0.6, Rotate 0.9 3
        ShearX 0.9 4, AutoContrast 0.8
        ShearY 0.9 8, Invert 0.4
        ShearY 0.9 5, Solarize 0.2 6
        Invert 0.9, AutoContrast 0.8
        Equalize 0.6, Rotate 0.9 3
        ShearX 0.9 4, Solarize 0.3 3
        ShearY 0.8 8, Invert 0.7
        Equalize 0.9, TranslateY 0.6 6
        Invert 0.9, Equalize 0.6
        Contrast 0.3 3, Rotate 0.8 4
        Invert 0.8, TranslateY 0.0 2
        ShearY 0.7 6, Solarize 0.4 8
        Invert 0.6, Rotate 0.8 4
        ShearY 0.3 7, TranslateX 0.9 3
        ShearX 0.1 6, Invert 0.6
        Solarize 0.7 2, TranslateY 0.6 7
        ShearY 0.8 4, Invert 0.8
        ShearX 0.7 9, TranslateY 0.8 3
        ShearY 0.8 5, AutoContrast 0.7
        ShearX 0.7 2, Invert 0.1
    """,
}
"""The policies of AutoAugment: on each line two operations, each with its probability and its magnitude of 10."""


class Rule(NamedTuple):
    """One operation of a policy."""

    name: str
    probability: float
    magnitude: int


def policy(name: str) -> list[tuple[Rule, ...]]:
    """The pairs of operations of which AutoAugment draws one."""
    return [tuple(rule(words.split()) for words in line.split(",")) for line in LEARNT[name].strip().splitlines()]


def rule(words: list[str]) -> Rule:
    """An operation as it is written above."""
    name, probability, *magnitude = words
    return Rule(name, float(probability), int(magnitude[0]) if magnitude else 0)
