"""What sequence layers keep for backward, at sizes that are used: drawn ones are so small that little hides much.

oneDNN pads the workspace of an LSTM to whole blocks, so drawn sizes say nothing of it.
"""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

import specbuild
from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.types import TensorType
from specbuild.language.parsing import parse_fields
from specbuild.network.cost import memory_of
from tests.catalogue.test_layer_memory import estimated, measured

X, Y = TensorType((20, 64)), TensorType((30, 64))
PADDED, PAIRS = TensorType((30,), "bool"), TensorType((20, 30), "bool")
OWN = (TensorType((20, 20), "bool"), TensorType((20,), "bool"))
HIDDEN: list[dict[str, Any]] = [
    {}, {"num_layers": 3}, {"bidirectional": True}, {"num_layers": 2, "bidirectional": True, "dropout": 0.2},
    {"returns": "last"},
]  # fmt: skip
LAYER: list[dict[str, Any]] = [
    {}, {"dropout": 0}, {"norm_first": True, "dropout": 0}, {"activation": "gelu"}, {"causal": True},
]  # fmt: skip
HEADS: list[dict[str, Any]] = [
    {}, {"dropout": 0.1}, {"add_bias_kv": True, "add_zero_attn": True}, {"add_bias_kv": True, "dropout": 0.1},
]  # fmt: skip
SIZES = {"nhead": 4, "dim_feedforward": 96}

Row = tuple[str, dict[str, Any], tuple[TensorType, ...]]
ROWS: list[Row] = [
    *((kind, {"hidden_size": 128, **more}, (X,)) for kind in ("RNN", "GRU", "LSTM") for more in HIDDEN),
    *(("LSTM", {"hidden_size": size}, (X,)) for size in (32, 64, 256)),
    ("LSTM", {"hidden_size": 128, "proj_size": 32, "num_layers": 2}, (X,)),
    ("LSTM", {"hidden_size": 128}, (X, TensorType((1, 128)), TensorType((1, 128)))),
    *((kind, {"hidden_size": 512}, (TensorType((64,)),)) for kind in ("RNNCell", "GRUCell", "LSTMCell")),
    ("LSTMCell", {"hidden_size": 512}, (TensorType((64,)), TensorType((512,)), TensorType((512,)))),
    *(
        ("MultiheadAttention", {"num_heads": 4, **more}, sources)
        for more in HEADS
        for sources in ((X,), (X, Y), (X, Y, Y), (X, TensorType((30, 16))), (X, Y, Y, PADDED),
                        (X, Y, Y, PADDED, PAIRS), (X, Y, Y, PADDED, TensorType((20, 30))))
    ),
    ("MultiheadAttention", {"num_heads": 4, "causal": True}, (X, X, X, OWN[1])),
    ("MultiheadAttention", {"num_heads": 4, "dropout": 1.0}, (X,)),
    ("MultiheadAttention", {"num_heads": 2}, (TensorType((20, 8)), TensorType((30, 64)))),
    ("TransformerEncoderLayer", {**SIZES, "dropout": 1}, (X,)),
    *(("TransformerEncoderLayer", {**SIZES, **more}, inputs) for more in LAYER for inputs in ((X,), (X, *OWN))),
    *(
        ("TransformerDecoderLayer", {**SIZES, **more}, inputs)
        for more in LAYER
        for inputs in ((X, Y), (X, Y, OWN[0], PAIRS, OWN[1], PADDED))
    ),
    *(
        ("TransformerEncoder", {"encoder_layer": {"type": "TransformerEncoderLayer", **SIZES, **more}, "num_layers": 3,
                                "norm": norm}, (X,))
        for more in LAYER[:3]
        for norm in (None, "LayerNorm")
    ),
    *(
        ("TransformerDecoder", {"decoder_layer": {"type": "TransformerDecoderLayer", **SIZES, **more}, "num_layers": 2,
                                "norm": "RMSNorm"}, (X, Y))
        for more in LAYER[:3]
    ),
    *(
        ("Transformer", {**SIZES, "num_encoder_layers": 2, "num_decoder_layers": 3, **more}, (X, Y))
        for more in LAYER[:3]
    ),
    *(
        ("EmbeddingBag", {"num_embeddings": 9, "embedding_dim": 32, "mode": mode}, (TensorType((100,), "int64"),))
        for mode in ("sum", "mean", "max")
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "arguments", "inputs"), ROWS)
def test_kept(kind: str, arguments: dict[str, Any], inputs: tuple[TensorType, ...]) -> None:
    layer = parse_fields(LAYERS[kind], arguments, (), [])
    assert layer is not None
    outcome = layer.infer(*inputs)
    resolved = layer.model_copy(update=dict(outcome.arguments))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of projections that oneDNN does not compute
        found = measured(resolved, inputs, 0)
    assert estimated(resolved, inputs, outcome) == pytest.approx(found, rel=0.1)


@pytest.mark.parametrize(
    ("length", "features", "more"), [(200, 64, {}), (60, 32, {"dropout": 0.1}), (100, 64, {"causal": True})]
)
def test_kept_where_the_weights_of_attention_are_named(length: int, features: int, more: dict[str, Any]) -> None:
    attention = {"name": "attention", "type": "MultiheadAttention", "num_heads": 4, **more}
    document = {
        "specbuild": 1, "input": [length, features], "outputs": ["end", "attention.weights"],
        "layers": [{"type": "Linear", "out_features": features}, attention, {"name": "end", "type": "Identity"}],
    }  # fmt: skip
    plan = specbuild.infer(document)
    model = specbuild.build(plan).train()
    own = {tensor.untyped_storage().data_ptr() for tensor in model.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            held.append(storage)
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    held: list[torch.UntypedStorage] = []
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        outputs = model(torch.randn(2, length, features))
    for tensor in outputs.values():
        pack(tensor)
    assert memory_of(plan).kept * 2 == pytest.approx(sum(kept.values()), rel=0.1)
