"""What an entry does not take, told: one mistake a field, in the words of the document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from specbuild.catalogue.entry import Entry, Section
from specbuild.catalogue.fields import MISSING, Fault, taker
from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Path
from specbuild.diagnostics.suggest import is_clear, nearest, renaming, synonym
from specbuild.language.budgets import MOST_TOLD
from specbuild.language.parsing import expected, shown
from specbuild.language.scalars import resolve


def explain(
    cls: type[Entry], faults: Sequence[Fault], raw: Mapping[str, Any], path: Path, failed: set[str]
) -> list[Diagnostic]:
    """One diagnostic a field; a misspelt argument is not missing besides."""
    missing = [fault.field for fault in faults if fault.kind == "missing" and fault.field not in failed]
    found: list[Diagnostic] = []
    for fault in faults[: MOST_TOLD + 1]:
        if fault.kind == "unknown":
            diagnostic, meant = unknown_key(cls, fault.field, raw, path, missing)
            found.append(diagnostic)
            if meant in missing:
                missing.remove(meant)  # one misspelt key is one error
        elif fault.kind == "wrong":
            found.append(wrong_value(cls, fault, raw, path))
    for name in missing:
        field = cls.model_fields[name]
        message = f"`{name}` is missing: {expected(field.annotation, field.metadata)}"
        found.append(Diagnostic("SB202", message, path, fix=addition(cls, name, raw)))
    return found


def addition(cls: type[Entry], name: str, raw: Mapping[str, Any]) -> str | None:
    """How a missing argument is written."""
    if name not in EXAMPLES:
        return None
    if raw or issubclass(cls, Section):
        return f"add `{EXAMPLES[name]}`"
    return f"{{type: {cls.short or cls.__name__}, {EXAMPLES[name]}}}"


MANY = 7
"""How many fields of a section are listed."""
EXAMPLES = {
    "root": "root: data", "path": "path: data/arrays.npz", "fields": "fields: {input: x_train, target: y_train}",
    "encoder_layer": "encoder_layer: {type: TransformerEncoderLayer, nhead: 8}",
    "decoder_layer": "decoder_layer: {type: TransformerDecoderLayer, nhead: 8}",
    "dataset": "dataset: Digits", "metric": "metric: val_loss", "train": "train: {dataset: Digits}",
}  # fmt: skip
"""Arguments that must be written and whose type alone tells little."""


def no_mapping(cls: type[Entry], raw: Any, path: Path) -> Diagnostic:
    """SB203 for something else where the fields of a section belong."""
    required = [name for name, info in cls.model_fields.items() if info.is_required()]
    fix = None
    if isinstance(raw, str) and len(required) == 1 and required[0] not in cls.children:
        fix = f"{path[-1]}: {{{required[0]}: {raw}}}"
    fields = [*cls.model_fields]
    known = ", ".join(fields if len(fields) <= MANY else [*fields[:MANY], "..."])
    return Diagnostic("SB203", f"`{path[-1]}` must be a mapping of {known}; got {shown(raw)}", path, fix=fix)


def unknown_key(
    cls: type[Entry], name: str, raw: Mapping[str, Any], path: Path, missing: Sequence[str]
) -> tuple[Diagnostic, str | None]:
    """SB207 for an argument that is refused on purpose, SB201 for one that does not exist, with the one it may be."""
    bases = [base for base in cls.__mro__ if issubclass(base, Entry)]
    reason = next((base.refused[name] for base in bases if name in base.refused), None)
    if reason is not None:
        fix = f"leave `{name}` out"
        absent = reason.startswith("only ")
        fact = (
            f"{cls.short or cls.__name__} has no `{name}`: {reason}"
            if absent
            else f"`{name}` is not for a spec: {reason}"
        )
        return Diagnostic("SB207", fact, (*path, name), "key", fix=fix), None
    if name in cls.beside:
        fix = f"leave `{name}` out: `{path[-1]}` is an argument, and stands in no scope"
        return Diagnostic("SB201", f"unknown key `{name}`", (*path, name), "key", fix=fix), None
    free = [field for field in (*cls.model_fields, *cls.beside) if field not in raw]
    meant = synonym(name, free) or nearest(name, missing) or nearest(name, free)
    if meant is None and issubclass(cls, Section):
        meant = next((field for field in free if name.startswith(field)), None)  # validation
    if meant is None:
        section = next((part for part in reversed(path) if isinstance(part, str)), "")
        owner = f"`{section}`" if issubclass(cls, Section) else cls.short or cls.__name__
        fields = ", ".join(cls.model_fields)
        fix = f"{owner} takes {fields}" if fields else f"{owner} takes no arguments"
        for key, child in cls.children.items():
            if isinstance(child, type) and name in child.model_fields:
                fix = f"it belongs in `{key}`: {key}: {{{name}: {shown(raw[name])}}}"
        return Diagnostic("SB201", f"unknown key `{name}`", (*path, name), "key", fix=fix), None
    edit = renaming((*path, name), name, meant, missing if meant in missing else free, "key")
    fix = f"did you mean `{meant}`?"
    return Diagnostic("SB201", f"unknown key `{name}`", (*path, name), "key", fix=fix, edit=edit), meant


def wrong_value(cls: type[Entry], fault: Fault, raw: Mapping[str, Any], path: Path) -> Diagnostic:
    """SB203: what the field takes, and what it got."""
    name = fault.field
    info = cls.model_fields[name]
    value = raw[name]
    place: Path = (*path, name) if fault.item is None else (*path, name, fault.item)
    numbers = [number for number in (value if isinstance(value, list) else [value]) if isinstance(number, int)]
    wanted = expected(info.annotation, info.metadata, exact=any(abs(number) > 2**14 for number in numbers))
    message = f"`{name}` must be {wanted}; got {shown(value)}"
    for meant in meant_by(value, wanted):
        if takes(cls, name, meant):
            words = meant if isinstance(meant, str) else shown(meant)
            if isinstance(value, str) and plain_number(value):
                words = f"{value}, without quotes"
            fix = f"{name}: {words}"
            return Diagnostic("SB203", message, place, fix=fix, edit=Edit((*path, name), meant))
    return Diagnostic("SB203", message, place, fix=unclear(name, value, wanted))


def meant_by(value: Any, wanted: str) -> Iterator[Any]:
    """What a value of the wrong type is beyond doubt: a quoted number, YAML 1.1's booleans, a word in other case."""
    if isinstance(value, str):
        if plain_number(value):
            with suppress(ValueError):
                yield resolve(value)
        if value.lower() in BOOLEAN_WORDS:
            yield BOOLEAN_WORDS[value.lower()] == "true"
        choices = CHOICE.findall(wanted)
        if value.lower() in choices:
            yield value.lower()
        meant = nearest(value, choices)
        if meant is not None and is_clear(value, meant, choices):
            yield meant
    elif isinstance(value, float) and value.is_integer() and 0 < value < 2**31:
        yield int(value)  # as JSON of other languages has it


def unclear(name: str, value: Any, wanted: str) -> str | None:
    """A word that was perhaps meant."""
    meant = nearest(value, CHOICE.findall(wanted)) if isinstance(value, str) else None
    return f"did you mean `{name}: {meant}`?" if meant else None


def takes(cls: type[Entry], name: str, value: Any) -> bool:
    """Whether a field takes a value."""
    return taker(cls.model_fields[name].annotated)(value) is not MISSING


CHOICE = re.compile(r'"(\w+)"')
BOOLEAN_WORDS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false",
                 "true": "true", "false": "false"}  # fmt: skip


def plain_number(text: str) -> bool:
    """Whether the text is a number that was quoted."""
    try:
        float(text)
    except ValueError:
        return False
    return text.lower() not in ("nan", "inf", "-inf", "+inf", "infinity", "-infinity")
