"""Attention: what is drawn, and what was found out about torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from specbuild.catalogue.types import ITEM_BYTES, TensorType
from tests.catalogue.drawing import BOOLS, Case, Message, seldom, some
from tests.catalogue.families.recurrent import USUAL

DROPOUT = seldom(st.sampled_from([0, 0.25, 1.0]), -0.1, 1.5)
FEATURES = seldom(st.just(4), 6)
HEADS = seldom(st.sampled_from([1, 2, 2, 4]), 0, 3)
MASK_DTYPES = seldom(st.sampled_from(["bool", "bool", "float32"]), *sorted(ITEM_BYTES))


@st.composite
def masks(draw: st.DrawFn, heads: int, queries: int, keys: int) -> TensorType:
    """A mask over pairs of positions, for all heads or each."""
    shape = draw(seldom(st.sampled_from([(queries, keys), (heads, queries, keys)]), (keys,), (queries, keys + 1)))
    return TensorType(shape, draw(MASK_DTYPES))


@st.composite
def attended(draw: st.DrawFn) -> tuple[TensorType, ...]:
    """One to three sequences, then masks."""
    features, queries = draw(FEATURES), draw(st.integers(1, 4))
    query = draw(seldom(st.just((queries, features)), (features,), (2, queries, features)))
    types = [TensorType(query, draw(USUAL))]
    count = draw(st.integers(1, 5))
    if count > 1:
        keys = draw(st.one_of(st.just(queries), st.integers(1, 4)))
        key = draw(seldom(st.sampled_from([(keys, features), (keys, 6)]), (), (keys,), (1, keys, features)))
        types.append(TensorType(key, draw(USUAL)))
        if count > 2:
            value = draw(seldom(st.sampled_from([key, key, (keys, 6)]), (), (keys,), (keys + 1, features)))
            types.append(TensorType(value, draw(USUAL)))
        if count > 3:
            types.append(TensorType(draw(seldom(st.just((keys,)), (1,), (keys, 2))), draw(MASK_DTYPES)))
        if count > 4:
            types.append(draw(masks(draw(st.sampled_from([1, 2])), queries, keys)))
    return tuple(types)


class Fitted(nn.Module):
    """A module of torch's own, made when its inputs' sizes are known."""

    def __init__(self, made: Callable[..., nn.Module], called: Callable[..., Any]) -> None:
        super().__init__()
        self.made, self.called = made, called
        self.parts: list[nn.Module] = []

    def forward(self, *inputs: Tensor) -> Any:
        if not self.parts:
            self.parts.append(self.made(*inputs))
            for name, parameter in self.parts[0].named_parameters():
                self.register_parameter(name.replace(".", "/"), parameter)
        return self.called(self.parts[0].train(self.training), *inputs)

    def named_parameters(self, *args: Any, **kwargs: Any) -> Any:
        return [(name.replace("/", "."), parameter) for name, parameter in super().named_parameters()]


def heads_apart(mask: Tensor | None, heads: int) -> Tensor | None:
    """The mask of each head, one sample after the other."""
    if mask is None:
        return None
    if mask.dim() not in (3, 4) or (mask.dim() == 4 and mask.shape[1] != heads):
        raise ValueError("a mask for all heads or for each")
    return torch.cat([torch.stack([of_sample] * heads) if mask.dim() == 3 else of_sample for of_sample in mask])


def both_added(one: Tensor | None, other: Tensor | None) -> tuple[Tensor | None, ...]:
    """Masks of one kind, as torch wants them."""
    if one is None or other is None or one.dtype == other.dtype:
        return one, other
    return tuple(
        torch.zeros(m.shape).masked_fill(m, float("-inf")) if m.dtype == torch.bool else m for m in (one, other)
    )


def attention(*, weights: bool = False, causal: bool = False, **arguments: Any) -> nn.Module:
    """torch's own on the same sources."""

    def made(query: Tensor, key: Tensor | None = None, value: Tensor | None = None, *_: Tensor) -> nn.Module:
        key = query if key is None else key
        value = key if value is None else value
        given = {"embed_dim": query.shape[-1], "kdim": key.shape[-1], "vdim": value.shape[-1], **arguments}
        return nn.MultiheadAttention(batch_first=True, **given)

    def called(
        module: Any, query: Tensor, key: Tensor | None = None, value: Tensor | None = None,
        padding: Tensor | None = None, mask: Tensor | None = None,
    ) -> Any:  # fmt: skip
        key = query if key is None else key
        value = key if value is None else value
        if query.dim() != 3:
            raise ValueError("torch takes a sequence without a batch")
        for name, source in (("embed_dim", query), ("kdim", key), ("vdim", value)):
            if name in arguments and source.shape[-1] != arguments[name]:
                raise ValueError("a written size that torch does not look at")
        mask = heads_apart(mask, module.num_heads)
        if causal:
            if query.shape[1] != key.shape[1]:
                raise ValueError("which positions are later is not said")
            hidden = torch.full((query.shape[1],) * 2, True).triu(1)
            if mask is not None and mask.shape[-2:] != hidden.shape:
                raise ValueError("a mask that only merging it would broadcast")
            mask = hidden if mask is None else mask | hidden if mask.dtype == torch.bool else mask.masked_fill(
                hidden, float("-inf"))  # fmt: skip
        padding, mask = both_added(padding, mask)
        output, found = module(query, key, value, padding, attn_mask=mask, need_weights=weights)
        return (output, found) if weights else output

    if arguments["num_heads"] <= 0:
        raise ValueError("no heads")
    return Fitted(made, called)


