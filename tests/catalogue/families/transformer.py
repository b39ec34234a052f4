"""Transformers: what is drawn, and what was found out about torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import BOOLS, Case, Message, seldom, some
from tests.catalogue.families.attention import DROPOUT, HEADS, Fitted, heads_apart
from tests.catalogue.families.recurrent import USUAL

SIZES = seldom(st.just(4), 6)
LAYER: dict[str, Any] = {
    "dropout": DROPOUT,
    "activation": seldom(st.sampled_from(["relu", "gelu"]), "tanh"),
    "layer_norm_eps": st.sampled_from([1e-5, 0, -1.0]),
    "norm_first": BOOLS,
    "bias": BOOLS,
    "causal": BOOLS,
}
SMALL = {"nhead": HEADS, "dim_feedforward": seldom(st.sampled_from([3, 8]), -1)}
NORMS = [None, "LayerNorm", {"type": "LayerNorm", "eps": 0.1, "bias": False}, "RMSNorm"]
NORM = seldom(st.sampled_from(NORMS), "BatchNorm1d")
COUNT = seldom(st.integers(1, 2), 0)


def one(kind: str) -> st.SearchStrategy[Any]:
    """A layer as an argument, its `d_model` now and then written."""
    return some({"type": st.just(kind), **SMALL}, **LAYER, d_model=SIZES)


@st.composite
def masks(draw: st.DrawFn, *shapes: tuple[int, ...]) -> list[TensorType]:
    """The first few of so many masks, of a shape that may fit; two numbers are pairs, and may be for each head."""
    types = []
    for shape in shapes[: draw(st.integers(0, len(shapes)))]:
        whole = draw(st.sampled_from([shape, shape, (2, *shape)])) if len(shape) == 2 else shape
        types.append(TensorType(draw(seldom(st.just(whole), (*whole, 1), whole[1:], (whole[0] + 1, *whole[1:]))),
                                draw(seldom(st.just("bool"), "float32", "float16", "uint8"))))  # fmt: skip
    return types


@st.composite
def single(draw: st.DrawFn) -> tuple[TensorType, ...]:
    """A sequence, then its masks."""
    length, features = draw(st.integers(1, 4)), draw(SIZES)
    shape = draw(seldom(st.just((length, features)), (features,), (2, length, features)))
    source = TensorType(shape, draw(USUAL))
    return (source, *draw(masks((length, length), (length,))))


@st.composite
def double(draw: st.DrawFn, *, memory_first: bool = False) -> tuple[TensorType, ...]:
    """Two sequences, then their masks."""
    length, seen, features = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(SIZES)
    target = draw(seldom(st.just((length, features)), (features,), (2, length, features)))
    memory = draw(seldom(st.just((seen, features)), (seen, 6), (features,)))
    types = [TensorType(shape, draw(USUAL)) for shape in (target, memory)]
    if memory_first:
        shapes = [(seen, seen), (length, length), (length, seen), (seen,), (length,), (seen,)]
        return (types[1], types[0], *draw(masks(*shapes)))
    return (*types, *draw(masks((length, length), (length, seen), (length,), (seen,))))


def later(length: int) -> Tensor:
    return torch.full((length, length), True).triu(1)


def hidden(mask: Tensor | None, heads: int, causal: bool, length: int) -> Tensor | None:
    """The mask that torch wants."""
    mask = heads_apart(mask, heads)
    if not causal:
        return mask
    if mask is not None and mask.shape[-2:] != (length, length):
        raise ValueError("a mask that only merging it would broadcast")
    return later(length) if mask is None else mask | later(length)


Made = Callable[..., nn.Module]


def encoder_layer(size: int, /, *, type: str = "", causal: bool = False, **arguments: Any) -> nn.Module:
    return nn.TransformerEncoderLayer(**{"d_model": size, **arguments}, batch_first=True)


def decoder_layer(size: int, /, *, type: str = "", causal: bool = False, **arguments: Any) -> nn.Module:
    return nn.TransformerDecoderLayer(**{"d_model": size, **arguments}, batch_first=True)


def norm(written: Any, d_model: int) -> nn.Module | None:
    """The norm behind a stack."""
    if written is None:
        return None
    arguments = {"type": written} if isinstance(written, str) else dict(written)
    kind = arguments.pop("type")
    if kind not in ("LayerNorm", "RMSNorm"):
        raise ValueError("a norm that torch would let change the batch")
    module: nn.Module = getattr(nn, kind)(d_model, **arguments)
    return module


def batched(*sources: Tensor) -> None:
    if any(source.dim() != 3 for source in sources):
        raise ValueError("torch takes a sequence without a batch")


def of_encoder(make: Made, heads: int, causal: bool, name: str) -> nn.Module:
    """torch's own on a source and its masks."""

    def called(module: Any, src: Tensor, mask: Tensor | None = None, padding: Tensor | None = None) -> Tensor:
        batched(src)
        given = {name: hidden(mask, heads, causal, src.shape[1]), "src_key_padding_mask": padding}
        found: Tensor = module(src, **given)
        return found

    return Fitted(lambda src, *_: make(src.shape[-1]), called)


