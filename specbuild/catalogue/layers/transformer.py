"""Transformers: encoders, decoders, and both as one."""

from typing import Any, ClassVar, Literal, final

from specbuild.catalogue.entry import Bool, Float, OneOf
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.layers.dropout import Probability
from specbuild.catalogue.limits import Extent, Reach
from specbuild.catalogue.rules import Outcome, Storage
from specbuild.catalogue.sequences import share
from specbuild.catalogue.table import Table
from specbuild.catalogue.transformers import (
    DECODER,
    behind,
    decoded,
    encoded,
    linear,
    numbered,
    repeated,
    stacked,
    within,
)
from specbuild.catalogue.types import TensorType

Activation = Literal["relu", "gelu"]
BATCH_FIRST = "axis 0 is always the batch"
NORMS: Table[Layer] = Table("specbuild.catalogue.layers", {"normalization": ("LayerNorm", "RMSNorm")})
"""What may stand behind a stack of layers."""


@final
class TransformerEncoderLayer(Layer):
    """Self-attention and a feed-forward network, each added to what came in: `(N, L, d_model) → (N, L, d_model)`.

    `x = norm1(x + attention(x))`, `x = norm2(x + linear2(activation(linear1(x))))`; with `norm_first`
    the norms come before. Vaswani et al., 2017 (arXiv:1706.03762); Xiong et al., 2020 (arXiv:2002.04745).

    Masks are bool, true where nothing is to be seen: `src_mask` is `(N, L, L)`, or `(N, nhead, L, L)` with one
    for each head, `src_key_padding_mask` `(N, L)`.

    ```yaml
    - {type: TransformerEncoderLayer, nhead: 8, dim_feedforward: 256, causal: true}  # [50, 64] → [50, 64]
    ```
    """

    takes: ClassVar = ("src", "src_mask", "src_key_padding_mask")
    refused: ClassVar = {"batch_first": BATCH_FIRST}

    d_model: Extent | None = None
    """Features of the input and of the output; inferred."""
    nhead: Extent
    """Heads of the attention, which share the features evenly."""
    dim_feedforward: Extent = 2048
    """Features between the two linear layers."""
    dropout: Probability = 0.1
    """Probability of the dropouts: of the attention's weights, between the linear layers, and behind both parts."""
    activation: Activation = "relu"
    """What stands between the linear layers."""
    layer_norm_eps: Float = 1e-5
    """Added to the variance in the norms."""
    norm_first: Bool = False
    """Whether each norm comes before its part, not behind the sum."""
    bias: Bool = True
    """Whether linear layers and norms add learned numbers."""
    causal: Bool = False
    """Whether no position sees a later one."""

    def check(self) -> None:
        """The heads share the features evenly."""
        if self.d_model is not None:
            share(self.nhead, self.d_model, "nhead", "d_model")

    def keeps(self) -> tuple[str, ...]:
        """The first norm's input; attention copies its own."""
        return ("src",) if self.norm_first else ()

    def infer(
        self, src: TensorType, src_mask: TensorType | None = None, src_key_padding_mask: TensorType | None = None
    ) -> Outcome:
        """Nothing changes but the values."""
        return encoded(self, src, src_mask, src_key_padding_mask, causal=self.causal)


@final
class TransformerEncoder(Layer):
    """`num_layers` encoder layers one after the other, and a norm: `(N, L, d_model) → (N, L, d_model)`.

    All begin with the same weights, as in torch. Vaswani et al., 2017 (arXiv:1706.03762).
    Masks as in TransformerEncoderLayer.

    ```yaml
    - {type: TransformerEncoder, num_layers: 6, encoder_layer: {type: TransformerEncoderLayer, nhead: 8}}  # [5, 64] → [5, 64]
    ```
    """  # noqa: E501  an example is one line

    takes: ClassVar = ("src", "mask", "src_key_padding_mask")
    children: ClassVar = {
        "encoder_layer": OneOf({"TransformerEncoderLayer": TransformerEncoderLayer}, "encoder layer"),
        "norm": OneOf(NORMS, "norm"),
    }

    encoder_layer: TransformerEncoderLayer
    """The layer, written as one: `{type: TransformerEncoderLayer, nhead: 8}`."""
    num_layers: Reach
    """How many of it."""
    norm: Layer | None = None
    """What stands behind them, written as a layer: `LayerNorm` or `RMSNorm`; usual with `norm_first`."""
    enable_nested_tensor: Bool = True
    """Whether padding is left out of the computation in eval mode, where torch can; its outputs are then 0.
    torch warns that this is a prototype."""
    mask_check: Bool = True
    """Whether it is first seen to that all padding is at the end, without which nothing is left out."""
    causal: Bool = False
    """Whether no position sees a later one; `causal` of `encoder_layer` says the same."""

    def keeps(self) -> tuple[str, ...]:
        """The first norm's input."""
        return ("src",) if self.encoder_layer.norm_first else ()

    def infer(
        self, src: TensorType, mask: TensorType | None = None, src_key_padding_mask: TensorType | None = None
    ) -> Outcome:
        """Nothing changes but the values."""
        layer, kind, causal = self.encoder_layer, "TransformerEncoder", self.causal or self.encoder_layer.causal
        one = within(
            "encoder_layer", lambda: encoded(layer, src, mask, src_key_padding_mask, kind, "mask", causal=causal)
        )
        return stacked(self, "encoder_layer", one)

    def build(self, nn: Any, **switches: bool) -> Any:
        """With its layers built."""
        norm = None if self.norm is None else self.norm.build(nn)
        made = {**self.given(), "encoder_layer": self.encoder_layer.build(nn), "norm": norm}
        return nn.TransformerEncoder(**made)


