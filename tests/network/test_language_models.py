"""Language models from documents: with the same weights torch's own modules give the same numbers, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

import specbuild

LENGTH, SEEN, WORDS, SIZE = 12, 9, 30, 16
TEXT = {"shape": [LENGTH], "dtype": "int64"}
LATER = torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1)


def embedding(name: str, source: str, count: int = WORDS) -> dict[str, Any]:
    return {"name": name, "type": "Embedding", "num_embeddings": count, "embedding_dim": SIZE, "from": source}


CHARACTERS: dict[str, Any] = {"specbuild": 1, "input": TEXT, "layers": [
    embedding("embedding", "input"),
    {"name": "lstm", "type": "LSTM", "hidden_size": 24, "num_layers": 2, "dropout": 0.1},
    {"name": "head", "type": "Linear", "out_features": WORDS},
]}  # fmt: skip

MASKED: dict[str, Any] = {
    "specbuild": 1, "inputs": {"words": TEXT, "padded": {"shape": [LENGTH], "dtype": "bool"}}, "layers": [
        embedding("embedding", "words"),
        {"name": "places", "type": "Positions", "from": "words"},
        embedding("position", "places", LENGTH),
        {"name": "sum", "type": "Add", "from": ["embedding", "position"]},
        {"name": "attention", "type": "MultiheadAttention", "num_heads": 4, "causal": True,
         "from": {"query": "sum", "key_padding_mask": "padded"}},
        {"name": "encoder", "type": "TransformerEncoder", "num_layers": 2, "norm": "LayerNorm", "causal": True,
         "encoder_layer": {"type": "TransformerEncoderLayer", "nhead": 4, "dim_feedforward": 32, "activation": "gelu"},
         "from": {"src": "attention", "src_key_padding_mask": "padded"}},
        {"name": "head", "type": "Linear", "out_features": WORDS, "bias": False},
    ],
}  # fmt: skip

TRANSLATION: dict[str, Any] = {
    "specbuild": 1,
    "inputs": {"source": {"shape": [SEEN], "dtype": "int64"}, "target": TEXT,
               "padded": {"shape": [SEEN], "dtype": "bool"}},
    "layers": [
        embedding("of_source", "source"),
        embedding("of_target", "target"),
        {"name": "transformer", "type": "Transformer", "nhead": 4, "num_encoder_layers": 2, "num_decoder_layers": 2,
         "dim_feedforward": 32, "causal": True,
         "from": {"src": "of_source", "tgt": "of_target",
                  "src_key_padding_mask": "padded", "memory_key_padding_mask": "padded"}},
        {"name": "head", "type": "Linear", "out_features": WORDS},
    ],
}  # fmt: skip

HANDED_ON: dict[str, Any] = {
    "specbuild": 1, "inputs": {"source": {"shape": [SEEN], "dtype": "int64"}, "target": TEXT}, "layers": [
        embedding("of_source", "source"),
        embedding("of_target", "target"),
        {"name": "encoder", "type": "LSTM", "hidden_size": 24, "num_layers": 2, "from": "of_source"},
        {"name": "decoder", "type": "LSTM", "hidden_size": 24, "num_layers": 2,
         "from": {"input": "of_target", "hx": "encoder.hidden", "cx": "encoder.cell"}},
        {"name": "head", "type": "Linear", "out_features": WORDS},
    ],
}  # fmt: skip


def texts(batch: int, length: int = LENGTH) -> Tensor:
    return torch.randint(0, WORDS, (batch, length))


def paddings(batch: int, length: int = LENGTH) -> Tensor:
    """True from some position after the first on."""
    return torch.arange(length) >= torch.randint(1, length + 1, (batch, 1))


class Characters(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, SIZE)
        self.lstm = nn.LSTM(SIZE, 24, 2, dropout=0.1, batch_first=True)
        self.head = nn.Linear(24, WORDS)

    def forward(self, words: Tensor) -> Any:
        return self.head(self.lstm(self.embedding(words))[0])


class Masked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.position = nn.Embedding(WORDS, SIZE), nn.Embedding(LENGTH, SIZE)
        self.attention = nn.MultiheadAttention(SIZE, 4, batch_first=True)
        layer = nn.TransformerEncoderLayer(SIZE, 4, 32, activation="gelu", batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(SIZE))
        self.head = nn.Linear(SIZE, WORDS, bias=False)

    def forward(self, words: Tensor, padded: Tensor) -> Any:
        x = self.embedding(words) + self.position(torch.arange(LENGTH))
        x, _ = self.attention(x, x, x, padded, need_weights=False, attn_mask=LATER, is_causal=True)
        return self.head(self.encoder(x, LATER, padded, is_causal=True))


class Translation(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.of_source, self.of_target = nn.Embedding(WORDS, SIZE), nn.Embedding(WORDS, SIZE)
        self.transformer = nn.Transformer(SIZE, 4, 2, 2, 32, batch_first=True)
        self.head = nn.Linear(SIZE, WORDS)

    def forward(self, source: Tensor, target: Tensor, padded: Tensor) -> Any:
        masks = {"src_key_padding_mask": padded, "memory_key_padding_mask": padded, "tgt_mask": LATER}
        both = self.of_source(source), self.of_target(target)
        return self.head(self.transformer(*both, **masks, tgt_is_causal=True))


class HandedOn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.of_source, self.of_target = nn.Embedding(WORDS, SIZE), nn.Embedding(WORDS, SIZE)
        self.encoder, self.decoder = (nn.LSTM(SIZE, 24, 2, batch_first=True) for _ in range(2))
        self.head = nn.Linear(24, WORDS)

    def forward(self, source: Tensor, target: Tensor) -> Any:
        _, states = self.encoder(self.of_source(source))
        return self.head(self.decoder(self.of_target(target), states)[0])


class Model(NamedTuple):
    document: dict[str, Any]
    torchs: Callable[[], nn.Module]
    inputs: Callable[[int], tuple[Tensor, ...]]


MODELS = {
    "characters": Model(CHARACTERS, Characters, lambda batch: (texts(batch),)),
    "masked": Model(MASKED, Masked, lambda batch: (texts(batch), paddings(batch))),
    "translation": Model(
        TRANSLATION, Translation, lambda batch: (texts(batch, SEEN), texts(batch), paddings(batch, SEEN))
    ),
    "handed on": Model(HANDED_ON, HandedOn, lambda batch: (texts(batch, SEEN), texts(batch))),
}
EACH = pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
BOTH = pytest.mark.parametrize("training", [True, False], ids=["training", "eval"])


def drawn_alike(module: Callable[..., Tensor], inputs: tuple[Tensor, ...]) -> Tensor:
    """What a module gives, its dropouts the same each time."""
    torch.manual_seed(0)
    return module(*inputs)


@EACH
@BOTH
@pytest.mark.parametrize("grad", [True, False], ids=["grad", "no grad"])
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_the_numbers_are_torchs(model: Model, training: bool, grad: bool) -> None:
    ours, theirs = specbuild.build(model.document), model.torchs()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())
    ours.train(training)
    theirs.train(training)
    inputs = model.inputs(3)
    with torch.set_grad_enabled(grad):
        one, other = drawn_alike(ours, inputs), drawn_alike(theirs, inputs)
    assert one.shape == (3, LENGTH, WORDS)
    assert torch.equal(one, other)
    if grad:
        for module, output in ((ours, one), (theirs, other)):
            output.square().sum().backward()
            assert all(parameter.grad is not None for parameter in module.parameters())
        assert all(
            torch.equal(mine.grad, torchs.grad)  # type: ignore[arg-type]
            for mine, torchs in zip(ours.parameters(), theirs.parameters(), strict=True)
        )


@EACH
@BOTH
@pytest.mark.filterwarnings("ignore:The tensor attributes self")
def test_they_export_for_any_batch(model: Model, training: bool) -> None:
    built = specbuild.build(model.document).train(training)
    batch = torch.export.Dim("batch", min=1, max=64)
    inputs = model.inputs(3)
    sizes: Any = tuple({0: batch} for _ in inputs)
    exported = torch.export.export(built, inputs, dynamic_shapes=sizes if len(inputs) == 1 else (sizes,)).module()
    for number in (1, 2, 5):
        given = model.inputs(number)
        assert torch.equal(drawn_alike(exported, given), drawn_alike(built, given))
