"""Classes that torch.nn lacks, as text: read from where they stand, so that what is written is what runs here."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

MODULES = Path(__file__).parents[2] / "network" / "modules"
"""The torch side of the catalogue, which is read and not imported."""


@cache
def definitions() -> dict[str, tuple[ast.stmt, str]]:
    """Every class and function there, and the file that it is of."""
    return {
        node.name: (node, path.name)
        for path in sorted(MODULES.glob("*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, (ast.ClassDef, ast.FunctionDef))
    }


@cache
def constants() -> dict[str, ast.stmt]:
    """Every assignment there that has a name."""
    return {
        target.id: node
        for path in sorted(MODULES.glob("*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id != "__all__"
    }


def copies(wanted: Iterable[str]) -> list[str]:
    """The texts of classes and of what they are made of, each after what it needs."""
    found: dict[str, str] = {}

    def add(name: str) -> None:
        node = definitions()[name][0] if name in definitions() else constants().get(name)
        if name in found or node is None:
            return
        used = dict.fromkeys(part.id for part in ast.walk(node) if isinstance(part, ast.Name))
        for other in used:
            if other != name:
                add(other)
        found[name] = ast.unparse(node)

    for name in wanted:
        add(name)
    return list(found.values())
