"""Transforms: the names, arguments and defaults of torchvision's v2, and what each makes of a sample.

They act on the field `input`, an image or a tensor (channels, height, width); files and arrays alike
are tensors before the first transform. What v2 would broadcast to more channels is refused.
"""

from specbuild.catalogue.table import Table
from specbuild.catalogue.transforms.transform import Transform

BOXES = "it is for boxes and key points, which no data set here has"
EXCLUDED = {
    "ClampBoundingBoxes": BOXES,
    "ClampKeyPoints": BOXES,
    "ConvertBoundingBoxFormat": BOXES,
    "RandomIoUCrop": BOXES,
    "SanitizeBoundingBoxes": BOXES,
    "SanitizeKeyPoints": BOXES,
    "SetClampingMode": BOXES,
    "UniformTemporalSubsample": "it is for videos, which no data set here has",
    "Lambda": "a document holds no code; a transform of your own comes with `--plugin MODULE`",
    "ConvertImageDtype": "torchvision replaced it: write {type: ToDtype, dtype: float32, scale: true}",
    "LinearTransformation": "its matrix has a row for each value of an image, too large for a document",
    "ToPILImage": "every transform takes a tensor",
}
"""What torchvision has beside these, each with the reason."""

TRANSFORMS: Table[Transform] = Table(
    "specbuild.catalogue.transforms",
    {
        "values": ("ToTensor", "Normalize", "Grayscale", "RGB"),
        "conversions": ("Identity", "ToImage", "PILToTensor", "ToPureTensor", "ToDtype"),
        "sizes": ("Resize", "Pad", "RandomResize", "RandomShortestSize", "ScaleJitter", "RandomZoomOut"),
        "crops": ("CenterCrop", "RandomCrop", "RandomResizedCrop", "FiveCrop", "TenCrop"),
        "geometry": (
            "RandomHorizontalFlip", "RandomVerticalFlip", "RandomRotation", "RandomAffine", "RandomPerspective",
            "ElasticTransform",
        ),
        "combining": ("Compose", "RandomApply", "RandomChoice", "RandomOrder"),
        "colors": (
            "ColorJitter", "RandomPhotometricDistort", "RandomGrayscale", "RandomInvert", "RandomPosterize",
            "RandomSolarize", "RandomAutocontrast", "RandomEqualize", "RandomChannelPermutation",
        ),
        "filters": ("RandomAdjustSharpness", "GaussianBlur", "GaussianNoise", "JPEG"),
        "erasing": ("RandomErasing",),
        "automatic": ("AutoAugment", "RandAugment", "TrivialAugmentWide", "AugMix"),
        "mixing": ("MixUp", "CutMix"),
    },
    excluded=EXCLUDED,
)  # fmt: skip
"""Every transform, by the name that a document uses."""

__all__ = ["TRANSFORMS", "Transform"]
