"""A JSON document in its form: two spaces a level, on one line what fits there."""

from __future__ import annotations

import json
from typing import Any

from specbuild.formatting.roles import OPEN, Role, canonical, role_below

WIDTH = 120


def written_json(tree: dict[str, Any]) -> str:
    """A document's values as text."""
    return laid_out(canonical(tree), Role.document, 0, 0, False) + "\n"


def laid_out(value: Any, role: Role, indent: int, column: int, is_open: bool) -> str:
    """A value that begins at a column of a line that is indented."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or not value:
        return line
    is_open = is_open or role in OPEN
    if not is_open and column + len(line) < WIDTH:  # a comma may follow
        return line
    pad = " " * (indent + 2)
    parts = []
    if isinstance(value, dict):
        type = value.get("type")
        for key, item in value.items():
            below = role_below(role, key, type)
            head = f"{pad}{json.dumps(key, ensure_ascii=False)}: "
            parts.append(head + laid_out(item, below, indent + 2, len(head), role in OPEN and below is Role.layers))
        return "{\n" + ",\n".join(parts) + "\n" + " " * indent + "}"
    for index, item in enumerate(value):
        parts.append(pad + laid_out(item, role_below(role, index, None), indent + 2, len(pad), False))
    return "[\n" + ",\n".join(parts) + "\n" + " " * indent + "]"
