"""Views, cuts and casts in a `forward`, as layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from specbuild.importing.calling import Call, axis
from specbuild.importing.graph import Source
from specbuild.importing.reading import Inexpressible


def same(call: Call, result: Any) -> Source:
    """What a spec does not tell from its input: another layout, a copy."""
    return call.source(call.input)


def flattened(call: Call, result: Tensor) -> Source:
    """`flatten`."""
    start, end = call.get(1, "start_dim", 0), call.get(2, "end_dim", -1)
    return call.add("Flatten", {"start_dim": start, "end_dim": end}, call.source(call.input))


def reshaped(call: Call, result: Tensor) -> Source:
    """`view` and `reshape`: the batch stays the first axis."""
    sizes = call.rest(1, "shape", "size")
    sizes = [sizes] if isinstance(sizes, int) else list(sizes)
    before, after = call.shape, tuple(result.shape)
    if before[:1] != after[:1]:
        raise Inexpressible(f"it makes {list(after)} of {list(before)}, which does not keep the batch as axis 0")
    if before == after:
        return call.source(call.input)
    flat = len(after) == 2 and len(before) > 1 and (call.name == "view" or sizes[0] == -1)
    if flat:
        return call.add("Flatten", {"start_dim": 1, "end_dim": -1}, call.source(call.input))
    merged = len(after) > 2 and len(after) < len(before) and after[:-1] == before[: len(after) - 1]
    if merged and -1 not in sizes[1:-1]:
        return call.add("Flatten", {"start_dim": len(after) - 1, "end_dim": -1}, call.source(call.input))
    shape = [int(size) for size in sizes[1:]] if sizes[0] != -1 else list(after[1:])
    return call.add("Reshape", {"shape": shape}, call.source(call.input))


def unflattened(call: Call, result: Tensor) -> Source:
    """`unflatten`."""
    arguments = {"dim": call.get(1, "dim"), "unflattened_size": list(call.get(2, "sizes"))}
    return call.add("Unflatten", arguments, call.source(call.input))


def permuted(call: Call, result: Tensor) -> Source:
    """`permute`."""
    dims = list(call.rest(1, "dims"))
    if axis(dims[0], len(dims)) != 0:
        raise Inexpressible("it moves the batch, which in a spec is always axis 0")
    return call.add("Permute", {"dims": dims}, call.source(call.input))


def transposed(call: Call, result: Tensor) -> Source:
    """`transpose`."""
    dim0, dim1 = call.get(1, "dim0", call.kwargs.get("axis0", 0)), call.get(2, "dim1", call.kwargs.get("axis1", 1))
    if 0 in (axis(dim0, result.dim()), axis(dim1, result.dim())):
        raise Inexpressible("it moves the batch, which in a spec is always axis 0")
    return call.add("Transpose", {"dim0": dim0, "dim1": dim1}, call.source(call.input))


def squeezed(call: Call, result: Tensor) -> Source:
    """`squeeze`."""
    dim = call.get(1, "dim", None)
    if dim is None:
        dim = [index for index, size in enumerate(call.shape) if size == 1 and index > 0]
    dims = [dim] if isinstance(dim, int) else list(dim)
    dims = [index for index in dims if call.shape[index] == 1]
    if not dims:
        return call.source(call.input)
    return call.add("Squeeze", {"dim": dims[0] if len(dims) == 1 else dims}, call.source(call.input))


def unsqueezed(call: Call, result: Tensor) -> Source:
    """`unsqueeze`."""
    dim = call.get(1, "dim")
    if axis(dim, result.dim()) == 0:
        raise Inexpressible("it puts an axis before the batch")
    return call.add("Unsqueeze", {"dim": dim}, call.source(call.input))


def selected(call: Call, result: Tensor) -> Source:
    """`select`."""
    return call.add("Select", {"dim": call.get(1, "dim"), "index": call.get(2, "index")}, call.source(call.input))


def narrowed(call: Call, result: Tensor) -> Source:
    """`narrow`."""
    arguments = {"dim": call.get(1, "dim"), "start": call.get(2, "start"), "length": call.get(3, "length")}
    return call.add("Narrow", arguments, call.source(call.input))


def split_up(call: Call, result: Sequence[Tensor]) -> list[Source]:
    """`chunk` and `split`: one Narrow a part."""
    dim = call.get(2, "dim", 0)
    if axis(dim, len(call.shape)) == 0:
        raise Inexpressible("it divides the batch")
    source, start, found = call.source(call.input), 0, []
    for part in result:
        length = part.shape[dim]
        found.append(call.add("Narrow", {"dim": dim, "start": start, "length": length}, source))
        start += length
    return found


def unbound(call: Call, result: Sequence[Tensor]) -> list[Source]:
    """`unbind`: one Select a part."""
    dim = call.get(1, "dim", 0)
    if axis(dim, len(call.shape)) == 0:
        raise Inexpressible("it divides the batch")
    source = call.source(call.input)
    return [call.add("Select", {"dim": dim, "index": index}, source) for index in range(len(result))]


def indexed(call: Call, result: Tensor) -> Source:
    """`x[:, 0]`, `x[:, 2:5]`, `x[:, None]`, `x[..., -1]`."""
    key = call.get(1, "indices")
    keys = list(key) if isinstance(key, tuple) else [key]
    rank = len(call.shape)
    plain = [k for k in keys if k is not None and k is not Ellipsis]
    if Ellipsis in [k for k in keys if not isinstance(k, Tensor)]:
        at = next(index for index, k in enumerate(keys) if k is Ellipsis)
        keys[at : at + 1] = [slice(None)] * (rank - len(plain))
    source, dim = call.source(call.input), 0
    for one in keys:
        if isinstance(one, slice):
            source = cut(call, source, dim, one, call.shape[rank_before(keys, one, dim)])
            dim += 1
        elif one is None:
            if dim == 0:
                raise Inexpressible("it puts an axis before the batch")
            source = call.add("Unsqueeze", {"dim": dim}, source)
            dim += 1
        elif isinstance(one, int) and not isinstance(one, bool):
            if dim == 0:
                raise Inexpressible("it takes one sample of the batch")
            source = call.add("Select", {"dim": dim, "index": one}, source)
        else:
            raise Inexpressible("an index that is a tensor or a list is not in the catalogue")
    return source


def rank_before(keys: Sequence[Any], key: Any, dim: int) -> int:
    """Which axis of the tensor a key of an index is about."""
    at = next(index for index, other in enumerate(keys) if other is key)
    return sum(1 for other in keys[:at] if other is not None)


def cut(call: Call, source: Source, dim: int, key: slice, size: int) -> Source:
    """A slice of an axis."""
    start, stop, step = key.indices(size)
    if step != 1:
        raise Inexpressible("a slice with a step is not in the catalogue")
    if (start, stop) == (0, size):
        return source
    if dim == 0:
        raise Inexpressible("it takes a part of the batch")
    return call.add("Narrow", {"dim": dim, "start": start, "length": stop - start}, source)


def expanded(call: Call, result: Tensor) -> Source:
    """`expand` of a parameter over the batch."""
    if id(call.input) in call.tracer.parameters:
        shape, wanted = tuple(call.input.shape), tuple(result.shape)
        if shape[:1] == (1,) and shape[1:] == wanted[1:]:
            return call.source(call.input, batch=True)
    if tuple(result.shape) == call.shape:
        return call.source(call.input)
    raise Inexpressible("`expand` is not in the catalogue, but for a parameter over the batch")


def cast(call: Call, result: Tensor) -> Source:
    """`to`, `float` and the like, where they change nothing."""
    if result.dtype != call.input.dtype or result.device != call.input.device:
        raise Inexpressible(f"it makes {str(result.dtype).removeprefix('torch.')} of "
                            f"{str(call.input.dtype).removeprefix('torch.')}")  # fmt: skip
    return call.source(call.input)
