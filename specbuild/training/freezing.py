"""What of a network stays as it begins, while the rest is trained."""

from __future__ import annotations

from torch import nn

from specbuild.network.freezing import resting
from specbuild.network.plan import Plan


class Modes:
    """Training mode, in which normalizations that are frozen whole go by their statistics, and keep them."""

    def __init__(self, model: nn.Module, module: nn.Module, plan: Plan) -> None:
        """model: the network; module: as it is called in learning."""
        self.module = module
        self.resting = [model.get_submodule(name) for name in resting(plan)]

    def train(self) -> None:
        """Put the network into it."""
        self.module.train()
        for layer in self.resting:
            layer.eval()
