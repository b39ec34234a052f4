"""Normalization of each sample by itself, and a fixed scale and shift."""

from math import prod
from typing import Annotated, Any, ClassVar, final

from annotated_types import Ge, Le

from specbuild.catalogue.broadcasting import promoted
from specbuild.catalogue.channels import divisors
from specbuild.catalogue.entry import Bool, Float, Int
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import REACH, Extent, Reach, Scale, storable
from specbuild.catalogue.rules import Outcome, Storage, Violation, inferred, require
from specbuild.catalogue.types import FLOATS, ITEM_BYTES, Dim, Shape, TensorType
from specbuild.catalogue.windows import floating, planes

MIXED = frozenset({"float32", "float16", "bfloat16"})
"""What torch normalizes with float32 weights."""

LARGEST_FLOAT16 = 65504.0
Exponent = Annotated[Float, Ge(-LARGEST_FLOAT16), Le(LARGEST_FLOAT16)]
"""An exponent, which torch takes in the dtype of what it raises."""


def rows(input: TensorType, shape: Shape) -> Dim:
    """How many times the last axes, which are of a shape, are normalized in a sample."""
    return prod(input.shape[: len(input.shape) - len(shape)])


def last_axes(layer: str, written: int | tuple[int, ...] | None, input: TensorType) -> tuple[Shape, dict[str, Any]]:
    """The last axes, which are normalized together, and `normalized_shape` where it is inferred."""
    require(
        len(input.shape) >= 1,
        lambda: Violation(
            "SB302",
            f"{layer} takes [..., features], but the input is {input}, a single number",
            fix="an input with at least one axis: [1]",
        ),
    )
    if not isinstance(written, tuple):
        last = input.shape[-1]
        return (last,), inferred("normalized_shape", written, last, f"the input's last axis is {last}")
    ends = input.shape[-len(written) :]

    def clash() -> Violation:
        return Violation(
            "SB301", f"normalized_shape is {list(written)}, but the input ends in {list(ends)}",
            field="normalized_shape", fix=f"normalized_shape: {list(ends)}, or leave it out for the last axis alone",
            value=list(ends),
        )  # fmt: skip

    require(len(ends) == len(written), clash)
    for size, actual in zip(written, ends, strict=True):
        require(size == actual, clash)
    return written, {}


def some_axis(normalized_shape: int | tuple[int, ...] | None) -> None:
    """An empty list names no axis."""
    if normalized_shape == ():
        raise Violation(
            "SB304", "`normalized_shape` takes at least one size; got []",
            field="normalized_shape", fix="leave it out for the last axis",
        )  # fmt: skip


@final
class LayerNorm(Layer):
    """The last axes of each sample brought to mean 0 and variance 1: `(N, *, normalized_shape) → (N, *, ...)`.

    `y = (x - E[x]) / √(Var[x] + eps) · weight + bias`. Ba et al., 2016 (arXiv:1607.06450).

    ```yaml
    - LayerNorm  # [196, 768] → [196, 768]
    - {type: LayerNorm, normalized_shape: [16, 8, 8], eps: 1e-6}  # [16, 8, 8] → [16, 8, 8]
    ```
    """

    normalized_shape: Extent | tuple[Extent, ...] | None = None
    """Size of the last axis, or sizes of the last axes, that are normalized together; the last one unless written."""
    eps: Float = 1e-5
    """Added to the variance, against division by zero."""
    elementwise_affine: Bool = True
    """Whether a scale and a shift are learned for each element of `normalized_shape`."""
    bias: Bool = True
    """Whether a shift is learned, beside the scale of `elementwise_affine`."""

    def check(self) -> None:
        """An axis is normalized."""
        some_axis(self.normalized_shape)

    def keeps(self) -> tuple[str, ...]:
        """Its input."""
        return ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `layer_norm`."""
        shape, arguments = last_axes("LayerNorm", self.normalized_shape, input)
        return layer_norm(self, input, shape, rows(input, shape), arguments)


@final
class LayerNorm2d(Layer):
    """The channels at each point brought to mean 0 and variance 1: `(N, C, H, W) → (N, C, H, W)`.

    `y = (x - E[x]) / √(Var[x] + eps) · weight + bias`; torchvision's, of ConvNeXt (arXiv:2201.03545).

    ```yaml
    - {type: LayerNorm2d, eps: 1e-6}  # [96, 56, 56] → [96, 56, 56]
    ```
    """

    normalized_shape: Extent | None = None
    """Channels of the input; inferred."""
    eps: Float = 1e-5
    """Added to the variance, against division by zero."""
    elementwise_affine: Bool = True
    """Whether a scale and a shift are learned for each channel."""
    bias: Bool = True
    """Whether a shift is learned, beside the scale of `elementwise_affine`."""

    def keeps(self) -> tuple[str, ...]:
        """Its input."""
        return ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `layer_norm` with the channels last."""
        planes("LayerNorm2d", input)
        channels, height, width = input.shape
        what = f"the input has {channels} channels"
        arguments = inferred("normalized_shape", self.normalized_shape, channels, what)
        return layer_norm(self, input, (channels,), height * width, arguments)


