"""Transforms: the names, arguments and defaults of torchvision's v2, and what each makes of a sample.

They act on the field `input`, an image or a tensor (channels, height, width); files and arrays alike
are tensors before the first transform. What v2 would broadcast to more channels is refused.
"""

from specbuild.catalogue.transforms.sizes import CenterCrop, Pad, RandomCrop, Resize
from specbuild.catalogue.transforms.transform import Transform
from specbuild.catalogue.transforms.values import (
    Grayscale,
    Normalize,
    RandomHorizontalFlip,
    ToTensor,
)

TRANSFORMS: dict[str, type[Transform]] = {
    transform.__name__: transform
    for transform in (
        ToTensor, Normalize, Resize, RandomCrop, CenterCrop, RandomHorizontalFlip, Pad, Grayscale,
    )
}  # fmt: skip
"""Every transform, by the name that a document uses."""

__all__ = [
    "TRANSFORMS",
    "CenterCrop",
    "Grayscale",
    "Normalize",
    "Pad",
    "RandomCrop",
    "RandomHorizontalFlip",
    "Resize",
    "ToTensor",
    "Transform",
]
