"""Recurrent layers, attention and transformers give what torch's own give, in both modes, with every input."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import specbuild
from specbuild.network import modules
from specbuild.network.inference import infer
from specbuild.network.resolve import resolved

N, L, S, E = 3, 5, 4, 8
SEED = torch.Generator().manual_seed(0)
X, MEMORY = torch.randn(N, L, E, generator=SEED), torch.randn(N, S, E, generator=SEED)
PADDED = torch.arange(L).expand(N, L) >= torch.tensor([[5], [3], [2]])
SEEN_PADDED = torch.arange(S).expand(N, S) >= torch.tensor([[4], [1], [3]])
LATER = torch.ones(L, L, dtype=torch.bool).triu(1)
FAR = torch.stack([LATER.roll(k, 1) & ~torch.eye(L, dtype=torch.bool) for k in range(N)])
"""A mask of each sample; no row of it hides everything."""
SEEN = torch.rand(N, L, S, generator=SEED) < 0.3
SEEN[:, :, 0] = False
BOTH = pytest.mark.parametrize("training", [True, False], ids=["training", "eval"])


def twins(ours: nn.Module, theirs: nn.Module, training: bool) -> None:
    """The same weights, by the same keys, and the same mode."""
    theirs.load_state_dict(ours.state_dict())
    for module in (ours, theirs):
        module.train(training)


def close(ours: Any, theirs: Any) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def first(module: Any, *inputs: Any, **named: Any) -> tuple[Tensor, ...]:
    """torch's results with the batch first."""
    output, ends = module(*inputs, **named)
    ends = ends if isinstance(ends, tuple) else (ends,)
    return (output, *(end.transpose(0, 1) for end in ends))


class TestRecurrent:
    @BOTH
    @pytest.mark.parametrize("more", [{}, {"num_layers": 2}, {"bidirectional": True, "num_layers": 2}, {"bias": False}])
    @pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
    def test_outputs(self, kind: str, more: dict[str, Any], training: bool) -> None:
        switches = {"return_hidden": True, **({"return_cell": True} if kind == "LSTM" else {})}
        ours = getattr(modules, kind)(E, 6, **more, **switches)
        theirs = getattr(nn, kind)(E, 6, batch_first=True, **more)
        twins(ours, theirs, training)
        close(ours(X), first(theirs, X))
        states = [torch.randn(N, more.get("num_layers", 1) * (1 + ("bidirectional" in more)), 6) for _ in switches]
        given = [state.transpose(0, 1) for state in states]
        close(ours(X, *states), first(theirs, X, tuple(given) if kind == "LSTM" else given[0]))

    @pytest.mark.parametrize("bidirectional", [False, True])
    @pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
    def test_the_last_state(self, kind: str, bidirectional: bool) -> None:
        """Forwards after the last step, backwards after the first; in memory of its own."""
        whole = getattr(modules, kind)(E, 6, 2, bidirectional=bidirectional)
        last = getattr(modules, kind)(E, 6, 2, bidirectional=bidirectional, returns="last", return_hidden=True)
        last.load_state_dict(whole.state_dict())
        sequence, (found, hidden) = whole(X), last(X)
        ends = [sequence[:, -1, :6], *([sequence[:, 0, 6:]] if bidirectional else [])]
        close(found, torch.cat(ends, dim=1))
        assert found.untyped_storage().data_ptr() != hidden.untyped_storage().data_ptr()

    @pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
    def test_a_projection(self) -> None:
        ours = modules.LSTM(E, 6, proj_size=3, return_hidden=True, return_cell=True)
        theirs = nn.LSTM(E, 6, proj_size=3, batch_first=True)
        twins(ours, theirs, False)
        close(ours(X), first(theirs, X))

    def test_only_the_cell(self) -> None:
        ours = modules.LSTM(E, 6, return_cell=True)
        output, cell = ours(X)
        assert (output.shape, cell.shape) == ((N, L, 6), (N, 1, 6))

    def test_a_dropout_without_layers_between_warns_of_nothing(self) -> None:
        assert modules.GRU(E, 6, dropout=0.5).dropout == 0.5

    def test_a_cell(self) -> None:
        ours, theirs = modules.LSTMCell(E, 6, return_cell=True), nn.LSTMCell(E, 6)
        twins(ours, theirs, True)
        close(ours(X[:, 0]), theirs(X[:, 0]))
        states = (torch.randn(N, 6), torch.randn(N, 6))
        close(ours(X[:, 0], *states), theirs(X[:, 0], states))


