"""Operators of ATen as layers of the catalogue: the type by default, and the arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Arguments = Mapping[str, Any]
"""Of an operator's call, by the names in its schema; a tensor is its shape."""


class Unsayable(Exception):  # noqa: N818  a fact for whoever adds the place
    """What a spec cannot say."""


class Operator(NamedTuple):
    """An operator: what it takes, the parameters that its layer keeps, and how its arguments are the layer's."""

    type: str | Callable[[Arguments], str]
    arguments: Callable[[Arguments], dict[str, Any]] = lambda given: {}
    takes: tuple[str, ...] = ("self",)
    """The names of the tensors that it takes; or of one list of them."""
    keeps: Mapping[str, str] = {}
    """Of the tensors that are parameters or buffers, the name in the layer."""


def renamed(**names: str) -> Callable[[Arguments], dict[str, Any]]:
    """Arguments of the layer from those of the operator."""
    return lambda given: {name: plain(given[theirs]) for name, theirs in names.items()}


def same(*names: str) -> Callable[[Arguments], dict[str, Any]]:
    """Arguments that both call alike."""
    return renamed(**{name: name for name in names})


def plain(value: Any) -> Any:
    """A list of equal numbers as one."""
    if isinstance(value, (list, tuple)):
        listed = list(value)
        return listed[0] if listed and all(item == listed[0] for item in listed) else listed
    return value


def listed(value: Any) -> list[Any]:
    """A number, or a list of one, as a list."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


def single(value: Any) -> Any:
    """A list of one as that."""
    return value[0] if len(value) == 1 else list(value)


KERNEL = {"weight": "weight", "bias": "bias"}
NORM = {**KERNEL, "running_mean": "running_mean", "running_var": "running_var"}


def convolution(given: Arguments) -> dict[str, Any]:
    """A Conv."""
    weight = given["weight"]
    return {"out_channels": weight[0], "kernel_size": plain(weight[2:]), "bias": given["bias"] is not None,
            **same("stride", "padding", "dilation", "groups")(given)}  # fmt: skip


def transposed(given: Arguments) -> dict[str, Any]:
    """A ConvTranspose."""
    weight = given["weight"]
    return {"out_channels": weight[1] * given["groups"], "kernel_size": plain(weight[2:]),
            "bias": given["bias"] is not None,
            **same("stride", "padding", "output_padding", "dilation", "groups")(given)}  # fmt: skip


def max_pool(given: Arguments) -> dict[str, Any]:
    """A MaxPool; no stride is the kernel's."""
    found = same("kernel_size", "padding", "dilation", "ceil_mode")(given)
    return found if not given["stride"] else {**found, "stride": plain(given["stride"])}


def avg_pool(given: Arguments) -> dict[str, Any]:
    """An AvgPool."""
    found = same("kernel_size", "padding", "ceil_mode", "count_include_pad")(given)
    if given.get("divisor_override") is not None:
        found["divisor_override"] = given["divisor_override"]
    return found if not given["stride"] else {**found, "stride": plain(given["stride"])}


def batch_norm(given: Arguments) -> dict[str, Any]:
    """A BatchNorm in eval mode."""
    if given["training"]:
        raise Unsayable("normalizes by its batch: export the model in eval mode")
    return {"eps": given["eps"], "momentum": given["momentum"], "affine": given["weight"] is not None}


def layer_norm(given: Arguments) -> dict[str, Any]:
    """A LayerNorm."""
    return {"normalized_shape": single(given["normalized_shape"]), "eps": given["eps"],
            "elementwise_affine": given["weight"] is not None,
            "bias": given["bias"] is not None or given["weight"] is None}  # fmt: skip


def reshape(given: Arguments) -> dict[str, Any]:
    """A Reshape of each sample."""
    sizes = listed(given.get("size", given.get("shape")))
    if not given["batch"](sizes[0]) or any(not isinstance(size, int) for size in sizes[1:]):
        raise Unsayable("does not keep the batch as axis 0")
    return {"shape": sizes[1:]}


def away_from_batch(names: tuple[str, ...], given: Arguments) -> None:
    """Hold that no axis is the batch."""
    for name in names:
        for dim in listed(given[name]):
            if dim % given["rank"] == 0:
                raise Unsayable("moves or reads the batch, which in a spec is always axis 0")


def axes(*names: str, more: tuple[str, ...] = ()) -> Callable[[Arguments], dict[str, Any]]:
    """Arguments some of which are axes, none of them the batch."""

    def read(given: Arguments) -> dict[str, Any]:
        away_from_batch(names, given)
        return {name: given[name] for name in (*names, *more)}

    return read


def permute(given: Arguments) -> dict[str, Any]:
    """A Permute that leaves the batch where it is."""
    if given["dims"][0] % given["rank"] != 0:
        raise Unsayable("moves the batch, which in a spec is always axis 0")
    return {"dims": list(given["dims"])}


def narrow(given: Arguments) -> dict[str, Any]:
    """A Narrow."""
    away_from_batch(("dim",), given)
    size = given["shape"][given["dim"]]
    start, end = given["start"] or 0, size if given["end"] is None else given["end"]
    start, end = (edge + size if edge < 0 else min(edge, size) for edge in (start, end))
    if given["step"] != 1:
        raise Unsayable("takes every second entry or fewer, for which the catalogue has no layer")
    return {"dim": given["dim"], "start": start, "length": end - start}


def mean(given: Arguments) -> dict[str, Any]:
    """A Mean."""
    away_from_batch(("dim",), given)
    return {"dim": single(given["dim"]), "keepdim": given["keepdim"]}


