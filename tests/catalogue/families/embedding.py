"""Embeddings: what is drawn, and what was found out about torch."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from torch import Tensor, nn

from specbuild.catalogue.types import TensorType
from tests.catalogue.drawing import ANY, BOOLS, DTYPES, SMALL, Case, Message, Refused, odd, some

INDICES = st.one_of(st.sampled_from(["int64", "int32"]), st.sampled_from(["int64", "int32"]), DTYPES)
NORMS: dict[str, Any] = {
    "max_norm": st.sampled_from([None, 1.0, 1, 0, -1.0]),
    "norm_type": st.sampled_from([2.0, 1, 0, -2.0]),
}
REQUIRED = {"num_embeddings": odd(SMALL, 0, -1), "embedding_dim": odd(SMALL, 0)}
PADDING = st.one_of(st.none(), st.integers(-5, 4))


@st.composite
def bags(draw: st.DrawFn) -> tuple[TensorType, ...]:
    """A bag, and now and then weights that may fit it."""
    shape = draw(odd(st.tuples(SMALL), (), (2, 2)))
    types = [TensorType(shape, draw(INDICES))]
    if draw(BOOLS):
        types.append(TensorType(draw(odd(st.just(shape), (1,), (2, 2))), draw(st.one_of(st.just("float32"), DTYPES))))
    return tuple(types)


class Bag(nn.EmbeddingBag):
    """torch's own on one bag a sample."""

    def forward(self, input: Tensor, weights: Tensor | None = None) -> Tensor:  # type: ignore[override]
        return super().forward(input, per_sample_weights=weights)


def scales_sparse_gradients(arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> bool:
    """Refuses on purpose what torch runs forward, and raises at in backward."""
    return bool(arguments.get("scale_grad_by_freq") and arguments.get("sparse"))


CASES: dict[str, Case] = {
    "Embedding": Case(
        some(REQUIRED, padding_idx=PADDING, **NORMS, scale_grad_by_freq=BOOLS, sparse=BOOLS), ANY,
        dtypes=INDICES, value=0, refused=scales_sparse_gradients, required={"num_embeddings": 2, "embedding_dim": 2},
        unlike_torch={"_weight": "no argument of a user's", "_freeze": "no argument of a user's"},
    ),
    "EmbeddingBag": Case(
        some(REQUIRED, **NORMS, scale_grad_by_freq=BOOLS, mode=st.sampled_from(["sum", "sum", "mean", "max", "min"]),
             sparse=BOOLS, padding_idx=PADDING),
        several=bags(), value=0, refused=scales_sparse_gradients, torch=Bag,
        required={"num_embeddings": 2, "embedding_dim": 2},
    ),
}  # fmt: skip

REFUSED: list[Refused] = [
    # torch raises in backward
    ("Embedding", {"num_embeddings": 2, "embedding_dim": 2, "scale_grad_by_freq": True, "sparse": True}, (3,), "int64"),
]  # fmt: skip

MESSAGES: list[Message] = [
    ("Embedding", {"num_embeddings": 9, "embedding_dim": 2}, (TensorType((5, 8)),), "SB305", None,
     "Embedding takes int64 or int32, but the input is float32",
     "integers, as of `input: {shape: [5, 8], dtype: int64}`"),
    ("EmbeddingBag", {"num_embeddings": 9, "embedding_dim": 2}, (TensorType((5, 8), "int64"),), "SB302", None,
     "EmbeddingBag takes [length], but the input is [5, 8] int64", "Flatten before it"),
    ("EmbeddingBag", {"num_embeddings": 9, "embedding_dim": 2}, (TensorType((), "int64"),), "SB302", None,
     "EmbeddingBag takes [length], but the input is [] int64", "an input with one axis: [1]"),
    ("EmbeddingBag", {"num_embeddings": 9, "embedding_dim": 2},
     (TensorType((5,), "int64"), TensorType((5,))), "SB304", "mode",
     "`per_sample_weights` are for `mode: sum`; mode is mean", "mode: sum"),
    ("EmbeddingBag", {"num_embeddings": 9, "embedding_dim": 2, "mode": "sum"},
     (TensorType((5,), "int64"), TensorType((4,))), "SB308", "from",
     "`per_sample_weights` [4] and the input [5] int64 must be of one shape", "one of [5]"),
    ("EmbeddingBag", {"num_embeddings": 9, "embedding_dim": 2, "mode": "sum"},
     (TensorType((5,), "int64"), TensorType((5,), "float64")), "SB305", "from",
     "EmbeddingBag takes float32, but `per_sample_weights` is float64", "one of dtype float32"),
    ("Embedding", {"num_embeddings": 9, "embedding_dim": 2, "padding_idx": 9},
     (TensorType((5, 8)),), "SB304", "padding_idx",
     "`padding_idx` must be within num_embeddings: 9 is not within 9", "a number from -9 to 8"),
    ("EmbeddingBag", {"num_embeddings": 9, "embedding_dim": 2, "mode": "max", "sparse": True},
     (TensorType((5,), "int64"),), "SB304", "sparse",
     "`sparse` is for `mode: sum` and `mode: mean`; mode is max", "sparse: false, or mode: sum"),
    ("Embedding", {"num_embeddings": 9, "embedding_dim": 2, "scale_grad_by_freq": True, "sparse": True},
     (TensorType((5,), "int64"),), "SB304", "scale_grad_by_freq",
     "`scale_grad_by_freq` is for gradients that are not sparse; sparse is true",
     "scale_grad_by_freq: false, or sparse: false"),
]  # fmt: skip
