"""Sizes that a document leaves open, `input: [3, H, W]`, and what `dims` promises of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from specbuild.catalogue.sizes.expressions import Size
from specbuild.catalogue.sizes.promises import Promise
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.diagnostics.suggest import nearest, renaming
from specbuild.errors import SpecError
from specbuild.language.ends import LARGEST
from specbuild.language.parsing import Failed, shown

if TYPE_CHECKING:
    from specbuild.language.document import Spec

KEYS = {"min": "least", "max": "most", "multiple_of": "multiple_of"}
EXAMPLE = "{min: 32, max: 512, multiple_of: 32}"


def opened(
    inputs: Mapping[str, TensorType], raw: Any, problems: list[Diagnostic]
) -> tuple[dict[str, TensorType], dict[str, Promise]]:
    """The inputs with symbols for the sizes that are names, and what is promised of each symbol."""
    names = {size: None for kind in inputs.values() for size in cast("tuple[int | str, ...]", kind.shape)
             if isinstance(size, str)}  # fmt: skip
    written = promises_of(raw, [*names], problems, known=bool(inputs))
    promises = {name: written.get(name, Promise()) for name in names}
    return {name: of_symbols(kind, promises) for name, kind in inputs.items()}, promises


def of_symbols(kind: TensorType, promises: Mapping[str, Promise]) -> TensorType:
    """A type with symbols for names."""
    sizes = cast("tuple[int | str, ...]", kind.shape)
    return kind.with_shape(tuple([
        cast("int", promises[size].symbol(size)) if isinstance(size, str) else size for size in sizes
    ]))  # fmt: skip


def promises_of(raw: Any, names: list[str], problems: list[Diagnostic], *, known: bool) -> dict[str, Promise]:
    """What is promised of each symbol; known: whether `names` are all that there are."""
    if raw is None or isinstance(raw, Failed):
        return {}
    path: Path = ("dims",)
    if not isinstance(raw, dict):
        message = f"`dims` must be a mapping of sizes of the input to what is promised of them; got {shown(raw)}"
        problems.append(Diagnostic("SB203", message, path, fix=f"dims: {{H: {EXAMPLE}}}"))
        return {}
    found: dict[str, Promise] = {}
    for name, written in raw.items():
        if name not in names and known:
            free = [each for each in names if each not in raw]
            meant = nearest(name, free)
            fix = f"did you mean `{meant}`?" if meant else f"the open sizes are {', '.join(names)}"
            problems.append(Diagnostic(
                "SB201", f"no input has a size `{name}`", (*path, name), "key",
                fix=fix if names else f"input: [3, {name}, {name}]",
                edit=renaming((*path, name), name, meant, free, "key"),
            ))  # fmt: skip
            continue
        promise = promise_of(name, written, (*path, name), problems)
        if promise is not None:
            found[name] = promise
    return found


def promise_of(name: str, raw: Any, path: Path, problems: list[Diagnostic]) -> Promise | None:
    """`{min: 32, max: 512, multiple_of: 32}`, or a number for the only size."""
    if raw is None:
        return Promise()
    if isinstance(raw, Failed):
        return None
    if not isinstance(raw, dict):
        message = f"`{name}` must be a mapping of min, max and multiple_of; got {shown(raw)}"
        fix = f"{name}: {{min: {raw}, max: {raw}}}" if is_size(raw) else f"{name}: {EXAMPLE}"
        problems.append(Diagnostic("SB203", message, path, fix=fix))
        return None
    before = len(problems)
    for key, value in raw.items():
        if key not in KEYS:
            free = [known for known in KEYS if known not in raw]
            meant = nearest(key, free)
            fix = f"did you mean `{meant}`?" if meant else f"`dims` takes {', '.join(KEYS)}"
            edit = renaming((*path, key), key, meant, free, "key")
            problems.append(Diagnostic("SB201", f"unknown key `{key}`", (*path, key), "key", fix=fix, edit=edit))
        elif not isinstance(value, Failed) and not is_size(value) and value is not None:
            message = f"`{key}` must be an integer from 1 to {LARGEST}; got {shown(value)}"
            problems.append(Diagnostic("SB203", message, (*path, key)))
    if len(problems) > before or any(isinstance(value, Failed) for value in raw.values()):
        return None
    promise = Promise(**{KEYS[key]: value for key, value in raw.items() if value is not None})
    if promise.total == 0:
        least = f"multiple of {promise.multiple_of}" if promise.multiple_of > 1 else "size"
        problems.append(Diagnostic(
            "SB203", f"`{name}` has no size: there is no {least} from {promise.least} to {promise.most}",
            (*path, "max"), fix=f"max: {promise.first}",
        ))  # fmt: skip
        return None
    return promise


def is_size(value: Any) -> bool:
    """Whether a value is a size that a document may write."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST


def settled(spec: Spec, sizes: Mapping[str, int]) -> dict[str, TensorType]:
    """The inputs at sizes; a symbol without one is at the smallest that is promised.

    Raises `SpecError` (SB314) for sizes that are not promised, and for names that no input has.
    """
    problems = [*misfits(spec.dims, sizes)]
    if problems:
        raise SpecError(spec.place(problems))
    whole = {name: sizes.get(name, promise.first) for name, promise in spec.dims.items()}
    return {name: at(kind, whole) for name, kind in spec.inputs.items()}


def at(kind: TensorType, sizes: Mapping[str, int]) -> TensorType:
    """A type of an input with numbers for its symbols."""
    return kind.with_shape(tuple([sizes[str(size)] if isinstance(size, Size) else size for size in kind.shape]))


def misfits(promises: Mapping[str, Promise], sizes: Mapping[str, int]) -> Iterator[Diagnostic]:
    """SB314 for sizes that are not promised, and for names that no input has."""
    for name, size in sizes.items():
        if name not in promises:
            meant = nearest(name, promises)
            open_names = f"the open sizes are {', '.join(promises)}" if promises else "its sizes are numbers"
            yield Diagnostic("SB314", f"no input has a size `{name}`", ("dims",),
                             fix=f"did you mean `{meant}`?" if meant else open_names)  # fmt: skip
        elif size not in promises[name]:
            promised = promises[name]
            said = f"dims: {{{name}: {promised}}}" if promised != Promise() else "a size is at least 1"
            near = nearest_size(promised, size)
            yield Diagnostic("SB314", f"{name} = {size} is not promised: {said}", ("dims", name), fix=f"{name}={near}")


def nearest_size(promise: Promise, size: int) -> int:
    """The promised size that is nearest."""
    below = size // promise.multiple_of * promise.multiple_of
    found = min((below, below + promise.multiple_of), key=lambda each: abs(each - size))
    found = max(found, promise.first)
    return found if promise.last is None else min(found, promise.last)


def dims_document(promises: Mapping[str, Promise]) -> dict[str, Any]:
    """`dims` with every promise that says something."""
    document = {}
    for name, promise in promises.items():
        written = {"min": promise.least, "max": promise.most, "multiple_of": promise.multiple_of}
        said = {key: value for key, value in written.items() if value is not None and (value > 1 or key == "max")}
        if said:
            document[name] = said
    return document
