"""Losses between numbers: how far the output is from the target."""

from typing import Annotated, final

from annotated_types import Ge, Gt

from specbuild.catalogue.entry import Float, Str
from specbuild.catalogue.losses.elementwise import ElementwiseLoss
from specbuild.catalogue.losses.loss import Reduction


@final
class L1Loss(ElementwiseLoss):
    """The mean absolute error. Output and target `(N, ...)`. `loss = |x - t|`.

    ```yaml
    loss: L1Loss
    ```
    """

    reduction: Reduction = "mean"
    """`mean` or `sum` over all elements. `none` is refused: training needs one number."""
    target: Str = "target"
    """The field of the sample that the output is held against; `input` for an autoencoder."""
    scale: Float = 1.0
    """The loss is multiplied by this."""


@final
class MSELoss(ElementwiseLoss):
    """The mean squared error. Output and target `(N, ...)`. `loss = (x - t)^2`.

    ```yaml
    loss: {type: MSELoss, target: input}
    ```
    """

    reduction: Reduction = "mean"
    """`mean` or `sum` over all elements. `none` is refused: training needs one number."""
    target: Str = "target"
    """The field of the sample that the output is held against; `input` for an autoencoder."""
    scale: Float = 1.0
    """The loss is multiplied by this."""


@final
class HuberLoss(ElementwiseLoss):
    """The squared error near the target, the absolute one beyond `delta`: outliers pull less.

    Output and target `(N, ...)`. `loss = (x - t)^2 / 2` where `|x - t| < delta`, else
    `delta (|x - t| - delta / 2)`. Huber 1964, doi:10.1214/aoms/1177703732.

    ```yaml
    loss: {type: HuberLoss, delta: 0.5}
    ```
    """

    reduction: Reduction = "mean"
    """`mean` or `sum` over all elements. `none` is refused: training needs one number."""
    delta: Annotated[Float, Gt(0)] = 1.0
    """How far from the target the loss becomes linear."""
    target: Str = "target"
    """The field of the sample that the output is held against; `input` for an autoencoder."""
    scale: Float = 1.0
    """The loss is multiplied by this."""


@final
class SmoothL1Loss(ElementwiseLoss):
    """HuberLoss divided by `beta`: its slope far from the target is always 1.

    Output and target `(N, ...)`. `loss = (x - t)^2 / (2 beta)` where `|x - t| < beta`, else
    `|x - t| - beta / 2`. Fast R-CNN, arXiv:1504.08083.

    ```yaml
    loss: {type: SmoothL1Loss, beta: 0.1}
    ```
    """

    reduction: Reduction = "mean"
    """`mean` or `sum` over all elements. `none` is refused: training needs one number."""
    beta: Annotated[Float, Ge(0)] = 1.0
    """How far from the target the loss becomes linear; 0 is L1Loss."""
    target: Str = "target"
    """The field of the sample that the output is held against; `input` for an autoencoder."""
    scale: Float = 1.0
    """The loss is multiplied by this."""
