"""From a module of torch to a layer of the catalogue: which it is, and its arguments."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple, cast

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  torch's own way

from specbuild.catalogue.layers import EXCLUDED, LAYERS
from specbuild.network import modules as own

ELSEWHERE = {
    ("torchvision.ops.stochastic_depth", "StochasticDepth"),
    ("torchvision.ops.misc", "Permute"),
    ("torchvision.models.convnext", "LayerNorm2d"),
}
"""Modules of torchvision that the catalogue has under the same names and arguments."""
SCOPES = frozenset({"Sequential", "Module", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "Container"})
"""Classes of torch.nn that hold modules."""
PAIRS = frozenset({"kernel_size", "stride", "padding", "dilation", "output_padding", "output_size", "scale_factor"})
"""Arguments of which one number stands for as many equal ones."""


Reader = Callable[[Any, str], dict[str, Any]]
"""From a module and its type to the arguments of the layer."""


class Inexpressible(Exception):  # noqa: N818  a fact for whoever adds the place
    """What a spec cannot say, without the place."""

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.message, self.fix = message, fix


class Read(NamedTuple):
    """A module as a layer."""

    type: str
    arguments: dict[str, Any]


def read(module: nn.Module) -> Read | None:
    """The layer that a module is; None for one that is made of others. Raises `Inexpressible`."""
    cls = kind_of(cast("Any", type(module)))
    if cls is None:
        return None
    if isinstance(cls, str):
        raise Inexpressible(cls)
    if hasattr(module, "parametrizations"):
        raise Inexpressible("its parameters are computed from others (torch.nn.utils.parametrize)")
    reader: Reader = READERS.get(cls.__name__, plain)
    return Read(cls.__name__, reader(module, cls.__name__))


@cache
def kind_of(cls: Any) -> Any:
    """The class of torch, torchvision or specbuild that a module's class is, or is called as; why there is none."""
    for base in cls.__mro__:
        name = base.__name__
        if base.__module__.startswith("torch.nn.modules"):
            if name in SCOPES or cls.forward is not base.forward:
                return None
            if name not in LAYERS:
                return f"torch.nn.{name} is not in the catalogue: {EXCLUDED.get(name, 'it has no layer of that kind')}"
            return base
        if (
            name in LAYERS
            and cls.forward is base.forward
            and ((base.__module__, name) in ELSEWHERE or (name in own.__all__ and same_code(base, getattr(own, name))))
        ):
            return base
    return None


def same_code(cls: type, known: type) -> bool:
    """Whether a class is specbuild's own, or a copy of its text."""
    if cls is known:
        return True
    try:
        return _code(cls) == _code(known)
    except (OSError, TypeError, SyntaxError):
        return False


