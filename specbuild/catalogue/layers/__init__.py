"""The layers that a document may name, one class each, one file for each family of torch.nn."""

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.table import Table

LAZY = (
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d",
    "ConvTranspose3d", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "Linear",
)  # fmt: skip

EXCLUDED = {
    **{f"Lazy{name}": f"write {name}: sizes that the input settles may be left out of every layer" for name in LAZY},
    "DataParallel": "it wraps a network for several GPUs, which is the training's affair",
    "ModuleDict": "it only holds modules; blocks and named layers say how they are used",
    "ModuleList": "it only holds modules; blocks and named layers say how they are used",
    "ParameterDict": "it only holds parameters; each is a layer of type Parameter",
    "ParameterList": "it only holds parameters; each is a layer of type Parameter",
}
"""Modules of torch.nn that are no layers of a document, each with the reason that a user is given."""

LAYERS: Table[Layer] = Table(
    "specbuild.catalogue.layers",
    {
        "activation": ("GELU", "Hardswish", "Mish", "SiLU", "Softplus"),
        "adaptive": (
            "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d",
            "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d",
        ),
        "attention": ("MultiheadAttention",),
        "batch_normalization": (
            "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d",
            "SyncBatchNorm",
        ),
        "cells": ("GRUCell", "LSTMCell", "RNNCell"),
        "convolution": ("Conv1d", "Conv2d", "Conv3d"),
        "distance": ("CosineSimilarity", "PairwiseDistance"),
        "dropout": (
            "AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout", "StochasticDepth",
        ),
        "embedding": ("Embedding", "EmbeddingBag"),
        "fractional": ("FractionalMaxPool2d", "FractionalMaxPool3d"),
        "linear": ("Bilinear", "Identity", "Linear"),
        "lp_pooling": ("LPPool1d", "LPPool2d", "LPPool3d"),
        "merge": ("Add", "Concat", "Multiply"),
        "normalization": (
            "Affine", "CrossMapLRN2d", "GroupNorm", "LayerNorm", "LayerNorm2d", "LocalResponseNorm", "RMSNorm",
        ),
        "padding": ("ConstantPad1d", "ConstantPad2d", "ConstantPad3d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d"),
        "padding_modes": (
            "CircularPad1d", "CircularPad2d", "CircularPad3d", "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d",
            "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d",
        ),
        "parameter": ("Parameter", "Positions"),
        "pooling": ("AvgPool1d", "AvgPool2d", "AvgPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d"),
        "rearranging": ("Permute", "Squeeze", "Transpose", "Unsqueeze"),
        "rectifier": (
            "CELU", "ELU", "LeakyReLU", "PReLU", "RReLU", "ReLU", "ReLU6", "SELU", "Threshold",
        ),
        "recurrent": ("GRU", "LSTM", "RNN"),
        "resampling": (
            "ChannelShuffle", "PixelShuffle", "PixelUnshuffle", "Upsample", "UpsamplingBilinear2d",
            "UpsamplingNearest2d",
        ),
        "shrinkage": ("Hardshrink", "Softshrink", "Tanhshrink"),
        "sigmoid": ("Hardsigmoid", "Hardtanh", "LogSigmoid", "Sigmoid", "Softsign", "Tanh"),
        "selecting": ("Mean", "Narrow", "Select"),
        "shape": ("Flatten", "Reshape", "Unflatten"),
        "softmax": ("GLU", "LogSoftmax", "Softmax", "Softmax2d", "Softmin"),
        "transposed": ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"),
        "unfolding": ("Fold", "Unfold"),
        "unpooling": ("MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"),
        "transformer": (
            "Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder",
            "TransformerEncoderLayer",
        ),
    },
    excluded=EXCLUDED,
)  # fmt: skip
"""Every layer by its name."""

__all__ = ["LAYERS"]
