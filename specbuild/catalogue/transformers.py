"""The arithmetic of transformers: what one layer of an encoder or decoder is, and a stack of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from specbuild.catalogue.limits import storable
from specbuild.catalogue.rules import Outcome, Storage, Violation, inferred, require
from specbuild.catalogue.sequences import attention_mask, drawn, kept_by_attention, padding_mask, sequence, share
from specbuild.catalogue.types import Dim, TensorType

if TYPE_CHECKING:
    from specbuild.catalogue.layers.transformer import (
        Transformer,
        TransformerDecoder,
        TransformerDecoderLayer,
        TransformerEncoder,
        TransformerEncoderLayer,
    )

BOOL = ("bool",)
"""The masks: of numbers, which are to be added, torch's fast path in eval mode sees only whether they are 0."""
DECODER = ("tgt", "memory", "tgt_mask", "memory_mask", "tgt_key_padding_mask", "memory_key_padding_mask")
"""What a decoder takes, under torch's names."""


def attention(prefix: str, features: Dim, bias: bool) -> dict[str, Storage]:
    """The parameters of an attention whose sources have as many features."""
    parameters = {f"{prefix}.in_proj_weight": Storage((3 * features, features))}
    if bias:
        parameters[f"{prefix}.in_proj_bias"] = Storage((3 * features,))
    return parameters | linear(f"{prefix}.out_proj", features, features, bias)


def linear(prefix: str, features: Dim, out: Dim, bias: bool) -> dict[str, Storage]:
    """The parameters of a linear layer, or of a norm where `features` is 0."""
    parameters = {f"{prefix}.weight": Storage((out, features) if features else (out,))}
    if bias:
        parameters[f"{prefix}.bias"] = Storage((out,))
    return parameters


def numbered(prefix: str, parameters: Mapping[str, Storage], count: int) -> dict[str, Storage]:
    """The same parameters in each of so many layers."""
    return {f"{prefix}.{index}.{name}": storage for index in range(count) for name, storage in parameters.items()}


def dropped(dropout: float, length: Dim, features: Dim, inner: Dim, blocks: int) -> Dim:
    """Numbers that the dropouts of a layer keep: a mask each, and what the inner one gives."""
    return length * (drawn(dropout) * (blocks * features + inner) + (dropout > 0) * inner)


def encoded(
    layer: TransformerEncoderLayer | Transformer, src: TensorType, mask: TensorType | None, padding: TensorType | None,
    kind: str = "TransformerEncoderLayer", mask_name: str = "src_mask", what: str = "the input", *,
    causal: bool = False,
) -> Outcome:  # fmt: skip
    """One layer of an encoder; kind, mask_name and what: how a message calls it, its mask and its input."""
    sequence(kind, src, what, "d_model")
    length, features = src.shape
    arguments = inferred("d_model", layer.d_model, features, f"{what} has {features} features")
    share(layer.nhead, features, "nhead", "d_model")
    attention_mask(kind, mask_name, mask, layer.nhead, length, length, BOOL)
    padding_mask(kind, "src_key_padding_mask", padding, length, BOOL)
    inner, dropout, bias = layer.dim_feedforward, layer.dropout, layer.bias
    for shape in ((3 * features, features), (inner, features)):
        storable(shape, "a weight", "dim_feedforward")
    storable((length, inner), "the inner layer", "dim_feedforward")
    storable((length, length, layer.nhead), "the weights of the attention", "nhead")
    parameters = {
        **attention("self_attn", features, bias),
        **linear("linear1", features, inner, bias),
        **linear("linear2", inner, features, bias),
        **linear("norm1", 0, features, bias),
        **linear("norm2", 0, features, bias),
    }
    hidden = masked(layer.nhead, length, length, mask, padding, causal)
    kept = kept_by_attention(length, length, features, layer.nhead, dropout=dropout, mask=hidden)
    kept += length * (3 * features + 4 + inner * (1 + (layer.activation == "gelu")))
    kept += dropped(dropout, length, features, inner, 2) + (0 if layer.norm_first else length * features)
    return Outcome(
        src,
        arguments,
        parameters,
        macs=length * features * (4 * features + 2 * length + 2 * inner),
        saved=4 * kept,
    )


def masked(
    heads: int, queries: Dim, keys: Dim, mask: TensorType | None, padding: TensorType | None, causal: bool = False
) -> Dim:
    """The numbers of a mask as attention keeps it; what is causal alone has one for all samples."""
    if mask is None and padding is None:
        return 0
    return heads * keys * (1 if mask is None and not causal else queries)


