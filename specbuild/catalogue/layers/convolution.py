"""Convolutions over a plane."""

from math import isqrt
from typing import Literal, final

from specbuild.catalogue.entry import Bool
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Border, Extent, Reach, SignedBorder, storable
from specbuild.catalogue.rules import Outcome, Storage, Violation, inferred, require
from specbuild.catalogue.types import Dim, TensorType
from specbuild.catalogue.windows import AXES, each, floating, planes, slide

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
ONEDNN_OFFSET = 2**31
"""oneDNN holds `out_channels · stride²` of a transposed convolution in 32 bits; past that torch crashes."""


def divides(groups: int, channels: Dim, field: str) -> None:
    """Require that the groups share the channels evenly."""
    require(
        channels % groups == 0,
        lambda: Violation(
            "SB304",
            f"`groups` must divide `{field}`: {groups} does not divide {channels}",
            field="groups",
            fix=f"use {', '.join(str(n) for n in range(1, min(channels, 64) + 1) if channels % n == 0)}",
        ),
    )


@final
class Conv2d(Layer):
    """A convolution over a plane: `(N, in_channels, H, W) → (N, out_channels, H', W')`.

    `H' = ⌊(H + 2·padding - dilation·(kernel_size - 1) - 1) / stride⌋ + 1`, and W' likewise.

    ```yaml
    - {type: Conv2d, out_channels: 32, kernel_size: 5, padding: 2}  # [3, 32, 32] → [32, 32, 32]
    - {type: Conv2d, out_channels: 64, kernel_size: 3, stride: 2, groups: 32}  # [32, 32, 32] → [64, 15, 15]
    ```
    """

    in_channels: Extent | None = None
    """Channels of the input; inferred."""
    out_channels: Extent
    """Channels of the output: the number of filters."""
    kernel_size: Reach | tuple[Reach, Reach]
    """Height and width of a filter."""
    stride: Reach | tuple[Reach, Reach] = 1
    """Step of the window."""
    padding: SignedBorder | tuple[SignedBorder, SignedBorder] | Literal["same", "valid"] = 0
    """Rows and columns added on each side; `same` keeps the size (stride 1 only), `valid` adds none.
    A negative number takes rows away, in every `padding_mode` but `zeros`."""
    dilation: Reach | tuple[Reach, Reach] = 1
    """Distance between the points of a filter."""
    groups: Extent = 1
    """Parts that the channels are split into; `groups: <in_channels>` is a depthwise convolution."""
    bias: Bool = True
    """Whether a learned number is added to each output channel."""
    padding_mode: PaddingMode = "zeros"
    """What the added rows and columns hold."""

    def check(self) -> None:
        """`groups` divides both channels, `padding: same` has stride 1, zeros are not taken away."""
        if self.in_channels is not None:
            divides(self.groups, self.in_channels, "in_channels")
        divides(self.groups, self.out_channels, "out_channels")
        if self.padding == "same" and each(self.stride, 2) != (1, 1):
            raise Violation(
                "SB304", f"`padding: same` is for stride 1 only: stride is {self.stride}",
                field="padding", fix="padding: a number, or stride: 1",
            )  # fmt: skip
        if self.padding_mode == "zeros" and min(*self.added()[0], *self.added()[1]) < 0:
            raise Violation(
                "SB304", f"`padding` must not be negative with `padding_mode: zeros`; got {self.padding}",
                field="padding", fix="a number from 0 on",
            )  # fmt: skip

    def added(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Rows before and after, columns before and after."""
        if isinstance(self.padding, str):
            if self.padding == "valid":
                return (0, 0), (0, 0)
            total = [d * (k - 1) for d, k in zip(each(self.dilation, 2), each(self.kernel_size, 2), strict=True)]
            return (total[0] // 2, total[0] - total[0] // 2), (total[1] // 2, total[1] - total[1] // 2)
        rows, columns = each(self.padding, 2)
        return (rows, rows), (columns, columns)

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `conv2d` after its `pad`."""
        planes("Conv2d", input)
        floating("Conv2d", input)
        channels, *sizes = input.shape
        arguments = inferred("in_channels", self.in_channels, channels, f"the input has {channels} channels")
        divides(self.groups, channels, "in_channels")
        kernel, stride, dilation = each(self.kernel_size, 2), each(self.stride, 2), each(self.dilation, 2)
        out: list[Dim] = []
        for i, (size, (before, after)) in enumerate(zip(sizes, self.added(), strict=True)):
            if self.padding_mode in LIMITS:
                LIMITS[self.padding_mode](size, max(before, after), AXES[2][i])
            out.append(slide(size, kernel[i], stride[i], before, after, dilation[i], AXES[2][i]))
        weight = (self.out_channels, channels // self.groups, *kernel)
        parameters = {"weight": Storage(weight)}
        if self.bias:
            parameters["bias"] = Storage((self.out_channels,))
        output = (self.out_channels, *out)
        storable(weight, "the weight", "kernel_size")
        storable(output, "the output", "out_channels")
        macs = self.out_channels * out[0] * out[1] * weight[1] * kernel[0] * kernel[1]
        return Outcome(TensorType(output), arguments, parameters, macs=macs)


def reflectable(size: Dim, padding: int, axis: str) -> None:
    """A reflection is of what is there, the edge not counted."""
    require(
        padding < size,
        lambda: Violation(
            "SB303",
            f"`padding_mode: reflect` adds less than the input's {axis} {size}, but padding is {padding}",
            field="padding",
            fix=f"padding of at most {size - 1}, or padding_mode: replicate",
        ),
    )


def wrappable(size: Dim, padding: int, axis: str) -> None:
    """A plane wraps around once."""
    require(
        padding <= size,
        lambda: Violation(
            "SB303",
            f"`padding_mode: circular` adds at most the input's {axis} {size}, but padding is {padding}",
            field="padding",
            fix=f"padding of at most {size}, or padding_mode: replicate",
        ),
    )


LIMITS = {"reflect": reflectable, "circular": wrappable}


@final
class ConvTranspose2d(Layer):
    """A transposed convolution over a plane: `(N, in_channels, H, W) → (N, out_channels, H', W')`.

    `H' = (H - 1)·stride - 2·padding + dilation·(kernel_size - 1) + output_padding + 1`, and W' likewise.

    ```yaml
    - {type: ConvTranspose2d, out_channels: 8, kernel_size: 4, stride: 2}  # [16, 7, 7] → [8, 16, 16]
    ```
    """

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

    def check(self) -> None:
        """`groups` divides both channels, `output_padding` is below stride or dilation, offsets fit 32 bits."""
        if self.in_channels is not None:
            divides(self.groups, self.in_channels, "in_channels")
        divides(self.groups, self.out_channels, "out_channels")
        for extra, stride, dilation in zip(
            each(self.output_padding, 2), each(self.stride, 2), each(self.dilation, 2), strict=True
        ):
            if extra >= stride and extra >= dilation:
                raise Violation(
                    "SB304",
                    f"`output_padding` must be below stride or dilation: it is {extra}, "
                    f"stride {stride}, dilation {dilation}",
                    field="output_padding", fix=f"output_padding of at most {max(stride, dilation) - 1}",
                )  # fmt: skip
        widest = max(each(self.stride, 2))
        if self.out_channels * widest**2 >= ONEDNN_OFFSET:
            raise Violation(
                "SB304",
                f"`stride` must be small enough for 32-bit offsets: {self.out_channels} out_channels times "
                f"{widest} squared is not below 2**31",
                field="stride",
                fix=f"a stride of at most {isqrt((ONEDNN_OFFSET - 1) // self.out_channels)}",
            )

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `conv_transpose2d`."""
        planes("ConvTranspose2d", input)
        floating("ConvTranspose2d", input)
        channels, *sizes = input.shape
        arguments = inferred("in_channels", self.in_channels, channels, f"the input has {channels} channels")
        divides(self.groups, channels, "in_channels")
        kernel, stride, dilation = each(self.kernel_size, 2), each(self.stride, 2), each(self.dilation, 2)
        padding, extra = each(self.padding, 2), each(self.output_padding, 2)
        out: list[Dim] = []
        for i, size in enumerate(sizes):
            grown = (size - 1) * stride[i] - 2 * padding[i] + dilation[i] * (kernel[i] - 1) + extra[i] + 1
            taken_away(grown, padding[i], AXES[2][i])
            out.append(grown)
        weight = (channels, self.out_channels // self.groups, *kernel)
        parameters = {"weight": Storage(weight)}
        if self.bias:
            parameters["bias"] = Storage((self.out_channels,))
        output = (self.out_channels, *out)
        storable(weight, "the weight", "kernel_size")
        storable(output, "the output", "stride")
        macs = channels * sizes[0] * sizes[1] * weight[1] * kernel[0] * kernel[1]
        return Outcome(TensorType(output), arguments, parameters, macs=macs)


def taken_away(grown: Dim, padding: int, axis: str) -> None:
    """Require that something is left of the output."""
    require(
        grown >= 1,
        lambda: Violation(
            "SB303", f"the output's {axis} would be {grown}: padding {padding} takes all of it away",
            field="padding", fix="a smaller padding, or a larger kernel_size",
        ),
    )  # fmt: skip
