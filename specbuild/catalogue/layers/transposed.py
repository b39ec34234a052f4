"""Transposed convolutions over a sequence, a plane and a volume."""

from math import isqrt, prod
from typing import TYPE_CHECKING, ClassVar, Literal, final

from specbuild.catalogue.channels import divides
from specbuild.catalogue.entry import Bool
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Border, Extent, Reach, storable
from specbuild.catalogue.rules import Outcome, Storage, Violation, inferred
from specbuild.catalogue.types import Dim, TensorType
from specbuild.catalogue.windows import each, floating, leaves, planes, together

ONEDNN_OFFSET = 2**31
"""oneDNN holds `out_channels · stride²` of a transposed convolution in 32 bits, with any number of axes;
past that torch crashes."""


class Transposed(Layer):
    """The rule for any number of axes: as torch's `conv_transpose1d`, `conv_transpose2d` or `conv_transpose3d`."""

    axes: ClassVar[int]
    """How many axes come after the channels."""

    if TYPE_CHECKING:
        in_channels: int | None
        out_channels: int
        kernel_size: int | tuple[int, ...]
        stride: int | tuple[int, ...]
        padding: int | tuple[int, ...]
        output_padding: int | tuple[int, ...]
        groups: int
        bias: bool
        dilation: int | tuple[int, ...]

    def check(self) -> None:
        """`groups` divides the channels, `output_padding` is below stride or dilation, offsets fit 32 bits."""
        if self.in_channels is not None:
            self.share(self.in_channels)
        strides, dilations = each(self.stride, self.axes), each(self.dilation, self.axes)
        for extra, stride, dilation in zip(each(self.output_padding, self.axes), strides, dilations, strict=True):
            if extra >= stride and extra >= dilation:
                most = [max(both) - 1 for both in zip(strides, dilations, strict=True)]
                raise Violation(
                    "SB304",
                    f"`output_padding` must be below stride or dilation: it is {extra}, "
                    f"stride {stride}, dilation {dilation}",
                    field="output_padding", fix=f"output_padding of at most {together(most)}",
                )  # fmt: skip
        widest = max(strides)
        if self.out_channels * widest**2 >= ONEDNN_OFFSET:
            raise Violation(
                "SB304",
                f"`stride` must be small enough for 32-bit offsets: {self.out_channels} out_channels times "
                f"{widest} squared is not below 2**31",
                field="stride",
                fix=f"a stride of at most {isqrt((ONEDNN_OFFSET - 1) // self.out_channels)}",
            )

    def share(self, channels: Dim) -> None:
        """Require that `groups` divides the channels on both sides."""
        divides(self.groups, channels, "in_channels", self.out_channels)
        divides(self.groups, self.out_channels, "out_channels", channels)

    def infer(self, input: TensorType) -> Outcome:
        """Each axis is spread by the stride and widened by the filter."""
        planes(self.type, input, self.axes)
        floating(self.type, input)
        channels, *sizes = input.shape
        arguments = inferred("in_channels", self.in_channels, channels, f"the input has {channels} channels")
        self.share(channels)
        kernel, stride = each(self.kernel_size, self.axes), each(self.stride, self.axes)
        padding, extra = each(self.padding, self.axes), each(self.output_padding, self.axes)
        dilation = each(self.dilation, self.axes)
        out = [
            (sizes[i] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (kernel[i] - 1) + extra[i] + 1
            for i in range(self.axes)
        ]
        leaves(out, self.padding)
        weight = (channels, self.out_channels // self.groups, *kernel)
        parameters = {"weight": Storage(weight)}
        if self.bias:
            parameters["bias"] = Storage((self.out_channels,))
        output = (self.out_channels, *out)
        storable(weight, "the weight", "kernel_size")
        storable(output, "the output", "stride")
        return Outcome(TensorType(output), arguments, parameters, macs=prod(weight) * prod(sizes))

    def keeps(self) -> tuple[str, ...]:
        """What is convolved."""
        return ("input",)


@final
class ConvTranspose1d(Transposed):
    """A transposed convolution over a sequence: `(N, in_channels, L) → (N, out_channels, L')`.

    `L' = (L - 1)·stride - 2·padding + dilation·(kernel_size - 1) + output_padding + 1`.

    ```yaml
    - {type: ConvTranspose1d, out_channels: 8, kernel_size: 16, stride: 8, padding: 4}  # [16, 100] → [8, 800]
    ```
    """

    axes: ClassVar = 1

    in_channels: Extent | None = None
    """Channels of the input; inferred."""
    out_channels: Extent
    """Channels of the output."""
    kernel_size: Reach | tuple[Reach]
    """Length of a filter."""
    stride: Reach | tuple[Reach] = 1
    """How far apart the input's points are spread."""
    padding: Border | tuple[Border] = 0
    """Points taken away on each side."""
    output_padding: Border | tuple[Border] = 0
    """Points added on one side, to tell apart the lengths that one stride maps to the same."""
    groups: Extent = 1
    """Parts that the channels are split into."""
    bias: Bool = True
    """Whether a learned number is added to each output channel."""
    dilation: Reach | tuple[Reach] = 1
    """Distance between the points of a filter."""
    padding_mode: Literal["zeros"] = "zeros"
    """What the taken points held; torch has no other here."""


@final
class ConvTranspose2d(Transposed):
    """A transposed convolution over a plane: `(N, in_channels, H, W) → (N, out_channels, H', W')`.

    `H' = (H - 1)·stride - 2·padding + dilation·(kernel_size - 1) + output_padding + 1`, and W' likewise.

    ```yaml
    - {type: ConvTranspose2d, out_channels: 8, kernel_size: 4, stride: 2}  # [16, 7, 7] → [8, 16, 16]
    ```
    """

    axes: ClassVar = 2

    in_channels: Extent | None = None
    """Channels of the input; inferred."""
    out_channels: Extent
    """Channels of the output."""
    kernel_size: Reach | tuple[Reach, Reach]
    """Height and width of a filter."""
    stride: Reach | tuple[Reach, Reach] = 1
    """How far apart the input's points are spread."""
    padding: Border | tuple[Border, Border] = 0
    """Rows and columns taken away on each side."""
    output_padding: Border | tuple[Border, Border] = 0
    """Rows and columns added on one side, to tell apart the sizes that one stride maps to the same."""
    groups: Extent = 1
    """Parts that the channels are split into."""
    bias: Bool = True
    """Whether a learned number is added to each output channel."""
    dilation: Reach | tuple[Reach, Reach] = 1
    """Distance between the points of a filter."""
    padding_mode: Literal["zeros"] = "zeros"
    """What the taken rows held; torch has no other here."""


@final
class ConvTranspose3d(Transposed):
    """A transposed convolution over a volume: `(N, in_channels, D, H, W) → (N, out_channels, D', H', W')`.

    `D' = (D - 1)·stride - 2·padding + dilation·(kernel_size - 1) + output_padding + 1`, and H' and W' likewise.

    ```yaml
    - {type: ConvTranspose3d, out_channels: 8, kernel_size: 2, stride: 2}  # [16, 4, 7, 7] → [8, 8, 14, 14]
    ```
    """

    axes: ClassVar = 3

    in_channels: Extent | None = None
    """Channels of the input; inferred."""
    out_channels: Extent
    """Channels of the output."""
    kernel_size: Reach | tuple[Reach, Reach, Reach]
    """Depth, height and width of a filter."""
    stride: Reach | tuple[Reach, Reach, Reach] = 1
    """How far apart the input's points are spread."""
    padding: Border | tuple[Border, Border, Border] = 0
    """Layers, rows and columns taken away on each side."""
    output_padding: Border | tuple[Border, Border, Border] = 0
    """Layers, rows and columns added on one side, to tell apart the sizes that one stride maps to the same."""
    groups: Extent = 1
    """Parts that the channels are split into."""
    bias: Bool = True
    """Whether a learned number is added to each output channel."""
    dilation: Reach | tuple[Reach, Reach, Reach] = 1
    """Distance between the points of a filter."""
    padding_mode: Literal["zeros"] = "zeros"
    """What the taken rows held; torch has no other here."""
