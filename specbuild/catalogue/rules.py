"""The words that shape rules are written in.

A rule is pure: types in, an `Outcome` out, or a `Violation` raised. It says what clashes; the walk
over the network (`specbuild.network.inference`) adds which layer, which line and what led there.
Rules never branch on a dimension: they `require`, `choose` and take the `minimum`, so that sizes which a document
leaves open (`input: [3, H, W]`) flow through them; what is required of such a size is noted, and decided by the walk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import prod
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from specbuild.catalogue.types import ITEM_BYTES, Dim, Shape, TensorType


class Violation(Exception):  # noqa: N818  a fact about a layer, not an error until the walk places it
    """What clashes, in the values that clash.

    code: its entry in the table of codes. message: the bare fact. field: the argument at fault,
    if one is, or the way to it inside others. fix: the mend in words. value: what that argument
    should be, where that is certain.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: str | tuple[str | int, ...] | None = None,
        fix: str | None = None,
        value: Any = None,
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.field, self.fix, self.value = code, message, field, fix, value


class Storage(NamedTuple):
    """A parameter or a buffer as a module holds it; no batch axis."""

    shape: Shape
    dtype: str = "float32"
    persistent: bool = True
    """Whether the `state_dict` holds it; a constant that the arguments give is not there."""

    @property
    def size(self) -> Dim:
        """The number of elements."""
        return prod(self.shape)

    @property
    def bytes(self) -> Dim:
        """The number of bytes."""
        return self.size * ITEM_BYTES[self.dtype]


NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule finds out about one layer on one input."""

    output: TensorType
    arguments: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """The arguments that the document left out and the input settles, such as `in_channels`."""
    parameters: Mapping[str, Storage] = field(default_factory=lambda: NOTHING)
    """In the order and under the names of the module's `named_parameters`."""
    buffers: Mapping[str, Storage] = field(default_factory=lambda: NOTHING)
    """In the order and under the names of the module's `named_buffers`."""
    results: Mapping[str, TensorType] = field(default_factory=dict)
    """The second results, which are there when something names them."""
    macs: Dim = 0
    """Multiply-accumulates for one sample."""
    saved: Dim = 0
    """Bytes for one sample that backward needs beside what `Layer.keeps` names: a mask, indices, statistics."""
    saved_for: Mapping[str, Dim] = field(default_factory=lambda: NOTHING)
    """The same, beside `saved`, where a second result is named."""


def require(condition: bool, violation: Callable[[], Violation]) -> None:
    """Raise what `violation` makes unless `condition` holds."""
    if condition is not True and not (open_to(condition) and noted(condition)) and not condition:
        raise violation()


def choose(condition: bool, then: Dim, otherwise: Dim) -> Dim:
    """One of two sizes, by a condition on sizes."""
    if open_to(condition):
        from specbuild.catalogue.sizes.choices import chosen

        return cast("Dim", chosen(cast("Any", condition), then, otherwise))
    return then if condition else otherwise


def minimum(a: Dim, b: Dim) -> Dim:
    """The smaller of two sizes."""
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b)
    from specbuild.catalogue.sizes.choices import least_of

    return cast("Dim", least_of(a, b))


def maximum(a: Dim, b: Dim) -> Dim:
    """The larger of two sizes."""
    return max(a, b) if isinstance(a, int) and isinstance(b, int) else a + b - minimum(a, b)


def scaled(size: Dim, factor: float) -> Dim:
    """`⌊size · factor⌋` as floating point has it."""
    if isinstance(size, int):
        return int(size * factor)
    from specbuild.catalogue.sizes.choices import scaled as scaled_size

    return cast("Dim", scaled_size(size, factor))


def alike(a: Iterable[Dim], b: Iterable[Dim]) -> bool:
    """Whether two shapes are equal."""
    one, two = tuple(a), tuple(b)
    if len(one) != len(two):
        return False
    equal = True
    for x, y in zip(one, two, strict=True):
        equal = equal & (x == y)
    return equal


def fixed(name: str, size: Dim) -> None:
    """Require a number of a size by which a layer chooses what its weights are, and refuse one that is left open."""
    if not isinstance(size, int):
        raise Violation(
            "SB312", f"`{name}` is a size of the weights, and would be open: {size}", fix=f"a number in place of {size}"
        )


def open_to(condition: object) -> bool:
    """Whether a condition is about sizes that a document leaves open, and holds at some of them at most."""
    return condition is not True and condition is not False and hasattr(condition, "symbols")


NOTES: ContextVar[list[Any] | None] = ContextVar("NOTES", default=None)
"""The conditions that the rules of one walk required of sizes which its document leaves open."""


def limited(condition: bool) -> bool:
    """A condition that every size without an end would break, and that is a bound on machines, not on networks."""
    if open_to(condition):
        from specbuild.catalogue.sizes.conditions import Limit

        return cast("bool", Limit(cast("Any", condition)))
    return condition


def noted(condition: object) -> bool:
    """Note a condition for the walk, which decides it when it has them all."""
    notes = NOTES.get()
    if notes is not None:
        notes.append(condition)
    return notes is not None


def inferred(name: str, written: Dim | None, actual: Dim, what: str) -> dict[str, Dim]:
    """`{name: actual}`, after holding what the document wrote, if anything, against it.

    what: the actual size in words, such as "the input has 4 channels".
    """
    if written is not None:
        require(
            written == actual,
            lambda: Violation(
                "SB301",
                f"{name} is {written}, but {what}",
                field=name,
                fix=f"{name}: {actual}, or leave it out",
                value=actual,
            ),
        )
    return {name: actual}
