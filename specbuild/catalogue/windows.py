"""The arithmetic of windows that slide over a plane, shared by convolutions and poolings."""

from __future__ import annotations

from functools import partial

from specbuild.catalogue.limits import storable
from specbuild.catalogue.rules import Violation, choose, require
from specbuild.catalogue.types import ITEM_BYTES, Dim, TensorType

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""What the axes of a plane, by their number, are called."""


def each(value: int | tuple[int, ...], axes: int) -> tuple[int, ...]:
    """One number for all axes, or one for each."""
    return (value,) * axes if isinstance(value, int) else value


def written(value: object) -> str:
    """A number or a list of them, as a document has it."""
    return str(list(value)) if isinstance(value, tuple) else str(value)


def planes(layer: str, input: TensorType, axes: int = 2) -> None:
    """Require `[channels, ...]` with so many axes after the channels."""
    require(
        len(input.shape) == 1 + axes,
        lambda: Violation(
            "SB302",
            f"{layer} takes [channels, {', '.join(AXES[axes])}], but the input is {input}",
            fix=as_planes(input, axes),
        ),
    )


def as_planes(input: TensorType, axes: int) -> str:
    """What makes planes of an input."""
    shape = list(input.shape)
    if len(shape) == axes + 2:
        return f"the batch axis is not written: {shape[1:]}"
    if len(shape) == axes:
        return f"with one channel it is {[1, *shape]}"
    return "a layer before it that gives planes, such as Unflatten"


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


def slide(size: Dim, kernel: int, stride: int, before: int, after: int, dilation: int, axis: str) -> Dim:
    """How many windows fit along one axis.

    `⌊(size + before + after - dilation·(kernel - 1) - 1) / stride⌋ + 1`
    """
    span = dilation * (kernel - 1) + 1
    padded = size + before + after

    def clash() -> Violation:
        enough = before + (span - padded + 1) // 2
        mend = f"padding: {enough}" if enough < size else ""  # no padding_mode takes more than the input has
        return too_large(kernel, dilation, padded, axis, mend)

    require(padded >= span, clash)
    return (padded - span) // stride + 1


def too_large(kernel: int, dilation: int, padded: Dim, axis: str, mend: str, of: str = "input") -> Violation:
    """A kernel that does not fit into its input, or its output; `mend` is another way out than a smaller kernel."""
    span = dilation * (kernel - 1) + 1
    spread = f", which spans {span} with its dilation," if dilation > 1 else ""
    fits = f"kernel_size: {(padded - 1) // dilation + 1}" if padded > 0 else ""
    return Violation(
        "SB303",
        f"kernel_size {kernel}{spread} is larger than the padded {of}'s {axis} {padded}",
        field="kernel_size",
        fix=" or ".join(filter(None, (fits, mend))) or None,
    )


def pooled(size: Dim, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool, axis: str) -> Dim:
    """How many windows of a pooling fit along one axis.

    With `ceil_mode` a window may hang over the end, unless it begins in the padding after the input.
    """
    span = dilation * (kernel - 1) + 1
    padded = size + 2 * padding
    if not ceil_mode:
        require(padded >= span, lambda: too_large(kernel, dilation, padded, axis, "leave the layer out"))
        count = (padded - span) // stride + 1
    else:
        count = (padded - span + stride - 1) // stride + 1
        count = choose((count - 1) * stride >= size + padding, count - 1, count)
        require(count >= 1, lambda: too_large(kernel, dilation, padded, axis, "leave the layer out"))
    for place in range(0, padding if dilation > 1 else 0, stride):
        first = (place - padding) % dilation
        require((count * stride <= place) | (first < size), lambda: beside(kernel, dilation, size, axis))
    return count


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
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...] | None,
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
    ceil_mode: bool = False,
) -> TensorType:
    """`[channels, ...]` pooled along every axis after the channels; the stride is by default the kernel's size."""
    channels, *sizes = input.shape
    axes = len(sizes)
    step = kernel_size if stride is None else stride
    arguments = (each(argument, axes) for argument in (kernel_size, step, padding, dilation))
    counts = (
        pooled(size, kernel, stride, padding, dilation, ceil_mode, axis)
        for size, kernel, stride, padding, dilation, axis in zip(sizes, *arguments, AXES[axes], strict=True)
    )
    output = (channels, *counts)
    storable(output, "the output", "padding")
    return input.with_shape(output)


def within(layer: str, input: TensorType, kernel_size: int | tuple[int, ...]) -> None:
    """Require a window no larger than the input, whatever the padding, as torch's `avg_pool3d` does."""
    _, *sizes = input.shape
    axes = len(sizes)
    for size, kernel, axis in zip(sizes, each(kernel_size, axes), AXES[axes], strict=True):
        require(kernel <= size, partial(beyond, layer, kernel, size, axis))


def beyond(layer: str, kernel: int, size: Dim, axis: str) -> Violation:
    """A kernel that only its padding, or the end it may hang over, would make room for."""
    return Violation(
        "SB303",
        f"{layer} takes a kernel_size of at most the input's {axis} {size}, whatever is added to it; got {kernel}",
        field="kernel_size",
        fix=f"kernel_size: {size} or leave the layer out",
    )
