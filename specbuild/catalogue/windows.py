"""The arithmetic of windows that slide over a plane, shared by convolutions and poolings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from specbuild.catalogue.limits import storable
from specbuild.catalogue.rules import Violation, choose, require
from specbuild.catalogue.types import ITEM_BYTES, Dim, TensorType

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""What the axes of a plane, by their number, are called."""
GIVEN = {1: "sequences", 2: "planes", 3: "volumes"}
"""What has so many axes after the channels."""
Window = int | tuple[int, ...]
"""One number for all axes, or one for each."""
Borders = Sequence[tuple[int, int]]
"""What is added before and after each axis."""


def each(value: Window, axes: int) -> tuple[int, ...]:
    """One number for all axes, or one for each."""
    return (value,) * axes if isinstance(value, int) else value


def written(value: object) -> str:
    """A number or a list of them, as a document has it."""
    return str(list(value)) if isinstance(value, tuple) else str(value)


def together(numbers: Iterable[int]) -> str:
    """A number for each axis as a document has it: one for all where they are the same."""
    numbers = list(numbers)
    return str(numbers if len(set(numbers)) > 1 else numbers[0])


def planes(layer: str, input: TensorType, axes: int = 2) -> None:
    """Require `[channels, ...]` with so many axes after the channels."""
    require(
        len(input.shape) == 1 + axes,
        lambda: Violation(
            "SB302",
            f"{layer} takes [channels, {', '.join(AXES[axes])}], but the input is {input}",
            fix=as_sequence(layer, input) if axes == 1 and layer.endswith("1d") else as_planes(input, axes),
        ),
    )


def as_sequence(layer: str, input: TensorType) -> str:
    """What makes a sequence of an input, or takes it for the plane that it may be."""
    if len(input.shape) != 3:
        return as_planes(input, 1)
    return f"type: {layer[:-2]}2d, or, as the batch axis is not written, {list(input.shape[1:])}"


def as_planes(input: TensorType, axes: int) -> str:
    """What makes planes of an input."""
    shape = list(input.shape)
    if len(shape) == axes + 2:
        return f"the batch axis is not written: {shape[1:]}"
    if len(shape) == axes:
        return f"with one channel it is {[1, *shape]}"
    return f"a layer before it that gives {GIVEN[axes]}, such as Unflatten"


def floating(layer: str, input: TensorType, allowed: frozenset[str] = frozenset({"float32"})) -> None:
    """Require a dtype that the layer computes with; weights are float32."""
    require(
        input.dtype in allowed,
        lambda: Violation(
            "SB305",
            f"{layer} takes {alternatives(allowed)}, but the input is {input.dtype}",
            fix="give the network an input of dtype float32",
        ),
    )


def alternatives(dtypes: frozenset[str]) -> str:
    """Dtypes in words, the widest first."""
    *most, last = [dtype for dtype in ITEM_BYTES if dtype in dtypes]
    return f"{', '.join(most)} or {last}" if most else last


