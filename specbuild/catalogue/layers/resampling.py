"""Planes made larger or smaller, and channels traded for room."""

from math import gcd, prod
from typing import Annotated, Literal, TypeVar, final

from annotated_types import Gt, Le

from specbuild.catalogue import rules
from specbuild.catalogue.channels import divisors
from specbuild.catalogue.entry import Bool, Float
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Extent, storable
from specbuild.catalogue.rules import Outcome, Violation, choose, require
from specbuild.catalogue.types import FLOATS, ITEM_BYTES, Dim, TensorType
from specbuild.catalogue.windows import AXES, as_planes, each, floating, planes, written

Factor = Annotated[Float, Gt(0), Le(2**31 - 1)]
"""How many times as large."""
Mode = Literal["nearest", "linear", "bilinear", "bicubic", "trilinear", "area", "nearest-exact"]

INTERPOLATING = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
"""The modes that interpolate between points, each with the one number of axes that it is for."""
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}
BYTES = FLOATS | {"uint8"}
RESAMPLED = {"nearest": BYTES, "nearest-exact": BYTES, "bilinear": BYTES, "bicubic": BYTES,
             "linear": FLOATS, "trilinear": FLOATS, "area": FLOATS}  # fmt: skip

N = TypeVar("N", int, float)
Size = int | tuple[int, ...] | None
Scale = float | tuple[float, ...] | None


def one_of_both(size: Size, scale_factor: Scale) -> None:
    """Either the size of the output is given, or how many times as large it is."""
    if size is None and scale_factor is None:
        raise Violation(
            "SB304", "neither `size` nor `scale_factor` says how large the output is", fix="add `scale_factor: 2`"
        )
    if size is not None and scale_factor is not None:
        raise Violation(
            "SB304", f"`size` and `scale_factor` both say how large the output is; got {written(size)} and "
            f"{written(scale_factor)}",
            field="scale_factor", fix="leave one of them out",
        )  # fmt: skip


def scaled(size: Dim, factor: float, axis: str, of: list[Dim]) -> Dim:
    """`⌊size · factor⌋`, the product in float64, as torch's; `of` are the sizes that this factor is for."""
    out = size * int(factor) if factor.is_integer() else rules.scaled(size, factor)
    require(
        out >= 1,
        lambda: Violation(
            "SB303", f"`scale_factor` {factor:g} leaves nothing of the input's {axis} {size}",
            field="scale_factor", fix=f"a scale_factor of at least {least(min(of))}",
        ),
    )  # fmt: skip
    return out


def least(size: Dim) -> str:
    """The smallest number of few digits of which `size` times is at least 1."""
    digits = 10 ** len(str(size))
    return f"{-(-digits // size) / digits:g}"


def resampled(layer: str, input: TensorType, size: Size, scale_factor: Scale, dtypes: frozenset[str]) -> TensorType:
    """The output of torch's `interpolate`, for any number of axes that it takes."""
    axes = len(input.shape) - 1
    require(
        axes in AXES,
        lambda: Violation(
            "SB302", f"{layer} takes [channels, ...] with one to three axes after the channels, "
            f"but the input is {input}",
            fix=as_planes(input, 3 if axes > 3 else 1),
        ),
    )  # fmt: skip
    floating(layer, input, dtypes)
    channels, *sizes = input.shape
    wanted: tuple[Dim, ...]
    if size is not None:
        wanted = fitting("size", size, input)
    else:
        assert scale_factor is not None
        factors = fitting("scale_factor", scale_factor, input)
        of = [[size] if isinstance(scale_factor, tuple) else sizes for size in sizes]
        wanted = tuple(scaled(*each_axis) for each_axis in zip(sizes, factors, AXES[axes], of, strict=True))
    output = (channels, *wanted)
    storable(output, "the output", "scale_factor" if size is None else "size")
    return input.with_shape(output)


def more_than_a_point(layer: str, input: TensorType, output: TensorType) -> None:
    """Refuse what torch's vectorized kernel for bytes of three channels takes for another memory format, and fails."""
    channels, height, _ = input.shape
    require(
        (input.dtype != "uint8") | (channels != 3) | (height == 1) | (prod(output.shape[1:]) > 1),
        lambda: Violation(
            "SB305", f"{layer} fails in torch where it makes one point of an input of 3 channels and dtype uint8",
            fix="give the network an input of dtype float32",
        ),
    )  # fmt: skip


