"""`init` of a document: few rules that say how each parameter began."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from specbuild.importing.graph import Filling
from specbuild.network.plan import Plan, outcome_of

OWN = "Parameter"
NAMES_TOLD = 6
"""Layers that are listed by name for one scheme; where there are more, by pattern if one fits."""

Said = dict[str, Any]


def parameters_with(plan: Plan, fillings: Mapping[str, Filling]) -> dict[str, Any]:
    """The `init` of layers of type Parameter, by their qualified names."""
    found = {}
    for step in plan.layers():
        if step.type == OWN and step.name in fillings and fillings[step.name].scheme != "zeros_":
            found[step.name] = written(fillings[step.name])
    return found


def rules(plan: Plan, fillings: Mapping[str, Filling]) -> Said:
    """The section `init`."""
    slots: dict[tuple[str, str], dict[str, Any]] = {}
    """By type and parameter: the scheme of each layer, by its name; None for torch's own."""
    for step in plan.layers():
        if step.type == OWN:
            continue
        for parameter, storage in outcome_of(step).parameters.items():
            key = f"{step.name}.{parameter}"
            if key in plan.tie:
                continue
            filling = fillings.get(key)
            said = None if filling is None else written(filling, tuple(storage.shape))
            slots.setdefault((step.type, parameter), {})[step.name] = said
    found: Said = {}
    names = [step.name for step in plan.layers() if step.type != OWN]
    exceptions: list[tuple[str, str, Any]] = []
    for (kind, parameter), schemes in slots.items():
        schemes = by_fan(schemes, fillings, parameter, plan)
        distinct = unique(schemes.values())
        if distinct == [None]:
            continue
        if None not in distinct:
            usual = max(distinct, key=lambda said: sum(1 for other in schemes.values() if other == said))
            found.setdefault(kind, {})[parameter] = usual
        else:
            usual = None
        for said in distinct:
            if said != usual and said is not None:
                wanted = [name for name, other in schemes.items() if other == said]
                exceptions += [(key, parameter, said) for key in keys_for(wanted, names)]
    for key, parameter, said in exceptions:
        found.setdefault(key, {})[parameter] = said
    return {key: together(said) for key, said in found.items()}


def together(said: Said) -> Said:
    """The parameters of one key in the order in which rules are read."""
    return dict(sorted(said.items(), key=lambda item: item[0] != "weight"))


def unique(values: Any) -> list[Any]:
    """Each value once, in their order."""
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def keys_for(wanted: Sequence[str], names: Sequence[str]) -> list[str]:
    """Patterns that are about these layers and no others, or their names."""
    tails = unique(name.rpartition(".")[2] for name in wanted)
    for depth in (1, 2, 3):
        tails = unique(".".join(name.split(".")[-depth:]) for name in wanted)
        if len(tails) < len(wanted) and len(tails) <= NAMES_TOLD:
            patterns = [f"*.{tail}" for tail in tails]
            about = [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]
            if sorted(about) == sorted(wanted):
                return patterns
    return list(wanted)


def written(filling: Filling, shape: tuple[int, ...] = ()) -> Any:
    """A scheme as a document has it."""
    del shape
    return {"type": filling.scheme, **filling.arguments} if filling.arguments else filling.scheme


def by_fan(schemes: dict[str, Any], fillings: Mapping[str, Filling], parameter: str, plan: Plan) -> dict[str, Any]:
    """Normal distributions whose deviations follow from the sizes as kaiming_normal_, which says that at once."""
    stds: dict[str, float] = {}
    for name in schemes:
        filling = fillings.get(f"{name}.{parameter}")
        if filling is None or filling.scheme != "normal_" or set(filling.arguments) != {"std"}:
            return schemes
        stds[name] = filling.arguments["std"]
    if len(set(stds.values())) < 2:
        return schemes
    shapes = {step.name: outcome_of(step).parameters[parameter].shape for step in plan.layers() if step.name in stds}
    for mode, axis in (("fan_out", 0), ("fan_in", 1)):
        for nonlinearity, gain in (("relu", math.sqrt(2)), ("linear", 1.0)):
            if all(
                len(shape) > 1
                and math.isclose(stds[name], gain / math.sqrt(shape[axis] * math.prod(shape[2:])), rel_tol=1e-12)
                for name, shape in shapes.items()
            ):
                said = {"type": "kaiming_normal_", "mode": mode, "nonlinearity": nonlinearity}
                if mode == "fan_in":
                    del said["mode"]
                return dict.fromkeys(schemes, said)
    return schemes