def slide(sizes: Sequence[Dim], kernel_size: Window, stride: Window, added: Borders, dilation: Window) -> list[Dim]:
    """How many windows fit along each axis, `added` being what comes before and after it.

    `⌊(size + before + after - dilation·(kernel - 1) - 1) / stride⌋ + 1`
    """
    axes = len(sizes)
    kernels, steps, dilations = each(kernel_size, axes), each(stride, axes), each(dilation, axes)
    clash = partial(larger, sizes, kernels, added, dilations)
    counts: list[Dim] = []
    for i in range(axes):
        room = sizes[i] + sum(added[i]) - (dilations[i] * (kernels[i] - 1) + 1)
        require(room >= 0, partial(clash, i))
        counts.append(room // steps[i] + 1)
    return counts


def larger(
    sizes: Sequence[Dim], kernels: Sequence[int], added: Borders, dilations: Sequence[int], axis: int
) -> Violation:
    """A window that is larger than an axis: smaller ones would do on all axes, or more padding."""
    padded = [size + sum(border) for size, border in zip(sizes, added, strict=True)]
    spans = [dilation * (kernel - 1) + 1 for kernel, dilation in zip(kernels, dilations, strict=True)]
    enough = [
        before + max(0, (span - room + 1) // 2) for (before, _), span, room in zip(added, spans, padded, strict=True)
    ]
    mends = []
    if min(padded) >= 1:
        most = [(room - 1) // dilation + 1 for room, dilation in zip(padded, dilations, strict=True)]
        mends.append(f"kernel_size: {together(map(min, kernels, most))}")
    if all(number < size or number == before for number, size, (before, _) in zip(enough, sizes, added, strict=True)):
        mends.append(f"padding: {together(enough)}")  # no padding_mode takes more than the input has
    return too_large(kernels[axis], dilations[axis], padded[axis], AXES[len(sizes)][axis], " or ".join(mends) or None)


def too_large(kernel: int, dilation: int, padded: Dim, axis: str, fix: str | None, of: str = "input") -> Violation:
    """A kernel that does not fit into its input, or its output."""
    span = dilation * (kernel - 1) + 1
    spread = f", which spans {span} with its dilation," if dilation > 1 else ""
    return Violation(
        "SB303",
        f"kernel_size {kernel}{spread} is larger than the padded {of}'s {axis} {padded}",
        field="kernel_size",
        fix=fix,
    )


def leaves(grown: Sequence[Dim], padding: Window) -> None:
    """Require that something is left of each axis of an output from which `padding` was taken away."""
    axes = len(grown)
    for size, taken, axis in zip(grown, each(padding, axes), AXES[axes], strict=True):
        require(size >= 1, partial(taken_away, grown, padding, size, taken, axis))


def taken_away(grown: Sequence[Dim], padding: Window, size: Dim, taken: int, axis: str) -> Violation:
    """A padding that leaves nothing of an output, with the largest that leaves something of all axes."""
    most = [number - max(0, (2 - left) // 2) for left, number in zip(grown, each(padding, len(grown)), strict=True)]
    return Violation(
        "SB303", f"the output's {axis} would be {size}: padding {taken} takes all of it away",
        field="padding", fix=f"padding: {together(most)}, or a larger kernel_size",
    )  # fmt: skip


def pooled(
    size: Dim,
    kernel: int,
    stride: int,
    padding: int,
    dilation: int,
    ceil_mode: bool,
    axis: str,
    mend: Callable[[], str],
) -> Dim:
    """How many windows of a pooling fit along one axis.

    With `ceil_mode` a window may hang over the end, unless it begins in the padding after the input.
    """
    span = dilation * (kernel - 1) + 1
    padded = size + 2 * padding
    if not ceil_mode:
        require(padded >= span, lambda: too_large(kernel, dilation, padded, axis, mend()))
        count = (padded - span) // stride + 1
    else:
        count = (padded - span + stride - 1) // stride + 1
        count = choose((count - 1) * stride >= size + padding, count - 1, count)
        require(count >= 1, lambda: too_large(kernel, dilation, padded, axis, mend()))
    for place in range(0, padding if dilation > 1 else 0, stride):
        first = (place - padding) % dilation
        require((count * stride <= place) | (first < size), lambda: beside(kernel, dilation, size, axis))
    return count


def smaller(sizes: Sequence[Dim], kernels: Sequence[int], padding: Sequence[int], dilations: Sequence[int]) -> str:
    """A pooling of smaller windows, with as much of the padding as goes with them, or none."""
    fit, most = zip(*map(shrunk, sizes, kernels, padding, dilations), strict=True)
    less = f" and padding: {together(most)}," if most != tuple(padding) else ""
    return f"kernel_size: {together(fit)}{less} or leave the layer out"


def shrunk(size: Dim, kernel: int, padding: int, dilation: int) -> tuple[int, int]:
    """The largest window up to `kernel` that fits along an axis, and how much of the padding goes with it."""
    for number in range(kernel, 1, -1):
        most = min(padding, number // 2)
        if dilation * (number - 1) < size + 2 * most and (dilation <= size or most == 0):
            return number, most
    return 1, 0


def beside(kernel: int, dilation: int, size: Dim, axis: str) -> Violation:
    """A window whose points all lie in the padding: torch takes its index from outside the input, and writes there."""
    return Violation(
        "SB303",
        f"a window of kernel_size {kernel} and dilation {dilation} misses all of the input's {axis} {size}",
        field="dilation",
        fix=f"dilation of at most {size}",
    )


def pooled_planes(
    input: TensorType,
    kernel_size: Window,
    stride: Window | None,
    padding: Window = 0,
    dilation: Window = 1,
    ceil_mode: bool = False,
) -> TensorType:
    """`[channels, ...]` pooled along every axis after the channels; the stride is by default the kernel's size."""
    channels, *sizes = input.shape
    axes = len(sizes)
    kernels, paddings, dilations = each(kernel_size, axes), each(padding, axes), each(dilation, axes)
    steps = kernels if stride is None else each(stride, axes)

    mend = partial(smaller, sizes, kernels, paddings, dilations)
    counts = [
        pooled(size, kernel, step, number, spread, ceil_mode, axis, mend)
        for size, kernel, step, number, spread, axis in zip(
            sizes, kernels, steps, paddings, dilations, AXES[axes], strict=True
        )
    ]
    output = (channels, *counts)
    storable(output, "the output", "padding")
    return input.with_shape(output)


def within(layer: str, input: TensorType, kernel_size: Window, padding: Window = 0) -> None:
    """Require a window no larger than the input, whatever the padding, as torch's `avg_pool3d` does."""
    _, *sizes = input.shape
    axes = len(sizes)
    kernels = each(kernel_size, axes)
    for size, kernel, axis in zip(sizes, kernels, AXES[axes], strict=True):
        require(kernel <= size, partial(beyond, layer, kernel, size, axis, sizes, kernels, each(padding, axes)))


def beyond(
    layer: str, kernel: int, size: Dim, axis: str, sizes: Sequence[Dim], kernels: Sequence[int], padding: Sequence[int]
) -> Violation:
    """A kernel that only its padding, or the end it may hang over, would make room for."""
    return Violation(
        "SB303",
        f"{layer} takes a kernel_size of at most the input's {axis} {size}, whatever is added to it; got {kernel}",
        field="kernel_size",
        fix=smaller(sizes, [*map(min, kernels, sizes)], padding, [1] * len(sizes)),
    )