@final
class TransformerDecoderLayer(Layer):
    """Self-attention, attention to `memory`, and a feed-forward network: `(N, T, E), (N, S, E) → (N, T, E)`.

    E is `d_model`. Each is added to what came in, with a norm behind the sum, or before with `norm_first`.
    Vaswani et al., 2017 (arXiv:1706.03762).

    Masks are bool, true where nothing is to be seen: `tgt_mask` is `(N, T, T)`, `memory_mask` `(N, T, S)`, or one
    for each head as in `(N, nhead, T, S)`; `tgt_key_padding_mask` `(N, T)`, `memory_key_padding_mask` `(N, S)`.

    ```yaml
    - {type: TransformerDecoderLayer, nhead: 8, causal: true, from: [words, image]}  # [20, 64], [49, 64] → [20, 64]
    ```
    """

    takes: ClassVar = DECODER
    needs: ClassVar = 2
    refused: ClassVar = {"batch_first": BATCH_FIRST}

    d_model: Extent | None = None
    """Features of both inputs and of the output; inferred."""
    nhead: Extent
    """Heads of each attention, which share the features evenly."""
    dim_feedforward: Extent = 2048
    """Features between the two linear layers."""
    dropout: Probability = 0.1
    """Probability of the dropouts: of the attentions' weights, between the linear layers, and behind all parts."""
    activation: Activation = "relu"
    """What stands between the linear layers."""
    layer_norm_eps: Float = 1e-5
    """Added to the variance in the norms."""
    norm_first: Bool = False
    """Whether each norm comes before its part, not behind the sum."""
    bias: Bool = True
    """Whether linear layers and norms add learned numbers."""
    causal: Bool = False
    """Whether no position of `tgt` sees a later one of it."""

    def check(self) -> None:
        """The heads share the features evenly."""
        if self.d_model is not None:
            share(self.nhead, self.d_model, "nhead", "d_model")

    def keeps(self) -> tuple[str, ...]:
        """The first norm's input; attention copies its own."""
        return ("tgt",) if self.norm_first else ()

    def infer(self, tgt: TensorType, memory: TensorType, *masks: TensorType, **named: TensorType) -> Outcome:
        """Nothing changes but the values."""
        given = dict(zip(DECODER[2:], masks, strict=False)) | named
        return decoded(self, tgt, memory, given, causal=self.causal)


@final
class TransformerDecoder(Layer):
    """`num_layers` decoder layers one after the other, and a norm: `(N, T, E), (N, S, E) → (N, T, E)`.

    E is `d_model`. All begin with the same weights, as in torch, and attend to the same `memory`.
    Vaswani et al., 2017 (arXiv:1706.03762). Masks as in TransformerDecoderLayer.

    ```yaml
    - {type: TransformerDecoder, from: [a, b], num_layers: 2, decoder_layer: {type: TransformerDecoderLayer, nhead: 2}}  # [5, 8], [9, 8] → [5, 8]
    ```
    """  # noqa: E501  an example is one line

    takes: ClassVar = DECODER
    needs: ClassVar = 2
    children: ClassVar = {
        "decoder_layer": OneOf({"TransformerDecoderLayer": TransformerDecoderLayer}, "decoder layer"),
        "norm": OneOf(NORMS, "norm"),
    }

    decoder_layer: TransformerDecoderLayer
    """The layer, written as one: `{type: TransformerDecoderLayer, nhead: 8}`."""
    num_layers: Reach
    """How many of it."""
    norm: Layer | None = None
    """What stands behind them, written as a layer: `LayerNorm` or `RMSNorm`; usual with `norm_first`."""
    causal: Bool = False
    """Whether no position of `tgt` sees a later one of it; `causal` of `decoder_layer` says the same."""

    def keeps(self) -> tuple[str, ...]:
        """The first norm's input."""
        return ("tgt",) if self.decoder_layer.norm_first else ()

    def infer(self, tgt: TensorType, memory: TensorType, *masks: TensorType, **named: TensorType) -> Outcome:
        """Nothing changes but the values."""
        layer, given = self.decoder_layer, dict(zip(DECODER[2:], masks, strict=False)) | named
        kind, causal = "TransformerDecoder", self.causal or layer.causal
        one = within("decoder_layer", lambda: decoded(layer, tgt, memory, given, kind, causal=causal))
        return stacked(self, "decoder_layer", one)

    def build(self, nn: Any, **switches: bool) -> Any:
        """With its layers built."""
        norm = None if self.norm is None else self.norm.build(nn)
        made = {**self.given(), "decoder_layer": self.decoder_layer.build(nn), "norm": norm}
        return nn.TransformerDecoder(**made)


