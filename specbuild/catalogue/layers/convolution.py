"""Convolutions over a sequence, a plane and a volume."""

from math import prod
from typing import TYPE_CHECKING, ClassVar, Literal, final

from specbuild.catalogue.channels import divides
from specbuild.catalogue.entry import Bool
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Extent, Reach, SignedBorder, storable
from specbuild.catalogue.rules import Outcome, Storage, Violation, inferred, require
from specbuild.catalogue.types import ITEM_BYTES, Dim, TensorType
from specbuild.catalogue.windows import AXES, each, floating, planes, slide, written

Padding = Literal["same", "valid"]
PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]


class Convolution(Layer):
    """The rule for any number of axes: as torch's `pad`, then its `conv1d`, `conv2d` or `conv3d`."""

    axes: ClassVar[int]
    """How many axes come after the channels."""

    if TYPE_CHECKING:
        in_channels: int | None
        out_channels: int
        kernel_size: int | tuple[int, ...]
        stride: int | tuple[int, ...]
        padding: int | tuple[int, ...] | Padding
        dilation: int | tuple[int, ...]
        groups: int
        bias: bool
        padding_mode: PaddingMode

    def check(self) -> None:
        """`groups` divides the channels, `padding: same` has stride 1, zeros are not taken away."""
        if self.in_channels is not None:
            self.share(self.in_channels)
        if self.padding == "same" and set(each(self.stride, self.axes)) != {1}:
            raise Violation(
                "SB304", f"`padding: same` is for stride 1 only: stride is {written(self.stride)}",
                field="padding", fix="padding: a number, or stride: 1",
            )  # fmt: skip
        if self.padding_mode == "zeros" and any(min(both) < 0 for both in self.added()):
            raise Violation(
                "SB304", f"`padding` must not be negative with `padding_mode: zeros`; got {written(self.padding)}",
                field="padding", fix="a number from 0 on",
            )  # fmt: skip

    def added(self) -> tuple[tuple[int, int], ...]:
        """What is added before and after, for each axis."""
        if self.padding == "same":
            sizes = zip(each(self.dilation, self.axes), each(self.kernel_size, self.axes), strict=True)
            spread = [dilation * (kernel - 1) for dilation, kernel in sizes]
            return tuple((total // 2, total - total // 2) for total in spread)
        padding = 0 if self.padding == "valid" else self.padding
        return tuple((number, number) for number in each(padding, self.axes))

    def share(self, channels: Dim) -> None:
        """Require that `groups` divides the channels on both sides."""
        divides(self.groups, channels, "in_channels", self.out_channels)
        divides(self.groups, self.out_channels, "out_channels", channels)

    def infer(self, input: TensorType) -> Outcome:
        """Each axis is padded, then a window slides along it."""
        planes(self.type, input, self.axes)
        floating(self.type, input)
        channels, *sizes = input.shape
        arguments = inferred("in_channels", self.in_channels, channels, f"the input has {channels} channels")
        self.share(channels)
        added = self.added()
        if self.padding_mode in LIMITS:
            for size, border, axis in zip(sizes, added, AXES[self.axes], strict=True):
                LIMITS[self.padding_mode](size, max(border), axis, sizes if isinstance(self.padding, int) else [size])
        out = slide(sizes, self.kernel_size, self.stride, added, self.dilation)
        weight = (self.out_channels, channels // self.groups, *each(self.kernel_size, self.axes))
        parameters = {"weight": Storage(weight)}
        if self.bias:
            parameters["bias"] = Storage((self.out_channels,))
        output = (self.out_channels, *out)
        storable(weight, "the weight", "kernel_size")
        storable(output, "the output", "out_channels")
        saved = 0
        if self.copies():
            padded = [size + sum(both) for size, both in zip(sizes, self.copied(), strict=True)]
            saved = channels * prod(padded) * ITEM_BYTES[input.dtype]
        return Outcome(TensorType(output), arguments, parameters, macs=prod(weight) * prod(out), saved=saved)

    def copied(self) -> tuple[tuple[int, int], ...]:
        """What torch adds in a copy of the input; of zeros only those that come after alone, as an even span has."""
        if self.padding_mode != "zeros":
            return self.added()
        return tuple((0, after - before) for before, after in self.added())

    def copies(self) -> bool:
        """Whether torch convolves a padded copy of the input."""
        return self.padding_mode != "zeros" or any(any(both) for both in self.copied())

    def keeps(self) -> tuple[str, ...]:
        """What is convolved; and what is reflected or repeated."""
        return () if self.copies() and self.padding_mode in ("zeros", "circular") else ("input",)


def reflectable(size: Dim, padding: int, axis: str, of: list[Dim]) -> None:
    """A reflection is of what is there, the edge not counted; `of` are the sizes that this padding is for."""
    require(
        padding < size,
        lambda: Violation(
            "SB303",
            f"`padding_mode: reflect` adds less than the input's {axis} {size}, but padding is {padding}",
            field="padding",
            fix=f"padding of at most {min(of) - 1}, or padding_mode: replicate",
        ),
    )


def wrappable(size: Dim, padding: int, axis: str, of: list[Dim]) -> None:
    """A plane wraps around once; `of` are the sizes that this padding is for."""
    require(
        padding <= size,
        lambda: Violation(
            "SB303",
            f"`padding_mode: circular` adds at most the input's {axis} {size}, but padding is {padding}",
            field="padding",
            fix=f"padding of at most {min(of)}, or padding_mode: replicate",
        ),
    )


LIMITS = {"reflect": reflectable, "circular": wrappable}


@final
class Conv1d(Convolution):
    """A convolution over a sequence: `(N, in_channels, L) → (N, out_channels, L')`.

    `L' = ⌊(L + 2·padding - dilation·(kernel_size - 1) - 1) / stride⌋ + 1`.

    ```yaml
    - {type: Conv1d, out_channels: 32, kernel_size: 9, stride: 4}  # [1, 8000] → [32, 1998]
    - {type: Conv1d, out_channels: 64, kernel_size: 3, padding: same, dilation: 8}  # [32, 1998] → [64, 1998]
    ```
    """

    axes: ClassVar = 1

    in_channels: Extent | None = None
    """Channels of the input; inferred."""
    out_channels: Extent
    """Channels of the output: the number of filters."""
    kernel_size: Reach | tuple[Reach]
    """Length of a filter."""
    stride: Reach | tuple[Reach] = 1
    """Step of the window."""
    padding: SignedBorder | tuple[SignedBorder] | Padding = 0
    """Points added on each side; `same` keeps the length (stride 1 only), `valid` adds none.
    A negative number takes points away, in every `padding_mode` but `zeros`."""
    dilation: Reach | tuple[Reach] = 1
    """Distance between the points of a filter."""
    groups: Extent = 1
    """Parts that the channels are split into; `groups: <in_channels>` is a depthwise convolution."""
    bias: Bool = True
    """Whether a learned number is added to each output channel."""
    padding_mode: PaddingMode = "zeros"
    """What the added points hold."""


@final
class Conv2d(Convolution):
    """A convolution over a plane: `(N, in_channels, H, W) → (N, out_channels, H', W')`.

    `H' = ⌊(H + 2·padding - dilation·(kernel_size - 1) - 1) / stride⌋ + 1`, and W' likewise.

    ```yaml
    - {type: Conv2d, out_channels: 32, kernel_size: 5, padding: 2}  # [3, 32, 32] → [32, 32, 32]
    - {type: Conv2d, out_channels: 64, kernel_size: 3, stride: 2, groups: 32}  # [32, 32, 32] → [64, 15, 15]
    ```
    """

    axes: ClassVar = 2

    in_channels: Extent | None = None
    """Channels of the input; inferred."""
    out_channels: Extent
    """Channels of the output: the number of filters."""
    kernel_size: Reach | tuple[Reach, Reach]
    """Height and width of a filter."""
    stride: Reach | tuple[Reach, Reach] = 1
    """Step of the window."""
    padding: SignedBorder | tuple[SignedBorder, SignedBorder] | Padding = 0
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


@final
class Conv3d(Convolution):
    """A convolution over a volume: `(N, in_channels, D, H, W) → (N, out_channels, D', H', W')`.

    `D' = ⌊(D + 2·padding - dilation·(kernel_size - 1) - 1) / stride⌋ + 1`, and H' and W' likewise.

    ```yaml
    - {type: Conv3d, out_channels: 64, kernel_size: 3, padding: 1}  # [3, 16, 112, 112] → [64, 16, 112, 112]
    - {type: Conv3d, out_channels: 16, kernel_size: [1, 7, 7], stride: [1, 2, 2]}  # [3, 8, 31, 31] → [16, 8, 13, 13]
    ```
    """

    axes: ClassVar = 3

    in_channels: Extent | None = None
    """Channels of the input; inferred."""
    out_channels: Extent
    """Channels of the output: the number of filters."""
    kernel_size: Reach | tuple[Reach, Reach, Reach]
    """Depth, height and width of a filter."""
    stride: Reach | tuple[Reach, Reach, Reach] = 1
    """Step of the window."""
    padding: SignedBorder | tuple[SignedBorder, SignedBorder, SignedBorder] | Padding = 0
    """Layers, rows and columns added on each side; `same` keeps the size (stride 1 only), `valid` adds none.
    A negative number takes them away, in every `padding_mode` but `zeros`."""
    dilation: Reach | tuple[Reach, Reach, Reach] = 1
    """Distance between the points of a filter."""
    groups: Extent = 1
    """Parts that the channels are split into; `groups: <in_channels>` is a depthwise convolution."""
    bias: Bool = True
    """Whether a learned number is added to each output channel."""
    padding_mode: PaddingMode = "zeros"
    """What the added layers, rows and columns hold."""