def _code(cls: type) -> str:
    """The text of a class without comments, docstrings and annotations, as a tree."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(node.body) > 1:
                node.body = node.body[1:]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.ClassDef):
            node.body = [part for part in node.body if not (isinstance(part, ast.AnnAssign) and part.value is None)]
            node.bases = []
    return ast.dump(tree)


def as_plain(name: str, value: Any) -> Any:
    """An argument as a document has it."""
    if isinstance(value, Tensor):
        found = value.tolist()
        return found[0] if isinstance(found, list) and len(found) == 1 else found
    if isinstance(value, (tuple, list)):
        listed = [as_plain("", item) for item in value]
        if name in PAIRS and listed and all(item == listed[0] for item in listed):
            return listed[0]
        if name == "normalized_shape" and len(listed) == 1:
            return listed[0]
        return listed
    return value


def plain(module: Any, kind: str) -> dict[str, Any]:
    """Every argument is the attribute of its name."""
    found: dict[str, Any] = {}
    for name in LAYERS[kind].model_fields:
        if not hasattr(module, name):
            continue  # an argument of a newer torch, at its default
        value = getattr(module, name)
        if name == "bias" and not isinstance(value, bool):
            affine = getattr(module, "affine", getattr(module, "elementwise_affine", True))
            value = value is not None or not affine
        found[name] = as_plain(name, value)
    if "stride" in found and found["stride"] == found.get("kernel_size") and kind not in KEPT_STRIDES:
        del found["stride"]
    return found


KEPT_STRIDES = frozenset(
    {"Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Fold", "Unfold"}
)
"""Layers whose stride is not the kernel size by default."""


def attention(module: Any, kind: str) -> dict[str, Any]:
    """Of nn.MultiheadAttention."""
    return {
        "embed_dim": module.embed_dim,
        "num_heads": module.num_heads,
        "dropout": module.dropout,
        "bias": module.in_proj_bias is not None,
        "add_bias_kv": module.bias_k is not None,
        "add_zero_attn": module.add_zero_attn,
        "kdim": module.kdim,
        "vdim": module.vdim,
        "causal": getattr(module, "causal", False),
    }


def distance(module: Any, kind: str) -> dict[str, Any]:
    """Of nn.PairwiseDistance, which calls its `p` otherwise."""
    return {"p": module.norm, "eps": module.eps, "keepdim": module.keepdim}


def activation_of(module: Any) -> str:
    """`relu` or `gelu`."""
    for name, known in (("relu", (F.relu, nn.ReLU)), ("gelu", (F.gelu, nn.GELU))):
        if module.activation is known[0] or isinstance(module.activation, known[1]):
            return name
    raise Inexpressible("its `activation` is neither relu nor gelu")


def transformer_layer(module: Any, kind: str) -> dict[str, Any]:
    """Of an encoder's or a decoder's layer."""
    return {
        "d_model": module.self_attn.embed_dim,
        "nhead": module.self_attn.num_heads,
        "dim_feedforward": module.linear1.out_features,
        "dropout": module.dropout.p,
        "activation": activation_of(module),
        "layer_norm_eps": module.norm1.eps,
        "norm_first": module.norm_first,
        "bias": module.linear1.bias is not None,
        "causal": getattr(module, "causal", False),
    }


def as_layer(module: nn.Module | None) -> dict[str, Any] | None:
    """A module as a layer that is written as an argument, what is torch's default left out."""
    if module is None:
        return None
    found = read(module)
    if found is None:
        raise Inexpressible(f"a {type(module).__name__} is no layer of the catalogue")
    fields = LAYERS[found.type].model_fields
    kept = {name: value for name, value in found.arguments.items() if value != fields[name].default}
    kept.pop("d_model", None)
    if found.type.endswith("Norm"):
        kept.pop("normalized_shape", None)
    return {"type": found.type, **kept}


def stack(module: Any, kind: str) -> dict[str, Any]:
    """Of an encoder or a decoder: its first layer, and how many."""
    each = "encoder_layer" if kind.endswith("Encoder") else "decoder_layer"
    found = {
        each: as_layer(module.layers[0]),
        "num_layers": module.num_layers,
        "norm": as_layer(module.norm),
        "causal": getattr(module, "causal", False),
    }
    if kind.endswith("Encoder"):
        found["enable_nested_tensor"] = bool(module.enable_nested_tensor)
        found["mask_check"] = module.mask_check
    return found


def transformer(module: Any, kind: str) -> dict[str, Any]:
    """Of nn.Transformer with torch's own encoder and decoder."""
    first = module.encoder.layers[0]
    found = {**transformer_layer(first, kind), "num_encoder_layers": module.encoder.num_layers}
    return {**found, "num_decoder_layers": module.decoder.num_layers, "causal": getattr(module, "causal", False)}


READERS: Mapping[str, Reader] = {
    "MultiheadAttention": attention,
    "PairwiseDistance": distance,
    "TransformerEncoderLayer": transformer_layer,
    "TransformerDecoderLayer": transformer_layer,
    "TransformerEncoder": stack,
    "TransformerDecoder": stack,
    "Transformer": transformer,
}
"""Layers whose arguments are not attributes under the same names."""