def with_weights(**arguments: Any) -> nn.Module:
    return attention(weights=True, **arguments)


def masks_of_other_kinds(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    """Refuses on purpose masks that are neither bool nor float32, some of which torch widens."""
    return any(type.dtype not in ("bool", "float32") for type in inputs[3:])


CASES: dict[str, Case] = {
    "MultiheadAttention": Case(
        some({"num_heads": HEADS}, dropout=DROPOUT, bias=BOOLS, add_bias_kv=BOOLS, add_zero_attn=BOOLS,
             embed_dim=seldom(st.just(None), 4, 6), kdim=seldom(st.just(None), 4, 6),
             vdim=seldom(st.just(None), 4, 6),
             causal=BOOLS).map(
                 lambda drawn: {name: value for name, value in drawn.items() if value is not None}),
        several=attended(), value=0, refused=masks_of_other_kinds,
        torch=attention, with_results=with_weights,
        required={"num_heads": 1},
        unlike_torch={
            "batch_first": "axis 0 is always the batch",
            "causal": "ours: torch takes a mask and a hint that it is causal",
            "need_weights": "naming the second result switches it on",
        },
    ),
}  # fmt: skip

MESSAGES: list[Message] = [
    ("MultiheadAttention", {"num_heads": 3}, (TensorType((5, 8)),), "SB304", "num_heads",
     "`num_heads` must divide `embed_dim`: 3 does not divide 8", "use 1, 2, 4, 8"),
    ("MultiheadAttention", {"num_heads": 2, "embed_dim": 6}, (TensorType((5, 8)),), "SB301", "embed_dim",
     "embed_dim is 6, but the query has 8 features", "embed_dim: 8, or leave it out"),
    ("MultiheadAttention", {"num_heads": 2, "kdim": 6}, (TensorType((5, 8)), TensorType((4, 8))), "SB301", "kdim",
     "kdim is 6, but the key has 8 features", "kdim: 8, or leave it out"),
    ("MultiheadAttention", {"num_heads": 2},
     (TensorType((5, 8)), TensorType((4, 8)), TensorType((5, 8))), "SB308", "from",
     "the key [4, 8] and the value [5, 8] are not of one length: each key has its value",
     "a value of length 4, or none: the key is then the value too"),
    ("MultiheadAttention", {"num_heads": 2, "causal": True},
     (TensorType((5, 8)), TensorType((4, 8))), "SB304", "causal",
     "`causal` is for a query and a key of one length: 5 is not 4",
     "causal: false, or an `attn_mask` that says what each position sees"),
    ("MultiheadAttention", {"num_heads": 2},
     (TensorType((5, 8)), TensorType((4, 8)), TensorType((4, 8)), TensorType((5,), "bool")), "SB303", "from",
     "MultiheadAttention takes `key_padding_mask` of [4], one for each position, but it is [5] bool", "one of [4]"),
    ("MultiheadAttention", {"num_heads": 2},
     (TensorType((5, 8)), TensorType((4, 8)), TensorType((4, 8)), TensorType((4,), "uint8")), "SB305", "from",
     "MultiheadAttention takes `key_padding_mask` as bool or float32, but it is uint8",
     "one of dtype bool, true where nothing is to be seen"),
    ("MultiheadAttention", {"num_heads": 2},
     (TensorType((5, 8)), TensorType((4, 8)), TensorType((4, 8)), TensorType((4,), "bool"), TensorType((4, 4), "bool")),
     "SB303", "from",
     "MultiheadAttention takes `attn_mask` of [5, 4] or [2, 5, 4], one for each pair of positions, "
     "but it is [4, 4] bool",
     "one of [5, 4] or [2, 5, 4]"),
    ("MultiheadAttention", {"num_heads": 2},
     (TensorType((5, 8)), TensorType((4, 8)), TensorType((4, 8)), TensorType((4,), "bool"), TensorType((4,), "bool")),
     "SB302", "from",
     "MultiheadAttention takes `attn_mask` of [5, 4] or [2, 5, 4], one for each pair of positions, but it is [4] bool",
     "one of [5, 4] or [2, 5, 4]"),
    ("MultiheadAttention", {"num_heads": 2}, (TensorType((5, 8)), TensorType((8,))), "SB302", None,
     "MultiheadAttention takes [length, kdim], but the key is [8]",
     "{type: Reshape, shape: [1, 8]} before it"),
    ("MultiheadAttention", {"num_heads": 2}, (TensorType((5, 8)), TensorType((4, 8), "float64")), "SB305", "from",
     "MultiheadAttention takes float32, but the key is float64", "one of dtype float32"),
    ("MultiheadAttention", {"num_heads": 8}, (TensorType((64, 7, 7)),), "SB302", None,
     "MultiheadAttention takes [length, embed_dim], but the input is [64, 7, 7]",
     "{type: Flatten, start_dim: 2} and {type: Transpose, dim0: 1, dim1: 2} before it give [49, 64]"),
    ("MultiheadAttention", {"num_heads": 2}, (TensorType((8,)),), "SB302", None,
     "MultiheadAttention takes [length, embed_dim], but the input is [8]",
     "{type: Reshape, shape: [1, 8]} before it"),
]  # fmt: skip
