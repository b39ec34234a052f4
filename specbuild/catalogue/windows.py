"""The arithmetic of windows that slide over a plane, shared by convolutions and poolings."""

from __future__ import annotations

from specbuild.catalogue.rules import Violation, choose, require
from specbuild.catalogue.types import Dim, TensorType

Pair = tuple[int, int]


def pair(value: int | tuple[int, int]) -> Pair:
    """One number for both axes, or one for each."""
    return (value, value) if isinstance(value, int) else value


def planes(layer: str, input: TensorType) -> None:
    """Require `[channels, height, width]`."""
    require(
        len(input.shape) == 3,
        lambda: Violation(
            "SB302",
            f"{layer} takes [channels, height, width], but the input is {input}",
            fix="the batch axis is not written: input: [3, 32, 32]" if len(input.shape) == 4 else None,
        ),
    )


def floating(layer: str, input: TensorType, allowed: frozenset[str] = frozenset({"float32"})) -> None:
    """Require a dtype that the layer computes with; weights are float32."""
    require(
        input.dtype in allowed,
        lambda: Violation("SB305", f"{layer} takes {' or '.join(sorted(allowed))}, but the input is {input.dtype}"),
    )


def slide(size: Dim, kernel: int, stride: int, before: int, after: int, dilation: int, axis: str) -> Dim:
    """How many windows fit along one axis: `⌊(size + before + after - dilation·(kernel-1) - 1) / stride⌋ + 1`."""
    span = dilation * (kernel - 1) + 1
    padded = size + before + after
    require(padded >= span, lambda: too_large(kernel, span, padded, axis))
    return (padded - span) // stride + 1


def too_large(kernel: int, span: int, padded: Dim, axis: str) -> Violation:
    """A kernel that does not fit into its input."""
    spread = f", which spans {span} with its dilation," if span != kernel else ""
    return Violation(
        "SB303",
        f"kernel_size {kernel}{spread} is larger than the padded input's {axis} {padded}",
        field="kernel_size",
        fix=f"a kernel_size of at most {padded}, or padding" if span == kernel else "a smaller kernel_size or dilation",
    )


def pooled(size: Dim, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool, axis: str) -> Dim:
    """How many windows of a pooling fit along one axis.

    With `ceil_mode` a window may hang over the end, unless it begins in the padding after the input.
    """
    span = dilation * (kernel - 1) + 1
    padded = size + 2 * padding
    if not ceil_mode:
        require(padded >= span, lambda: too_large(kernel, span, padded, axis))
        return (padded - span) // stride + 1
    count = (padded - span + stride - 1) // stride + 1
    count = choose((count - 1) * stride >= size + padding, count - 1, count)
    require(count >= 1, lambda: too_large(kernel, span, padded, axis))
    return count
