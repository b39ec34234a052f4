"""Transforms: the names, arguments and defaults of torchvision's v2, and what each makes of a sample.

They act on the field `input`, an image or a tensor (channels, height, width); files and arrays alike
are tensors before the first transform. What v2 would broadcast to more channels is refused.
"""

from specbuild.catalogue.table import Table
from specbuild.catalogue.transforms.transform import Transform

TRANSFORMS: Table[Transform] = Table(
    "specbuild.catalogue.transforms",
    {
        "values": ("ToTensor", "Normalize", "RandomHorizontalFlip", "Grayscale"),
        "sizes": ("Resize", "RandomCrop", "CenterCrop", "Pad"),
        "colors": (
            "ColorJitter", "RandomPhotometricDistort", "RandomGrayscale", "RandomInvert", "RandomPosterize",
            "RandomSolarize", "RandomAutocontrast", "RandomEqualize", "RandomChannelPermutation",
        ),
        "filters": ("RandomAdjustSharpness", "GaussianBlur", "GaussianNoise", "JPEG"),
        "erasing": ("RandomErasing",),
        "automatic": ("AutoAugment", "RandAugment", "TrivialAugmentWide", "AugMix"),
        "mixing": ("MixUp", "CutMix"),
    },
)  # fmt: skip
"""Every transform, by the name that a document uses."""

__all__ = ["TRANSFORMS", "Transform"]
