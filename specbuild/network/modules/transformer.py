"""torch's transformers, the batch first, with masks of a sample's shape and causality as an argument."""

from __future__ import annotations

from torch import Tensor, nn

from specbuild.network.modules.attention import causal_mask, each_head


class TransformerEncoderLayer(nn.TransformerEncoderLayer):
    """`nn.TransformerEncoderLayer` with the batch first and masks of a sample's shape."""

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str = "relu",
        layer_norm_eps: float = 1e-5,
        norm_first: bool = False,
        bias: bool = True,
        causal: bool = False,
    ) -> None:
        super().__init__(
            d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps,
            batch_first=True, norm_first=norm_first, bias=bias,
        )  # fmt: skip
        self.causal = causal

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """The masks are true where nothing is to be seen; is_causal: that `src_mask` hides what comes later."""
        if self.causal:
            is_causal = src_mask is None
            src_mask = causal_mask(src_mask, src.shape[1], src)
        src_mask = each_head(src_mask, self.self_attn.num_heads)
        return super().forward(src, src_mask, src_key_padding_mask, is_causal)


class TransformerEncoder(nn.TransformerEncoder):
    """`nn.TransformerEncoder` of such layers."""

    def __init__(
        self,
        encoder_layer: TransformerEncoderLayer,
        num_layers: int,
        norm: nn.Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
        causal: bool = False,
    ) -> None:
        attention = encoder_layer.self_attn
        # torch warns where it cannot do so
        nested = not encoder_layer.norm_first and attention.in_proj_bias is not None and attention.num_heads % 2 == 0
        super().__init__(encoder_layer, num_layers, norm, enable_nested_tensor and nested, mask_check)
        self.causal = causal or encoder_layer.causal
        for layer in self.layers:
            layer.causal = False  # one mask serves all

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """The masks are true where nothing is to be seen."""
        hint = self.causal and mask is None
        if self.causal:
            mask = causal_mask(mask, src.shape[1], src)
        return super().forward(src, mask, src_key_padding_mask, hint)


class TransformerDecoderLayer(nn.TransformerDecoderLayer):
    """`nn.TransformerDecoderLayer` with the batch first and masks of a sample's shape."""

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str = "relu",
        layer_norm_eps: float = 1e-5,
        norm_first: bool = False,
        bias: bool = True,
        causal: bool = False,
    ) -> None:
        super().__init__(
            d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps,
            batch_first=True, norm_first=norm_first, bias=bias,
        )  # fmt: skip
        self.causal = causal

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The masks are true where nothing is to be seen; tgt_is_causal: that `tgt_mask` hides what comes later."""
        if self.causal:
            tgt_is_causal = tgt_mask is None
            tgt_mask = causal_mask(tgt_mask, tgt.shape[1], tgt)
        tgt_mask = each_head(tgt_mask, self.self_attn.num_heads)
        memory_mask = each_head(memory_mask, self.multihead_attn.num_heads)
        return super().forward(
            tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, tgt_is_causal
        )


class TransformerDecoder(nn.TransformerDecoder):
    """`nn.TransformerDecoder` of such layers."""

    def __init__(
        self, decoder_layer: TransformerDecoderLayer, num_layers: int, norm: nn.Module | None = None,
        causal: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(decoder_layer, num_layers, norm)
        self.causal = causal or decoder_layer.causal
        for layer in self.layers:
            layer.causal = False

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The masks are true where nothing is to be seen."""
        hint = self.causal and tgt_mask is None
        if self.causal:
            tgt_mask = causal_mask(tgt_mask, tgt.shape[1], tgt)
        return super().forward(tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, hint)


class Transformer(nn.Transformer):
    """`nn.Transformer` of such an encoder and decoder."""

    def __init__(
        self,
        d_model: int,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str = "relu",
        layer_norm_eps: float = 1e-5,
        norm_first: bool = False,
        bias: bool = True,
        causal: bool = False,
    ) -> None:
        one = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, norm_first, bias)

        def norm() -> nn.Module:
            return nn.LayerNorm(d_model, eps=layer_norm_eps, bias=bias)

        encoder = TransformerEncoder(TransformerEncoderLayer(*one), num_encoder_layers, norm())
        decoder = TransformerDecoder(TransformerDecoderLayer(*one), num_decoder_layers, norm(), causal)
        super().__init__(d_model, nhead, custom_encoder=encoder, custom_decoder=decoder, batch_first=True)

    def forward(  # type: ignore[override]
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
    ) -> Tensor:
        """The masks are true where nothing is to be seen."""
        return super().forward(
            src, tgt, src_mask, tgt_mask, memory_mask,
            src_key_padding_mask, tgt_key_padding_mask, memory_key_padding_mask,
        )  # fmt: skip
