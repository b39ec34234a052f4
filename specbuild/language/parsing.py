"""From plain values to catalogue entries, with every mistake explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar, cast

from specbuild.catalogue.entry import Entry, ListOf, OneOf
from specbuild.catalogue.fields import Misfit
from specbuild.catalogue.rules import Violation
from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Path
from specbuild.diagnostics.suggest import nearest, renaming, types_meant

E = TypeVar("E", bound=Entry)


PLUGGABLE = ("layer", "loss", "data set", "transform")
"""What plug-ins add, as messages call it."""


class Failed:
    """Stands for a value that was already reported, so that nothing is reported of it again."""


FAILED: Final = Failed()


def parse_entry(
    raw: Any, path: Path, table: Mapping[str, type[Entry]], what: str, problems: list[Diagnostic]
) -> Entry | None:
    """The entry that `{type: X, ...}`, or a bare `X`, names in `table`; None if it was reported.

    what: what the table's entries are called in a message, such as "loss".
    """
    if isinstance(raw, Failed):
        return None
    if isinstance(raw, str):
        cls = lookup(raw, path, table, what, problems)
        return None if cls is None else parse_fields(cls, {}, path, problems)
    if not isinstance(raw, dict):
        problems.append(
            Diagnostic("SB203", f"{indefinite(what)} is a type name or a mapping with `type`; got {shown(raw)}", path)
        )
        return None
    if "type" not in raw:
        problems.append(untyped(raw, path, what, table))
        return None
    name = raw["type"]
    if not isinstance(name, str):
        problems.append(Diagnostic("SB203", f"`type` must be a name; got {shown(name)}", (*path, "type")))
        return None
    cls = lookup(name, (*path, "type"), table, what, problems)
    if cls is None:
        return None
    return parse_fields(cls, {key: value for key, value in raw.items() if key != "type"}, path, problems)


def lookup(
    name: str, path: Path, table: Mapping[str, type[Entry]], what: str, problems: list[Diagnostic]
) -> type[Entry] | None:
    """The class called `name`, or a report with the nearest name."""
    cls = table.get(name)
    if cls is None:
        problems.append(unknown_type(name, path, table, what))
    return cls


def unknown_type(name: str, path: Path, known: Mapping[str, Any], what: str) -> Diagnostic:
    """SB204, with the nearest known type or all of a short list."""
    excluded: Mapping[str, str] = getattr(known, "excluded", {})
    if name in excluded:
        return Diagnostic("SB204", f"{name} is not for a spec: {excluded[name]}", path)
    message = f"there is no {what} called {shown(name)}"
    if "${" in name:
        return Diagnostic("SB204", message, path, fix="write the type out: `type` takes no expressions")
    if types := types_meant(name, known):
        either = " or ".join(filter(None, [", ".join(types[:-1]), types[-1]]))
        edit = renaming(path, name, types[0], (*known, *excluded)) if len(types) == 1 else None
        return Diagnostic("SB204", message, path, fix=f"did you mean {either}?", edit=edit)
    meant = nearest(name, (*known, *excluded))
    if meant is not None and meant in excluded:
        return Diagnostic("SB204", message, path, fix=f"{meant} is not for a spec: {excluded[meant]}")
    if meant is not None:
        edit = renaming(path, name, meant, (*known, *excluded))
        return Diagnostic("SB204", message, path, fix=f"did you mean {meant}?", edit=edit)
    fix = f"known: {', '.join(sorted(known))}" if len(known) <= 12 else None
    if fix is None and what in PLUGGABLE and name.isidentifier() and name[0].isupper():
        fix = f"a {what} of your own comes with `--plugin MODULE`"
    return Diagnostic("SB204", message, path, fix=fix)


def untyped(raw: Mapping[str, Any], path: Path, what: str, table: Mapping[str, Any]) -> Diagnostic:
    """`type` is missing; another key may be its misspelling, or the type itself may stand as a key."""
    for other in raw:
        if nearest(other, ["type"]) == "type":
            return Diagnostic(
                "SB201", f"unknown key `{other}`", (*path, other), "key",
                fix="did you mean `type`?", edit=renaming((*path, other), other, "type", (*table, *raw), "key"),
            )  # fmt: skip
    key = next((key for key in raw if key in table), None)
    message = f"`type` is missing: {indefinite(what)} says what it is by its `type`"
    return Diagnostic("SB202", message, path, fix=None if key is None else f"{{type: {key}, ...}}")


def indefinite(what: str) -> str:
    """`a loss`, `an optimizer`."""
    return f"{'an' if what[0] in 'aeiou' else 'a'} {what}"


def parse_fields(cls: type[E], raw: Any, path: Path, problems: list[Diagnostic]) -> E | None:
    """An instance of `cls` from its arguments, or None if something was reported."""
    if isinstance(raw, Failed):
        return None
    if not isinstance(raw, dict):
        from specbuild.language.retelling import no_mapping

        problems.append(no_mapping(cls, raw, path))
        return None
    given = raw
    failed: set[str] = set()
    if cls.children:
        given = dict(raw)
        for key in cls.children.keys() & given.keys():
            child = parse_child(cls.children[key], given[key], (*path, key), problems)
            if child is None and given[key] is not None:
                failed.add(key)
                del given[key]
            else:
                given[key] = child
    doomed = {key for key, value in given.items() if has_failed(value)}
    if doomed:
        failed |= doomed
        given = {key: value for key, value in given.items() if key not in doomed}
    try:
        entry = cls.model_validate(given)
    except Misfit as misfit:
        from specbuild.language.retelling import explain  # only a mistake pays for it

        problems.extend(explain(cls, misfit.faults, raw, path, failed))
        return None
    if failed:
        return None
    try:
        entry.check()
    except Violation as violation:
        problems.append(of_violation(violation, path))
        return None
    return entry


def of_violation(violation: Violation, path: Path) -> Diagnostic:
    """A fact about the entry at `path`, placed at the argument that it is about."""
    edit = None
    if violation.field is not None:
        path = (*path, violation.field) if isinstance(violation.field, str) else (*path, *violation.field)
        if isinstance(violation.value, (bool, int, float, str, list, tuple)):  # no size that is left open
            edit = Edit(path, violation.value)
    return Diagnostic(violation.code, violation.message, path, fix=violation.fix, edit=edit)


def parse_child(
    child: OneOf | ListOf | type[Entry], raw: Any, path: Path, problems: list[Diagnostic]
) -> Entry | tuple[Entry, ...] | None:
    """What a field that holds entries holds."""
    if raw is None:
        return None
    if isinstance(child, ListOf):
        return parse_sections(raw, path, child.section(), problems)
    if not isinstance(child, OneOf):
        return parse_fields(child, raw, path, problems)
    if not child.many:
        return parse_entry(raw, path, child.table, child.what, problems)
    return parse_entries(raw, path, child, problems)


def parse_entries(raw: Any, path: Path, child: OneOf, problems: list[Diagnostic]) -> tuple[Entry, ...] | None:
    """A list of entries."""
    if isinstance(raw, Failed):
        return None
    if not isinstance(raw, list):
        fix = f"{path[-1]}: [{raw}]" if isinstance(raw, str) else "put it in `[...]`" if isinstance(raw, dict) else None
        edit = Edit(path, [raw]) if isinstance(raw, str) and raw in child.table else None
        message = f"`{path[-1]}` must be a list of {child.what}s; got {shown(raw)}"
        problems.append(Diagnostic("SB203", message, path, fix=fix, edit=edit))
        return None
    entries = [parse_entry(item, (*path, index), child.table, child.what, problems) for index, item in enumerate(raw)]
    return None if None in entries else cast("tuple[Entry, ...]", tuple(entries))


def parse_sections(raw: Any, path: Path, cls: type[Entry], problems: list[Diagnostic]) -> tuple[Entry, ...] | None:
    """A list of sections."""
    if isinstance(raw, Failed):
        return None
    if not isinstance(raw, list):
        fix = "put it in `[...]`" if isinstance(raw, dict) else None
        problems.append(
            Diagnostic("SB203", f"`{path[-1]}` must be a list of mappings; got {shown(raw)}", path, fix=fix)
        )
        return None
    sections = [parse_fields(cls, item, (*path, index), problems) for index, item in enumerate(raw)]
    return None if None in sections else cast("tuple[Entry, ...]", tuple(sections))


def has_failed(value: Any) -> bool:
    """Whether a reported value stands somewhere in `value`."""
    if isinstance(value, Failed):
        return True
    if isinstance(value, list):
        return any(has_failed(item) for item in value)
    if isinstance(value, dict):
        return any(has_failed(item) for item in value.values())
    return False


def shown(value: Any) -> str:
    """A value as a message quotes it, abridged."""
    import json

    text = ""
    try:
        for part in json.JSONEncoder(ensure_ascii=False).iterencode(value):
            text += part[:61]
            if len(text) > 60:
                return text[:57] + "..."
    except (TypeError, ValueError, RecursionError):
        return type(value).__name__
    return text


def expected(annotation: Any, metadata: Sequence[Any] = (), *, exact: bool = False) -> str:
    """What a field takes, in words; from `specbuild.language.wording`."""
    from specbuild.language.wording import describe  # only a mistake pays for it

    return describe(annotation, metadata, exact=exact)