def of_decoder(make: Made, heads: int, causal: bool) -> nn.Module:
    """torch's own on a target, a memory and their masks."""

    def called(
        module: Any, tgt: Tensor, memory: Tensor, mask: Tensor | None = None, memory_mask: Tensor | None = None,
        *paddings: Tensor,
    ) -> Tensor:  # fmt: skip
        batched(tgt, memory)
        own = hidden(mask, heads, causal, tgt.shape[1])
        found: Tensor = module(tgt, memory, own, heads_apart(memory_mask, heads), *paddings)
        return found

    return Fitted(lambda tgt, *_: make(tgt.shape[-1]), called)


def torchs_encoder_layer(**arguments: Any) -> nn.Module:
    return of_encoder(
        lambda size: encoder_layer(size, **arguments), arguments["nhead"], arguments.get("causal", False), "src_mask"
    )


def torchs_decoder_layer(**arguments: Any) -> nn.Module:
    return of_decoder(lambda size: decoder_layer(size, **arguments), arguments["nhead"], arguments.get("causal", False))


def torchs_encoder(encoder_layer: dict[str, Any], norm: Any = None, causal: bool = False, **more: Any) -> nn.Module:
    layer, ending = globals()["encoder_layer"], globals()["norm"]
    return of_encoder(
        lambda size: nn.TransformerEncoder(layer(size, **encoder_layer), norm=ending(norm, size), **more),
        encoder_layer["nhead"], causal or encoder_layer.get("causal", False), "mask",
    )  # fmt: skip


def torchs_decoder(decoder_layer: dict[str, Any], norm: Any = None, causal: bool = False, **more: Any) -> nn.Module:
    layer, ending = globals()["decoder_layer"], globals()["norm"]
    return of_decoder(
        lambda size: nn.TransformerDecoder(layer(size, **decoder_layer), norm=ending(norm, size), **more),
        decoder_layer["nhead"], causal or decoder_layer.get("causal", False),
    )  # fmt: skip


def torchs_transformer(causal: bool = False, **arguments: Any) -> nn.Module:
    def called(
        module: Any, src: Tensor, tgt: Tensor, src_mask: Tensor | None = None, tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None, *paddings: Tensor,
    ) -> Tensor:  # fmt: skip
        batched(src, tgt)
        heads = arguments["nhead"]
        own = hidden(tgt_mask, heads, causal, tgt.shape[1])
        found: Tensor = module(src, tgt, heads_apart(src_mask, heads), own, heads_apart(memory_mask, heads), *paddings)
        return found

    return Fitted(lambda src, *_: nn.Transformer(**{"d_model": src.shape[-1], **arguments}, batch_first=True), called)


