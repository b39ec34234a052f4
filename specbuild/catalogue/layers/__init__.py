"""The layers that a document may name, one class each, one file for each family of torch.nn."""

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.layers.activation import (
    ELU,
    GELU,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)
from specbuild.catalogue.layers.convolution import Conv2d, ConvTranspose2d
from specbuild.catalogue.layers.dropout import Dropout, Dropout2d
from specbuild.catalogue.layers.linear import Identity, Linear
from specbuild.catalogue.layers.normalization import BatchNorm2d
from specbuild.catalogue.layers.pooling import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d
from specbuild.catalogue.layers.shape import Flatten, Unflatten

LAYERS: dict[str, type[Layer]] = {
    cls.__name__: cls
    for cls in (
        AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, Conv2d, ConvTranspose2d, Dropout, Dropout2d, ELU, Flatten,
        GELU, Identity, LeakyReLU, Linear, MaxPool2d, ReLU, SiLU, Sigmoid, Softmax, Tanh, Unflatten,
    )
}  # fmt: skip
"""Every layer by its name."""

__all__ = ["LAYERS"]
