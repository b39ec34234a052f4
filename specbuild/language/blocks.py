"""`blocks`: parts of a network that are written once and used under their names, with params."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.diagnostics.suggest import nearest, renaming
from specbuild.language import names
from specbuild.language.parsing import shown
from specbuild.language.variables import is_variable, may_hold

BLOCK_NAME = re.compile(r"[a-z][A-Za-z0-9_-]*", re.ASCII)
"""Block names begin in lower case, catalogue types in upper case."""
OWN_KEYS = frozenset({"name", "type", "from", "when", "repeat", "names"})
"""What an element of a scope says of itself; all else is its arguments."""
KEYS = ("params", "inputs", "layers")


class Block(NamedTuple):
    """A block as written."""

    name: str
    params: Mapping[str, Any]
    """The defaults; null where the param is required."""
    inputs: tuple[str, ...]
    layers: Any
    path: Path


def blocks_of(raw: Any, problems: list[Diagnostic]) -> dict[str, Block]:
    """The blocks of a document by name; what is wrong with their form is reported."""
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        message = f"`blocks` must be a mapping of names to blocks; got {shown(raw)}"
        problems.append(Diagnostic("SB203", message, ("blocks",), fix="blocks: {basic: {layers: [...]}}"))
        listed = raw if isinstance(raw, list) else []
        named = [str(block["name"]) for block in listed if isinstance(block, dict) and "name" in block]
        return {name: Block(name, {}, ("input",), None, ("blocks",)) for name in named}
    blocks: dict[str, Block] = {}
    for name, written in raw.items():
        path: Path = ("blocks", name)
        if not BLOCK_NAME.fullmatch(name):
            message = f"a block cannot be called {shown(name)}: its name begins with a lower-case letter"
            message += ", types of the catalogue with an upper-case one" if name[:1].isupper() else ""
            if name[:1].islower():
                message = f"a block cannot be called {shown(name)}: its name is made of letters, digits, `_` and `-`"
            own = re.sub(r"[^a-z0-9_-]+", "_", name.lower())
            mend = own if BLOCK_NAME.fullmatch(own) else f"block_{own}"
            problems.append(Diagnostic("SB205", message, path, "key", fix=mend))
        if not isinstance(written, dict):
            message = f"a block is a mapping with `layers`, and perhaps `params` and `inputs`; got {shown(written)}"
            fix = f"{name}: {{layers: [...]}}" if isinstance(written, list) else None
            problems.append(Diagnostic("SB203", message, path, fix=fix))
            blocks[name] = Block(name, {}, ("input",), None, path)
            continue
        content = {key: value for key, value in written.items() if key in KEYS}
        for key in written:
            if key not in KEYS:
                free = [known for known in KEYS if known not in written]
                meant = nearest(key, free)
                fix = f"did you mean `{meant}`?" if meant else "a block has params, inputs and layers"
                edit = renaming((*path, key), key, meant, free, "key")
                problems.append(Diagnostic("SB201", f"unknown key `{key}`", (*path, key), "key", fix=fix, edit=edit))
                if edit is not None:
                    content.setdefault(edit.value, written[key])
        if written.get("layers") is None and not any(nearest(key, ("layers",)) for key in written if key not in KEYS):
            problems.append(Diagnostic("SB202", "`layers` is missing: a block holds a list of layers", path))
        params = params_of(content.get("params"), (*path, "params"), problems)
        inputs = inputs_of(content.get("inputs"), (*path, "inputs"), problems)
        blocks[name] = Block(name, params, inputs, content.get("layers"), path)
    return blocks


def params_of(raw: Any, path: Path, problems: list[Diagnostic]) -> Mapping[str, Any]:
    """The params with their defaults."""
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        message = f"`params` must be a mapping of names to defaults, null where there is none; got {shown(raw)}"
        named = isinstance(raw, list) and raw and all(isinstance(name, str) for name in raw)
        fix = f"params: {{{', '.join(f'{name}: null' for name in raw)}}}" if named else None
        problems.append(Diagnostic("SB203", message, path, fix=fix))
        return {}
    params: dict[str, Any] = {}
    for name, default in raw.items():
        if name in OWN_KEYS:
            message = f"a param cannot be called `{name}`: every layer has a key of that name"
            problems.append(Diagnostic("SB205", message, (*path, name), "key", fix="give it another name"))
        elif is_variable(name, (*path, name), problems) and may_hold(default, (*path, name), problems):
            params[name] = default
    return params


def inputs_of(raw: Any, path: Path, problems: list[Diagnostic]) -> tuple[str, ...]:
    """What a block calls its inputs; one called `input` unless written."""
    if raw is None:
        return ("input",)
    if not isinstance(raw, list) or not raw or not all(isinstance(name, str) for name in raw):
        problems.append(
            Diagnostic(
                "SB203",
                f"`inputs` must be a list of names; got {shown(raw)}",
                path,
                fix=f"inputs: [{raw}]" if isinstance(raw, str) else "inputs: [x, skip]",
            )
        )
        return ("input",)
    return tuple(unique_names(raw, path, problems))


def unique_names(raw: Sequence[str], path: Path, problems: list[Diagnostic]) -> list[str]:
    """Names of inputs; a bad or a repeated one is reported."""
    seen: set[str] = set()
    for index, name in enumerate(raw):
        fault = names.input_fault(name)
        if fault is not None:
            message = f"an input cannot be called {shown(name)}: {fault}"
            problems.append(Diagnostic("SB205", message, (*path, index), fix="give it another name"))
        elif name in seen:
            message = f"the input `{name}` is named twice"
            problems.append(Diagnostic("SB206", message, (*path, index), fix="leave one of them out"))
        seen.add(name)
    return list(dict.fromkeys(raw))
