"""`vars`, and the params of blocks: the names that `${...}` sees."""

from __future__ import annotations

import keyword
import re
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.parsing import FAILED, shown
from specbuild.language.substitution import put_in

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
TAKEN = frozenset({"min", "max", "round", "int", "len", "true", "false", "null"})
"""Words that already mean something in an expression, beside Python's keywords."""


def variables_of(raw: Any, problems: list[Diagnostic]) -> dict[str, Any]:
    """The document's variables by name; one may use those above it."""
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        message = f"`vars` must be a mapping of names to values; got {shown(raw)}"
        problems.append(Diagnostic("SB203", message, ("vars",), fix="vars: {width: 32}"))
        return {}
    variables: dict[str, Any] = {}
    for name, value in raw.items():
        if is_variable(name, ("vars", name), problems):
            value = put_in(value, variables, ("vars", name), problems)
            variables[name] = value if may_hold(value, ("vars", name), problems) else FAILED
    return variables


def is_variable(name: str, path: Path, problems: list[Diagnostic]) -> bool:
    """Whether a variable can be called so; if not, it is reported."""
    if not IDENTIFIER.fullmatch(name):
        fault = "it is made of letters, digits and `_`, and begins with no digit"
    elif keyword.iskeyword(name) or name in TAKEN:
        fault = f"`{name}` already means something in an expression"
    else:
        return True
    problems.append(Diagnostic("SB205", f"a variable cannot be called {shown(name)}: {fault}", path, "key"))
    return False


def may_hold(value: Any, path: Path, problems: list[Diagnostic]) -> bool:
    """Whether a variable can have the value; if not, it is reported."""
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict) for item in value)):
        message = f"a variable is a number, a string, a boolean or a list; got {shown(value)}"
        problems.append(Diagnostic("SB203", message, path))
        return False
    return True
