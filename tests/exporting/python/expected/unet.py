"""unet: [3, 256, 256] → [1, 256, 256], without the batch axis.

`build()` makes the network, `load(path)` makes it with the weights of a safetensors file
whose keys are those of its `state_dict`.
"""

from collections import OrderedDict

import torch
from safetensors.torch import load_model
from torch import Tensor, nn


class Double(nn.Sequential):
    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__(
            OrderedDict(
                conv1=nn.Conv2d(
                    in_channels, channels, kernel_size=3, padding=1, bias=False
                ),
                batchnorm2d_1=nn.BatchNorm2d(channels),
                relu_1=nn.ReLU(inplace=True),
                conv2=nn.Conv2d(
                    channels, channels, kernel_size=3, padding=1, bias=False
                ),
                batchnorm2d_2=nn.BatchNorm2d(channels),
                relu_2=nn.ReLU(inplace=True),
            )
        )


class Up(nn.Module):
    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(in_channels, channels, kernel_size=2, stride=2)
        self.conv = Double(in_channels, channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.conv(torch.cat([skip, self.up(x)], dim=1))


class Unet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.enc1 = Double(3, 64)
        self.maxpool2d_1 = nn.MaxPool2d(2)
        self.enc2 = Double(64, 128)
        self.maxpool2d_2 = nn.MaxPool2d(2)
        self.enc3 = Double(128, 256)
        self.maxpool2d_3 = nn.MaxPool2d(2)
        self.enc4 = Double(256, 512)
        self.maxpool2d_4 = nn.MaxPool2d(2)
        self.bottom = Double(512, 1024)
        self.dec4 = Up(1024, 512)
        self.dec3 = Up(512, 256)
        self.dec2 = Up(256, 128)
        self.dec1 = Up(128, 64)
        self.head = nn.Conv2d(64, 1, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        enc1 = self.enc1(x)
        enc2 = self.enc2(self.maxpool2d_1(enc1))
        enc3 = self.enc3(self.maxpool2d_2(enc2))
        enc4 = self.enc4(self.maxpool2d_3(enc3))
        x = self.dec4(self.bottom(self.maxpool2d_4(enc4)), enc4)
        x = self.dec3(x, enc3)
        x = self.dec2(x, enc2)
        x = self.dec1(x, enc1)
        return self.head(x)


def build() -> nn.Module:
    """The network, with the weights that it begins with."""
    return Unet()


def load(path: str) -> nn.Module:
    """The network with the weights of a safetensors file, in eval mode."""
    network = build()
    load_model(network, path)
    return network.eval()