class TestAttention:
    @BOTH
    @pytest.mark.parametrize("more", [{}, {"bias": False}, {"add_bias_kv": True}, {"add_zero_attn": True}])
    def test_of_one_source(self, more: dict[str, Any], training: bool) -> None:
        ours, theirs = modules.MultiheadAttention(E, 2, **more), nn.MultiheadAttention(E, 2, batch_first=True, **more)
        twins(ours, theirs, training)
        for context in (torch.no_grad(), torch.enable_grad()):
            with context:
                close(ours(X), theirs(X, X, X, need_weights=False)[0])
                close(ours(X, X, X, PADDED), theirs(X, X, X, PADDED, need_weights=False)[0])

    @BOTH
    @pytest.mark.parametrize("more", [{}, {"add_bias_kv": True}, {"add_zero_attn": True}])
    def test_causal(self, more: dict[str, Any], training: bool) -> None:
        """With and without weights, and with what is added at the end, which all may see."""
        ours = modules.MultiheadAttention(E, 2, **more, causal=True)
        weighing = modules.MultiheadAttention(E, 2, **more, causal=True, need_weights=True)
        theirs = nn.MultiheadAttention(E, 2, batch_first=True, **more)
        twins(ours, theirs, training)
        twins(ours, weighing, training)
        with torch.no_grad():
            output, weights = theirs(X, X, X, attn_mask=LATER)
            close(ours(X), output)
            close(weighing(X), (output, weights))
            both = torch.where(LATER | PADDED[:, None], -torch.inf, 0.0).repeat_interleave(2, dim=0)
            close(ours(X, X, X, PADDED), theirs(X, X, X, attn_mask=both)[0])

    @BOTH
    def test_masks_of_each_sample_and_of_each_head(self, training: bool) -> None:
        ours, theirs = modules.MultiheadAttention(E, 2), nn.MultiheadAttention(E, 2, batch_first=True)
        twins(ours, theirs, training)
        numbers = torch.randn(N, 2, L, S)
        with torch.no_grad():
            close(ours(X, MEMORY, MEMORY, None, SEEN),
                  theirs(X, MEMORY, MEMORY, attn_mask=SEEN.repeat_interleave(2, dim=0))[0])  # fmt: skip
            close(ours(X, MEMORY, MEMORY, None, numbers), theirs(X, MEMORY, MEMORY, attn_mask=numbers.flatten(0, 1))[0])
            merged = numbers.masked_fill(SEEN_PADDED[:, None, None], -torch.inf).flatten(0, 1)
            close(ours(X, MEMORY, MEMORY, SEEN_PADDED, numbers), theirs(X, MEMORY, MEMORY, attn_mask=merged)[0])

    def test_sources_of_other_sizes(self) -> None:
        ours = modules.MultiheadAttention(E, 2, kdim=6, vdim=5)
        theirs = nn.MultiheadAttention(E, 2, kdim=6, vdim=5, batch_first=True)
        twins(ours, theirs, True)
        key, value = torch.randn(N, S, 6), torch.randn(N, S, 5)
        close(ours(X, key, value), theirs(X, key, value)[0])

    def test_two_sources(self) -> None:
        """The second is the value too."""
        ours = modules.MultiheadAttention(E, 2)
        close(ours(X, MEMORY), ours(X, MEMORY, MEMORY))


def single(kind: str, **arguments: Any) -> tuple[nn.Module, nn.Module]:
    """A layer of ours and torch's own."""
    theirs = getattr(nn, kind)(E, 2, 16, 0.0, batch_first=True, **arguments)
    return getattr(modules, kind)(E, 2, 16, 0.0, **arguments), theirs


