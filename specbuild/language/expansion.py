"""From the layers as written to a plain tree of named layers: variables put in, scopes opened, names given.

Plain tree in, plain tree out: no catalogue entry is made here, and every item still knows its path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from specbuild.catalogue.entry import Entry
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language import names
from specbuild.language.expressions import ExpressionError, substitute, variables_in
from specbuild.language.parsing import FAILED, Failed, shown, unknown_type, untyped

SCOPE = "Sequential"


class Item(NamedTuple):
    """A layer that has its name, with its arguments as plain values."""

    name: str
    type: str
    arguments: dict[str, Any]
    children: tuple[Item, ...]
    path: Path


def put_in(value: Any, variables: Mapping[str, Any], path: Path, problems: list[Diagnostic]) -> Any:
    """`value` with every `${...}` in it evaluated; what fails is reported once and becomes `FAILED`.

    A `type` is taken as it stands: which class a document means never depends on a value.
    """
    if isinstance(value, str):
        if "${" not in value:
            return value
        try:
            return substitute(value, variables)
        except ExpressionError as error:
            if any(isinstance(variables.get(name), Failed) for name in variables_in(value)):
                return FAILED
            problems.append(Diagnostic(error.code, error.message, path, fix=error.fix))
            return FAILED
    if isinstance(value, list):
        return [put_in(item, variables, (*path, index), problems) for index, item in enumerate(value)]
    if isinstance(value, dict):
        return {
            key: item if key == "type" else put_in(item, variables, (*path, key), problems)
            for key, item in value.items()
        }
    return value


def expand(
    raw: Any,
    variables: Mapping[str, Any],
    path: Path,
    table: Mapping[str, type[Entry]],
    problems: list[Diagnostic],
) -> tuple[Item, ...]:
    """The layers of one scope, in order; what is wrong with their form is reported and left out."""
    if not isinstance(raw, list):
        fix = "begin each layer with `- `: - {name: conv1, type: Conv2d, ...}" if isinstance(raw, dict) else None
        problems.append(Diagnostic("SB203", f"`layers` must be a list of layers; got {shown(raw)}", path, fix=fix))
        return ()
    if not raw:
        problems.append(Diagnostic("SB203", "`layers` is empty: a scope has at least one layer", path))
    items: list[Item] = []
    counts: dict[str, int] = {}
    taken: dict[str, int] = {}
    for index, element in enumerate(raw):
        place = (*path, index)
        written = {"type": element} if isinstance(element, str) else element
        if isinstance(written, dict):  # what a scope holds is expanded with the scope
            written = {
                key: value if key in ("layers", "type") else put_in(value, variables, (*place, key), problems)
                for key, value in written.items()
            }
        else:
            problems.append(
                Diagnostic("SB203", f"a layer is a type name or a mapping with `type`; got {shown(element)}", place)
            )
            continue
        if "type" not in written:
            problems.append(untyped(written, place, "layer", {**table, SCOPE: None}))
            continue
        kind = written.pop("type")
        at_type = place if isinstance(element, str) else (*place, "type")
        if not isinstance(kind, str):
            problems.append(Diagnostic("SB203", f"`type` must be a name; got {shown(kind)}", at_type))
            continue
        counts[kind] = counts.get(kind, 0) + 1
        own = own_name(written, place, problems) if "name" in written else ""
        name = own or names.automatic(kind, counts[kind])
        if own is None:
            pass  # reported
        elif name in taken:
            first = f"layers[{taken[name]}]"
            problems.append(
                Diagnostic(
                    "SB206",
                    f"the name `{name}` is already that of {first}",
                    (*place, "name"),
                    fix="give one of them another name",
                )
            )
        else:
            taken[name] = index
        children: tuple[Item, ...] = ()
        if kind == SCOPE:
            children = scope(written, place, variables, table, problems)
        elif kind not in table:
            problems.append(unknown_type(kind, at_type, {**table, SCOPE: None}, "layer"))
            continue
        items.append(Item(name, kind, written, children, place))
    return tuple(items)


def own_name(written: dict[str, Any], place: Path, problems: list[Diagnostic]) -> str | None:
    """The layer's name, taken out of its arguments; None where it was reported, empty where it is null."""
    name = written.pop("name")
    if name is None:
        return ""
    if isinstance(name, Failed):
        return None
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)
    if not isinstance(name, str):
        problems.append(Diagnostic("SB205", f"a name is a string; got {shown(name)}", (*place, "name")))
        return None
    fault = names.fault(name)
    if fault is not None:
        message = f"a layer cannot be called {shown(name)}: {fault}"
        problems.append(Diagnostic("SB205", message, (*place, "name"), fix=names.repaired(name)))
        return None
    return name


def scope(
    written: dict[str, Any],
    place: Path,
    variables: Mapping[str, Any],
    table: Mapping[str, type[Entry]],
    problems: list[Diagnostic],
) -> tuple[Item, ...]:
    """The children of a nested Sequential."""
    for key in written:
        if key != "layers":
            problems.append(
                Diagnostic(
                    "SB201",
                    f"unknown key `{key}`",
                    (*place, key),
                    "key",
                    fix="a Sequential takes name and layers",
                )
            )
    if "layers" not in written:
        problems.append(Diagnostic("SB202", "`layers` is missing: a Sequential holds a list of layers", place))
        return ()
    return expand(written["layers"], variables, (*place, "layers"), table, problems)