def decoded(
    layer: TransformerDecoderLayer | Transformer, tgt: TensorType, memory: TensorType,
    masks: Mapping[str, TensorType | None], kind: str = "TransformerDecoderLayer", what: str = "`memory`", *,
    causal: bool = False,
) -> Outcome:  # fmt: skip
    """One layer of a decoder; masks: by the names in `DECODER`; kind and what: how a message calls it and `memory`."""
    sequence(kind, tgt, "`tgt`", "d_model")
    sequence(kind, memory, what, "d_model")
    (length, features), (seen, of_memory) = tgt.shape, memory.shape
    arguments = inferred("d_model", layer.d_model, features, f"`tgt` has {features} features")
    require(
        features == of_memory,
        lambda: Violation(
            "SB308", f"`tgt` {tgt} and {what} {memory} must have as many features: {features} is not {of_memory}",
            field="from", fix=f"{{type: Linear, out_features: {features}}} before {what}",
        ),
    )  # fmt: skip
    share(layer.nhead, features, "nhead", "d_model")
    tgt_mask, memory_mask, tgt_padding, memory_padding = (masks.get(name) for name in DECODER[2:])
    attention_mask(kind, "tgt_mask", tgt_mask, layer.nhead, length, length, BOOL)
    attention_mask(kind, "memory_mask", memory_mask, layer.nhead, length, seen, BOOL)
    padding_mask(kind, "tgt_key_padding_mask", tgt_padding, length, BOOL)
    padding_mask(kind, "memory_key_padding_mask", memory_padding, seen, BOOL)
    inner, dropout, heads, bias = layer.dim_feedforward, layer.dropout, layer.nhead, layer.bias
    for shape in ((3 * features, features), (inner, features)):
        storable(shape, "a weight", "dim_feedforward")
    storable((length, inner), "the inner layer", "dim_feedforward")
    storable((length, length + seen, heads), "the weights of the attention", "nhead")
    parameters = {
        **attention("self_attn", features, bias),
        **attention("multihead_attn", features, bias),
        **linear("linear1", features, inner, bias),
        **linear("linear2", inner, features, bias),
        **linear("norm1", 0, features, bias),
        **linear("norm2", 0, features, bias),
        **linear("norm3", 0, features, bias),
    }
    hidden = masked(heads, length, length, tgt_mask, tgt_padding, causal)
    kept = kept_by_attention(length, length, features, heads, dropout=dropout, mask=hidden)
    kept += kept_by_attention(
        length, seen, features, heads, dropout=dropout, sources=2,
        mask=masked(heads, length, seen, memory_mask, memory_padding),
    )  # fmt: skip
    kept += length * (5 * features + 6 + inner * (1 + (layer.activation == "gelu"))) + seen * features
    kept += dropped(dropout, length, features, inner, 3) + (0 if layer.norm_first else length * features)
    attended = features * (6 * length * features + 2 * seen * features + 2 * length * (length + seen))
    return Outcome(tgt, arguments, parameters, macs=attended + 2 * length * features * inner, saved=4 * kept)


def within(field: str, infer: Callable[[], Outcome]) -> Outcome:
    """An outcome of an argument that is a layer; what is wrong with it stands there."""
    try:
        return infer()
    except Violation as found:
        inner = (found.field,) if isinstance(found.field, str) else found.field
        place = found.field if inner is None or inner == ("from",) else (field, *inner)
        raise Violation(found.code, found.message, field=place, fix=found.fix, value=found.value) from None


def repeated(outcome: Outcome, count: int, norm_first: bool) -> Dim:
    """Bytes that backward needs of so many layers; with `norm_first` all but the first keep their inputs themselves."""
    return count * outcome.saved + (4 * (count - 1) * outcome.output.size if norm_first else 0)


def behind(input: TensorType) -> Dim:
    """Numbers that backward needs of a LayerNorm: its input, and mean and deviation of each position."""
    return input.size + 2 * input.shape[0]


def stacked(layer: TransformerEncoder | TransformerDecoder, child: str, outcome: Outcome) -> Outcome:
    """So many layers one after the other, and the norm behind them."""
    one = getattr(layer, child)
    arguments: dict[str, Any] = {child: one.model_copy(update=dict(outcome.arguments))}
    parameters = numbered("layers", outcome.parameters, layer.num_layers)
    macs, saved = layer.num_layers * outcome.macs, repeated(outcome, layer.num_layers, one.norm_first)
    norm = layer.norm
    if norm is not None:
        after = within("norm", lambda: norm.infer(outcome.output))
        arguments["norm"] = norm.model_copy(update=dict(after.arguments))
        parameters |= {f"norm.{name}": storage for name, storage in after.parameters.items()}
        macs, saved = macs + after.macs, saved + after.saved + 4 * after.output.size * len(norm.keeps())
    return Outcome(outcome.output, arguments, parameters, macs=macs, saved=saved)
