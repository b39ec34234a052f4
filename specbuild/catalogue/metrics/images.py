"""Metrics of images, for networks that make some."""

from typing import Annotated, ClassVar, final

from annotated_types import Gt

from specbuild.catalogue.entry import Float
from specbuild.catalogue.losses import Loss
from specbuild.catalogue.metrics.metric import ImageMetric
from specbuild.catalogue.rules import Violation, require
from specbuild.catalogue.types import TensorType


@final
class PSNR(ImageMetric):
    """The peak signal-to-noise ratio in decibels: `10 log10(data_range² / MSE)`, the MSE over the whole pass.

    Not defined where there is no error at all.

    ```yaml
    metrics: [psnr]
    ```
    """

    short: ClassVar = "psnr"

    data_range: Annotated[Float, Gt(0)] = 1.0
    """The greatest difference of two values: 1 for images from `ToTensor`."""


@final
class SSIM(ImageMetric):
    """The structural similarity of two images, with a Gaussian window at each pixel; the mean over the images.

    At the borders the images are mirrored.

    Wang et al., Image quality assessment: from error visibility to structural similarity, 2004.

    ```yaml
    metrics: [{type: ssim, data_range: 1.0}]
    ```
    """

    short: ClassVar = "ssim"

    data_range: Annotated[Float, Gt(0)] = 1.0
    """The greatest difference of two values: 1 for images from `ToTensor`."""
    sigma: Annotated[Float, Gt(0)] = 1.5
    """The standard deviation of the window, which is `2 ⌊3.5 sigma + 0.5⌋ + 1` pixels wide."""
    k1: Annotated[Float, Gt(0)] = 0.01
    """Keeps the comparison of the means from a division by 0."""
    k2: Annotated[Float, Gt(0)] = 0.03
    """Keeps the comparison of the variances from a division by 0."""

    def compare(self, loss: Loss, labelled: bool, output: TensorType | None) -> None:
        """Images that are larger than the window."""
        super().compare(loss, labelled, output)
        if output is None:
            return
        least = 2 * int(3.5 * self.sigma + 0.5) + 1
        _, height, width = output.shape
        require(
            (height >= least) & (width >= least),
            lambda: Violation(
                "SB411", f"ssim has a window of {least} x {least} pixels, and the network gives {output}",
                field="sigma" if "sigma" in self.model_fields_set else None, fix="a smaller sigma, or psnr",
            ),
        )  # fmt: skip