def stack(kind: str, **arguments: Any) -> tuple[nn.Module, nn.Module]:
    """A stack of ours and torch's own."""
    one = [copy.deepcopy(layer) for layer in single(f"{kind}Layer", **arguments)]
    return getattr(modules, kind)(one[0], 2, nn.LayerNorm(E)), getattr(nn, kind)(one[1], 2, nn.LayerNorm(E))


Pair = Callable[..., tuple[nn.Module, nn.Module]]


@BOTH
@pytest.mark.parametrize("more", [{}, {"activation": "gelu", "bias": False}], ids=["usual", "gelu"])
@pytest.mark.filterwarnings("ignore:enable_nested_tensor", "ignore:The PyTorch API of nested tensors")
class TestTransformers:
    @pytest.mark.parametrize(("pair", "kind", "mask"), [
        (single, "TransformerEncoderLayer", "src_mask"), (stack, "TransformerEncoder", "mask"),
    ])  # fmt: skip
    @pytest.mark.parametrize("causal", [False, True])
    def test_encoders(
        self, pair: Pair, kind: str, mask: str, causal: bool, more: dict[str, Any], training: bool
    ) -> None:
        ours, theirs = pair(kind, **more)
        twins(ours, theirs, training)
        ours.causal = causal
        both = FAR | LATER if causal else FAR
        with torch.no_grad():
            close(ours(X), theirs(X, **{mask: LATER if causal else None}))
            padded = ours(X, src_key_padding_mask=PADDED)
            close(padded, theirs(X, **{mask: LATER if causal else None}, src_key_padding_mask=PADDED))
            close(ours(X, FAR), theirs(X, **{mask: both.repeat_interleave(2, dim=0)}))

    @pytest.mark.parametrize(("pair", "kind"), [(single, "TransformerDecoderLayer"), (stack, "TransformerDecoder")])
    @pytest.mark.parametrize("causal", [False, True])
    def test_decoders(self, pair: Pair, kind: str, causal: bool, more: dict[str, Any], training: bool) -> None:
        ours, theirs = pair(kind, **more)
        twins(ours, theirs, training)
        ours.causal = causal
        own = LATER if causal else None
        with torch.no_grad():
            close(ours(X, MEMORY), theirs(X, MEMORY, own))
            close(ours(X, MEMORY, tgt_key_padding_mask=PADDED, memory_key_padding_mask=SEEN_PADDED),
                  theirs(X, MEMORY, own, None, PADDED, SEEN_PADDED))  # fmt: skip
            close(ours(X, MEMORY, memory_mask=SEEN), theirs(X, MEMORY, own, SEEN.repeat_interleave(2, dim=0)))

    @pytest.mark.parametrize("causal", [False, True])
    def test_both(self, causal: bool, more: dict[str, Any], training: bool) -> None:
        ours = modules.Transformer(E, 2, 2, 1, 16, 0.0, **more, causal=causal)
        theirs = nn.Transformer(E, 2, 2, 1, 16, 0.0, **more, batch_first=True)
        twins(ours, theirs, training)
        with torch.no_grad():
            close(ours(MEMORY, X), theirs(MEMORY, X, tgt_mask=LATER if causal else None))


class TestStacks:
    @pytest.mark.parametrize("heads", [1, 2])
    @pytest.mark.parametrize("more", [{}, {"norm_first": True}, {"bias": False}])
    def test_nothing_is_warned_of(self, heads: int, more: dict[str, Any]) -> None:
        modules.TransformerEncoder(modules.TransformerEncoderLayer(E, heads, 16, **more), 2)
        modules.Transformer(E, heads, 1, 1, 16, **more)

    def test_the_layer_may_say_that_it_is_causal(self) -> None:
        of_layer = modules.TransformerEncoder(modules.TransformerEncoderLayer(E, 2, 16, 0.0, causal=True), 2)
        of_stack = modules.TransformerEncoder(modules.TransformerEncoderLayer(E, 2, 16, 0.0), 2, causal=True)
        of_stack.load_state_dict(of_layer.state_dict())
        close(of_layer(X), of_stack(X))
        changed = X.clone()
        changed[:, -1] = 0
        close(of_layer(changed)[:, :-1], of_layer(X)[:, :-1])


