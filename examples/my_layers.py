"""A plug-in: `cd examples && specbuild summary --plugin my_layers snake.yaml`."""

import torch

from specbuild.plugins import Float, Layer, Outcome, TensorType, plugin


class SnakeModule(torch.nn.Module):
    def __init__(self, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return input + torch.sin(self.alpha * input) ** 2 / self.alpha


@plugin
class Snake(Layer):
    """`x + sin²(alpha · x) / alpha`: `(*) → (*)`. Ziyin, Hartwig and Ueda, 2020 (arXiv:2006.08195)."""

    alpha: Float = 1.0
    """How fast it waves."""

    def infer(self, input: TensorType) -> Outcome:
        return Outcome(input)

    def build(self, nn, **switches):
        return SnakeModule(self.alpha)
