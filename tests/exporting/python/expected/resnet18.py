"""resnet18: [3, 224, 224] → [1000], without the batch axis.

`build()` makes the network, `load(path)` makes it with the weights of a safetensors file
whose keys are those of its `state_dict`.
"""

from collections import OrderedDict

from safetensors.torch import load_model
from torch import Tensor, nn


class Basic(nn.Module):
    def __init__(
        self, in_channels: int, channels: int, stride: int = 1, project: bool = False
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, channels, kernel_size=3, stride=stride, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = None
        if project:
            self.downsample = nn.Sequential(
                nn.Conv2d(
                    in_channels, channels, kernel_size=1, stride=stride, bias=False
                ),
                nn.BatchNorm2d(channels),
            )
        self.relu_2 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            x = self.downsample(x)
        return self.relu_2(out + x)


def resnet18() -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False),
            bn1=nn.BatchNorm2d(64),
            relu=nn.ReLU(inplace=True),
            maxpool=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
            layer1=nn.Sequential(Basic(64, 64), Basic(64, 64)),
            layer2=nn.Sequential(
                Basic(64, 128, stride=2, project=True), Basic(128, 128)
            ),
            layer3=nn.Sequential(
                Basic(128, 256, stride=2, project=True), Basic(256, 256)
            ),
            layer4=nn.Sequential(
                Basic(256, 512, stride=2, project=True), Basic(512, 512)
            ),
            avgpool=nn.AdaptiveAvgPool2d(1),
            flatten_1=nn.Flatten(),
            fc=nn.Linear(512, 1000),
        )
    )


def build() -> nn.Module:
    """The network, with the weights that it begins with."""
    return resnet18()


def load(path: str) -> nn.Module:
    """The network with the weights of a safetensors file, in eval mode."""
    network = build()
    load_model(network, path)
    return network.eval()