SEQUENCE: dict[str, Any] = {"specbuild": 1, "input": [L, E]}
WHOLE: list[Any] = [
    {"type": "TransformerEncoder", "num_layers": 2, "norm": {"type": "LayerNorm", "eps": 1e-6}, "causal": True,
     "encoder_layer": {"type": "TransformerEncoderLayer", "nhead": 2, "dim_feedforward": 16, "norm_first": True}},
    {"name": "lstm", "type": "LSTM", "hidden_size": 6, "bidirectional": True},
    {"name": "gru", "type": "GRU", "hidden_size": 4, "from": {"input": "lstm"}},
    {"name": "cell", "type": "Flatten", "from": "lstm.cell"},
    {"name": "attention", "type": "MultiheadAttention", "num_heads": 2, "from": ["gru", "input"], "causal": True},
    {"name": "weights", "type": "Flatten", "from": "attention.weights"},
    {"name": "flat", "type": "Flatten", "from": "attention"},
    {"type": "Concat", "from": ["flat", "cell", "weights"]},
]  # fmt: skip


class TestNetworks:
    def test_second_results(self) -> None:
        plan = specbuild.infer({**SEQUENCE, "layers": WHOLE})
        assert [str(step.output) for step in plan.steps] == ["[5, 8]", "[5, 12]", "[5, 4]", "[12]", "[5, 4]", "[25]",
                                                             "[20]", "[57]"]  # fmt: skip
        assert specbuild.build({**SEQUENCE, "layers": WHOLE})(X).shape == (N, 57)

    def test_the_resolved_document_is_the_same_network(self) -> None:
        spec = specbuild.load({**SEQUENCE, "layers": WHOLE})
        document = resolved(spec, infer(spec))
        again = specbuild.load(document)
        assert resolved(again, infer(again)) == document
        assert document["layers"][0]["encoder_layer"]["d_model"] == E

    def test_inputs_by_name(self) -> None:
        """Some of the optional ones, and not those before them."""
        inputs = {"words": [L, E], "padded": {"shape": [L], "dtype": "bool"}}
        layers = [{"type": "MultiheadAttention", "num_heads": 2,
                   "from": {"query": "words", "key_padding_mask": "padded"}},
                  {"type": "TransformerEncoderLayer", "nhead": 2,
                   "from": {"src": "multiheadattention_1", "src_key_padding_mask": "padded"}}]  # fmt: skip
        built = specbuild.build({"specbuild": 1, "inputs": inputs, "layers": layers})
        assert built(X, PADDED).shape == (N, L, E)

    @pytest.mark.parametrize(("layers", "fix"), [
        ([{"name": "gru", "type": "GRU", "hidden_size": 4}, {"type": "ReLU", "from": "gru.cell"}],
         "from: gru, or gru.hidden"),
        ([{"type": "TransformerDecoderLayer", "nhead": 2}], "from: {tgt: ..., memory: ...}"),
        ([{"type": "LSTM", "hidden_size": 4, "from": {"hx": "input"}}], "from: {input: ..., hx: ...}"),
        ([{"type": "GRUCell", "hidden_size": 4, "from": ["input"] * 3}], "from: {input: ..., hx: ...}"),
    ])  # fmt: skip
    def test_what_is_wrong_with_inputs_and_results(self, layers: list[Any], fix: str) -> None:
        (found,) = specbuild.check({**SEQUENCE, "layers": layers})
        assert found.fix == fix

    @BOTH
    @pytest.mark.filterwarnings("ignore:The tensor attributes self")
    def test_export(self, training: bool) -> None:
        built = specbuild.build({**SEQUENCE, "layers": WHOLE}).train(training)
        exported = torch.export.export(built, (X,)).module()
        assert exported(X).shape == (N, 57)
        if not training:
            close(exported(X), built(X))
