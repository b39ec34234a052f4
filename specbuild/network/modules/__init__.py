"""What torch.nn lacks, and what of it specbuild calls otherwise: the torch side of the catalogue.

A class here stands before torch.nn's of the same name. One that only changes how a module of torch.nn is
called is a subclass of it, so that the keys of the `state_dict` are torch's.
"""

from specbuild.network.modules.attention import MultiheadAttention
from specbuild.network.modules.dropout import StochasticDepth
from specbuild.network.modules.embedding import EmbeddingBag
from specbuild.network.modules.merge import Add, Concat, Multiply
from specbuild.network.modules.normalization import Affine, LayerNorm2d, LocalResponseNorm
from specbuild.network.modules.pooling import MaxUnpool1d, MaxUnpool2d, MaxUnpool3d
from specbuild.network.modules.positions import Positions
from specbuild.network.modules.recurrent import GRU, LSTM, RNN, LSTMCell
from specbuild.network.modules.shape import Mean, Narrow, Permute, Reshape, Select, Squeeze, Transpose, Unsqueeze
from specbuild.network.modules.transformer import (
    Transformer,
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Add",
    "Affine",
    "Concat",
    "EmbeddingBag",
    "LSTMCell",
    "LayerNorm2d",
    "LocalResponseNorm",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
    "Mean",
    "MultiheadAttention",
    "Multiply",
    "Narrow",
    "Permute",
    "Positions",
    "Reshape",
    "Select",
    "Squeeze",
    "StochasticDepth",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "Transpose",
    "Unsqueeze",
]
