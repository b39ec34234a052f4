"""Functions of torch that a `forward` calls, as layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from specbuild.importing.graph import Source
from specbuild.importing.reading import Inexpressible

if TYPE_CHECKING:
    from specbuild.importing.tracing import Tracer

MISSING: Any = object()


class Call:
    """A function with what it was given."""

    def __init__(self, tracer: Tracer, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.tracer, self.name, self.args, self.kwargs = tracer, name, args, kwargs
        self.tensors: list[Tensor] = []
        self.shapes: list[tuple[int, ...]] = []
        """Of the tensors that it was given, before it ran."""
        dunder = name.startswith("__")
        self.inplace = bool(kwargs.get("inplace")) or (name.startswith("__i") and name not in {"__invert__"}) or (
            not dunder and name.endswith("_")
        )

    def get(self, position: int, name: str, default: Any = MISSING) -> Any:
        """An argument by its place or its name."""
        if name in self.kwargs:
            return self.kwargs[name]
        if position < len(self.args):
            return self.args[position]
        if default is MISSING:
            raise Inexpressible(f"`{self.name}` is called without `{name}`")
        return default

    def rest(self, position: int, *names: str) -> Any:
        """All arguments from a place on, as one sequence: `view(2, 3)` and `view((2, 3))`."""
        for name in names:
            if name in self.kwargs:
                return self.kwargs[name]
        found = self.args[position:]
        return found[0] if len(found) == 1 else tuple(found)

    def source(self, tensor: Any, *, batch: bool = False) -> Source:
        """What a tensor is in the running scope."""
        return self.tracer.source(tensor, batch=batch)

    def add(self, kind: str, arguments: Mapping[str, Any], *sources: Source) -> Source:
        """A layer that stands for it, or for a part of it."""
        return self.tracer.add(kind, arguments, list(sources))

    @property
    def input(self) -> Any:
        """The first argument."""
        return self.get(0, "input")

    @property
    def shape(self) -> tuple[int, ...]:
        """The input's shape before the call."""
        return self.shapes[0]


Handler = Callable[[Call, Any], "Source | list[Source] | None"]


def same(call: Call, result: Any) -> Source:
    """What a spec does not tell from its input: another layout, a copy."""
    return call.source(call.input)


