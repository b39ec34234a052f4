"""torch's attention, the batch first, with masks of a sample's shape and causality as an argument."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def later(length: int, like: Tensor) -> Tensor:
    """What a causal attention must not see: for each position those after it."""
    return torch.ones(length, length, dtype=torch.bool, device=like.device).triu(1)


def each_head(mask: Tensor | None, heads: int) -> Tensor | None:
    """A mask of `(N, L, S)`, or `(N, heads, L, S)`, as torch has it: `(N·heads, L, S)`."""
    if mask is None or mask.dim() == 2:
        return mask
    if mask.dim() == 3:
        mask = mask.unsqueeze(1).expand(-1, heads, -1, -1)
    return mask.flatten(0, 1)


def added(mask: Tensor | None, like: Tensor) -> Tensor | None:
    """A mask as what is added to the products: minus infinity where nothing is to be seen."""
    if mask is None or mask.dtype != torch.bool:
        return mask
    return torch.zeros_like(mask, dtype=like.dtype).masked_fill_(mask, float("-inf"))


def causal_mask(mask: Tensor | None, length: int, like: Tensor) -> Tensor:
    """A mask that also hides what comes later."""
    hidden = later(length, like)
    if mask is None:
        return hidden
    if mask.shape[-2:] != hidden.shape:  # which merging the two would broadcast
        raise RuntimeError(f"a causal attention's mask is {list(hidden.shape)}, not {list(mask.shape[-2:])}")
    return mask | hidden if mask.dtype == torch.bool else mask.masked_fill(hidden, float("-inf"))


class MultiheadAttention(nn.MultiheadAttention):
    """`nn.MultiheadAttention` with the batch first; one source attends to itself; the weights where they are named."""

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        causal: bool = False,
        need_weights: bool = False,
    ) -> None:
        super().__init__(embed_dim, num_heads, dropout, bias, add_bias_kv, add_zero_attn, kdim, vdim, batch_first=True)
        self.causal, self.need_weights = causal, need_weights

    def forward(  # type: ignore[override]
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        attn_mask: Tensor | None = None,
    ) -> Any:
        """The output; with `need_weights` also the weights, averaged over the heads."""
        key = query if key is None else key
        value = key if value is None else value
        # torch's own hint would hide what `add_bias_kv` and `add_zero_attn` put at the end
        hint = self.causal and attn_mask is None and self.bias_k is None and not self.add_zero_attn
        if self.causal:
            attn_mask = causal_mask(attn_mask, query.shape[1], query)
        attn_mask = each_head(attn_mask, self.num_heads)
        if attn_mask is not None and key_padding_mask is not None and attn_mask.dtype != key_padding_mask.dtype:
            attn_mask, key_padding_mask = added(attn_mask, query), added(key_padding_mask, query)
        output, weights = super().forward(
            query, key, value, key_padding_mask, self.need_weights, attn_mask, is_causal=hint
        )
        return (output, weights) if self.need_weights else output
