"""Dropout: in training something is zeroed at random, in eval mode nothing."""

from typing import Annotated, Literal, final

from annotated_types import Ge, Le

from specbuild.catalogue.entry import Bool, Float
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.rules import Outcome, Violation, require
from specbuild.catalogue.types import FLOATS, ITEM_BYTES, Dim, TensorType
from specbuild.catalogue.windows import AXES, floating

Probability = Annotated[Float, Ge(0), Le(1)]


def dropped(layer: str, p: float, input: TensorType, draws: Dim) -> Outcome:
    """The same type; draws: how many numbers are drawn for a sample, which backward needs again.

    What remains is scaled, which integers cannot be; with `p` 0 or 1 torch draws and scales nothing.
    """
    if p in (0, 1):
        return Outcome(input)
    floating(layer, input, FLOATS)
    return Outcome(input, saved=draws * ITEM_BYTES[input.dtype])


def channelwise(layer: str, p: float, input: TensorType, axes: int) -> Outcome:
    """The same type, after a look at the axes after the channels."""
    require(
        len(input.shape) == 1 + axes,
        lambda: Violation(
            "SB302",
            f"{layer} takes [channels, {', '.join(AXES[axes])}], but the input is {input}",
            fix="type: Dropout, which takes any shape",
        ),
    )
    return dropped(layer, p, input, input.shape[0])


@final
class Dropout(Layer):
    """In training each element is zeroed with probability `p`, the rest scaled by `1/(1-p)`: `(*) → (*)`.

    Hinton et al., 2012 (arXiv:1207.0580).

    ```yaml
    - {type: Dropout, p: 0.2}  # [128] → [128]
    ```
    """

    p: Probability = 0.5
    """The probability, from 0 to 1."""
    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def passes(self, *, training: bool) -> bool:
        """In eval mode it does nothing."""
        return not training or self.p == 0

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        return dropped("Dropout", self.p, input, input.size)


@final
class Dropout1d(Layer):
    """In training each channel is zeroed whole with probability `p`: `(N, C, L) → (N, C, L)`.

    Tompson et al., 2014 (arXiv:1411.4280).

    ```yaml
    - Dropout1d  # [32, 8] → [32, 8]
    ```
    """

    p: Probability = 0.5
    """The probability, from 0 to 1."""
    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def passes(self, *, training: bool) -> bool:
        """In eval mode it does nothing."""
        return not training or self.p == 0

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        return channelwise("Dropout1d", self.p, input, 1)


@final
class Dropout2d(Layer):
    """In training each channel is zeroed whole with probability `p`: `(N, C, H, W) → (N, C, H, W)`.

    Tompson et al., 2014 (arXiv:1411.4280).

    ```yaml
    - Dropout2d  # [32, 8, 8] → [32, 8, 8]
    ```
    """

    p: Probability = 0.5
    """The probability, from 0 to 1."""
    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def passes(self, *, training: bool) -> bool:
        """In eval mode it does nothing."""
        return not training or self.p == 0

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        return channelwise("Dropout2d", self.p, input, 2)


@final
class Dropout3d(Layer):
    """In training each channel is zeroed whole with probability `p`: `(N, C, D, H, W) → (N, C, D, H, W)`.

    Tompson et al., 2014 (arXiv:1411.4280).

    ```yaml
    - Dropout3d  # [32, 4, 8, 8] → [32, 4, 8, 8]
    ```
    """

    p: Probability = 0.5
    """The probability, from 0 to 1."""
    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def passes(self, *, training: bool) -> bool:
        """In eval mode it does nothing."""
        return not training or self.p == 0

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        return channelwise("Dropout3d", self.p, input, 3)


@final
class AlphaDropout(Layer):
    """In training each element becomes SELU's lowest value with probability `p`: `(*) → (*)`.

    All are then scaled and moved so that mean and variance stay. Klambauer et al., 2017 (arXiv:1706.02515).

    ```yaml
    - {type: AlphaDropout, p: 0.1}  # [128] → [128]
    ```
    """

    p: Probability = 0.5
    """The probability, from 0 to 1."""
    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def passes(self, *, training: bool) -> bool:
        """In eval mode it does nothing."""
        return not training or self.p == 0

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        return dropped("AlphaDropout", self.p, input, input.size)


@final
class FeatureAlphaDropout(Layer):
    """`AlphaDropout` of whole channels: `(N, C, *) → (N, C, *)`. Klambauer et al., 2017 (arXiv:1706.02515).

    ```yaml
    - {type: FeatureAlphaDropout, p: 0.1}  # [32, 8, 8] → [32, 8, 8]
    ```
    """

    p: Probability = 0.5
    """The probability, from 0 to 1."""
    inplace: Bool = False
    """Whether the input's memory is overwritten."""

    def passes(self, *, training: bool) -> bool:
        """In eval mode it does nothing."""
        return not training or self.p == 0

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        if self.p in (0, 1):
            return Outcome(input)
        require(
            len(input.shape) >= 1,
            lambda: Violation(
                "SB302",
                f"FeatureAlphaDropout takes [channels, ...], but the input is {input}, a single number",
                fix="type: AlphaDropout, which takes any shape",
            ),
        )
        return dropped("FeatureAlphaDropout", self.p, input, input.shape[0])


@final
class StochasticDepth(Layer):
    """In training samples are zeroed whole with probability `p`, the rest scaled by `1/(1-p)`: `(*) → (*)`.

    At the end of a residual branch. Huang et al., 2016 (arXiv:1603.09382); `torchvision.ops.StochasticDepth`.

    ```yaml
    - {type: StochasticDepth, p: 0.2, mode: row}  # [64, 8, 8] → [64, 8, 8]
    ```
    """

    p: Probability
    """The probability, from 0 to 1."""
    mode: Literal["batch", "row"]
    """`row` draws for each sample, `batch` once for all of them."""

    def passes(self, *, training: bool) -> bool:
        """In eval mode it does nothing."""
        return not training or self.p == 0

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes but the values."""
        return dropped("StochasticDepth", self.p, input, 1 if self.mode == "row" else 0)
