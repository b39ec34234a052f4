"""What is said of sizes that are left open where no size shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.sizes.conditions import Condition
from specbuild.catalogue.sizes.expressions import Size
from specbuild.catalogue.sizes.promises import Promise, in_words
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.document import Node
from specbuild.network.inference import Value, trail_text


def of_open_size(node: Node, layer: Layer, name: str, left: Mapping[str, Any], inputs: Sequence[Value]) -> Diagnostic:
    """SB312 for a parameter, or an argument, whose size would depend on a symbol."""
    what, size = next(iter(left.items()))
    written = f"[{', '.join(map(str, size))}]" if isinstance(size, tuple) else str(size)
    symbols = sorted({name for part in (size if isinstance(size, tuple) else (size,)) if isinstance(part, Size)
                      for name in part.symbols()})  # fmt: skip
    pool = next(
        (axes for axes in (3, 2, 1) if any(len(value.type.shape) == axes + 1 for value in before(inputs))), None
    )
    mend = f"AdaptiveAvgPool{pool}d before it, or " if pool else ""
    return Diagnostic(
        "SB312", f"the size of `{what}` would depend on {in_words(symbols)}: {written}", node.path, instance=name,
        because="; ".join(dict.fromkeys(trail_text(value) for value in inputs)) or None,
        fix=f"{mend}numbers in place of {in_words(symbols)}",
    )  # fmt: skip


def before(inputs: Sequence[Value]) -> Iterator[Value]:
    """The values on the way to some, the nearest first."""
    for value in inputs:
        step: Value | None = value
        while step is not None:
            yield step
            step = step.before


def too_long(node: Node, layer: Layer, name: str, inputs: Sequence[Value]) -> Diagnostic:
    """SB313 for a size that is no longer one that a person reads."""
    sizes: list[Any] = [size for value in inputs for size in value.type.shape]
    symbols = in_words(sorted({name for size in sizes if isinstance(size, Size) for name in size.symbols()}))
    return Diagnostic(
        "SB313", f"a size of {layer.type} would be too long a formula to be told for every {symbols}", node.path,
        instance=name, fix=f"numbers in place of {symbols}",
    )  # fmt: skip


def too_much(path: Path, name: str, promises: Mapping[str, Promise]) -> Diagnostic:
    """SB313 for a document whose layers ask more of open sizes than is computed for one."""
    return Diagnostic(
        "SB313", f"undecided from here on: the layers ask more of {in_words(promises)} than is computed for a document",
        path, instance=name, fix=f"numbers in place of {in_words(promises)}",
    )  # fmt: skip


def undecided(condition: Condition, path: Path, name: str, promises: Mapping[str, Promise]) -> Diagnostic:
    """SB313 for a question without an answer for every size."""
    names = sorted(condition.symbols())
    closer_ones = {name: promises[name]._replace(most=closer(promises[name], len(names))) for name in names}
    bounds = ", ".join(f"{name}: {promise}" for name, promise in closer_ones.items())
    return Diagnostic(
        "SB313", f"undecided for all {in_words(names)}: {condition}", path, instance=name,
        because="it has no period, or too long a one, to be proven by looking at finitely many sizes",
        fix=f"bound {in_words(names)} in `dims`: {{{bounds}}}",
    )  # fmt: skip


def closer(promise: Promise, symbols: int) -> int:
    """A largest size that leaves few enough to look at each."""
    each = {1: 50_000, 2: 256}.get(symbols, 32)
    most = max(promise.multiple_of * each, promise.first)
    return min(most, promise.most or most)
