"""How a layer is called: what its module takes, and which of its results are which."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from specbuild.catalogue.layers import LAYERS
from specbuild.importing.graph import Node, Source
from specbuild.importing.reading import Inexpressible
from specbuild.network import modules as own

if TYPE_CHECKING:
    from specbuild.importing.tracing import Tracer

BATCH_FIRST = "its batch is axis 1, and in a spec axis 0 is always the batch"
FIX = "batch_first=True"


Connect = Callable[[Any, Any, Node, Mapping[str, Any], Any], list[Source]]
"""From a run, a module, its node, and how it was called to the sources of what it returned."""


def connected(tracer: Tracer, module: nn.Module, node: Node, args: Any, kwargs: Any, result: Any) -> list[Source]:
    """Give a node its sources by how its module was called; the sources of what it returned."""
    signature = inspect.signature(module.forward)
    bound = signature.bind(*args, **kwargs).arguments
    connect: Connect = CALLS.get(node.type, by_name)
    return connect(tracer, module, node, bound, result)


def by_name(tracer: Tracer, module: Any, node: Node, bound: Mapping[str, Any], result: Any) -> list[Source]:
    """Each tensor under the catalogue's name for it; by order if they are the first ones."""
    takes = LAYERS[node.type].takes
    given: list[tuple[str, Tensor]] = []
    for name, value in bound.items():
        values = list(value) if name == "inputs" and isinstance(value, tuple) else [value]
        for one in values:
            if isinstance(one, Tensor):
                given.append((name, one))
            elif one is not None and one is not False and takes is not None and name not in takes:
                raise Inexpressible(f"`{name}` of {node.type}'s forward is not in the catalogue")
    sources = [tracer.source(tensor) for _, tensor in given]
    if takes is not None and len(sources) > 1:
        expected = list(takes[: len(sources)])
        if [name for name, _ in given] != expected:
            known = [name for name in takes if name in {name for name, _ in given}]
            if len(known) == len(given):
                sources = [s._replace(keyword=n) for (n, _), s in zip(given, sources, strict=True)]
            elif len(given) > len(takes):
                raise Inexpressible(f"{node.type} takes {len(takes)} inputs, and is given {len(given)}")
    node.sources = sources
    return [Source(node), *(Source(node, name) for name in LAYERS[node.type].results)]


def pooled(tracer: Tracer, module: Any, node: Node, bound: Mapping[str, Any], result: Any) -> list[Source]:
    """A pooling, perhaps with its indices."""
    node.sources = [tracer.source(bound["input"])]
    return [Source(node), Source(node, "indices")]


def unpooled(tracer: Tracer, module: Any, node: Node, bound: Mapping[str, Any], result: Any) -> list[Source]:
    """An unpooling, whose size is an argument of the call."""
    size = bound.get("output_size")
    if size is not None:
        node.arguments["output_size"] = list(size)[-(result.dim() - 2) :]
    node.sources = [tracer.source(bound["input"]), tracer.source(bound["indices"])]
    return [Source(node)]


def is_own(module: nn.Module) -> bool:
    """Whether a module is specbuild's own class, or a copy of its text: it takes what the catalogue's layer takes."""
    return type(module).__name__ in own.__all__ and not type(module).__module__.startswith("torch.nn")


