"""vit_b_16: [3, 224, 224] → [1000], without the batch axis.

`build()` makes the network, `load(path)` makes it with the weights of a safetensors file
whose keys are those of its `state_dict`.
"""

from collections import OrderedDict

import torch
from safetensors.torch import load_model
from torch import Tensor, nn


class Select(nn.Module):
    """One entry of an axis."""

    def __init__(self, dim: int, index: int) -> None:
        super().__init__()
        self.dim, self.index = dim, index

    def forward(self, input: Tensor) -> Tensor:
        """`torch.select(input, dim, index)`."""
        return torch.select(input, self.dim, self.index)

    def extra_repr(self) -> str:
        """The arguments, for `print(model)`."""
        return f"dim={self.dim}, index={self.index}"


class EncoderLayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(768, eps=1e-6)
        self.self_attention = nn.MultiheadAttention(768, 12, batch_first=True)
        self.ln_2 = nn.LayerNorm(768, eps=1e-6)
        self.mlp = nn.Sequential(
            OrderedDict(
                {"0": nn.Linear(768, 3072), "1": nn.GELU(), "3": nn.Linear(3072, 768)}
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        out = self.ln_1(x)
        out, _ = self.self_attention(out, out, out, need_weights=False)
        attended = out + x
        return self.mlp(self.ln_2(attended)) + attended


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.empty(1, 197, 768))
        nn.init.normal_(self.pos_embedding, std=0.02)
        self.layers = nn.Sequential(
            OrderedDict((f"encoder_layer_{i}", EncoderLayer()) for i in range(12))
        )
        self.ln = nn.LayerNorm(768, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers(x + self.pos_embedding.expand(x.shape[0], -1, -1))
        return self.ln(x)


class VitB16(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, 768))
        self.conv_proj = nn.Conv2d(3, 768, kernel_size=16, stride=16)
        self.flatten_1 = nn.Flatten(start_dim=2)
        self.encoder = Encoder()
        self.add_module("class", Select(1, 0))
        self.heads = nn.Sequential(OrderedDict(head=nn.Linear(768, 1000)))

    def forward(self, x: Tensor) -> Tensor:
        class_token = self.class_token.expand(x.shape[0], -1, -1)
        patches = self.flatten_1(self.conv_proj(x)).transpose(1, 2)
        tokens = torch.cat([class_token, patches], dim=1)
        return self.heads(getattr(self, "class")(self.encoder(tokens)))


def build() -> nn.Module:
    """The network, with the weights that it begins with."""
    return VitB16()


def load(path: str) -> nn.Module:
    """The network with the weights of a safetensors file, in eval mode."""
    network = build()
    load_model(network, path)
    return network.eval()
