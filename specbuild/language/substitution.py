"""`${...}` anywhere in a document: expressions evaluated where they stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Path
from specbuild.language.expressions import ExpressionError, substitute, variables_in
from specbuild.language.meter import spend
from specbuild.language.parsing import FAILED, Failed


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
            if not any(isinstance(variables.get(name), Failed) for name in variables_in(value)):
                edit = None if error.meant is None else Edit(path, renamed(value, str(error.unknown), error.meant))
                problems.append(Diagnostic(error.code, error.message, path, fix=error.fix, edit=edit))
            return FAILED
    if isinstance(value, list):
        spend(len(value) // 4)
        return [put_in(item, variables, (*path, index), problems) for index, item in enumerate(value)]
    if isinstance(value, dict):
        spend(len(value) // 4)
        return {
            key: item if key == "type" else put_in(item, variables, (*path, key), problems)
            for key, item in value.items()
        }
    return value


def renamed(text: str, name: str, meant: str) -> str:
    """A string with one variable of its expressions called otherwise."""
    return re.sub(r"\$\{[^}]*\}", lambda found: re.sub(rf"\b{name}\b", meant, found[0]), text)


def filled(
    written: Mapping[str, Any],
    left_out: frozenset[str],
    variables: Mapping[str, Any],
    place: Path,
    problems: list[Diagnostic],
) -> dict[str, Any]:
    """The entries of a mapping, but for the keys `left_out`, evaluated.

    Paths are made only where an expression may stand: this runs once for every layer.
    """
    found: dict[str, Any] = {}
    for key, value in written.items():
        if key in left_out:
            continue
        kind = type(value)
        if (kind is str and "${" in value) or kind is list or kind is dict:
            value = put_in(value, variables, (*place, key), problems)
        found[key] = value
    return found
