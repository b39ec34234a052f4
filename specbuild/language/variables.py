"""`vars`, and the params of blocks: the names that `${...}` sees."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.expressions import variables_in
from specbuild.language.meter import EXHAUSTED, EXHAUSTED_FIX, Exhausted
from specbuild.language.parsing import FAILED, shown
from specbuild.language.substitution import put_in

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
TAKEN = frozenset({"min", "max", "round", "int", "len", "true", "false", "null"})
"""Words that already mean something in an expression, beside Python's keywords."""
HOLDS = "a variable is a number, a string, a boolean or a list"


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
        path: Path = ("vars", name)
        if not is_variable(name, path, problems):
            continue
        before = len(problems)
        try:
            early = sorted(word for word in used_in(value) if word not in variables and word in raw)
            value = put_in(value, variables, path, problems)
        except Exhausted:
            problems.append(Diagnostic("SB216", EXHAUSTED, path, fix=EXHAUSTED_FIX))
            raise
        if early and len(problems) > before:
            problems[before:] = [out_of_order(problem, name, early) for problem in problems[before:]]
        if value is None:
            problems.append(Diagnostic("SB203", f"{HOLDS}; got null", path, fix="write its value, or leave it out"))
            value = FAILED
        variables[name] = value if may_hold(value, path, problems) else FAILED
    return variables


def used_in(value: Any) -> set[str]:
    """The variables that the expressions in a value use."""
    if isinstance(value, list):
        return {name for item in value for name in used_in(item)}
    return variables_in(value) if isinstance(value, str) else set()


def out_of_order(problem: Diagnostic, name: str, early: Sequence[str]) -> Diagnostic:
    """SB209 for a variable that is defined, though not above `name`, with the mend for that."""
    missing = next((word for word in early if problem.message.endswith(f"there is no variable `{word}`")), None)
    if problem.code != "SB209" or missing is None:
        return problem
    if missing == name:
        message = problem.message.replace(f"there is no variable `{name}`", "a variable cannot use itself")
        return replace(problem, message=message, fix="write its value, or use a variable above it", edit=None)
    return replace(problem, message=f"{problem.message} yet", fix=f"move `{missing}` up, above `{name}`", edit=None)


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
        problems.append(Diagnostic("SB203", f"{HOLDS}; got {shown(value)}", path))
        return False
    return True
