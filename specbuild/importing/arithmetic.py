"""Sums, products, means and joins in a `forward`, as layers."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from specbuild.importing.calling import Call, axis, number
from specbuild.importing.graph import Source
from specbuild.importing.reading import Inexpressible


def scaled(call: Call, value: Any, scale: float, shift: float) -> Source:
    """A tensor times a number, plus a number."""
    source = call.source(value)
    if value.dim() < 2:
        raise Inexpressible("Affine takes an axis of channels, which the tensor lacks")
    if not value.is_floating_point():
        raise Inexpressible("arithmetic of integers and numbers is not in the catalogue")
    arguments = {name: float(v) for name, v, d in (("scale", scale, 1), ("shift", shift, 0)) if v != d}
    return call.add("Affine", arguments, source) if arguments else source


def sum_of(call: Call, result: Tensor) -> Source:
    """`a + b`."""
    a, b = call.input, call.get(1, "other")
    if call.kwargs.get("alpha", 1) != 1:
        raise Inexpressible("`add` with `alpha` is not in the catalogue")
    if number(a) or number(b):
        return scaled(call, b if number(a) else a, 1.0, a if number(a) else b)
    return call.add("Add", {}, call.source(a), call.source(b))


def difference_of(call: Call, result: Tensor) -> Source:
    """`a - b`: the second one times -1 is added."""
    a, b = call.input, call.get(1, "other")
    if call.name == "__rsub__":
        a, b = b, a
    if number(b):
        return scaled(call, a, 1.0, -b)
    negated = scaled(call, b, -1.0, a if number(a) else 0.0)
    return negated if number(a) else call.add("Add", {}, call.source(a), negated)


def product_of(call: Call, result: Tensor) -> Source:
    """`a * b`."""
    a, b = call.input, call.get(1, "other")
    if number(a) or number(b):
        return scaled(call, b if number(a) else a, a if number(a) else b, 0.0)
    return call.add("Multiply", {}, call.source(a), call.source(b))


def quotient_of(call: Call, result: Tensor) -> Source:
    """`a / number`."""
    a, b = call.input, call.get(1, "other")
    if call.name == "__rtruediv__" or not number(b) or call.kwargs.get("rounding_mode"):
        raise Inexpressible("a division by a tensor is not in the catalogue")
    if abs(math.frexp(b)[0]) != 0.5:  # the reciprocal of any other number is rounded
        message = f"a division by {b:.6g} is not bit for bit the product that the catalogue has"
        raise Inexpressible(message, f"multiply by 1 / {b:.6g} in forward")
    return scaled(call, a, 1.0 / b, 0.0)


def negative(call: Call, result: Tensor) -> Source:
    """`-a`."""
    return scaled(call, call.input, -1.0, 0.0)


def joined(call: Call, result: Tensor) -> Source:
    """`torch.cat`."""
    tensors = call.get(0, "tensors")
    dim = axis(call.get(1, "dim", 0), result.dim())
    if dim == 0:
        raise Inexpressible("it joins along the batch")
    sources = [call.source(tensor, batch=True) for tensor in tensors]
    return sources[0] if len(sources) == 1 else call.add("Concat", {"dim": call.get(1, "dim", 0)}, *sources)


def stacked(call: Call, result: Tensor) -> Source:
    """`torch.stack`: each with one more axis, joined."""
    tensors, dim = call.get(0, "tensors"), call.get(1, "dim", 0)
    if axis(dim, result.dim()) == 0:
        raise Inexpressible("it stacks along the batch")
    sources = [call.add("Unsqueeze", {"dim": dim}, call.source(tensor)) for tensor in tensors]
    return sources[0] if len(sources) == 1 else call.add("Concat", {"dim": dim}, *sources)


def averaged(call: Call, result: Tensor) -> Source:
    """`mean`."""
    dim = call.get(1, "dim", call.kwargs.get("axis"))
    if dim is None:
        raise Inexpressible("it is the mean of the whole batch")
    dim = dim if isinstance(dim, int) else list(dim)
    arguments = {"dim": dim, "keepdim": call.get(2, "keepdim", False)}
    return call.add("Mean", arguments, call.source(call.input))


def added_up(call: Call, result: Tensor) -> Source:
    """`sum` along axes: not in the catalogue; the mean times the number of entries is."""
    raise Inexpressible("`sum` is not in the catalogue; `mean` is")
