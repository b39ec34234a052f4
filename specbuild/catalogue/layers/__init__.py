"""The layers that a document may name, one class each, one file for each family of torch.nn."""

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.table import Table

LAYERS: Table[Layer] = Table(
    "specbuild.catalogue.layers",
    {
        "activation": (
            "ELU", "GELU", "LeakyReLU", "ReLU", "ReLU6", "SiLU", "Sigmoid", "Softmax", "Tanh",
        ),
        "convolution": ("Conv2d", "ConvTranspose2d"),
        "dropout": ("Dropout", "Dropout2d"),
        "linear": ("Identity", "Linear"),
        "merge": ("Add", "Concat", "Multiply"),
        "normalization": ("BatchNorm2d",),
        "parameter": ("Parameter", "Positions"),
        "pooling": ("AdaptiveAvgPool2d", "AvgPool2d", "MaxPool2d"),
        "shape": ("Flatten", "Unflatten"),
    },
)  # fmt: skip
"""Every layer by its name."""

__all__ = ["LAYERS"]
