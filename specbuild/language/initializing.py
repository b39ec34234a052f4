"""`init`: how the parameters of layers begin, by the types or the names of the layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.parsing import Failed, parse_entry, shown

if TYPE_CHECKING:
    from specbuild.catalogue.initialization import Initialization


class Rule(NamedTuple):
    """How some parameters of some layers begin."""

    layers: str
    """A type of the catalogue, or a pattern over the qualified names of layers."""
    parameters: str
    """The name of a parameter in the layer, or a pattern."""
    scheme: Initialization


def rules_of(raw: Any, problems: list[Diagnostic]) -> tuple[Rule, ...]:
    """The rules under `init`, in the order they are written."""
    if raw is None or isinstance(raw, Failed):
        return ()
    if not isinstance(raw, dict):
        message = f"`init` must be a mapping of types or names of layers; got {shown(raw)}"
        problems.append(Diagnostic("SB203", message, ("init",), fix="init: {Linear: {weight: xavier_uniform_}}"))
        return ()
    return tuple(rule for layers, written in raw.items() for rule in rules_of_layers(layers, written, problems))


def rules_of_layers(layers: str, written: Any, problems: list[Diagnostic]) -> list[Rule]:
    """The rules of one key."""
    from specbuild.catalogue.initialization import INITIALIZATIONS  # few documents pay for it

    path: Path = ("init", layers)
    if isinstance(written, Failed):
        return []
    if not isinstance(written, dict) or not written or "type" in written:
        message = f"`{layers}` must be a mapping of parameters, such as weight; got {shown(written)}"
        problems.append(Diagnostic("SB203", message, path, fix=by_parameter(layers, written)))
        return []
    rules = []
    for parameters, raw in written.items():
        if isinstance(raw, (int, float)) and not isinstance(raw, bool):
            message = f"an initialization is a type name or a mapping with `type`; got {shown(raw)}"
            fix = f"{{type: constant_, val: {shown(raw)}}}" if raw else "zeros_"
            problems.append(Diagnostic("SB203", message, (*path, parameters), fix=fix))
            continue
        scheme = parse_entry(raw, (*path, parameters), INITIALIZATIONS, "initialization", problems)
        if scheme is not None:
            rules.append(Rule(layers, parameters, cast("Initialization", scheme)))
    return rules


def by_parameter(layers: str, written: Any) -> str:
    """A key with the parameter that its scheme is for, as it was probably meant."""
    scheme = written["type"] if isinstance(written, dict) and "type" in written else written
    shortened = scheme if isinstance(scheme, str) else "normal_"
    if isinstance(written, dict) and len(written) > 1:
        shortened = f"{{type: {scheme}, ...}}"
    outer, _, last = layers.rpartition(".")
    if "weight" in last or "bias" in last:
        outer = outer or '"*"'
        return f"{outer}: {{{last}: {shortened}}}"
    return f"{layers}: {{weight: {shortened}}}"
