"""Functions of torch that a `forward` calls, as layers."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from specbuild.importing.arithmetic import (
    added_up,
    averaged,
    difference_of,
    joined,
    negative,
    product_of,
    quotient_of,
    stacked,
    sum_of,
)
from specbuild.importing.calling import MISSING, Call, Handler, axis
from specbuild.importing.graph import Source
from specbuild.importing.reading import Inexpressible
from specbuild.importing.rearranging import (
    cast,
    expanded,
    flattened,
    indexed,
    narrowed,
    permuted,
    reshaped,
    same,
    selected,
    split_up,
    squeezed,
    transposed,
    unbound,
    unflattened,
    unsqueezed,
)


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
