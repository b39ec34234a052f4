"""Operators of ONNX as layers of the catalogue: a table, and those that rearrange or compute without parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from specbuild.importing import onnx_layers as layers
from specbuild.importing import onnx_modules as modules
from specbuild.importing.aten import Unsayable
from specbuild.importing.onnx_calls import Call, Made, shortest
from specbuild.importing.onnx_layers import Result


def named(type: str, **arguments: str) -> Callable[[Call], Result]:
    """A layer whose arguments are attributes that are called otherwise."""

    def read(call: Call) -> Result:
        given = {name: call.number(theirs, 0.0) for name, theirs in arguments.items() if theirs in call.op.attributes}
        return Made(type, given)

    return read


def along(type: str, name: str = "axis") -> Callable[[Call], Result]:
    """A layer along one axis."""

    def read(call: Call) -> Result:
        axis = call.get(name, -1 if call.opset >= 13 else 1)
        if call.opset < 13 and axis % call.rank != call.rank - 1:
            raise Unsayable("joins the axes behind its own in this opset; write the model in opset 13 or newer")
        return Made(type, {"dim": call.axis(axis)})

    return read


def leaky_relu(call: Call) -> Result:
    """A LeakyReLU."""
    return Made("LeakyReLU", {"negative_slope": call.number("alpha", 0.01)})


def elu(type: str) -> Callable[[Call], Result]:
    """An ELU or a CELU."""
    return lambda call: Made(type, {"alpha": call.number("alpha", 1.0)})


def selu(call: Call) -> Result:
    """A SELU with the numbers of its paper."""
    if not math.isclose(call.get("alpha", 1.67326319), 1.67326319, rel_tol=1e-6):
        raise Unsayable("has another alpha than SELU")
    return Made("SELU")


def clip(call: Call) -> Result:
    """ReLU6, Hardtanh, or one bound."""
    low, high = (
        None if (found := call.setting(name, index)) is None else shortest(float(np.ravel(found)[0]))
        for name, index in (("min", 1), ("max", 2))
    )
    low = None if low is not None and low < -3e38 else low
    high = None if high is not None and high > 3e38 else high
    if low is not None and high is not None:
        return Made("ReLU6") if (low, high) == (0, 6) else Made("Hardtanh", {"min_val": low, "max_val": high})
    if high is not None:
        turned = Made("Affine", {"scale": -1.0})
        return [turned, Made("Threshold", {"threshold": -high, "value": -high}), turned]
    if low is None:
        return None
    return Made("ReLU") if low == 0 else Made("Threshold", {"threshold": low, "value": low})


def hard_sigmoid(call: Call) -> Result:
    """A Hardsigmoid, or a line between two bounds."""
    scale, shift = call.number("alpha", 0.2), call.number("beta", 0.5)
    if math.isclose(scale, 1 / 6, rel_tol=1e-6) and shift == 0.5:
        return Made("Hardsigmoid")
    return [Made("Affine", {"scale": scale, "shift": shift}), Made("Hardtanh", {"min_val": 0.0, "max_val": 1.0})]


def shrink(call: Call) -> Result:
    """A Hardshrink or a Softshrink."""
    width, bias = call.number("lambd", 0.5), call.number("bias", 0.0)
    if bias not in (0, width):
        raise Unsayable("has another bias than Hardshrink and Softshrink")
    return Made("Softshrink" if bias else "Hardshrink", {"lambd": width})


def local_norm(call: Call) -> Result:
    """A LocalResponseNorm."""
    return Made("LocalResponseNorm", {"size": call.get("size", 1), "alpha": call.number("alpha", 1e-4),
                                      "beta": call.number("beta", 0.75), "k": call.number("bias", 1.0)})  # fmt: skip


def arithmetic(call: Call) -> Result:
    """A sum, difference, product or quotient, of two tensors or of one with a number."""
    kind, taken = call.op.kind, call.op.inputs
    constants = [name in call.constants for name in taken]
    single = [
        index for index in (0, 1) if len(taken) == 2 and constants[index] and call.constants[taken[index]].size == 1
    ]
    if not single or len(call.constants[taken[single[0]]].shape) > len(call.shape(1 - single[0])):
        if kind == "Div":
            raise Unsayable("divides by a tensor, for which the catalogue has no layer")
        return Made("Multiply" if kind == "Mul" else "Add", takes=tuple(range(len(taken))))
    index = single[0]
    value = shortest(float(call.constants[taken[index]].item()))
    if kind == "Div" and index == 0:
        raise Unsayable("divides by a tensor, for which the catalogue has no layer")
    arguments = {
        "Add": {"shift": value},
        "Mul": {"scale": value},
        "Div": {"scale": 1 / value if value else math.nan},
        "Sub": {"shift": -value} if index == 1 else {"scale": -1.0, "shift": value},
    }[kind]
    return Made("Affine", dict(arguments), takes=(1 - index,))


def reshape(call: Call) -> Result:
    """A Flatten, or a Reshape of each sample; the sizes are those that came out."""
    before, after = call.shape(), call.output
    if before == after:
        return None
    call.require_batch()
    for start in range(1, len(before)):
        for end in range(start + 1, len(before)):
            merged = (*before[:start], math.prod(before[start : end + 1]), *before[end + 1 :])
            if merged == after:
                return Made("Flatten", {"start_dim": start, "end_dim": -1 if end == len(before) - 1 else end})
    return Made("Reshape", {"shape": list(after[1:])})


def transpose(call: Call) -> Result:
    """A Transpose of two axes, or a Permute."""
    order = list(call.get("perm", reversed(range(call.rank))))
    if order[0] != 0:
        raise Unsayable("moves the batch, which in a spec is always axis 0")
    moved = [axis for axis, old in enumerate(order) if axis != old]
    if not moved:
        return None
    if len(moved) == 2:
        return Made("Transpose", {"dim0": moved[0], "dim1": moved[1]})
    return Made("Permute", {"dims": order})


def squeeze(call: Call) -> Result:
    """A Squeeze."""
    axes = call.setting("axes", 1)
    if axes is None:
        axes = [axis for axis, size in enumerate(call.shape()) if size == 1 and axis > 0]
    dims = [call.axis(axis) for axis in axes]
    return Made("Squeeze", {"dim": dims[0] if len(dims) == 1 else dims})


def unsqueeze(call: Call) -> Result:
    """One Unsqueeze for each axis."""
    rank = len(call.output)
    return [Made("Unsqueeze", {"dim": dim}) for dim in sorted(call.axis(a, rank) for a in call.setting("axes", 1))]


def reduce(mean: bool) -> Callable[[Call], Result]:
    """A pooling of all that there is of a channel, or a Mean."""

    def read(call: Call) -> Result:
        axes = call.setting("axes", 1)
        dims = sorted(call.axis(axis) for axis in (axes or range(call.rank)))
        kept, spatial = bool(call.get("keepdims", 1)), list(range(2, call.rank))
        if kept and spatial and dims == spatial and len(spatial) <= 3:
            return Made(f"Adaptive{'Avg' if mean else 'Max'}Pool{len(spatial)}d", {"output_size": 1})
        if not mean:
            raise Unsayable("has no layer in the catalogue but for a pooling of all that there is of a channel")
        return Made("Mean", {"dim": dims[0] if len(dims) == 1 else dims, "keepdim": kept})

    return read


def narrowed(call: Call) -> Result:
    """A Narrow for each axis."""
    starts, ends = call.setting("starts", 1), call.setting("ends", 2)
    axes = call.setting("axes", 3, list(range(len(starts))))
    steps = call.setting("steps", 4, [1] * len(starts))
    found = []
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = call.shape()[axis]
        first, last, _ = slice(start, end).indices(size)
        if step != 1:
            raise Unsayable("takes every second entry or fewer, for which the catalogue has no layer")
        if (first, last) != (0, size):
            found.append(Made("Narrow", {"dim": call.axis(axis), "start": first, "length": last - first}))
    return found or None


def split(call: Call) -> Result:
    """One part of a Split, as a Narrow; `part` is which."""
    axis, part = call.get("axis", 0), call.get("part", 0)
    length = call.output[axis]
    start = sum(call.shapes[name][axis] for name in call.get("parts", [])[:part])
    return Made("Narrow", {"dim": call.axis(axis), "start": start, "length": length})


def gather(call: Call) -> Result:
    """An Embedding; or a Select or Narrow."""
    axis = call.get("axis", 0)
    if call.op.inputs[0] in call.constants:
        if axis != 0 or call.rank != 2:
            raise Unsayable("takes from a table with other than two axes, for which the catalogue has no layer")
        return layers.embedding(call)
    index = call.constant(1, "index")
    dim, size = call.axis(axis), call.shape()[axis]
    if index.ndim == 0:
        return Made("Select", {"dim": dim, "index": int(index)})
    entries = [int(entry) % size for entry in index.ravel()]
    if index.ndim != 1 or entries != list(range(entries[0], entries[0] + len(entries))):
        raise Unsayable("takes entries that are not one after the other, for which the catalogue has no layer")
    return Made("Narrow", {"dim": dim, "start": entries[0], "length": len(entries)})


def concat(call: Call) -> Result:
    """A Concat."""
    axis = call.get("axis", 1) % len(call.output)
    if axis == 0:
        raise Unsayable("joins along the batch, which in a spec is always axis 0")
    return Made("Concat", {"dim": axis}, takes=tuple(range(len(call.op.inputs))))


def depth_to_space(call: Call) -> Result:
    """A PixelShuffle."""
    if call.get("mode", "DCR") != "CRD":
        raise Unsayable("is in the order DCR, for which the catalogue has no layer")
    return Made("PixelShuffle", {"upscale_factor": call.get("blocksize", 1)})


def expand(call: Call) -> Result:
    """A parameter that is given to each sample; what is as large already is handed on."""
    if call.op.inputs[0] in call.constants:
        value = call.constants[call.op.inputs[0]]
        value = value.reshape([1] * (len(call.output) - value.ndim) + list(value.shape))
        if value.shape != (1, *call.output[1:]):
            raise Unsayable("repeats a constant, for which the catalogue has no layer but for one a sample")
        return Made("Parameter", {"shape": list(value.shape)}, {"": value}, ())
    if call.shape() != call.output:
        raise Unsayable("repeats a tensor, for which the catalogue has no layer")
    return None


def cast(call: Call) -> Result:
    """Nothing, where the type stays."""
    from onnx import helper

    wanted = helper.tensor_dtype_to_np_dtype(call.get("to", 1))
    if str(wanted) != call.dtypes[call.op.inputs[0]]:
        raise Unsayable(f"makes {wanted} of {call.dtypes[call.op.inputs[0]]}, which a spec does not")
    return None


def gelu(call: Call) -> Result:
    """A GELU."""
    return Made("GELU", {"approximate": call.get("approximate", "none")})


OPERATORS: Mapping[str, Callable[[Call], Result]] = {
    "Conv": layers.conv, "ConvTranspose": layers.transposed, "Linear": layers.linear, "Gemm": layers.gemm,
    "BatchNormalization": layers.batch_norm, "LayerNormalization": layers.layer_norm, "LayerNorm": layers.layer_norm,
    "RMSNormalization": layers.rms_norm, "RMSNorm": layers.rms_norm,
    "InstanceNormalization": layers.instance_norm, "GroupNormalization": layers.group_norm,
    "GroupNorm": layers.group_norm, "LRN": local_norm, "PRelu": layers.prelu,
    "MaxPool": layers.max_pool, "AveragePool": layers.avg_pool, "GlobalAveragePool": layers.pooled("AdaptiveAvgPool"),
    "GlobalMaxPool": layers.pooled("AdaptiveMaxPool"), "ReduceMean": reduce(True), "ReduceMax": reduce(False),
    "Pad": layers.pad, "Resize": layers.upsample, "Upsample": layers.upsample,
    **{name: named(type) for name, type in {
        "Relu": "ReLU", "Sigmoid": "Sigmoid", "Tanh": "Tanh", "HardSwish": "Hardswish", "Mish": "Mish", "SiLU": "SiLU",
        "Softplus": "Softplus", "Softsign": "Softsign", "LogSigmoid": "LogSigmoid"}.items()},
    "Swish": named("SiLU"), "LeakyRelu": leaky_relu, "Elu": elu("ELU"), "Celu": elu("CELU"), "Selu": selu,
    "Gelu": gelu, "Clip": clip, "HardSigmoid": hard_sigmoid, "Shrink": shrink,
    "ThresholdedRelu": lambda call: Made("Threshold", {"threshold": call.number("alpha", 1.0), "value": 0.0}),
    "Softmax": along("Softmax"), "LogSoftmax": along("LogSoftmax"), "GLU": along("GLU"),
    "Add": arithmetic, "Sub": arithmetic, "Mul": arithmetic, "Div": arithmetic, "Sum": arithmetic,
    "Neg": lambda call: Made("Affine", {"scale": -1.0}),
    "Flatten": reshape, "Reshape": reshape, "Transpose": transpose, "Squeeze": squeeze, "Unsqueeze": unsqueeze,
    "Slice": narrowed, "Split": split, "Gather": gather, "Concat": concat, "DepthToSpace": depth_to_space,
    "Expand": expand, "Cast": cast, "Identity": lambda call: None, "Dropout": lambda call: None,
    **modules.LAYERS,
}  # fmt: skip
"""By the operator's name, or that of what several are together."""
SIZES: frozenset[str] = frozenset({"Reshape", "Expand", "Resize", "Upsample", "Squeeze", "Unsqueeze", "Slice", "Pad",
                                   "Clip", "ReduceMean", "ReduceMax", "Cast", "Dropout", "Tile"})  # fmt: skip
"""Operators of which only the first input is of the network; the others say how."""