def layer_norm(
    layer: LayerNorm | LayerNorm2d, input: TensorType, shape: Shape, rows: Dim, arguments: dict[str, Any]
) -> Outcome:
    """What both find out; rows: how many times a mean and a deviation are taken."""
    affine = layer.elementwise_affine
    floating(layer.type, input, MIXED if affine else FLOATS)
    parameters = {}
    if affine:
        parameters = {"weight": Storage(shape), "bias": Storage(shape)} if layer.bias else {"weight": Storage(shape)}
    return Outcome(input, arguments, parameters, saved=statistics(rows, affine, input))


def statistics(number: Dim, affine: bool, input: TensorType) -> Dim:
    """Bytes of so many means and deviations, which torch takes in float32 where there are weights."""
    return 2 * number * (ITEM_BYTES["float32"] if affine else ITEM_BYTES[input.dtype])


@final
class RMSNorm(Layer):
    """The last axes of each sample brought to a root mean square of 1: `(N, *, normalized_shape) → (N, *, ...)`.

    `y = x / √(E[x²] + eps) · weight`. Zhang and Sennrich, 2019 (arXiv:1910.07467).

    ```yaml
    - RMSNorm  # [128, 512] → [128, 512]
    ```
    """

    normalized_shape: Extent | tuple[Extent, ...] | None = None
    """Size of the last axis, or sizes of the last axes, that are normalized together; the last one unless written."""
    eps: Float | None = None
    """Added to the mean square, against division by zero; by default the smallest step of the dtype at 1."""
    elementwise_affine: Bool = True
    """Whether a scale is learned for each element of `normalized_shape`."""

    def check(self) -> None:
        """An axis is normalized."""
        some_axis(self.normalized_shape)

    def keeps(self) -> tuple[str, ...]:
        """Its input."""
        return ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `rms_norm`, which computes in float32 at least and so keeps half precision in a copy."""
        shape, arguments = last_axes("RMSNorm", self.normalized_shape, input)
        floating("RMSNorm", input, FLOATS)
        item = ITEM_BYTES[input.dtype]
        wide = max(item, ITEM_BYTES["float32"])
        scaled = input.size if self.elementwise_affine else 0
        saved = input.size * (wide - item) + (rows(input, shape) + scaled) * wide
        return Outcome(input, arguments, {"weight": Storage(shape)} if self.elementwise_affine else {}, saved=saved)


@final
class GroupNorm(Layer):
    """Groups of channels of each sample brought to mean 0 and variance 1: `(N, C, *) → (N, C, *)`.

    `y = (x - E[x]) / √(Var[x] + eps) · weight + bias`. Wu and He, 2018 (arXiv:1803.08494).

    ```yaml
    - {type: GroupNorm, num_groups: 8}  # [32, 16, 16] → [32, 16, 16]
    - {type: GroupNorm, num_groups: 1, affine: false}  # [32, 100] → [32, 100]
    ```
    """

    since: ClassVar = {"bias": "2.12"}

    num_groups: Extent
    """Groups that the channels are split into; 1 normalizes all together, as many as channels each alone."""
    num_channels: Extent | None = None
    """Channels of the input; inferred."""
    eps: Float = 1e-5
    """Added to the variance, against division by zero."""
    affine: Bool = True
    """Whether a scale and a shift are learned for each channel."""
    bias: Bool = True
    """Whether a shift is learned, beside the scale of `affine`. Needs torch 2.12."""

    def check(self) -> None:
        """The groups divide the channels."""
        if self.num_channels is not None:
            shared(self.num_groups, self.num_channels)

    def keeps(self) -> tuple[str, ...]:
        """Its input."""
        return ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `group_norm`."""
        channelled("GroupNorm", "channels", 1, input)
        floating("GroupNorm", input, MIXED if self.affine else FLOATS)
        channels = input.shape[0]
        arguments = inferred("num_channels", self.num_channels, channels, f"the input has {channels} channels")
        shared(self.num_groups, channels)
        each = Storage((channels,))
        parameters = {}
        if self.affine:
            parameters = {"weight": each, "bias": each} if self.bias else {"weight": each}
        return Outcome(input, arguments, parameters, saved=statistics(self.num_groups, self.affine, input))


def shared(groups: int, channels: Dim) -> None:
    """Require that the groups share the channels evenly."""
    require(
        channels % groups == 0,
        lambda: Violation(
            "SB304", f"`num_groups` must divide `num_channels`: {groups} does not divide {channels}",
            field="num_groups", fix=f"use {divisors(channels)}",
        ),
    )  # fmt: skip


def channelled(layer: str, takes: str, axes: int, input: TensorType) -> None:
    """Require at least so many axes, of which the first are the channels; takes: those axes in words."""
    require(
        len(input.shape) >= axes,
        lambda: Violation(
            "SB302", f"{layer} takes [{takes}, ...], but the input is {input}",
            fix=f"an input with at least {axes} {'axes' if axes > 1 else 'axis'}: "
            f"{[*input.shape, *[1] * (axes - len(input.shape))]}",
        ),
    )  # fmt: skip


