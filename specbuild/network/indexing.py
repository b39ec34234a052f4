"""Integers against what they are looked up in: the vectors of an Embedding, the output of an unpooling."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from math import prod
from typing import Any, NamedTuple

from specbuild.catalogue.rules import Violation
from specbuild.catalogue.windows import each
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.items import Reference
from specbuild.language.parsing import of_violation
from specbuild.network.plan import Plan, Scope, Step

EMBEDDINGS = frozenset({"Embedding", "EmbeddingBag"})
UNPOOLINGS = frozenset({"MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"})
LOOKUPS = EMBEDDINGS | UNPOOLINGS
"""The layers that fail on an integer which is too large."""
KEEPS_ALL = frozenset({"Flatten", "Unflatten", "Identity", "Reshape", "Permute", "Transpose", "Squeeze", "Unsqueeze"})
"""The layers whose output has the values of the input, and all of them."""


class Origin(NamedTuple):
    """What made some integers: a layer, or an input of the network by its name."""

    maker: Step | str
    result: str | None = None


Looked = tuple[Step, str, Origin]
"""A layer that looks something up, one of its inputs by name, and where that came from."""


class Table(NamedTuple):
    """The vectors that the integers of a field choose from."""

    field: str
    vectors: int
    layer: str

    def misfit(self, split: str, low: int, high: int, path: Path) -> Diagnostic | None:
        """SB404 for integers of a split that have no vector."""
        if low >= 0 and high < self.vectors:
            return None
        return Diagnostic(
            "SB404",
            f"{self.layer} has vectors for the integers from 0 to {self.vectors - 1}, "
            f"but `{self.field}` of {split} goes from {low} to {high}",
            path, fix="integers from 0 on" if low < 0 else f"num_embeddings: {high + 1}",
        )  # fmt: skip


def lookups(plan: Plan) -> Iterator[Looked]:
    """Each input of each layer that looks something up."""

    def find(reference: Reference, values: Sequence[Origin], inputs: Sequence[Origin]) -> Origin:
        position = reference.position
        value = values[position] if position >= 0 else inputs[-1 - position]
        return value if reference.result is None else Origin(value.maker, reference.result)

    def walk(scope: Scope, inputs: Sequence[Origin]) -> Generator[Looked, None, list[Origin]]:
        values: list[Origin] = []
        for step in scope.steps:
            taken = [find(source, values, inputs) for source in step.sources]
            if step.scope is not None:
                inner = yield from walk(step.scope, taken)
                (end,) = step.scope.outputs.values()
                values.append(find(end, inner, taken))
                continue
            if step.type in LOOKUPS and step.layer is not None:
                for index, (source, origin) in enumerate(zip(step.sources, taken, strict=True)):
                    yield step, source.keyword or (step.layer.takes or ())[index], origin
            values.append(taken[0] if step.type in KEEPS_ALL else Origin(step))
        return values

    yield from walk(plan.scope, [Origin(name) for name in plan.inputs])


def tables(plan: Plan) -> Iterator[Table]:
    """The Embeddings that a field of the samples goes into, as it is or in another shape."""
    for step, name, origin in lookups(plan):
        if step.type in EMBEDDINGS and name == "input" and isinstance(origin.maker, str):
            yield Table(origin.maker, getattr(step.layer, "num_embeddings", 0), step.name)


def out_of_range(plan: Plan, holds: Callable[[bool, Step], bool]) -> Iterator[Diagnostic]:
    """Each layer that is given larger integers by another one; holds: whether a condition on sizes does."""
    told: set[Path] = set()
    for step, name, (maker, result) in lookups(plan):
        if isinstance(maker, str) or step.path in told:
            continue
        violation = None
        if step.type in EMBEDDINGS and name == "input" and maker.type == "Positions":
            violation = positions(step, maker, holds)
        elif step.type in UNPOOLINGS and name == "indices" and result == "indices" and "MaxPool" in maker.type:
            violation = unpooled(step, maker)
        if violation is not None:
            told.add(step.path)
            yield replace(of_violation(violation, step.path), instance=step.name)


def positions(step: Step, maker: Step, holds: Callable[[bool, Step], bool]) -> Violation | None:
    """An Embedding of fewer vectors than there are positions."""
    count, (length,) = getattr(step.layer, "num_embeddings", 0), maker.output.shape
    if holds(length <= count, step):
        return None
    return Violation(
        "SB301", f"num_embeddings is {count}, but {maker.name} counts from 0 to {length - 1}",
        field="num_embeddings", fix=f"num_embeddings: {length}, or more",
    )  # fmt: skip


def unpooled(step: Step, maker: Step) -> Violation | None:
    """An unpooling to fewer places than the pooling counted; sizes that are left open are not judged."""
    sizes, places = maker.inputs[0].shape[1:], step.output.shape[1:]
    if not all(isinstance(size, int) for size in (*sizes, *places)):
        return None
    largest = 0
    for size, last in zip(sizes, last_seen(maker), strict=True):
        largest = largest * size + last
    if largest < prod(places):
        return None
    return Violation(
        "SB303",
        f"the indices go up to {largest}, of the {list(sizes)} that {maker.name} pooled, "
        f"but the output is {list(places)}",
        field="output_size" if getattr(step.layer, "output_size", None) is not None else None,
        fix=f"output_size: {list(sizes)}" if may_be(step, sizes)
        else f"kernel_size, stride and padding as {maker.name} has them",
    )  # fmt: skip


def last_seen(pooling: Step) -> list[int]:
    """The last place on each axis that a max pooling may take a value from."""
    layer: Any = pooling.layer
    sizes = pooling.inputs[0].shape[1:]
    if not hasattr(layer, "dilation"):  # the windows of the others end where the input does
        return [size - 1 for size in sizes]
    axes = len(sizes)
    kernel = each(layer.kernel_size, axes)
    stride = kernel if layer.stride is None else each(layer.stride, axes)
    padding, dilation = each(layer.padding, axes), each(layer.dilation, axes)
    return [
        min(sizes[i] - 1, (pooling.output.shape[1 + i] - 1) * stride[i] - padding[i] + (kernel[i] - 1) * dilation[i])
        for i in range(axes)
    ]


def may_be(step: Step, sizes: Sequence[int]) -> bool:
    """Whether an unpooling's rule takes an output size."""
    assert step.layer is not None
    if len(sizes) != len(step.output.shape) - 1:
        return False
    names = [source.keyword or (step.layer.takes or ())[index] for index, source in enumerate(step.sources)]
    try:
        step.layer.model_copy(update={"output_size": tuple(sizes)}).infer(**dict(zip(names, step.inputs, strict=True)))
    except Violation:
        return False
    return True
