"""char_lstm: [128] int64 → [128, 65], without the batch axis.

`build()` makes the network, `load(path)` makes it with the weights of a safetensors file
whose keys are those of its `state_dict`.
"""

from safetensors.torch import load_model
from torch import Tensor, nn


class CharLstm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(65, 64)
        self.lstm = nn.LSTM(64, 256, num_layers=2, dropout=0.2, batch_first=True)
        self.head = nn.Linear(256, 65)

    def forward(self, x: Tensor) -> Tensor:
        x, _ = self.lstm(self.embedding(x))
        return self.head(x)


def build() -> nn.Module:
    """The network, with the weights that it begins with."""
    return CharLstm()


def load(path: str) -> nn.Module:
    """The network with the weights of a safetensors file, in eval mode."""
    network = build()
    load_model(network, path)
    return network.eval()
