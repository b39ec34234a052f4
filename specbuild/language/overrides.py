"""`--set PATH=VALUE`: any value of a document, replaced before it is judged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.diagnostics.suggest import nearest
from specbuild.errors import SpecError
from specbuild.language import names
from specbuild.language.budgets import MAX_DEPTH
from specbuild.language.source import Source, read_text

BASING = ("base", "set")
"""The keys of a document that builds on another."""
STEP = re.compile(r"([^.\[\]=]+)|\[([0-9]{1,9})\]")


def overridden(source: Source, overrides: Iterable[str]) -> Source:
    """The source with every `PATH=VALUE` applied to its tree; raises `SpecError` (SB210).

    VALUE reads as a YAML scalar or flow collection. In a path `layers.conv1` is a name, automatic names
    included, and `layers[3]` an index from 0. Mappings on the way that do not exist are made.
    """
    texts = list(overrides)
    if not texts:
        return source
    tree = copied(source.tree)
    applied: list[tuple[Path, str]] = []
    problems: list[Diagnostic] = []
    for text in texts:
        path_text, equals, value_text = text.partition("=")
        if not equals:
            problems.append(problem(text, "an override reads PATH=VALUE", "layers.conv1.out_channels=64"))
            continue
        try:
            value = read_text(f"value: {value_text.strip() or 'null'}", "--set", "yaml").tree["value"]
            applied.append((put(tree, path_text, value), text))
        except SpecError as error:
            problems.append(problem(text, error.diagnostics[0].message, error.diagnostics[0].fix))
        except LookupError as error:
            problems.append(problem(text, str(error.args[0]), error.args[1]))
    if problems:
        raise SpecError(problems)
    return replace(source, tree=tree, overrides=(*source.overrides, *applied))


def put(tree: dict[str, Any], written: str, value: Any) -> Path:
    """Put `value` where a written path leads; return that path. Raises `LookupError` (what is wrong, the mend)."""
    parts = steps(written)
    if parts[0] in BASING:
        raise LookupError(f"`{parts[0]}` is read before any value is replaced", "write it in the document")
    return assign(tree, parts, value)


def problem(text: str, message: str, fix: str | None) -> Diagnostic:
    """SB210 for one override."""
    return Diagnostic("SB210", message, fix=fix, file="--set", snippet=text)


def copied(tree: Any) -> Any:
    """A copy whose containers can be changed."""
    if isinstance(tree, dict):
        return {key: copied(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [copied(value) for value in tree]
    return tree


def steps(text: str) -> list[str | int]:
    """`layers[3].stride` as `["layers", 3, "stride"]`."""
    parts: list[str | int] = []
    position = 0
    text = text.strip()
    while position < len(text):
        if len(parts) == MAX_DEPTH:
            raise LookupError(f"a path has at most {MAX_DEPTH} steps; this one has more", None)
        found = STEP.match(text, position)
        if found is None:
            break
        parts.append(found[1] if found[1] is not None else int(found[2]))
        position = found.end()
        if position < len(text) and text[position] == "." and position + 1 < len(text):
            position += 1
        elif position < len(text) and text[position] != "[":
            break
    if position < len(text) or not parts:
        raise LookupError(f"`{text}` is not a path", "keys are joined by dots: layers.conv1.stride, layers[3].stride")
    return parts


def assign(tree: Any, parts: list[str | int], value: Any) -> Path:
    """Put `value` at the path and return the path with names of layers turned into indices."""
    here: Any = tree
    path: list[str | int] = []
    for depth, part in enumerate(parts):
        last = depth == len(parts) - 1
        if isinstance(here, list):
            part = index_in(here, part)
            if isinstance(here[part], str) and not last:
                here[part] = {"type": here[part]}  # `- ReLU` gets its first argument
        elif not isinstance(here, dict) or isinstance(part, int):
            raise LookupError(
                f"`{part}` leads nowhere: {written(path)} is not a {'list' if isinstance(part, int) else 'mapping'}",
                None,
            )
        path.append(part)
        if last:
            here[part] = value
        elif isinstance(here, dict):
            if isinstance(here.get(part), str) and isinstance(parts[depth + 1], str):
                here[part] = {"type": here[part]}  # `loss: MSELoss` gets its first argument
            elif here.get(part) is None:
                here[part] = {}
            here = here[part]
        else:
            here = here[part]
    return tuple(path)


def written(path: list[str | int]) -> str:
    """The path so far, for a message."""
    from specbuild.diagnostics.diagnostic import path_text

    return f"`{path_text(tuple(path))}`" if path else "the document"


def index_in(items: list[Any], part: str | int) -> int:
    """The index of an item of a list, by index or by a layer's name."""
    if isinstance(part, int):
        if part >= len(items):
            raise LookupError(f"there is no index {part}: the list has {len(items)} items", "indices count from 0")
        return part
    found = layer_names(items)
    if part not in found:
        meant = nearest(part, found)
        raise LookupError(
            f"there is no layer called `{part}`",
            f"did you mean `{meant}`?" if meant else by_name_or_index(part, found),
        )
    return found[part]


def by_name_or_index(part: str, known: Mapping[str, int]) -> str:
    """How a layer is named that was not found."""
    if part.isdecimal() or not known:
        return f"name it by index: layers[{part if part.isdecimal() else 0}]"
    listed = [*known]
    return f"the layers are {', '.join(listed[:8])}{', ...' if len(listed) > 8 else ''}"


def layer_names(items: list[Any]) -> dict[str, int]:
    """The names, written or automatic, of the layers of a list as written."""
    counts: dict[str, int] = {}
    found: dict[str, int] = {}
    for index, item in enumerate(items):
        kind = item if isinstance(item, str) else item.get("type") if isinstance(item, dict) else None
        if not isinstance(kind, str):
            continue
        counts[kind] = counts.get(kind, 0) + 1
        name = item.get("name") if isinstance(item, dict) else None
        found.setdefault(names.automatic(kind, counts[kind]) if name is None else str(name), index)
    return found
