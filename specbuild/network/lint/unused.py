"""Warnings about names that are given a value which nothing reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.expressions import variables_in


def unused(tree: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """SB819 and SB820, from the document as it is written.

    A name counts as read wherever an expression has it, also where another variable of that name is meant.
    """
    variables = tree.get("vars") or {}
    if variables:
        yield from unused_variables(variables, named_in(value for key, value in tree.items() if key != "vars"))
    blocks = tree.get("blocks") or {}
    for name, block in blocks.items():
        params = block.get("params") or {}
        named = named_in([block.get("layers")])
        for other, default in params.items():
            named |= named_in([default]) - {other}
        for param in params:
            if param not in named:
                yield Diagnostic(
                    "SB820", f"nothing in the block `{name}` reads `{param}`", ("blocks", name, "params", param), "key",
                    fix=f'leave it out, or use it: "${{{param}}}"',
                )  # fmt: skip
        yield from unused_in_repeats(block.get("layers"), ("blocks", name, "layers"))
    yield from unused_in_repeats(tree.get("layers"), ("layers",))


def unused_variables(variables: Mapping[str, Any], named: set[str]) -> Iterator[Diagnostic]:
    """SB819 for `vars`: a variable that only variables use which nothing reads is not read either."""
    used = {name: named_in([value]) for name, value in variables.items()}
    read, waiting = set[str](), [*named]
    while waiting:
        name = waiting.pop()
        if name in used and name not in read:
            read.add(name)
            waiting += used[name]
    for name in variables:
        if name not in read:
            by = next((other for other in variables if other not in read and name in used[other]), None)
            only = f", but `{by}`, which nothing reads itself" if by else ""
            yield Diagnostic(
                "SB819", f"nothing reads the variable `{name}`{only}", ("vars", name), "key",
                fix=f'leave it out, or use it: "${{{name}}}"',
            )  # fmt: skip


def unused_in_repeats(layers: Any, path: Path) -> Iterator[Diagnostic]:
    """SB819 for what a `repeat` binds."""
    if not isinstance(layers, list):
        return
    for index, element in enumerate(layers):
        if not isinstance(element, dict):
            continue
        place = (*path, index)
        rows = element.get("repeat")
        if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
            named = named_in(value for key, value in element.items() if key != "repeat")
            for name in dict.fromkeys(name for row in rows for name in row):
                if name not in named:
                    row = next(k for k, row in enumerate(rows) if name in row)
                    yield Diagnostic(
                        "SB819", f"nothing reads `{name}`, which the repeat sets", (*place, "repeat", row, name), "key",
                        fix=f'use it: "${{{name}}}", or leave it out',
                    )  # fmt: skip
        yield from unused_in_repeats(element.get("layers"), (*place, "layers"))


def named_in(values: Iterable[Any]) -> set[str]:
    """The variables that expressions anywhere in some values name."""
    found: set[str] = set()
    waiting = [*values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found |= variables_in(value)
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return found
