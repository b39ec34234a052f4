"""The methods of a plug-in's class, held to their contracts: what they raise or return wrong is a `Violation`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from specbuild.catalogue.datasets import Dataset
from specbuild.catalogue.entry import Entry
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.losses import Loss
from specbuild.catalogue.rules import Outcome, Storage, Violation
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.transforms import Transform
from specbuild.catalogue.types import ITEM_BYTES, TensorType

OWN = "specbuild."
"""Modules whose exceptions and methods are no plug-in's."""


class PluginFailure(Violation):
    """SB315: a method of a plug-in that fails, or gives what it should not."""

    def __init__(self, entry: Entry, method: str, fact: str, fix: str | None = None) -> None:
        super().__init__("SB315", f"`{method}` of {entry.type} ({entry.__class__.__module__}) {fact}", fix=fix)
        self.entry = entry


def guard(cls: type[Entry]) -> None:
    """Hold the methods that a class brings itself; those of the catalogue stay as they are."""
    kind = next(base for base in HELD if issubclass(cls, base))
    for method, holds in HELD[kind].items():
        function = getattr(cls, method)
        if not function.__module__.startswith(OWN) and not hasattr(function, "guarded"):
            setattr(cls, method, guarded(function, method, holds))


def guarded(function: Callable[..., Any], method: str, holds: Callable[[Any, str, Any], None]) -> Callable[..., Any]:
    """A method that raises a `Violation` in place of anything else."""

    @functools.wraps(function)
    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            given = function(self, *args, **kwargs)
        except Exception as error:  # whatever somebody's class raises
            passes = OSError if method == "open" else MemoryError  # told where data sets are opened
            if isinstance(error, (MemoryError, passes)) or type(error).__module__.startswith(OWN):
                raise
            raise PluginFailure(self, method, raised(error)) from error
        holds(self, method, given)
        return given

    called.guarded = True  # type: ignore[attr-defined]
    return called


def raised(error: BaseException) -> str:
    """`raised ZeroDivisionError: division by zero`."""
    first = (str(error).splitlines() or [""])[0]
    return f"raised {type(error).__name__}" + (f": {first}" if first else "")


def named(value: Any) -> str:
    """What a value is, in a message: its class, or None."""
    if value is None:
        return "None"
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


def wrong(entry: Entry, method: str, what: str, value: Any, wanted: str) -> NoReturn:
    """Raise what says that something is another kind of thing."""
    raise PluginFailure(entry, method, f"gives {what}{named(value)}, not {wanted}")


def holds_outcome(layer: Layer, method: str, given: Any) -> None:
    """An `Outcome` in all its parts."""
    if not isinstance(given, Outcome):
        wrong(layer, method, "", given, "an Outcome")
    holds_type(layer, method, "the output ", given.output)
    for what, kind in (("arguments", object), ("parameters", Storage), ("buffers", Storage), ("results", TensorType)):
        values = getattr(given, what)
        if not isinstance(values, Mapping):
            wrong(layer, method, f"{what} ", values, "a mapping")
        for name, value in values.items():
            if not isinstance(value, kind):
                wrong(layer, method, f"{what[:-1]} `{name}` as ", value, f"a {kind.__name__}")
            if isinstance(value, TensorType):
                holds_type(layer, method, f"the result `{name}` ", value)
            elif isinstance(value, Storage):
                holds_shape(layer, method, f"{what[:-1]} `{name}` ", value.shape, value.dtype)
    for name in given.arguments:
        if name not in layer.__class__.model_fields:
            raise PluginFailure(layer, method, f"settles the argument `{name}`, which is no field of the class")
    for what in ("macs", "saved"):
        if not is_size(getattr(given, what)):
            wrong(layer, method, f"{what} as ", getattr(given, what), "an int")
    layer.model_copy(update=dict(given.arguments)).keeps()  # which is asked for where nothing can be reported


