"""Operators of ONNX with parameters or windows, as layers of the catalogue."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from specbuild.importing.aten import Unsayable
from specbuild.importing.onnx_calls import Call, Made, plain, shortest

Result = Made | list[Made] | None
"""A layer, several in a row, or none where the operator gives what it takes."""
BORDERS = {"constant": "ConstantPad", "reflect": "ReflectionPad", "edge": "ReplicationPad", "wrap": "CircularPad"}


def window(call: Call, kernel: list[int]) -> tuple[dict[str, Any], list[Made]]:
    """The stride, dilation and padding of a window; and layers that pad before it, where its sides differ."""
    axes = len(kernel)
    stride = list(call.get("strides", [1] * axes))
    dilation = list(call.get("dilations", [1] * axes))
    pads = list(call.get("pads", [0] * 2 * axes))
    auto = call.get("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        sizes = call.shape()[2:]
        total = [max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
                 for n, s, d, k in zip(sizes, stride, dilation, kernel, strict=True)]  # fmt: skip
        less, more = [t // 2 for t in total], [t - t // 2 for t in total]
        pads = [*less, *more] if auto == "SAME_UPPER" else [*more, *less]
    first, last = pads[:axes], pads[axes:]
    found = {"stride": plain(stride), "dilation": plain(dilation), "padding": 0}
    if first == last:
        return {**found, "padding": plain(first)}, []
    sides = [side for pair in reversed(list(zip(first, last, strict=True))) for side in pair]
    return found, [Made(f"ZeroPad{axes}d", {"padding": sides})]


def conv(call: Call) -> Result:
    """A Conv."""
    weight = call.constant(1, "weight")
    kernel = list(weight.shape[2:])
    arguments, before = window(call, kernel)
    found = Made(f"Conv{len(kernel)}d", {"out_channels": weight.shape[0], "kernel_size": plain(kernel), **arguments,
                 "groups": call.get("group", 1), "bias": call.has(2)}, call.parameters("weight", "bias"))  # fmt: skip
    return [*before, found] if before else found


def transposed(call: Call) -> Result:
    """A ConvTranspose."""
    weight, groups = call.constant(1, "weight"), call.get("group", 1)
    kernel = list(weight.shape[2:])
    if call.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID") or call.get("output_shape", None):
        raise Unsayable("is padded by the size of its output, for which the catalogue has no layer")
    arguments, before = window(call, kernel)
    if before:
        raise Unsayable("is cut by another width at each side, for which the catalogue has no layer")
    return Made(f"ConvTranspose{len(kernel)}d", {"out_channels": weight.shape[1] * groups, "kernel_size": plain(kernel),
                **arguments, "output_padding": plain(call.get("output_padding", [0])), "groups": groups,
                "bias": call.has(2)}, call.parameters("weight", "bias"))  # fmt: skip


def linear(call: Call) -> Result:
    """A Linear, of a product with a matrix."""
    weight = call.constant(1, "weight").T
    bias = {"bias": call.constant(2, "bias")} if call.has(2) else {}
    return Made("Linear", {"out_features": weight.shape[0], "bias": bool(bias)}, {"weight": weight, **bias})


def gemm(call: Call) -> Result:
    """A Linear, of a product with factors."""
    if call.get("transA", 0):
        raise Unsayable("moves the batch, which in a spec is always axis 0")
    weight = call.constant(1, "weight") * np.float32(call.get("alpha", 1.0))
    weight = weight if call.get("transB", 0) else weight.T
    bias = {}
    if call.has(2):
        given = call.constant(2, "bias") * np.float32(call.get("beta", 1.0))
        if given.size not in (1, weight.shape[0]):
            raise Unsayable(f"adds a tensor of {list(given.shape)}, where a Linear has a bias of {[weight.shape[0]]}")
        bias = {"bias": np.broadcast_to(given.reshape(-1), (weight.shape[0],))}
    return Made("Linear", {"out_features": weight.shape[0], "bias": bool(bias)}, {"weight": weight, **bias})


def batch_norm(call: Call) -> Result:
    """A BatchNorm."""
    if call.get("training_mode", 0) or len([name for name in call.op.outputs if name]) > 1:
        raise Unsayable("normalizes by its batch: export the model in eval mode")
    momentum = round(1 - shortest(call.get("momentum", 0.9)), 6)
    parameters = call.parameters("weight", "bias", "running_mean", "running_var")
    parameters["num_batches_tracked"] = np.array(0, np.int64)
    arguments = {"eps": call.number("epsilon", 1e-5), "momentum": momentum}
    return Made(f"BatchNorm{max(call.rank - 2, 1)}d", arguments, parameters)


def layer_norm(call: Call) -> Result:
    """A LayerNorm."""
    if len([name for name in call.op.outputs if name]) > 1:
        raise Unsayable("gives its mean too, which no layer of the catalogue does")
    axis = call.axis(call.get("axis", -1))
    parameters = call.parameters("weight", "bias")
    return Made("LayerNorm", {"normalized_shape": normalized(call, axis), "eps": call.number("epsilon", 1e-5),
                              "bias": "bias" in parameters}, parameters)  # fmt: skip


def rms_norm(call: Call) -> Result:
    """An RMSNorm."""
    axis = call.axis(call.get("axis", -1))
    arguments = {"normalized_shape": normalized(call, axis), "eps": call.number("epsilon", 1e-5)}
    return Made("RMSNorm", arguments, call.parameters("weight"))


def normalized(call: Call, axis: int) -> Any:
    """The sizes of the axes from one on."""
    sizes = list(call.shape()[axis:])
    return sizes[0] if len(sizes) == 1 else sizes


def instance_norm(call: Call) -> Result:
    """An InstanceNorm; without parameters, where they change nothing."""
    parameters = call.parameters("weight", "bias")
    affine = bool((parameters["weight"] != 1).any() or (parameters["bias"] != 0).any())
    arguments = {"eps": call.number("epsilon", 1e-5), "affine": affine}
    return Made(f"InstanceNorm{max(call.rank - 2, 1)}d", arguments, parameters if affine else {})


def group_norm(call: Call) -> Result:
    """A GroupNorm; its parameters have any shape, and in opset 18 one entry a group."""
    channels, groups = call.shape()[1], call.get("num_groups", 1)
    parameters = {}
    for name, value in call.parameters("weight", "bias").items():
        flat = value.reshape(-1)
        if flat.size not in (channels, groups):
            raise Unsayable(f"has a {name} of {list(value.shape)}, where a GroupNorm has {[channels]}")
        parameters[name] = flat if flat.size == channels else np.repeat(flat, channels // groups)
    return Made("GroupNorm", {"num_groups": groups, "eps": call.number("epsilon", 1e-5)}, parameters)


def prelu(call: Call) -> Result:
    """A PReLU."""
    slope = call.constant(1, "slope")
    if slope.size not in (1, call.shape()[1]):
        raise Unsayable(f"has slopes of {list(slope.shape)}, where a PReLU has one, or one a channel")
    return Made("PReLU", {"num_parameters": slope.size}, {"weight": slope.reshape(-1)})


def max_pool(call: Call) -> Result:
    """A MaxPool."""
    kernel = list(call.get("kernel_shape", []))
    arguments, before = window(call, kernel)
    if before:
        raise Unsayable("is padded by another width at each side, for which the catalogue has no layer")
    if len([name for name in call.op.outputs if name]) > 1:
        raise Unsayable("gives indices, which are not read from ONNX")
    if arguments["stride"] == plain(kernel):
        del arguments["stride"]
    return Made(f"MaxPool{len(kernel)}d",
                {"kernel_size": plain(kernel), **arguments, "ceil_mode": bool(call.get("ceil_mode", 0))})  # fmt: skip


def avg_pool(call: Call) -> Result:
    """An AvgPool."""
    kernel = list(call.get("kernel_shape", []))
    arguments, before = window(call, kernel)
    if arguments.pop("dilation") != 1:
        raise Unsayable("is dilated, for which the catalogue has no layer")
    counted = bool(call.get("count_include_pad", 0))
    if before and not counted:
        raise Unsayable("is padded by another width at each side, for which the catalogue has no layer")
    if arguments["stride"] == plain(kernel):
        del arguments["stride"]
    if not any(np.ravel(arguments["padding"])):
        counted = True  # as torch has it by default; there is nothing to count
    found = Made(f"AvgPool{len(kernel)}d", {"kernel_size": plain(kernel), **arguments, "count_include_pad": counted,
                 "ceil_mode": bool(call.get("ceil_mode", 0))})  # fmt: skip
    return [*before, found] if before else found


def pooled(name: str) -> Any:
    """A pooling of all that there is of a channel."""
    return lambda call: Made(f"{name}{call.rank - 2}d", {"output_size": 1})


def pad(call: Call) -> Result:
    """A border around a sequence, an image or a volume."""
    pads = call.setting("pads", 1) or call.setting("paddings", 1)
    mode, value = call.get("mode", "constant"), call.setting("value", 2, 0.0)
    if call.has(3):
        axes, rank = [axis % call.rank for axis in call.setting("axes", 3)], call.rank
        given, pads = list(pads), [0] * 2 * rank
        for index, axis in enumerate(axes):
            pads[axis], pads[axis + rank] = given[index], given[index + len(axes)]
    pairs = list(zip(pads[: call.rank], pads[call.rank :], strict=True))
    if any(side for pair in pairs for side in pair) is False:
        return None
    axes_count = call.rank - 2
    if any(side for pair in pairs[:2] for side in pair) or axes_count not in (1, 2, 3):
        raise Unsayable("pads the batch or the channels, for which the catalogue has no layer")
    sides = plain([side for pair in reversed(pairs[2:]) for side in pair])
    number = shortest(float(np.ravel(value)[0])) if np.size(value) else 0.0
    if mode == "constant" and number == 0:
        return Made(f"ZeroPad{axes_count}d", {"padding": sides})
    if mode not in BORDERS:
        raise Unsayable(f"has the mode {mode}, for which the catalogue has no layer")
    more = {"value": number} if mode == "constant" else {}
    return Made(f"{BORDERS[mode]}{axes_count}d", {"padding": sides, **more})


def embedding(call: Call) -> Made:
    """An Embedding: rows of a table, one for each index."""
    table = call.constant(0, "table")
    return Made(
        "Embedding", {"num_embeddings": table.shape[0], "embedding_dim": table.shape[1]}, {"weight": table}, (1,)
    )


def upsample(call: Call) -> Result:
    """An Upsample."""
    modes = {"nearest": "nearest", "linear": {1: "linear", 2: "bilinear", 3: "trilinear"}.get(call.rank - 2),
             "cubic": "bicubic" if call.rank == 4 else None}  # fmt: skip
    mode, placed = modes.get(call.get("mode", "nearest")), call.get("coordinate_transformation_mode", "half_pixel")
    if mode is None or call.rank not in (3, 4, 5) or call.shape()[:2] != call.output[:2] or call.get("antialias", 0):
        raise Unsayable("resamples in a way that the catalogue has no layer for")
    scales = [new / old for new, old in zip(call.output[2:], call.shape()[2:], strict=True)]
    if all(math.isclose(scale, round(scale)) for scale in scales):
        sizes: dict[str, Any] = {"scale_factor": plain([round(scale) for scale in scales])}
    else:
        sizes = {"size": plain(call.output[2:])}
    corners = {"align_corners": True} if placed == "align_corners" and mode != "nearest" else {}
    return Made("Upsample", {**sizes, "mode": mode, **corners})
