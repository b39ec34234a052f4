"""Attention."""

from typing import ClassVar, final

from specbuild.catalogue.entry import Bool
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.layers.dropout import Probability
from specbuild.catalogue.limits import Extent, storable
from specbuild.catalogue.rules import Outcome, Storage, Violation, fixed, inferred, require
from specbuild.catalogue.sequences import (
    attention_mask,
    kept_by_attention,
    padding_mask,
    sequence,
    share,
    together,
)
from specbuild.catalogue.types import Dim, TensorType

MASKS = ("bool", "float32")


@final
class MultiheadAttention(Layer):
    """Each position of `query` takes a mean of `value` by how well its `key` fits: `(N, L, E) → (N, L, embed_dim)`.

    `softmax(Q·Kᵀ / √(embed_dim / num_heads))·V`, in each head on its own projections.
    Vaswani et al., 2017 (arXiv:1706.03762).

    One source attends to itself; of two, `query` and `key`, the second is the value too. `key` is `(N, S, kdim)`,
    `value` `(N, S, vdim)`. Masks are true where nothing is to be seen, or float32 and added to the products:
    `key_padding_mask` is `(N, S)`, `attn_mask` `(N, L, S)`, or `(N, num_heads, L, S)` with one for each head.
    The weights, averaged over the heads, are a second result, `from: attention.weights`: `(N, L, S)`.

    ```yaml
    - {type: MultiheadAttention, num_heads: 8, causal: true}  # [50, 64] → [50, 64]
    - {type: MultiheadAttention, num_heads: 4, from: [text, image]}  # [20, 32], [49, 64] → [20, 32]
    ```
    """

    takes: ClassVar = ("query", "key", "value", "key_padding_mask", "attn_mask")
    results: ClassVar = {"weights": "need_weights"}
    refused: ClassVar = {
        "batch_first": "axis 0 is always the batch",
        "need_weights": "the weights are a second result: naming them, as in `from: attention.weights`, switches it on",
    }

    embed_dim: Extent | None = None
    """Features of the query and of the output; inferred."""
    num_heads: Extent
    """Heads, which share the features evenly."""
    dropout: Probability = 0.0
    """Probability with which a weight is zeroed in training."""
    bias: Bool = True
    """Whether the projections add learned numbers."""
    add_bias_kv: Bool = False
    """Whether a learned key and value are added to each sequence."""
    add_zero_attn: Bool = False
    """Whether a key and a value of zeros are added to each sequence."""
    kdim: Extent | None = None
    """Features of the key; inferred."""
    vdim: Extent | None = None
    """Features of the value; inferred."""
    causal: Bool = False
    """Whether no position sees a later one; query and key are then of one length."""

    def check(self) -> None:
        """The heads share the features evenly."""
        if self.embed_dim is not None:
            share(self.num_heads, self.embed_dim, "num_heads", "embed_dim")

    def infer(
        self,
        query: TensorType,
        key: TensorType | None = None,
        value: TensorType | None = None,
        key_padding_mask: TensorType | None = None,
        attn_mask: TensorType | None = None,
    ) -> Outcome:
        """As torch's `MultiheadAttention` with `batch_first`."""
        layer = "MultiheadAttention"
        together(layer, value, "value", key, "key", "query: ..., key: ..., value: ...")
        alone = key is None
        key = query if key is None else key
        separate = value is not None
        value = key if value is None else value
        sequence(layer, query, "the input" if alone else "the query", "embed_dim")
        sequence(layer, key, "the key", "kdim")
        sequence(layer, value, "the value", "vdim")
        (queries, features), (keys, of_key), (values, of_value) = query.shape, key.shape, value.shape
        arguments = {
            **inferred("embed_dim", self.embed_dim, features, f"the query has {features} features"),
            **inferred("kdim", self.kdim, of_key, f"the key has {of_key} features"),
            **inferred("vdim", self.vdim, of_value, f"the value has {of_value} features"),
        }
        for name, size in (("embed_dim", features), ("kdim", of_key), ("vdim", of_value)):
            fixed(name, size)
        share(self.num_heads, features, "num_heads", "embed_dim")
        require(
            keys == values,
            lambda: Violation(
                "SB308", f"the key {key} and the value {value} are not of one length: each key has its value",
                field="from", fix=f"a value of length {keys}, or none: the key is then the value too",
            ),
        )  # fmt: skip
        if self.causal:
            require(
                queries == keys,
                lambda: Violation(
                    "SB304", f"`causal` is for a query and a key of one length: {queries} is not {keys}",
                    field="causal", fix="causal: false, or an `attn_mask` that says what each position sees",
                ),
            )  # fmt: skip
        padding_mask(layer, "key_padding_mask", key_padding_mask, keys, MASKS)
        attention_mask(layer, "attn_mask", attn_mask, self.num_heads, queries, keys, MASKS)
        seen = keys + self.add_bias_kv + self.add_zero_attn
        storable((queries, seen, self.num_heads), "the weights", "from")
        macs = features * (queries * features + keys * of_key + keys * of_value + 2 * queries * seen)
        apart = of_key != features or of_value != features
        copies = queries * features + (0 if alone else keys * of_key) + (keys * of_value if separate or apart else 0)
        kept, kept_with_weights = (
            kept_by_attention(
                queries, keys, features, self.num_heads,
                dropout=self.dropout,
                sources=1 if alone else 3 if separate else 2,
                more=seen - keys,
                apart=apart,
                mask=0 if attn_mask is None and key_padding_mask is None
                else self.num_heads * seen * (1 if attn_mask is None and not self.causal else queries),
                weighed=weights or (attn_mask is not None and attn_mask.dtype == "float32"),
            )
            for weights in (False, True)
        )  # fmt: skip
        return Outcome(
            TensorType((queries, features)),
            arguments,
            self.parameters(features, of_key, of_value),
            results={"weights": TensorType((queries, seen))},
            macs=macs + queries * features * features,
            saved=4 * (copies + kept),
            saved_for={"weights": 4 * (kept_with_weights - kept)},
        )

    def parameters(self, features: Dim, of_key: Dim, of_value: Dim) -> dict[str, Storage]:
        """In torch's order: one matrix for all three projections where their features are as many."""
        parameters: dict[str, Storage] = {}
        if of_key == features and of_value == features:
            parameters["in_proj_weight"] = Storage((3 * features, features))
        else:
            parameters["q_proj_weight"] = Storage((features, features))
            parameters["k_proj_weight"] = Storage((features, of_key))
            parameters["v_proj_weight"] = Storage((features, of_value))
        if self.bias:
            parameters["in_proj_bias"] = Storage((3 * features,))
        if self.add_bias_kv:
            parameters["bias_k"] = parameters["bias_v"] = Storage((1, 1, features))
        parameters["out_proj.weight"] = Storage((features, features))
        if self.bias:
            parameters["out_proj.bias"] = Storage((features,))
        for storage in parameters.values():
            storable(storage.shape, "a weight", "embed_dim")
        return parameters