def fitting(field: str, value: N | tuple[N, ...], input: TensorType) -> tuple[N, ...]:
    """One number for all axes after the channels, or one for each."""
    axes = len(input.shape) - 1
    numbers = value if isinstance(value, tuple) else (value,) * axes
    require(
        len(numbers) == axes,
        lambda: Violation(
            "SB302", f"`{field}` has {len(numbers)} numbers, one for each axis after the channels, "
            f"but the input is {input}",
            field=field, fix=f"a number, or a list of {axes}",
        ),
    )  # fmt: skip
    return numbers


@final
class Upsample(Layer):
    """A sequence, plane or volume resampled: `(N, C, [D, [H,]] W) → (N, C, [D', [H',]] W')`.

    Each size becomes `⌊size · scale_factor⌋`, or what `size` says.

    ```yaml
    - {type: Upsample, scale_factor: 2}  # [64, 16, 16] → [64, 32, 32]
    - {type: Upsample, size: [24, 32], mode: bilinear, align_corners: true}  # [64, 16, 16] → [64, 24, 32]
    - {type: Upsample, scale_factor: 0.5, mode: area}  # [64, 15, 15] → [64, 7, 7]
    ```
    """

    size: Extent | tuple[Extent, ...] | None = None
    """Length, or height and width, or depth, height and width of the output; one number is for all of them."""
    scale_factor: Factor | tuple[Factor, ...] | None = None
    """How many times as large the output is, likewise; either this or `size` is given."""
    mode: Mode = "nearest"
    """How values are found between points: `linear` is for a sequence, `bilinear` and `bicubic` for a plane,
    `trilinear` for a volume, the others for all of them."""
    align_corners: Bool | None = None
    """Whether the corner points stay where they are; for the modes linear, bilinear, bicubic and trilinear."""
    recompute_scale_factor: Bool | None = None
    """Whether points are placed by the ratio of the sizes, which are whole, instead of by `scale_factor`."""

    def check(self) -> None:
        """The output's size is given once, and each option goes with the mode."""
        one_of_both(self.size, self.scale_factor)
        if self.align_corners is not None and self.mode not in INTERPOLATING:
            raise Violation(
                "SB304", "`align_corners` is for the modes linear, bilinear, bicubic and trilinear; "
                f"mode is {self.mode}",
                field="align_corners", fix="leave it out",
            )  # fmt: skip
        if self.recompute_scale_factor and self.size is not None:
            raise Violation(
                "SB304", "`recompute_scale_factor` is for a scale_factor, but `size` is given",
                field="recompute_scale_factor", fix="leave it out",
            )  # fmt: skip

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `interpolate`."""
        axes = len(input.shape) - 1
        meant = INTERPOLATING.get(self.mode, axes)
        if axes != meant:
            raise Violation(
                "SB302",
                f"`mode: {self.mode}` takes [channels, {', '.join(AXES[meant])}], but the input is {input}",
                field="mode",
                fix=f"mode: {LINEAR[axes]}" if axes in LINEAR else as_planes(input, meant),
            )
        layer = f"Upsample with `mode: {self.mode}`"
        output = resampled(layer, input, self.size, self.scale_factor, RESAMPLED[self.mode])
        if self.mode in ("bilinear", "bicubic"):
            more_than_a_point(layer, input, output)
        saved: Dim = 0
        if self.mode == "area" and self.size is None:
            one = prod(output.shape[1:]) == 1
            saved = choose(one, 0, input.size * ITEM_BYTES[input.dtype])
        return Outcome(output, saved=saved)

    def keeps(self) -> tuple[str, ...]:
        """A mean of all points needs none of them again, other means do."""
        return ("input",) if self.mode == "area" and self.size is not None and set(each(self.size, 1)) != {1} else ()


@final
class UpsamplingNearest2d(Layer):
    """A plane made larger by its nearest points: `(N, C, H, W) → (N, C, H', W')`.

    `H' = ⌊H · scale_factor⌋`, and W' likewise. torch's documentation prefers `Upsample` to it.

    ```yaml
    - {type: UpsamplingNearest2d, scale_factor: 2}  # [64, 16, 16] → [64, 32, 32]
    ```
    """

    size: Extent | tuple[Extent, Extent] | None = None
    """Height and width of the output."""
    scale_factor: Factor | tuple[Factor, Factor] | None = None
    """How many times as large the output is; either this or `size` is given."""

    def check(self) -> None:
        """The output's size is given once."""
        one_of_both(self.size, self.scale_factor)

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `interpolate`, which here takes a sequence or a volume, too."""
        return Outcome(resampled("UpsamplingNearest2d", input, self.size, self.scale_factor, BYTES))


@final
class UpsamplingBilinear2d(Layer):
    """A plane made larger by linear interpolation that keeps its corners: `(N, C, H, W) → (N, C, H', W')`.

    `H' = ⌊H · scale_factor⌋`, and W' likewise. torch's documentation prefers `Upsample` to it.

    ```yaml
    - {type: UpsamplingBilinear2d, size: [24, 32]}  # [64, 16, 16] → [64, 24, 32]
    ```
    """

    size: Extent | tuple[Extent, Extent] | None = None
    """Height and width of the output."""
    scale_factor: Factor | tuple[Factor, Factor] | None = None
    """How many times as large the output is; either this or `size` is given."""

    def check(self) -> None:
        """The output's size is given once."""
        one_of_both(self.size, self.scale_factor)

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `interpolate` with `mode: bilinear, align_corners: true`."""
        planes("UpsamplingBilinear2d", input)
        output = resampled("UpsamplingBilinear2d", input, self.size, self.scale_factor, BYTES)
        more_than_a_point("UpsamplingBilinear2d", input, output)
        return Outcome(output)


@final
class PixelShuffle(Layer):
    """Channels traded for room: `(N, *, C·r², H, W) → (N, *, C, H·r, W·r)` with `r = upscale_factor`.

    Shi et al., 2016 (arXiv:1609.05158).

    ```yaml
    - {type: PixelShuffle, upscale_factor: 2}  # [12, 16, 16] → [3, 32, 32]
    ```
    """

    upscale_factor: Extent
    """How many times as high and as wide the output is."""

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `pixel_shuffle`."""
        *outer, channels, height, width = stacked("PixelShuffle", input)
        factor = self.upscale_factor
        square = factor * factor
        require(
            channels % square == 0,
            lambda: Violation(
                "SB304", f"`upscale_factor` squared must divide the input's channels: {square} does not divide "
                f"{channels}",
                field="upscale_factor", fix=f"an input with {-(-channels // square) * square} channels",
            ),
        )  # fmt: skip
        return Outcome(input.with_shape((*outer, channels // square, height * factor, width * factor)))


@final
class PixelUnshuffle(Layer):
    """Room traded for channels: `(N, *, C, H·r, W·r) → (N, *, C·r², H, W)` with `r = downscale_factor`.

    What PixelShuffle does, undone.

    ```yaml
    - {type: PixelUnshuffle, downscale_factor: 2}  # [3, 32, 32] → [12, 16, 16]
    ```
    """

    downscale_factor: Extent
    """How many times as high and as wide the input is."""

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `pixel_unshuffle`."""
        *outer, channels, height, width = stacked("PixelUnshuffle", input)
        factor = self.downscale_factor
        for size, axis in zip((height, width), AXES[2], strict=True):
            divided(size, factor, axis, (height, width))
        return Outcome(input.with_shape((*outer, channels * factor * factor, height // factor, width // factor)))


def stacked(layer: str, input: TensorType) -> tuple[Dim, ...]:
    """The shape, which ends in channels, height and width."""
    require(
        len(input.shape) >= 3,
        lambda: Violation(
            "SB302", f"{layer} takes [..., channels, height, width], but the input is {input}", fix=as_planes(input, 2)
        ),
    )
    return input.shape


def divided(size: Dim, factor: int, axis: str, plane: tuple[Dim, Dim]) -> None:
    """Require that a factor divides an axis of a plane."""
    require(
        size % factor == 0,
        lambda: Violation(
            "SB304", f"`downscale_factor` must divide the input's {axis}: {factor} does not divide {size}",
            field="downscale_factor", fix=f"use {divisors(gcd(*plane))}",
        ),
    )  # fmt: skip


@final
class ChannelShuffle(Layer):
    """Channels dealt out anew, one of each group after the other: `(N, C, *) → (N, C, *)`.

    Channel `i · C / groups + j` becomes `j · groups + i`. Zhang et al., 2017 (arXiv:1707.01083).

    ```yaml
    - {type: ChannelShuffle, groups: 2}  # [4, 8, 8] → [4, 8, 8]
    ```
    """

    groups: Extent
    """Parts that the channels are split into."""

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `channel_shuffle`."""
        require(
            len(input.shape) >= 2,
            lambda: Violation(
                "SB302", "ChannelShuffle takes [channels, ...] with at least one axis after the channels, "
                f"but the input is {input}",
                fix=f"{self.groups} channels or more, with an axis after them",
            ),
        )  # fmt: skip
        channels = input.shape[0]
        require(
            channels % self.groups == 0,
            lambda: Violation(
                "SB304", f"`groups` must divide the input's channels: {self.groups} does not divide {channels}",
                field="groups", fix=f"use {divisors(channels)}",
            ),
        )  # fmt: skip
        return Outcome(input)
