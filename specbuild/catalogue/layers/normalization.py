"""Normalization."""

from __future__ import annotations

from typing import Annotated, final

from annotated_types import Gt

from specbuild.catalogue.entry import Bool, Float, Size
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.rules import Outcome, Storage, inferred
from specbuild.catalogue.types import FLOATS, TensorType
from specbuild.catalogue.windows import floating, planes

MIXED = frozenset({"float32", "float16", "bfloat16"})
"""What torch normalizes with float32 weights."""


@final
class BatchNorm2d(Layer):
    """Each channel brought to mean 0 and variance 1 over the batch and the plane: `(N, C, H, W) → (N, C, H, W)`.

    `y = (x - E[x]) / √(Var[x] + eps) · weight + bias`. Ioffe and Szegedy, 2015 (arXiv:1502.03167).
    """

    num_features: Size | None = None
    """Channels of the input; inferred."""
    eps: Annotated[Float, Gt(0)] = 1e-5
    """Added to the variance, against division by zero."""
    momentum: Float | None = 0.1
    """How fast the running mean and variance follow; null takes the plain mean of all batches."""
    affine: Bool = True
    """Whether a scale and a shift are learned for each channel."""
    track_running_stats: Bool = True
    """Whether running statistics are kept for evaluation; if not, those of the batch serve there too."""

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `batch_norm`."""
        planes("BatchNorm2d", input)
        stateless = not self.affine and not self.track_running_stats
        floating("BatchNorm2d", input, FLOATS if stateless else MIXED)
        channels = input.shape[0]
        arguments = inferred("num_features", self.num_features, channels, f"the input has {channels} channels")
        each = Storage((channels,))
        parameters = {"weight": each, "bias": each} if self.affine else {}
        buffers = {}
        if self.track_running_stats:
            buffers = {"running_mean": each, "running_var": each, "num_batches_tracked": Storage((), "int64")}
        return Outcome(input, arguments, parameters, buffers)
