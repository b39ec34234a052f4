"""torch's bags of embeddings without offsets."""

from __future__ import annotations

from torch import Tensor, nn


class EmbeddingBag(nn.EmbeddingBag):
    """`nn.EmbeddingBag` of which each sample is one bag."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        padding_idx: int | None = None,
    ) -> None:
        super().__init__(
            num_embeddings, embedding_dim, max_norm, norm_type, scale_grad_by_freq, mode, sparse,
            padding_idx=padding_idx,
        )  # fmt: skip

    def forward(self, input: Tensor, per_sample_weights: Tensor | None = None) -> Tensor:  # type: ignore[override]
        """One vector a sample."""
        return super().forward(input, per_sample_weights=per_sample_weights)