@final
class LocalResponseNorm(Layer):
    """Each value divided by a mean over neighbouring channels: `(N, C, *) → (N, C, *)`.

    `y = x / (k + alpha / size · Σ x²)^beta`, the sum over `size` channels around each.
    Krizhevsky et al., 2012 (AlexNet).

    ```yaml
    - {type: LocalResponseNorm, size: 5, k: 2}  # [96, 27, 27] → [96, 27, 27]
    ```
    """

    size: Reach
    """How many channels the sum goes over."""
    alpha: Scale = 1e-4
    """Factor of the sum."""
    beta: Exponent = 0.75
    """The power that is divided by."""
    k: Scale = 1.0
    """Added to the sum."""

    def keeps(self) -> tuple[str, ...]:
        """Its input."""
        return ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `local_response_norm`: an average pooling of the squares along the channels."""
        channelled("LocalResponseNorm", "channels, length", 2, input)
        floating("LocalResponseNorm", input, (FLOATS if len(input.shape) == 2 else WIDE) | {"int64"})
        channels, *points = input.shape
        padded = (channels + self.size - 1, *points)
        storable(padded, "the padded squares", "size")
        output = TensorType(input.shape, "float32" if input.dtype == "int64" else input.dtype)
        return Outcome(output, saved=(2 * input.size + prod(padded)) * ITEM_BYTES[input.dtype])


WIDE = frozenset({"float64", "float32"})
"""What torch's `avg_pool3d` takes on a CPU, beside int64."""


@final
class CrossMapLRN2d(Layer):
    """LocalResponseNorm by running sums, as Caffe has it: `(N, C, H, W) → (N, C, H, W)`.

    `y = x / (k + alpha / size · Σ x²)^beta`, the sum over `size` channels around each; but torch's sums take in
    one channel less where `size` is even, and never let go of the first channel. LocalResponseNorm's are exact.

    ```yaml
    - {type: CrossMapLRN2d, size: 5}  # [64, 56, 56] → [64, 56, 56]
    ```
    """

    size: Annotated[Int, Ge(2), Le(REACH)]
    """How many channels the sum goes over; torch cannot train one alone."""
    alpha: Scale = 1e-4
    """Factor of the sum."""
    beta: Exponent = 0.75
    """The power that is divided by."""
    k: Scale = 1
    """Added to the sum."""

    def keeps(self) -> tuple[str, ...]:
        """Both; and, past autograd, the sums."""
        return ("input", "output")

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `CrossMapLRN2d`."""
        planes("CrossMapLRN2d", input)
        floating("CrossMapLRN2d", input, FLOATS)
        return Outcome(input)


@final
class Affine(Layer):
    """Each channel times a fixed number plus another: `(N, C, *) → (N, C, *)`; nothing is learned.

    `y = x · scale + shift`. The numbers are float32, as buffers that the `state_dict` does not hold: the spec does.
    Integers become float32.

    ```yaml
    - {type: Affine, scale: [0.458, 0.448, 0.45], shift: [-0.03, -0.088, -0.188]}  # [3, 224, 224] → [3, 224, 224]
    - {type: Affine, scale: 2, shift: -1}  # [1, 28, 28] → [1, 28, 28]
    ```
    """

    scale: Scale | tuple[Scale, ...] = 1.0
    """The factor, or one for each channel."""
    shift: Scale | tuple[Scale, ...] = 0.0
    """What is added, or one number for each channel."""

    def check(self) -> None:
        """Two lists are equally long."""
        if isinstance(self.scale, tuple) and isinstance(self.shift, tuple) and len(self.scale) != len(self.shift):
            raise Violation(
                "SB304",
                "`scale` and `shift` have a number for each channel, but "
                f"scale has {len(self.scale)} and shift {len(self.shift)}",
                field="shift",
                fix=f"a list of {len(self.scale)} numbers, or one number for all channels",
            )

    def infer(self, input: TensorType) -> Outcome:
        """As torch promotes and broadcasts."""
        channelled("Affine", "channels", 1, input)
        channels = input.shape[0]
        buffers = {}
        for name, numbers in (("scale", self.scale), ("shift", self.shift)):
            if isinstance(numbers, tuple):
                per_channel(name, len(numbers), channels)
            buffers[name] = Storage((len(numbers) if isinstance(numbers, tuple) else 1,), persistent=False)
        return Outcome(TensorType(input.shape, promoted(input.dtype, "float32")), buffers=buffers)


def per_channel(field: str, count: int, channels: Dim) -> None:
    """Require a number for each channel."""
    require(
        count == channels,
        lambda: Violation(
            "SB301", f"{field} has {count} numbers, but the input has {channels} channels",
            field=field, fix=f"a list of {channels} numbers, or one number for all channels",
        ),
    )  # fmt: skip
