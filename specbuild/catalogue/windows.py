"""The arithmetic of windows that slide over a plane, shared by convolutions and poolings."""

from __future__ import annotations

from specbuild.catalogue.rules import Violation, choose, require
from specbuild.catalogue.types import ITEM_BYTES, Dim, TensorType

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""What the axes of a plane, by their number, are called."""


def each(value: int | tuple[int, ...], axes: int) -> tuple[int, ...]:
    """One number for all axes, or one for each."""
    return (value,) * axes if isinstance(value, int) else value


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


def too_large(kernel: int, dilation: int, padded: Dim, axis: str, mend: str) -> Violation:
    """A kernel that does not fit into its input; `mend` is another way out than a smaller kernel."""
    span = dilation * (kernel - 1) + 1
    spread = f", which spans {span} with its dilation," if dilation > 1 else ""
    fits = f"kernel_size: {(padded - 1) // dilation + 1}" if padded > 0 else ""
    return Violation(
        "SB303",
        f"kernel_size {kernel}{spread} is larger than the padded input's {axis} {padded}",
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
        return (padded - span) // stride + 1
    count = (padded - span + stride - 1) // stride + 1
    count = choose((count - 1) * stride >= size + padding, count - 1, count)
    require(count >= 1, lambda: too_large(kernel, dilation, padded, axis, "leave the layer out"))
    return count