def number(value: Any) -> bool:
    """Whether a value is a plain number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


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


def axis(dim: int, rank: int) -> int:
    """An axis counted from 0."""
    return dim + rank if dim < 0 else dim


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


def averaged(call: Call, result: Tensor) -> Source:
    """`mean`."""
    dim = call.get(1, "dim", call.kwargs.get("axis"))
    if dim is None:
        raise Inexpressible("it is the mean of the whole batch")
    dim = dim if isinstance(dim, int) else list(dim)
    arguments = {"dim": dim, "keepdim": call.get(2, "keepdim", False)}
    return call.add("Mean", arguments, call.source(call.input))


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


def dropped(kind: str) -> Handler:
    """A dropout of functional."""

    def handler(call: Call, result: Tensor) -> Source:
        if call.get(2, "training", call.get(2, "train", True)):
            raise Inexpressible(f"`{call.name}` drops in eval mode too", "pass training=self.training")
        arguments = {"p": call.get(1, "p", 0.5), "inplace": bool(call.get(3, "inplace", False))}
        return call.add(kind, arguments, call.source(call.input))

    return handler


def depth(call: Call, result: Tensor) -> Source:
    """`torchvision.ops.stochastic_depth`."""
    if call.get(3, "training", True):
        raise Inexpressible("`stochastic_depth` drops in eval mode too", "pass training=self.training")
    return call.add("StochasticDepth", {"p": call.get(1, "p"), "mode": call.get(2, "mode")}, call.source(call.input))


def simple(kind: str, *arguments: tuple[int, str, Any]) -> Handler:
    """A layer of one input; arguments: of the function, by place, name and default, which the layer has too."""

    def handler(call: Call, result: Any) -> Source | list[Source]:
        found = {}
        for position, name, default in arguments:
            value = call.get(position, name, default)
            if isinstance(value, (tuple, list)):
                value = list(value)
                value = value[0] if value and all(item == value[0] for item in value) else value
            found[name] = value
        if found.get("stride") in (None, [], found.get("kernel_size")) and "kernel_size" in found:
            found.pop("stride", None)
        if call.inplace:
            found["inplace"] = True
        source = call.add(kind, found, call.source(call.input))
        return [source, Source(source.value, "indices")] if isinstance(result, tuple) else source

    return handler


def soft(kind: str) -> Handler:
    """A softmax along an axis."""

    def handler(call: Call, result: Tensor) -> Source:
        dim = call.get(1, "dim", None)
        if dim is None or axis(dim, result.dim()) == 0 or result.dtype != call.input.dtype:
            raise Inexpressible(f"`{call.name}` along the batch, or into another dtype, is not in the catalogue")
        return call.add(kind, {"dim": dim}, call.source(call.input))

    return handler


def padded(call: Call, result: Tensor) -> Source:
    """`F.pad` of the axes after the channels."""
    pad, mode = list(call.get(1, "pad")), call.get(2, "mode", "constant")
    value = call.get(3, "value", None) or 0.0
    axes = len(call.shape) - 2
    pad += [0] * (2 * axes - len(pad))
    if not any(pad):
        return call.source(call.input)
    if len(pad) != 2 * axes or axes not in (1, 2, 3):
        raise Inexpressible("it pads channels or the batch")
    kind = {"constant": "ConstantPad", "reflect": "ReflectionPad", "replicate": "ReplicationPad",
            "circular": "CircularPad"}[mode]  # fmt: skip
    arguments: dict[str, Any] = {"padding": pad[0] if len(set(pad)) == 1 else pad}
    if mode == "constant":
        kind = "ZeroPad" if value == 0 else kind
        arguments |= {} if value == 0 else {"value": value}
    return call.add(f"{kind}{axes}d", arguments, call.source(call.input))


def resized(call: Call, result: Tensor) -> Source:
    """`F.interpolate`."""
    if call.get(6, "antialias", False):
        raise Inexpressible("`antialias` of `interpolate` is not in the catalogue")
    size, factor = call.get(1, "size", None), call.get(2, "scale_factor", None)
    if size is not None:
        size = list(result.shape[2:])
        size = size[0] if all(one == size[0] for one in size) else size
    arguments = {"size": size, "scale_factor": list(factor) if isinstance(factor, tuple) else factor}
    arguments |= {"mode": call.get(3, "mode", "nearest"), "align_corners": call.get(4, "align_corners", None)}
    arguments["recompute_scale_factor"] = call.get(5, "recompute_scale_factor", None)
    return call.add("Upsample", arguments, call.source(call.input))


def added_up(call: Call, result: Tensor) -> Source:
    """`sum` along axes: not in the catalogue; the mean times the number of entries is."""
    raise Inexpressible("`sum` is not in the catalogue; `mean` is")


POOL = ((1, "kernel_size", MISSING), (2, "stride", None), (3, "padding", 0))
INPLACE = "inplace"
HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(("contiguous", "clone", "requires_grad_", "view_as", "positive", "__pos__"), same),
    **dict.fromkeys(("to", "float", "type", "type_as", "double", "half", "bfloat16", "long", "int"), cast),
    **dict.fromkeys(("add", "add_", "__add__", "__radd__", "__iadd__"), sum_of),
    **dict.fromkeys(("sub", "sub_", "__sub__", "__rsub__", "__isub__", "subtract", "rsub"), difference_of),
    **dict.fromkeys(("mul", "mul_", "__mul__", "__rmul__", "__imul__", "multiply"), product_of),
    **dict.fromkeys(("div", "div_", "__truediv__", "__rtruediv__", "__itruediv__", "true_divide"), quotient_of),
    **dict.fromkeys(("neg", "negative", "__neg__"), negative),
    **dict.fromkeys(("cat", "concat", "concatenate"), joined),
    "stack": stacked,
    "flatten": flattened,
    "view": reshaped,
    "reshape": reshaped,
    "unflatten": unflattened,
    "permute": permuted,
    **dict.fromkeys(("transpose", "swapaxes", "swapdims"), transposed),
    "squeeze": squeezed,
    "unsqueeze": unsqueezed,
    "mean": averaged,
    "sum": added_up,
    "select": selected,
    "narrow": narrowed,
    **dict.fromkeys(("chunk", "split", "split_with_sizes", "tensor_split"), split_up),
    "unbind": unbound,
    "__getitem__": indexed,
    **dict.fromkeys(("expand", "expand_as", "repeat"), expanded),
    "dropout": dropped("Dropout"),
    "dropout1d": dropped("Dropout1d"),
    "dropout2d": dropped("Dropout2d"),
    "dropout3d": dropped("Dropout3d"),
    "alpha_dropout": dropped("AlphaDropout"),
    "feature_alpha_dropout": dropped("FeatureAlphaDropout"),
    "stochastic_depth": depth,
    "pad": padded,
    "interpolate": resized,
    "softmax": soft("Softmax"),
    "log_softmax": soft("LogSoftmax"),
    "softmin": soft("Softmin"),
    "glu": simple("GLU", (1, "dim", -1)),
    **dict.fromkeys(("relu", "relu_"), simple("ReLU")),
    "relu6": simple("ReLU6"),
    **dict.fromkeys(("sigmoid", "sigmoid_"), simple("Sigmoid")),
    **dict.fromkeys(("tanh", "tanh_"), simple("Tanh")),
    "gelu": simple("GELU", (1, "approximate", "none")),
    "silu": simple("SiLU"),
    "mish": simple("Mish"),
    "hardswish": simple("Hardswish"),
    "hardsigmoid": simple("Hardsigmoid"),
    "softsign": simple("Softsign"),
    "logsigmoid": simple("LogSigmoid"),
    "selu": simple("SELU"),
    "tanhshrink": simple("Tanhshrink"),
    "leaky_relu": simple("LeakyReLU", (1, "negative_slope", 0.01)),
    "elu": simple("ELU", (1, "alpha", 1.0)),
    "celu": simple("CELU", (1, "alpha", 1.0)),
    "softplus": simple("Softplus", (1, "beta", 1.0), (2, "threshold", 20.0)),
    "hardtanh": simple("Hardtanh", (1, "min_val", -1.0), (2, "max_val", 1.0)),
    "hardshrink": simple("Hardshrink", (1, "lambd", 0.5)),
    "softshrink": simple("Softshrink", (1, "lambd", 0.5)),
    "threshold": simple("Threshold", (1, "threshold", MISSING), (2, "value", MISSING)),
    **{f"adaptive_{kind.lower()}_pool{n}d": simple(f"Adaptive{kind}Pool{n}d", (1, "output_size", MISSING))
       for kind in ("Avg", "Max") for n in (1, 2, 3)},
    **{f"avg_pool{n}d": simple(f"AvgPool{n}d", *POOL, (4, "ceil_mode", False), (5, "count_include_pad", True))
       for n in (1, 2, 3)},
    **{f"max_pool{n}d": simple(f"MaxPool{n}d", *POOL, (4, "dilation", 1), (5, "ceil_mode", False)) for n in (1, 2, 3)},
    "pixel_shuffle": simple("PixelShuffle", (1, "upscale_factor", MISSING)),
    "pixel_unshuffle": simple("PixelUnshuffle", (1, "downscale_factor", MISSING)),
    "channel_shuffle": simple("ChannelShuffle", (1, "groups", MISSING)),
}  # fmt: skip
"""What stands for a function of torch or a method of a tensor, by its name."""
