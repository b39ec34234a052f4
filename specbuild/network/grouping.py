"""The optimizer against the parameters: which group takes which, and whether it can step on them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import NamedTuple

from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.optimizers import Group, Optimizer
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.types import Shape
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.diagnostics.suggest import nearest, renaming
from specbuild.language.parsing import of_violation, unknown_type
from specbuild.language.wording import with_article
from specbuild.network.plan import Plan, outcome_of

GROUPS: Path = ("optimizer", "groups")
SHOWN = 3
"""How many names a message lists."""


class Learned(NamedTuple):
    """A parameter, tied ones as one."""

    names: tuple[str, ...]
    """Its keys in the `state_dict`, the one it is stored under first."""
    types: frozenset[str]
    """The types of the layers that have it."""
    shape: Shape
    sparse: bool
    """Whether its gradients are sparse: every layer that has it is an embedding with `sparse: true`."""


def learned(plan: Plan) -> list[Learned]:
    """The parameters of a network that are not frozen, each once."""
    found: dict[str, Learned] = {}
    tied: dict[str, list[Learned]] = {}
    for step in plan.layers():
        sparse = bool(getattr(step.layer, "sparse", False))
        for name, storage in outcome_of(step).parameters.items():
            key = f"{step.name}.{name}" if name else step.name
            one = Learned((key,), frozenset((step.type,)), storage.shape, sparse)
            if key in plan.frozen:
                continue
            if key in plan.tie:
                tied.setdefault(plan.tie[key], []).append(one)
            else:
                found[key] = one
    for key, others in tied.items():
        if key in found:
            same = [found[key], *others]
            found[key] = Learned(
                tuple(name for one in same for name in one.names),
                frozenset(type for one in same for type in one.types),
                found[key].shape,
                all(one.sparse for one in same),
            )
    return list(found.values())


def takes(group: Group, parameter: Learned) -> bool:
    """Whether a group is about a parameter."""
    patterns, types = group.patterns, group.layer_types
    if types is not None and parameter.types.isdisjoint(types):
        return False
    return patterns is None or any(fnmatchcase(name, pattern) for name in parameter.names for pattern in patterns)


def grouped(optimizer: Optimizer, parameters: Collection[Learned]) -> list[int]:
    """The group of each parameter, by its number: 0 is the optimizer's own, the written ones count from 1."""
    return [
        next((number for number, group in enumerate(optimizer.parts, start=1) if takes(group, parameter)), 0)
        for parameter in parameters
    ]


def group_count(optimizer: Optimizer, plan: Plan) -> int:
    """How many groups torch is given: the optimizer's own is left out where the others take all."""
    return len(optimizer.parts) + (0 in grouped(optimizer, learned(plan)))


def check_optimizer(optimizer: Optimizer, plan: Plan) -> Iterator[Diagnostic]:
    """Groups that take something, and parameters that the optimizer can step on with their group's values."""
    parameters = learned(plan)
    numbers = grouped(optimizer, parameters)
    used = [optimizer]
    for number, group in enumerate(optimizer.parts, start=1):
        path = (*GROUPS, number - 1)
        problems = list(check_group(group, path, parameters, plan))
        if not problems and number not in numbers:
            first = next(at for at, one in zip(numbers, parameters, strict=True) if takes(group, one))
            message = f"all that this group takes is in groups[{first - 1}] already"
            fix = "put it before the other: a parameter goes to the first group that takes it"
            problems.append(Diagnostic("SB413", message, path, fix=fix))
        changed = optimizer.model_copy(update=group.changes())
        used.append(changed)
        if not problems:
            try:
                changed.check()
            except Violation as violation:
                problems.append(of_group(violation, group, path))
        yield from problems
    for number, parameter in zip(numbers, parameters, strict=True):
        try:
            used[number].check_parameter(parameter.names[0], parameter.shape, sparse=parameter.sparse)
        except Violation as violation:
            if number:
                yield of_group(violation, optimizer.parts[number - 1], (*GROUPS, number - 1))
            else:
                yield of_violation(violation, ("optimizer",))
            return  # the first that does not fit stands for all


def of_group(violation: Violation, group: Group, path: Path) -> Diagnostic:
    """A fact about an optimizer with a group's values, placed where the value at fault is written."""
    changes = group.changes()
    if violation.field is None or violation.field in changes:
        return of_violation(violation, path)
    found = of_violation(violation, ("optimizer",))
    if not changes:
        return found
    changed = ", ".join(changes)
    fix = f"leave {changed} out of the group, or write `{violation.field}` there too"
    return replace(found, because=f"groups[{path[-1]}] changes {changed}", fix=fix, edit=None)


def check_group(group: Group, path: Path, parameters: Collection[Learned], plan: Plan) -> Iterator[Diagnostic]:
    """Patterns and types that are found in the network."""
    if group.patterns is None and group.layer_types is None:
        yield Diagnostic(
            "SB413", "a group says what it takes by `parameters` or `types`", path, fix='parameters: ["*.bias"]'
        )
        return
    names = [name for parameter in parameters for name in parameter.names]
    wrong = False
    for place, pattern in places(group.parameters, (*path, "parameters")):
        if not any(fnmatchcase(name, pattern) for name in names):
            wrong = True
            if any(fnmatchcase(key, pattern) for key in plan.frozen):
                message = f"all that `{pattern}` is about is frozen"
                yield Diagnostic("SB413", message, place, fix="leave it out: an optimizer has only what learns")
                continue
            meant = nearest(pattern, names) if "*" not in pattern else None
            yield Diagnostic(
                "SB413", f"no parameter is called `{pattern}`", place,
                fix=f"did you mean `{meant}`?" if meant else f"they are {listed(names)}",
                edit=renaming(place, pattern, meant, names),
            )  # fmt: skip
    types = {step.type: step.name for step in plan.layers()}
    having = {type for parameter in parameters for type in parameter.types}
    for place, type in places(group.types, (*path, "types")):
        if type in having:
            continue
        wrong = True
        if type not in LAYERS:
            yield replace(unknown_type(type, place, LAYERS, "layer"), code="SB413")
        elif type in types and any(key.rpartition(".")[0] == types[type] for key in plan.frozen):
            message = f"all of the type {type} is frozen"
            yield Diagnostic("SB413", message, place, fix="leave it out: an optimizer has only what learns")
        elif type in types:
            yield Diagnostic("SB413", f"{types[type]} is {with_article(type)}, which has no parameters", place)
        else:
            yield Diagnostic(
                "SB413",
                f"no layer is {with_article(type)}",
                place,
                fix=f"those with parameters are {listed(sorted(having))}",
            )
    if not wrong and not any(takes(group, parameter) for parameter in parameters):
        yield Diagnostic(
            "SB413", "no parameter fits both `parameters` and `types`", path, fix="two groups, one for each"
        )


def places(written: str | tuple[str, ...] | None, path: Path) -> list[tuple[Path, str]]:
    """Each text of a field that holds one or a list, with its place."""
    if written is None:
        return []
    return [(path, written)] if isinstance(written, str) else [((*path, k), one) for k, one in enumerate(written)]


def listed(names: Collection[str]) -> str:
    """The first few names."""
    shown = ", ".join(f"`{name}`" for name in list(names)[:SHOWN])
    return f"{shown}, ..." if len(names) > SHOWN else shown


def assignment(optimizer: Optimizer, plan: Plan) -> Mapping[str, int]:
    """The group of each parameter by every one of its keys, as `grouped` numbers them."""
    parameters = learned(plan)
    return {
        name: number
        for number, parameter in zip(grouped(optimizer, parameters), parameters, strict=True)
        for name in parameter.names
    }