@final
class Transformer(Layer):
    """An encoder of `src` and a decoder of `tgt` that attends to it: `(N, S, E), (N, T, E) → (N, T, E)`.

    E is `d_model`. Each has a LayerNorm behind its layers. Vaswani et al., 2017 (arXiv:1706.03762).
    Masks are bool, true where nothing is to be seen, as in TransformerEncoderLayer and TransformerDecoderLayer.

    ```yaml
    - {type: Transformer, num_encoder_layers: 2, num_decoder_layers: 2, causal: true, from: [a, b]}  # [9, 64], [5, 64] → [5, 64]
    ```
    """  # noqa: E501  an example is one line

    takes: ClassVar = (
        "src", "tgt", "src_mask", "tgt_mask", "memory_mask",
        "src_key_padding_mask", "tgt_key_padding_mask", "memory_key_padding_mask",
    )  # fmt: skip
    needs: ClassVar = 2
    refused: ClassVar = {
        "batch_first": BATCH_FIRST,
        "custom_encoder": "a TransformerEncoder as a layer of its own is one",
        "custom_decoder": "a TransformerDecoder as a layer of its own is one",
    }

    d_model: Extent | None = None
    """Features of both inputs and of the output; inferred."""
    nhead: Extent = 8
    """Heads of each attention, which share the features evenly."""
    num_encoder_layers: Reach = 6
    """Layers of the encoder."""
    num_decoder_layers: Reach = 6
    """Layers of the decoder."""
    dim_feedforward: Extent = 2048
    """Features between the two linear layers of each layer."""
    dropout: Probability = 0.1
    """Probability of the dropouts: of the attentions' weights, between the linear layers, and behind all parts."""
    activation: Activation = "relu"
    """What stands between the linear layers."""
    layer_norm_eps: Float = 1e-5
    """Added to the variance in the norms."""
    norm_first: Bool = False
    """Whether each norm comes before its part, not behind the sum."""
    bias: Bool = True
    """Whether linear layers and norms add learned numbers."""
    causal: Bool = False
    """Whether no position of `tgt` sees a later one of it."""

    def check(self) -> None:
        """The heads share the features evenly."""
        if self.d_model is not None:
            share(self.nhead, self.d_model, "nhead", "d_model")

    def keeps(self) -> tuple[str, ...]:
        """The first norms' inputs."""
        return ("src", "tgt") if self.norm_first else ()

    def infer(self, src: TensorType, tgt: TensorType, *masks: TensorType, **named: TensorType) -> Outcome:
        """The encoder's output is the decoder's memory."""
        given = dict(zip(self.takes[2:], masks, strict=False)) | named
        encoder = encoded(
            self, src, given.get("src_mask"), given.get("src_key_padding_mask"), "Transformer", what="`src`"
        )
        decoder = decoded(self, tgt, src, given, "Transformer", "`src`", causal=self.causal)
        norm = linear("norm", 0, src.shape[-1], self.bias)
        parts = (("encoder", self.num_encoder_layers, encoder), ("decoder", self.num_decoder_layers, decoder))
        parameters: dict[str, Storage] = {}
        macs = saved = 0
        for name, count, outcome in parts:
            parameters |= numbered(f"{name}.layers", outcome.parameters, count)
            parameters |= {f"{name}.{key}": storage for key, storage in norm.items()}
            macs = macs + count * outcome.macs
            saved = saved + repeated(outcome, count, self.norm_first) + 4 * behind(outcome.output)
        return Outcome(decoder.output, decoder.arguments, parameters, macs=macs, saved=saved)