def attended(tracer: Tracer, module: Any, node: Node, bound: Mapping[str, Any], result: Any) -> list[Source]:
    """Attention: to itself, where query, key and value are one."""
    if is_own(module):
        return by_name(tracer, module, node, bound, result)
    if not module.batch_first:
        raise Inexpressible(BATCH_FIRST, FIX)
    query, key, value = (tracer.source(bound[name]) for name in ("query", "key", "value"))
    sources = [query] if query == key == value else [query, key] if key == value else [query, key, value]
    if isinstance(mask := bound.get("attn_mask"), Tensor):
        if tracer.knows(mask):
            sources.append(tracer.source(mask)._replace(keyword="attn_mask"))
        elif causal(mask):
            node.arguments["causal"] = True
        else:
            raise Inexpressible("its mask is neither causal nor computed from an input")
    if isinstance(padding := bound.get("key_padding_mask"), Tensor):
        sources.append(tracer.source(padding)._replace(keyword="key_padding_mask"))
    if any(source.keyword for source in sources):
        names = ("query", "key", "value")
        sources = [s if s.keyword else s._replace(keyword=n) for s, n in zip(sources, [*names, "", ""], strict=False)]
    if bound.get("need_weights", True) and not bound.get("average_attn_weights", True):
        raise Inexpressible("its weights are not averaged over the heads")
    node.sources = sources
    return [Source(node), Source(node, "weights")]


def causal(mask: Tensor) -> bool:
    """Whether a mask hides from each position what comes later, and nothing else."""
    if mask.dim() != 2 or mask.shape[0] != mask.shape[1]:
        return False
    later = torch.ones(mask.shape, dtype=torch.bool).triu(1)
    if mask.dtype == torch.bool:
        return bool((mask == later).all())
    return bool(torch.equal(mask, torch.zeros(mask.shape, dtype=mask.dtype).masked_fill(later, float("-inf"))))


def recurrent(tracer: Tracer, module: Any, node: Node, bound: Mapping[str, Any], result: Any) -> list[Source]:
    """A recurrent layer; of torch's own the states have the batch at axis 1."""
    if is_own(module):
        return by_name(tracer, module, node, bound, result)
    if not module.batch_first:
        raise Inexpressible(BATCH_FIRST, FIX)
    if any(isinstance(leaf, Tensor) for leaf in pytree.tree_leaves(bound.get("hx"))):
        raise Inexpressible("its first state is given, whose batch is axis 1 in torch")
    node.sources = [tracer.source(bound["input"])]
    return [Source(node), Source(node, "hidden"), Source(node, "cell")]


def transformed(tracer: Tracer, module: Any, node: Node, bound: Mapping[str, Any], result: Any) -> list[Source]:
    """A transformer's part; a causal mask is an argument of the layer."""
    first = next((part for part in module.modules() if isinstance(part, nn.MultiheadAttention)), None)
    if first is not None and not first.batch_first:
        raise Inexpressible(BATCH_FIRST, FIX)
    if is_own(module):
        return by_name(tracer, module, node, bound, result)
    takes = LAYERS[node.type].takes or ()
    own_mask = "tgt_mask" if "Decoder" in node.type else "mask" if node.type == "TransformerEncoder" else "src_mask"
    sources = []
    for name, value in bound.items():
        if not isinstance(value, Tensor):
            continue
        if name == own_mask and not tracer.knows(value) and causal(value):
            node.arguments["causal"] = True
            continue
        if name not in takes:
            raise Inexpressible(f"`{name}` of {node.type}'s forward is not in the catalogue")
        sources.append(tracer.source(value)._replace(keyword=name))
    if [source.keyword for source in sources] == list(takes[: len(sources)]):
        sources = [source._replace(keyword=None) for source in sources]
    node.sources = sources
    return [Source(node)]


TRANSFORMERS = (
    "Transformer",
    "TransformerEncoder",
    "TransformerDecoder",
    "TransformerEncoderLayer",
    "TransformerDecoderLayer",
)
CALLS: Mapping[str, Connect] = {
    **{f"{kind}Pool{n}d": pooled for kind in ("Max", "AdaptiveMax", "FractionalMax") for n in (1, 2, 3)},
    **{f"MaxUnpool{n}d": unpooled for n in (1, 2, 3)},
    "MultiheadAttention": attended,
    "RNN": recurrent,
    "GRU": recurrent,
    "LSTM": recurrent,
    **dict.fromkeys(TRANSFORMERS, transformed),
}
"""Layers that are called otherwise than the catalogue has it."""
