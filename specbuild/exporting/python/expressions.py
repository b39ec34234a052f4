"""What is built in a module: calls of torch.nn as data, before they are text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from keyword import iskeyword
from typing import Any

from specbuild.diagnostics.diagnostic import Path
from specbuild.exporting.python.unparsing import literal

LEADING = frozenset({
    "in_channels", "out_channels", "in_features", "out_features", "in1_features", "in2_features", "num_features",
    "num_channels", "num_groups", "num_embeddings", "embedding_dim", "normalized_shape", "input_size", "hidden_size",
    "embed_dim", "num_heads", "d_model", "encoder_layer", "decoder_layer",
})  # fmt: skip
"""Arguments that are written by order where torch takes them first."""

NAMED = frozenset({"dim", "dims", "start_dim", "inplace"})
"""Arguments that are written by name, also where they are the only one."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call, with all of its arguments under their names; those at their defaults are left out of the text."""

    function: str
    arguments: Mapping[str, Any]
    """Plain values, calls, chains, and formulas."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    ordered: frozenset[str] = LEADING
    """The arguments that stand by order, as long as they are the first."""
    path: Path = field(default=(), compare=False)
    """Where the layer or block is written."""


@dataclass(frozen=True, slots=True)
class Chain:
    """An `nn.Sequential` of items under their names."""

    names: tuple[str, ...]
    items: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Formula:
    """A piece of Python: a parameter of a class, or an expression over some."""

    text: str


def is_name(text: str) -> bool:
    """Whether a text may be a name in Python."""
    return text.isidentifier() and text.isascii() and not iskeyword(text)


def rendered(value: Any) -> str:
    """The text of a value, a call or a chain."""
    if isinstance(value, Formula):
        return value.text
    if isinstance(value, Chain):
        return f"nn.Sequential({chained(value)})"
    if isinstance(value, Call):
        return f"{value.function}({', '.join(arguments_of(value))})"
    if isinstance(value, (tuple, list)):
        inner = ", ".join(rendered(item) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    assert value is None or isinstance(value, (bool, int, float, str)), value
    return literal(value)


def arguments_of(call: Call) -> Iterator[str]:
    """The arguments that are not at their defaults, those by order first."""
    told = {
        name: value
        for name, value in call.arguments.items()
        if name not in call.defaults or not same(value, call.defaults[name])
    }
    first = next(iter(call.arguments), None)
    alone = len(told) == 1 and first in told and first not in NAMED and not isinstance(told[first], (bool, str))
    leading = True
    for name in call.arguments:
        leading = leading and name in told and (name in call.ordered or alone)
        if name in told:
            text = rendered(told[name])
            yield text if leading else f"{name}={text}"


def same(a: Any, b: Any) -> bool:
    """Whether two values are one, also in their types: True is not 1. A whole number may stand for a float."""
    if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    numbers = isinstance(a, (int, float)) and isinstance(b, (int, float))
    if numbers and not isinstance(a, bool) and not isinstance(b, bool):
        return bool(a == b)
    return type(a) is type(b) and bool(a == b)


def chained(chain: Chain) -> str:
    """What an `nn.Sequential` is made from."""
    if chain.names == tuple(str(index) for index in range(len(chain.names))):
        looped = loop_of(chain.items)
        return f"*[{looped[0]} for {looped[1]}]" if looped else ", ".join(runs_of(chain.items))
    pattern = numbering(chain.names)
    looped = loop_of(chain.items) if pattern is not None else None
    if pattern is not None and looped is not None:
        return f"OrderedDict(({pattern}, {looped[0]}) for i in range({len(chain.items)}))"
    texts = [rendered(item) for item in chain.items]
    if all(is_name(name) for name in chain.names):
        named = [f"{name}={text}" for name, text in zip(chain.names, texts, strict=True)]
        return f"OrderedDict({', '.join(named)})"
    pairs = [f"{literal(name)}: {text}" for name, text in zip(chain.names, texts, strict=True)]
    return f"OrderedDict({{{', '.join(pairs)}}})"


def numbering(names: Sequence[str]) -> str | None:
    """The f-string in `i` that gives the names in turn; None where there is none."""
    found = re.fullmatch(r"([A-Za-z_][A-Za-z0-9_]*?)(0|[1-9]\d*)", names[0]) if len(names) > 2 else None
    if found is None:
        return None
    prefix, start = found[1], int(found[2])
    if any(name != f"{prefix}{start + index}" for index, name in enumerate(names)):
        return None
    return f'f"{prefix}{{i + {start}}}"' if start else f'f"{prefix}{{i}}"'


def loop_of(items: Sequence[Any]) -> tuple[str, str] | None:
    """All items as one text in `i` and the clause of its loop; None where they do not follow from their number."""
    if len(items) < 3:
        return None
    made = progression(list(items))
    if made is None:
        return None
    text = rendered(made)
    variable = "i" if re.search(r"\bi\b", text) else "_"
    return text, f"{variable} in range({len(items)})"


def runs_of(items: Sequence[Any]) -> Iterator[str]:
    """The items one by one, three or more that follow each other and are equal as one loop."""
    texts = [rendered(item) for item in items]
    start = 0
    while start < len(texts):
        end = start
        while end < len(texts) and texts[end] == texts[start]:
            end += 1
        if end - start > 2:
            yield f"*[{texts[start]} for _ in range({end - start})]"
        else:
            yield from texts[start:end]
        start = end


def progression(items: list[Any]) -> Any:
    """One expression in `i` for items that are equal but for integers that grow evenly; None where it cannot be."""
    first = items[0]
    if any(type(item) is not type(first) for item in items):
        return None
    if isinstance(first, Call):
        if any(item.function != first.function or [*item.arguments] != [*first.arguments] for item in items):
            return None
        parts = {name: progression([item.arguments[name] for item in items]) for name in first.arguments}
        if any(part is None and first.arguments[name] is not None for name, part in parts.items()):
            return None
        return Call(first.function, parts, first.defaults, first.ordered)
    if isinstance(first, Chain):
        if any(item.names != first.names for item in items):
            return None
        inner = [progression(list(group)) for group in zip(*(item.items for item in items), strict=True)]
        return None if None in inner else Chain(first.names, tuple(inner))
    if all(same(item, first) if not isinstance(first, Formula) else item == first for item in items):
        return first
    if not isinstance(first, int) or isinstance(first, bool):
        return None
    growth = items[1] - first
    if any(item != first + growth * index for index, item in enumerate(items)):
        return None
    step = "i" if growth == 1 else f"{growth} * i"
    return Formula(f"{first} + {step}" if first else step)