def holds_type(entry: Entry, method: str, what: str, given: Any) -> None:
    """A `TensorType` of positive sizes, with a dtype that layers take."""
    if not isinstance(given, TensorType):
        wrong(entry, method, what + "as ", given, "a TensorType")
    holds_shape(entry, method, what, given.shape, given.dtype)


def holds_shape(entry: Entry, method: str, what: str, shape: Any, dtype: Any) -> None:
    """A tuple of sizes, and a known dtype."""
    if not isinstance(shape, tuple):
        wrong(entry, method, f"{what}with a shape that is ", shape, "a tuple")
    size = next((size for size in shape if not is_size(size)), None)
    if size is not None:
        wrong(entry, method, f"{what}with a size that is ", size, "an int")
    if any(isinstance(size, int) and size < 0 for size in shape):
        raise PluginFailure(entry, method, f"gives {what}with the shape {list(shape)}")
    if dtype not in ITEM_BYTES:
        raise PluginFailure(entry, method, f"gives {what}with the dtype {dtype!r}: {', '.join(ITEM_BYTES)} are known")


def is_size(value: Any) -> bool:
    """Whether a value is a number of something, also one that the document leaves open."""
    return (isinstance(value, int) and not isinstance(value, bool)) or type(value).__module__.startswith(OWN)


def holds_keeps(layer: Layer, method: str, given: Any) -> None:
    """Names of what there is."""
    if not isinstance(given, (tuple, list)) or not all(isinstance(name, str) for name in given):
        wrong(layer, method, "", given, "a tuple of names")


def holds_module(entry: Entry, method: str, given: Any) -> None:
    """A torch module; torch is loaded where one is built."""
    from sys import modules

    torch = modules.get("torch")
    if torch is not None and not isinstance(given, torch.nn.Module):
        wrong(entry, method, "", given, "a torch module")


def holds_sample(dataset: Dataset, method: str, given: Any) -> None:
    """None, or the type of each field."""
    if given is None:
        return
    if not isinstance(given, Mapping):
        wrong(dataset, method, "", given, "a mapping of fields to SampleType")
    for name, value in given.items():
        holds_field(dataset, method, value, f"the field `{name}` as ")


def holds_field(entry: Entry, method: str, given: Any, what: str = "") -> None:
    """A `SampleType` whose shape, where it is known, is a tuple."""
    if not isinstance(given, SampleType):
        wrong(entry, method, what, given, "a SampleType")
    if given.shape is not None and not isinstance(given.shape, tuple):
        wrong(entry, method, f"{what}a SampleType with a shape that is ", given.shape, "a tuple")


def holds_length(dataset: Dataset, method: str, given: Any) -> None:
    """None, or a number from 0 on."""
    if given is not None and not (isinstance(given, int) and not isinstance(given, bool)):
        wrong(dataset, method, "", given, "an int, or None")
    if given is not None and given < 0:
        raise PluginFailure(dataset, method, f"gives {given}, which is no number of samples")


def holds_opened(dataset: Dataset, method: str, given: Any) -> None:
    """Something that has a length and items."""
    if not hasattr(given, "__getitem__") or not hasattr(given, "__len__"):
        wrong(dataset, method, "", given, "a torch Dataset, with `__getitem__` and `__len__`")


def holds_anything(entry: Entry, method: str, given: Any) -> None:
    """What it gives is held elsewhere, or to nothing."""


HELD: Mapping[type[Entry], Mapping[str, Callable[[Any, str, Any], None]]] = {
    Layer: {"check": holds_anything, "infer": holds_outcome, "keeps": holds_keeps, "passes": holds_anything,
            "build": holds_module},
    Loss: {"check": holds_anything, "compare": holds_anything, "build": holds_module},
    Dataset: {"check": holds_anything, "sample": holds_sample, "length": holds_length, "open": holds_opened},
    Transform: {"check": holds_anything, "apply": holds_field, "run": holds_anything},
}  # fmt: skip
"""The methods of each kind, with what looks at the results."""
