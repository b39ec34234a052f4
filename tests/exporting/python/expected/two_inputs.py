"""two_inputs: image [3, 32, 32], measurements [10] → [2], without the batch axis.

`build()` makes the network, `load(path)` makes it with the weights of a safetensors file
whose keys are those of its `state_dict`.
"""

from collections import OrderedDict

import torch
from safetensors.torch import load_model
from torch import Tensor, nn


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pixels = nn.Sequential(
            OrderedDict(
                conv2d_1=nn.Conv2d(3, 16, kernel_size=3, padding=1),
                relu_1=nn.ReLU(),
                adaptiveavgpool2d_1=nn.AdaptiveAvgPool2d(4),
                flatten_1=nn.Flatten(),
                linear_1=nn.Linear(256, 32),
                relu_2=nn.ReLU(),
            )
        )
        self.numbers = nn.Sequential(
            OrderedDict(linear_1=nn.Linear(10, 32), relu_1=nn.ReLU())
        )
        self.head = nn.Linear(64, 2)

    def forward(self, image: Tensor, measurements: Tensor) -> Tensor:
        pixels = self.pixels(image)
        return self.head(torch.cat([pixels, self.numbers(measurements)], dim=1))


def build() -> nn.Module:
    """The network, with the weights that it begins with."""
    return TwoInputs()


def load(path: str) -> nn.Module:
    """The network with the weights of a safetensors file, in eval mode."""
    network = build()
    load_model(network, path)
    return network.eval()
