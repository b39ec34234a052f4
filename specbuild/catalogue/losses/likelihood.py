"""Losses of distributions: how unlikely the target is under what the output says."""

from math import inf
from typing import Any, Literal, final

from specbuild.catalogue.entry import Bool, Float, Str
from specbuild.catalogue.losses.elementwise import ElementwiseLoss
from specbuild.catalogue.losses.loss import Reduction


@final
class KLDivLoss(ElementwiseLoss):
    """The Kullback-Leibler divergence of the output, log-probabilities, from the target, probabilities.

    Output and target `(N, ...)`. `loss = t (log t - x)`. The network ends in a LogSoftmax. The divergence
    as it is defined is `reduction: batchmean`; torch's default divides by the number of classes as well.

    ```yaml
    loss: {type: KLDivLoss, reduction: batchmean}
    ```
    """

    reduction: Literal["mean", "sum", "batchmean"] = "mean"
    """`mean` or `sum` over all elements, or `batchmean`: their sum divided by the samples of the batch."""
    log_target: Bool = False
    """Whether the target holds log-probabilities as well."""
    target: Str = "target"
    """The field of the sample that the output is held against; `input` for an autoencoder."""
    scale: Float = 1.0
    """The loss is multiplied by this."""

    @property
    def bounds(self) -> tuple[float, float] | None:
        """No probability is below 0: torch makes NaN of it."""
        return None if self.log_target else (0.0, inf)

    def torch_arguments(self) -> dict[str, Any]:
        """`mean` by way of `none`: torch's own says at every call that it will be changed."""
        arguments = super().torch_arguments()
        return {**arguments, "reduction": "none"} if self.reduction == "mean" else arguments

    def reduced(self, loss: Any) -> Any:
        """The mean."""
        return loss.mean() if self.reduction == "mean" else loss


@final
class PoissonNLLLoss(ElementwiseLoss):
    """How unlikely counts are, where the output is the logarithm of their rate.

    Output and target `(N, ...)`, the target counts from 0 on. `loss = exp(x) - t x`, and without
    `log_input` `x - t log(x + eps)`.

    ```yaml
    loss: {type: PoissonNLLLoss, full: true}
    ```
    """

    log_input: Bool = True
    """Whether the output is the logarithm of the rate, or the rate itself."""
    full: Bool = False
    """Whether Stirling's approximation of `log(t!)` is added, `t log t - t + log(2 pi t) / 2` where t > 1."""
    eps: Float = 1e-8
    """Keeps the logarithm of a rate of 0 finite."""
    reduction: Reduction = "mean"
    """`mean` or `sum` over all elements. `none` is refused: training needs one number."""
    target: Str = "target"
    """The field of the sample that the output is held against; `input` for an autoencoder."""
    scale: Float = 1.0
    """The loss is multiplied by this."""

    @property
    def bounds(self) -> tuple[float, float] | None:
        """No count is below 0."""
        return (0.0, inf)
