"""Normalization."""

from typing import Annotated, ClassVar, final

from annotated_types import Gt

from specbuild.catalogue.entry import Bool, Float
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Extent
from specbuild.catalogue.rules import Outcome, Storage, inferred
from specbuild.catalogue.types import FLOATS, TensorType
from specbuild.catalogue.windows import floating, planes

MIXED = frozenset({"float32", "float16", "bfloat16"})
"""What torch normalizes with float32 weights."""


@final
class BatchNorm2d(Layer):
    """Each channel brought to mean 0 and variance 1 over batch and plane: `(N, C, H, W) → (N, C, H, W)`.

    `y = (x - E[x]) / √(Var[x] + eps) · weight + bias`. Ioffe and Szegedy, 2015 (arXiv:1502.03167).

    ```yaml
    - BatchNorm2d  # [32, 16, 16] → [32, 16, 16]
    - {type: BatchNorm2d, eps: 1e-3, momentum: null}  # [32, 16, 16] → [32, 16, 16]
    ```
    """

    since: ClassVar = {"bias": "2.12"}

    num_features: Extent | None = None
    """Channels of the input; inferred."""
    eps: Annotated[Float, Gt(0)] = 1e-5
    """Added to the variance, against division by zero."""
    momentum: Float | None = 0.1
    """How fast the running mean and variance follow; null takes the plain mean of all batches."""
    affine: Bool = True
    """Whether a scale and a shift are learned for each channel."""
    track_running_stats: Bool = True
    """Whether running statistics are kept for evaluation; if not, those of the batch serve there too."""
    bias: Bool = True
    """Whether a shift is learned for each channel, beside the scale of `affine`. Needs torch 2.12."""

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `batch_norm`."""
        planes("BatchNorm2d", input)
        stateless = not self.affine and not self.track_running_stats
        floating("BatchNorm2d", input, FLOATS if stateless else MIXED)
        channels = input.shape[0]
        arguments = inferred("num_features", self.num_features, channels, f"the input has {channels} channels")
        each = Storage((channels,))
        parameters = {}
        if self.affine:
            parameters = {"weight": each, "bias": each} if self.bias else {"weight": each}
        buffers = {}
        if self.track_running_stats:
            buffers = {"running_mean": each, "running_var": each, "num_batches_tracked": Storage((), "int64")}
        return Outcome(input, arguments, parameters, buffers)