def other_masks(sources: int) -> Callable[[dict[str, Any], tuple[TensorType, ...]], bool]:
    """Refuses on purpose masks of numbers: the fast path of eval mode takes all but 0 for true."""

    def refused(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
        return any(type.dtype != "bool" for type in inputs[sources:])

    return refused


def layer_of(kind: str, **arguments: Any) -> Layer:
    """A layer as an argument."""
    return LAYERS[kind](**arguments)


CAUSAL = {
    "batch_first": "axis 0 is always the batch",
    "causal": "ours: torch takes a mask and a hint that it is causal",
}
ENCODER_LAYER = layer_of("TransformerEncoderLayer", d_model=4, nhead=2)
DECODER_LAYER = layer_of("TransformerDecoderLayer", d_model=4, nhead=2)

CASES: dict[str, Case] = {
    "Transformer": Case(
        some({**SMALL, "num_encoder_layers": COUNT, "num_decoder_layers": COUNT}, **LAYER,
             d_model=SIZES),
        several=double(memory_first=True), value=0, refused=other_masks(2), torch=torchs_transformer,
        unlike_torch=CAUSAL,
    ),
    "TransformerDecoder": Case(
        some({"decoder_layer": one("TransformerDecoderLayer"), "num_layers": COUNT}, norm=NORM, causal=BOOLS),
        several=double(), value=0, refused=other_masks(2), torch=torchs_decoder,
        required={"decoder_layer": DECODER_LAYER, "num_layers": 2}, unlike_torch={"causal": CAUSAL["causal"]},
    ),
    "TransformerDecoderLayer": Case(
        some(SMALL, **LAYER, d_model=SIZES), several=double(), value=0, refused=other_masks(2),
        torch=torchs_decoder_layer, required={"nhead": 1}, unlike_torch=CAUSAL,
    ),
    "TransformerEncoder": Case(
        some({"encoder_layer": one("TransformerEncoderLayer"), "num_layers": COUNT}, norm=NORM, causal=BOOLS,
             enable_nested_tensor=BOOLS, mask_check=BOOLS),
        several=single(), value=0, refused=other_masks(1), torch=torchs_encoder,
        required={"encoder_layer": ENCODER_LAYER, "num_layers": 2}, unlike_torch={"causal": CAUSAL["causal"]},
    ),
    "TransformerEncoderLayer": Case(
        some(SMALL, **LAYER, d_model=SIZES), several=single(), value=0, refused=other_masks(1),
        torch=torchs_encoder_layer, required={"nhead": 1}, unlike_torch=CAUSAL,
    ),
}  # fmt: skip

MESSAGES: list[Message] = [
    ("TransformerEncoderLayer", {"nhead": 3}, (TensorType((5, 8)),), "SB304", "nhead",
     "`nhead` must divide `d_model`: 3 does not divide 8", "use 1, 2, 4, 8"),
    ("TransformerEncoderLayer", {"nhead": 2, "d_model": 6}, (TensorType((5, 8)),), "SB301", "d_model",
     "d_model is 6, but the input has 8 features", "d_model: 8, or leave it out"),
    ("TransformerEncoderLayer", {"nhead": 2}, (TensorType((5, 8)), TensorType((5, 5))), "SB305", "from",
     "TransformerEncoderLayer takes `src_mask` as bool, but it is float32",
     "one of dtype bool, true where nothing is to be seen"),
    ("TransformerEncoder", {"encoder_layer": layer_of("TransformerEncoderLayer", nhead=3), "num_layers": 2},
     (TensorType((5, 8)),), "SB304", ("encoder_layer", "nhead"),
     "`nhead` must divide `d_model`: 3 does not divide 8", "use 1, 2, 4, 8"),
    ("TransformerEncoder", {"encoder_layer": layer_of("TransformerEncoderLayer", nhead=2), "num_layers": 2},
     (TensorType((5, 8)), TensorType((5, 4), "bool")), "SB303", "from",
     "TransformerEncoder takes `mask` of [5, 5] or [2, 5, 5], one for each pair of positions, but it is [5, 4] bool",
     "one of [5, 5] or [2, 5, 5]"),
    ("TransformerDecoderLayer", {"nhead": 2}, (TensorType((5, 8)), TensorType((4, 6))), "SB308", "from",
     "`tgt` [5, 8] and `memory` [4, 6] must have as many features: 8 is not 6",
     "{type: Linear, out_features: 8} before `memory`"),
    ("TransformerDecoderLayer", {"nhead": 2}, (TensorType((5,)), TensorType((5, 8))), "SB302", None,
     "TransformerDecoderLayer takes [length, d_model], but `tgt` is [5]",
     "{type: Reshape, shape: [1, 5]} before it"),
    ("TransformerDecoderLayer", {"nhead": 2}, (TensorType((5, 8)), TensorType((4, 8), "int64")), "SB305", "from",
     "TransformerDecoderLayer takes float32, but `memory` is int64", "one of dtype float32"),
    ("TransformerDecoder", {"decoder_layer": layer_of("TransformerDecoderLayer", d_model=6, nhead=2), "num_layers": 2},
     (TensorType((5, 8)), TensorType((4, 8))), "SB301", ("decoder_layer", "d_model"),
     "d_model is 6, but `tgt` has 8 features", "d_model: 8, or leave it out"),
    ("TransformerDecoder", {"decoder_layer": layer_of("TransformerDecoderLayer", nhead=2), "num_layers": 2,
                            "norm": layer_of("LayerNorm", normalized_shape=9)},
     (TensorType((5, 8)), TensorType((4, 8))), "SB301", ("norm", "normalized_shape"),
     "normalized_shape is 9, but the input's last axis is 8", "normalized_shape: 8, or leave it out"),
    ("Transformer", {"nhead": 2}, (TensorType((5, 8)), TensorType((4, 6))), "SB308", "from",
     "`tgt` [4, 6] and `src` [5, 8] must have as many features: 6 is not 8",
     "{type: Linear, out_features: 6} before `src`"),
    ("Transformer", {"nhead": 2}, (TensorType((5,)), TensorType((4, 8))), "SB302", None,
     "Transformer takes [length, d_model], but `src` is [5]",
     "{type: Reshape, shape: [1, 5]} before it"),
    ("Transformer", {"nhead": 3}, (TensorType((5, 8)), TensorType((4, 8))), "SB304", "nhead",
     "`nhead` must divide `d_model`: 3 does not divide 8", "use 1, 2, 4, 8"),
    ("Transformer", {"nhead": 2, "d_model": 4}, (TensorType((5, 8)), TensorType((4, 8))), "SB301", "d_model",
     "d_model is 4, but `src` has 8 features", "d_model: 8, or leave it out"),
    ("TransformerEncoderLayer", {"nhead": 2, "dim_feedforward": 2147483647},
     (TensorType((1048576, 2)),), "SB307", "dim_feedforward",
     "the inner layer would have 1048576 x 2147483647 elements, more than 2**48, which no machine holds",
     "a smaller dim_feedforward"),
    ("TransformerEncoderLayer", {"nhead": 3, "d_model": 8}, (TensorType((5, 8)),), "SB304", "nhead",
     "`nhead` must divide `d_model`: 3 does not divide 8", "use 1, 2, 4, 8"),
]  # fmt: skip
