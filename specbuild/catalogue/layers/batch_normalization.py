"""Normalization of each channel, over the batch or sample by sample."""

from abc import abstractmethod
from math import prod
from typing import Annotated, ClassVar, final

from annotated_types import Gt

from specbuild.catalogue.entry import Bool, Float
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Extent
from specbuild.catalogue.rules import Outcome, Storage, Violation, inferred, require
from specbuild.catalogue.types import FLOATS, ITEM_BYTES, Dim, TensorType
from specbuild.catalogue.windows import floating, planes

MIXED = frozenset({"float32", "float16", "bfloat16"})
"""What torch normalizes with float32 weights."""


def learned(channels: Dim, affine: bool, bias: bool) -> dict[str, Storage]:
    """A scale and a shift for each channel."""
    each = Storage((channels,))
    if not affine:
        return {}
    return {"weight": each, "bias": each} if bias else {"weight": each}


def tracked(channels: Dim, track_running_stats: bool) -> dict[str, Storage]:
    """The statistics that are kept for evaluation."""
    each = Storage((channels,))
    if not track_running_stats:
        return {}
    return {"running_mean": each, "running_var": each, "num_batches_tracked": Storage((), "int64")}


class BatchNorm(Layer):
    """Each channel brought to mean 0 and variance 1 over the batch and all its points."""

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

    def keeps(self) -> tuple[str, ...]:
        """Its input; the statistics are as large as one channel, whatever the batch."""
        return ("input",)

    @abstractmethod
    def fits(self, input: TensorType) -> None:
        """Require the axes that it takes."""

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `batch_norm`."""
        self.fits(input)
        stateless = not self.affine and not self.track_running_stats
        floating(self.type, input, FLOATS if stateless else MIXED)
        channels = input.shape[0]
        arguments = inferred("num_features", self.num_features, channels, f"the input has {channels} channels")
        parameters = learned(channels, self.affine, self.bias)
        return Outcome(input, arguments, parameters, tracked(channels, self.track_running_stats))


@final
class BatchNorm1d(BatchNorm):
    """Each feature, or channel, brought to mean 0 and variance 1 over the batch: `(N, C) → (N, C)`.

    With a length, over that too: `(N, C, L) → (N, C, L)`.
    `y = (x - E[x]) / √(Var[x] + eps) · weight + bias`. Ioffe and Szegedy, 2015 (arXiv:1502.03167).

    ```yaml
    - BatchNorm1d  # [128] → [128]
    - {type: BatchNorm1d, momentum: 0.01}  # [64, 100] → [64, 100]
    ```
    """

    def fits(self, input: TensorType) -> None:
        """Channels, alone or with a length."""
        require(
            1 <= len(input.shape) <= 2,
            lambda: Violation(
                "SB302",
                f"BatchNorm1d takes [channels] or [channels, length], but the input is {input}",
                fix=higher(input) if input.shape else "an input with at least one axis: [1]",
            ),
        )


@final
class BatchNorm2d(BatchNorm):
    """Each channel brought to mean 0 and variance 1 over batch and plane: `(N, C, H, W) → (N, C, H, W)`.

    `y = (x - E[x]) / √(Var[x] + eps) · weight + bias`. Ioffe and Szegedy, 2015 (arXiv:1502.03167).

    ```yaml
    - BatchNorm2d  # [32, 16, 16] → [32, 16, 16]
    - {type: BatchNorm2d, eps: 1e-3, momentum: null}  # [32, 16, 16] → [32, 16, 16]
    ```
    """

    def fits(self, input: TensorType) -> None:
        """A plane a channel."""
        planes("BatchNorm2d", input)


@final
class BatchNorm3d(BatchNorm):
    """Each channel brought to mean 0 and variance 1 over batch and volume: `(N, C, D, H, W) → (N, C, D, H, W)`.

    `y = (x - E[x]) / √(Var[x] + eps) · weight + bias`. Ioffe and Szegedy, 2015 (arXiv:1502.03167).

    ```yaml
    - BatchNorm3d  # [32, 8, 16, 16] → [32, 8, 16, 16]
    ```
    """

    def fits(self, input: TensorType) -> None:
        """A volume a channel."""
        planes("BatchNorm3d", input, 3)


@final
class SyncBatchNorm(BatchNorm):
    """BatchNorm whose statistics are those of the batches of all processes: `(N, C, *) → (N, C, *)`.

    In one process it is BatchNorm, for any number of axes. In several, torch trains it on GPUs alone.
    `y = (x - E[x]) / √(Var[x] + eps) · weight + bias`. Ioffe and Szegedy, 2015 (arXiv:1502.03167).

    ```yaml
    - SyncBatchNorm  # [32, 16, 16] → [32, 16, 16]
    ```
    """

    refused: ClassVar = {"process_group": "the batch is always that of all processes of a training"}

    def fits(self, input: TensorType) -> None:
        """Channels, with whatever comes after them."""
        require(
            len(input.shape) >= 1,
            lambda: Violation(
                "SB302",
                f"SyncBatchNorm takes [channels, ...], but the input is {input}, a single number",
                fix="an input with at least one axis: [1]",
            ),
        )


def higher(input: TensorType) -> str:
    """What takes an input of more axes than BatchNorm1d does."""
    if len(input.shape) > 4:
        return "type: SyncBatchNorm, which takes any number of axes"
    planes = f"type: BatchNorm{len(input.shape) - 1}d"
    return f"{planes}, or, as the batch axis is not written, {list(input.shape[1:])}"


class InstanceNorm(Layer):
    """Each channel of each sample brought to mean 0 and variance 1 over its points."""

    since: ClassVar = {"bias": "2.12"}

    axes: ClassVar[int]
    """How many axes come after the channels."""

    num_features: Extent | None = None
    """Channels of the input; inferred."""
    eps: Float = 1e-5
    """Added to the variance, against division by zero."""
    momentum: Float = 0.1
    """How fast the running mean and variance follow."""
    affine: Bool = False
    """Whether a scale and a shift are learned for each channel."""
    track_running_stats: Bool = False
    """Whether running statistics are kept, and serve in evaluation instead of each sample's own."""
    bias: Bool = True
    """Whether a shift is learned for each channel, beside the scale of `affine`. Needs torch 2.12."""

    def keeps(self) -> tuple[str, ...]:
        """Its input."""
        return ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `instance_norm`, which spreads weights and statistics over the samples."""
        planes(self.type, input, self.axes)
        floating(self.type, input, MIXED if self.affine else FLOATS)
        channels, *points = input.shape
        arguments = inferred("num_features", self.num_features, channels, f"the input has {channels} channels")
        require(
            prod(points) > 1,
            lambda: Violation(
                "SB303",
                f"{self.type} takes more than one point a channel to have a variance, but the input is {input}",
                fix=f"leave it out, or type: {self.type.replace('Instance', 'Batch')}",
            ),
        )
        spread = 2 + self.affine + 2 * self.track_running_stats
        saved = spread * channels * (4 if self.affine else ITEM_BYTES[input.dtype])
        parameters = learned(channels, self.affine, self.bias)
        return Outcome(input, arguments, parameters, tracked(channels, self.track_running_stats), saved=saved)


@final
class InstanceNorm1d(InstanceNorm):
    """Each channel of each sample brought to mean 0 and variance 1 over its length: `(N, C, L) → (N, C, L)`.

    `y = (x - E[x]) / √(Var[x] + eps) · weight + bias`. Ulyanov et al., 2016 (arXiv:1607.08022).

    ```yaml
    - InstanceNorm1d  # [16, 50] → [16, 50]
    - {type: InstanceNorm1d, affine: true}  # [16, 50] → [16, 50]
    ```
    """

    axes: ClassVar = 1


@final
class InstanceNorm2d(InstanceNorm):
    """Each channel of each sample brought to mean 0 and variance 1 over its plane: `(N, C, H, W) → (N, C, H, W)`.

    `y = (x - E[x]) / √(Var[x] + eps) · weight + bias`. Ulyanov et al., 2016 (arXiv:1607.08022).

    ```yaml
    - InstanceNorm2d  # [16, 32, 32] → [16, 32, 32]
    - {type: InstanceNorm2d, affine: true, track_running_stats: true}  # [16, 32, 32] → [16, 32, 32]
    ```
    """

    axes: ClassVar = 2


@final
class InstanceNorm3d(InstanceNorm):
    """Each channel of each sample brought to mean 0 and variance 1 over its volume: `(N, C, *) → (N, C, *)`.

    `*` is D, H, W. `y = (x - E[x]) / √(Var[x] + eps) · weight + bias`. Ulyanov et al., 2016 (arXiv:1607.08022).

    ```yaml
    - InstanceNorm3d  # [4, 8, 16, 16] → [4, 8, 16, 16]
    ```
    """

    axes: ClassVar = 3
