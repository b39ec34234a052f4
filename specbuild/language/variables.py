"""`vars`: the variables that `${...}` sees in the whole document."""

from __future__ import annotations

import keyword
import re
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.language.expansion import put_in
from specbuild.language.parsing import FAILED, shown

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
TAKEN = frozenset({"min", "max", "round", "int", "len", "true", "false", "null"})
"""Words that already mean something in an expression, beside Python's keywords."""


def variables_of(raw: Any, problems: list[Diagnostic]) -> dict[str, Any]:
    """The variables by name; one may use those above it."""
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        problems.append(
            Diagnostic("SB203", f"`vars` must be a mapping of names to values; got {shown(raw)}", ("vars",))
        )
        return {}
    variables: dict[str, Any] = {}
    for name, value in raw.items():
        fault = None
        if not IDENTIFIER.fullmatch(name):
            fault = "it is made of letters, digits and `_`, and begins with no digit"
        elif keyword.iskeyword(name) or name in TAKEN:
            fault = f"`{name}` already means something in an expression"
        if fault is not None:
            problems.append(
                Diagnostic("SB205", f"a variable cannot be called {shown(name)}: {fault}", ("vars", name), "key")
            )
            continue
        value = put_in(value, variables, ("vars", name), problems)
        if isinstance(value, dict):
            problems.append(
                Diagnostic(
                    "SB203",
                    f"a variable is a number, a string, a boolean or a list; got {shown(value)}",
                    ("vars", name),
                )
            )
            value = FAILED
        variables[name] = value
    return variables
