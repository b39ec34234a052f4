"""How the parameters of a network begin: loops over its modules, where the document says it by type or by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from specbuild.exporting.python.expressions import Call, is_name, rendered, same
from specbuild.exporting.python.recording import INITIALIZATION_DEFAULTS
from specbuild.exporting.python.unparsing import literal
from specbuild.network.plan import Plan, Step, outcome_of

COMPOSITE = ("Transformer",)
"""Layers within which torch has layers of other types, which no rule is about."""


def initializations(plan: Plan) -> Iterator[str]:
    """The statements that fill the parameters of `network`."""
    owners: dict[str, tuple[Step, str]] = {}
    by_type: dict[tuple[str, str], list[str]] = {}
    lacking: dict[tuple[str, str], bool] = {}
    names: dict[str, dict[str, None]] = {}
    for step in plan.layers():
        for name in outcome_of(step).parameters:
            if name:
                names.setdefault(step.type, {})[name] = None
    for step in plan.layers():
        own = outcome_of(step).parameters
        for name in names.get(step.type, ()):
            key = f"{step.name}.{name}"
            if name not in own:
                lacking[(step.type, name)] = True
            elif key not in plan.tie:
                owners[key] = (step, name)
                by_type.setdefault((step.type, name), []).append(key)
    composite = any(step.type.startswith(COMPOSITE) for step in plan.layers())
    attention = any(step.type == "MultiheadAttention" for step in plan.layers())
    loops: dict[str, list[str]] = {}
    rest: list[tuple[Call, list[str]]] = []
    for (kind, name), keys in by_type.items():
        groups: dict[str, tuple[Call, list[str]]] = {}
        for key in keys:
            if key in plan.init:
                filled = scheme_of(plan.init[key])
                groups.setdefault(repr(filled), (filled, []))[1].append(key)
        whole = sum(len(found) for _, found in groups.values()) == len(keys)
        ordered = sorted(groups.values(), key=lambda group: -len(group[1]))
        tied = [plan.tie.get(f"{step.name}.{name}") for step in plan.layers() if step.type == kind]
        kept = {repr(scheme_of(plan.init[key])) if key in plan.init else "" for key in tied if key}
        if (
            whole
            and not composite
            and kept <= {repr(ordered[0][0])}
            and is_name(name.replace(".", ""))
            and "[" not in name
        ):
            filled, _ = ordered.pop(0)
            line = fill(f"module.{name}", filled)
            guard = lacking.get((kind, name), False)
            loops.setdefault(kind, []).append(f"if module.{name} is not None:\n        {line}" if guard else line)
        rest += ordered
    if loops:
        yield "for module in network.modules():"
        word = "if"
        for kind, lines in loops.items():
            exact = kind == "Linear" and attention  # that of an attention is a subclass, and is not meant
            test = f"type(module) is nn.{kind}" if exact else f"isinstance(module, nn.{kind})"
            if len(lines) == 1 and lines[0].startswith("if "):
                condition, _, line = lines[0].partition(":\n")
                test, lines = f"{test} and {condition.removeprefix('if ')}", [line.strip()]
            yield f"    {word} {test}:"
            word = "elif"
            for line in lines:
                yield from (f"        {part}" for part in line.replace("\n        ", "\n    ").split("\n"))
    for filled, keys in rest:
        yield from by_name(keys, filled)


def by_name(keys: Sequence[str], filled: Call) -> Iterator[str]:
    """The statements that fill parameters under their keys."""
    looped = counted(keys)
    if looped is not None:
        text, count = looped
        yield f"for i in range({count}):"
        yield f"    {fill(f'network.get_parameter({text})', filled)}"
    elif len(keys) == 1:
        yield fill(tensor(keys[0], "network"), filled)
    else:
        yield f"for key in [{', '.join(map(literal, keys))}]:"
        yield f"    {fill('network.get_parameter(key)', filled)}"


def counted(keys: Sequence[str]) -> tuple[str, int] | None:
    """The f-string in `i` that gives the keys in turn, and their number; None where there is none."""
    if len(keys) < 3 or not all(re.fullmatch(r"[A-Za-z0-9_.-]+", key) for key in keys):
        return None
    for found in re.finditer(r"(?<=\.)0(?=\.)|(?<![0-9.])0(?=\.)|^0(?=\.)", keys[0]):
        before, after = keys[0][: found.start()], keys[0][found.end() :]
        if all(key == f"{before}{index}{after}" for index, key in enumerate(keys)):
            return f'f"{before}{{i}}{after}"', len(keys)
    return None


def scheme_of(scheme: Any) -> Call:
    """A scheme as a call of torch.nn.init, its parameter left out."""
    return Call(f"nn.init.{scheme.type}", scheme.arguments(), INITIALIZATION_DEFAULTS[scheme.type])


def fill(target: str, filled: Call) -> str:
    """A call of torch.nn.init on a parameter."""
    told: Mapping[str, Any] = {
        name: value
        for name, value in filled.arguments.items()
        if name not in filled.defaults or not same(value, filled.defaults[name])
    }
    named = [rendered(value) if name == "val" else f"{name}={rendered(value)}" for name, value in told.items()]
    return f"{filled.function}({', '.join([target, *named])})"


def tensor(key: str, of: str) -> str:
    """A parameter by its key in the `state_dict`."""
    text = of
    for part in key.split("."):
        if is_name(part) and not part.startswith("__"):
            text = f"{text}.{part}"
        else:
            text = f"getattr({text}, {literal(part)})"
    return text
