"""Metrics of numbers."""

from typing import ClassVar, final

from specbuild.catalogue.metrics.metric import NumberMetric


@final
class MAE(NumberMetric):
    """The mean absolute error, over all elements.

    ```yaml
    metrics: [mae]
    ```
    """

    short: ClassVar = "mae"


@final
class MSE(NumberMetric):
    """The mean squared error, over all elements.

    ```yaml
    metrics: [mse]
    ```
    """

    short: ClassVar = "mse"


@final
class RMSE(NumberMetric):
    """The root of the mean squared error.

    ```yaml
    metrics: [rmse]
    ```
    """

    short: ClassVar = "rmse"


@final
class R2(NumberMetric):
    """The share of the targets' variance that the output explains: `1 - sum((x - t)²) / sum((t - mean(t))²)`.

    Of several elements a sample, the mean over them. Not defined for a single sample.

    ```yaml
    metrics: [mae, r2]
    ```
    """

    short: ClassVar = "r2"