def upsample(mode: str) -> Callable[[Arguments], dict[str, Any]]:
    """An Upsample of a mode."""

    def read(given: Arguments) -> dict[str, Any]:
        found: dict[str, Any] = {"mode": mode}
        if given.get("scale_factors") is not None:
            found["scale_factor"] = plain(given["scale_factors"])
        else:
            found["size"] = plain(given["output_size"])
        return {**found, "align_corners": given["align_corners"]} if given.get("align_corners") else found

    return read


def spatial(name: str) -> Callable[[Arguments], str]:
    """`BatchNorm` with the number of axes, `BatchNorm1d` for none."""
    return lambda given: f"{name}{max(given['rank'] - 2, 1)}d"


OPERATORS: Mapping[str, Operator] = {
    **{f"conv{n}d": Operator(f"Conv{n}d", convolution, ("input",), KERNEL) for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": Operator(f"ConvTranspose{n}d", transposed, ("input",), KERNEL) for n in (1, 2, 3)},
    **{f"max_pool{n}d": Operator(f"MaxPool{n}d", max_pool) for n in (1, 2, 3)},
    **{f"avg_pool{n}d": Operator(f"AvgPool{n}d", avg_pool) for n in (1, 2, 3)},
    **{f"adaptive_avg_pool{n}d": Operator(f"AdaptiveAvgPool{n}d", same("output_size")) for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": Operator(f"AdaptiveMaxPool{n}d", same("output_size")) for n in (1, 2, 3)},
    **{f"max_pool{n}d_with_indices": Operator(f"MaxPool{n}d", max_pool) for n in (2, 3)},
    "linear": Operator("Linear", lambda given: {"out_features": given["weight"][0], "bias": given["bias"] is not None},
                       ("input",), KERNEL),
    "batch_norm": Operator(spatial("BatchNorm"), batch_norm, ("input",), NORM),
    "layer_norm": Operator("LayerNorm", layer_norm, ("input",), KERNEL),
    "group_norm": Operator("GroupNorm", lambda given: {"num_groups": given["num_groups"], "eps": given["eps"],
                           "affine": given["weight"] is not None}, ("input",), KERNEL),
    "embedding": Operator("Embedding", lambda given: {"num_embeddings": given["weight"][0],
                          "embedding_dim": given["weight"][1],
                          **({"padding_idx": given["padding_idx"]} if given["padding_idx"] >= 0 else {})},
                          ("indices",), {"weight": "weight"}),
    "prelu": Operator("PReLU", lambda given: {"num_parameters": given["weight"][0]}, keeps={"weight": "weight"}),
    **{name.lower(): Operator(name) for name in ("ReLU", "ReLU6", "Sigmoid", "Tanh", "SiLU", "SELU", "Mish",
                                                 "Hardswish", "Hardsigmoid")},
    "log_sigmoid": Operator("LogSigmoid"),
    "gelu": Operator("GELU", same("approximate")),
    "leaky_relu": Operator("LeakyReLU", same("negative_slope")),
    "elu": Operator("ELU", same("alpha")),
    "celu": Operator("CELU", same("alpha")),
    "softplus": Operator("Softplus", same("beta", "threshold")),
    "hardtanh": Operator("Hardtanh", same("min_val", "max_val")),
    "clamp": Operator("Hardtanh", renamed(min_val="min", max_val="max")),
    "softmax": Operator("Softmax", axes("dim")),
    "log_softmax": Operator("LogSoftmax", axes("dim")),
    "glu": Operator("GLU", axes("dim")),
    "dropout": Operator("Dropout", same("p"), ("input",)),
    "feature_dropout": Operator(spatial("Dropout"), same("p"), ("input",)),
    "alpha_dropout": Operator("AlphaDropout", same("p"), ("input",)),
    "flatten": Operator("Flatten", lambda given: {"start_dim": given["start_dim"], "end_dim": given["end_dim"]}),
    "unflatten": Operator("Unflatten", lambda given: {"dim": given["dim"], "unflattened_size": list(given["sizes"])}),
    "view": Operator("Reshape", reshape),
    "reshape": Operator("Reshape", reshape),
    "permute": Operator("Permute", permute),
    "transpose": Operator("Transpose", axes("dim0", "dim1")),
    "squeeze": Operator("Squeeze", axes("dim")),
    "unsqueeze": Operator("Unsqueeze", axes("dim")),
    "select": Operator("Select", axes("dim", more=("index",))),
    "slice": Operator("Narrow", narrow),
    "mean": Operator("Mean", mean),
    "pixel_shuffle": Operator("PixelShuffle", same("upscale_factor")),
    "pixel_unshuffle": Operator("PixelUnshuffle", same("downscale_factor")),
    "channel_shuffle": Operator("ChannelShuffle", same("groups")),
    "cat": Operator("Concat", lambda given: {"dim": given["dim"]}, ("tensors",)),
    "add": Operator("Add", takes=("self", "other")),
    "mul": Operator("Multiply", takes=("self", "other")),
    **{f"upsample_nearest{n}d": Operator("Upsample", upsample("nearest"), ("input",)) for n in (1, 2, 3)},
    "upsample_linear1d": Operator("Upsample", upsample("linear"), ("input",)),
    "upsample_bilinear2d": Operator("Upsample", upsample("bilinear"), ("input",)),
    "upsample_bicubic2d": Operator("Upsample", upsample("bicubic"), ("input",)),
    "upsample_trilinear3d": Operator("Upsample", upsample("trilinear"), ("input",)),
}  # fmt: skip
"""By the operator's name without its overload, and without the `_` of one that works in place."""
UNTOUCHED = frozenset({"clone", "contiguous", "detach", "alias", "lift_fresh_copy"})
"""Operators that give what they are given."""
