"""The optimizer and the scheduler of a training, and what of the network learns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, cast

from specbuild.catalogue.optimizers import Group
from specbuild.catalogue.schedulers import Scheduler
from specbuild.exporting.python.expressions import Call, Formula, rendered
from specbuild.exporting.python.initial import COMPOSITE, tensor
from specbuild.exporting.python.refusing import inexpressible
from specbuild.exporting.python.transforming import defaults, listed
from specbuild.language.document import Spec
from specbuild.network.freezing import STATISTIC, resting
from specbuild.network.grouping import assignment
from specbuild.network.plan import Plan, outcome_of

MOST = 4
"""Statements of one kind that stand in a row; more are a loop."""
WITHIN = (*COMPOSITE, "MultiheadAttention")
"""Layers within which torch has layers of other types, which no group is about."""


def frozen(plan: Plan) -> Iterator[str]:
    """The statements that keep parameters from learning: of whole layers and scopes where all of theirs do."""
    keys = {key: key in plan.frozen for key, _ in plan.storages()}
    keys |= {tied: tied in plan.frozen for tied in plan.tie}
    if not plan.frozen or not any(keys.values()):
        return
    held, learning = covers(keys, True), covers(keys, False)
    if len(learning) < len(held):
        yield "network.requires_grad_(False)"
        yield from switched(plan, learning, "True")
    else:
        yield from switched(plan, held, "False")


def covers(keys: dict[str, bool], wanted: bool) -> list[str]:
    """The fewest layers, scopes and parameters below which are all keys that are as wanted, and no others."""
    found: list[str] = []
    other = {key for key, value in keys.items() if value != wanted}
    whole = {".".join(parts[:depth]) for parts in (key.split(".") for key in other) for depth in range(1, len(parts))}
    for key, value in keys.items():
        if value != wanted:
            continue
        parts = key.split(".")
        names = (".".join(parts[:depth]) for depth in range(1, len(parts) + 1))
        name = next(name for name in names if name not in whole and name not in other)
        if name not in found:
            found.append(name)
    return found


def switched(plan: Plan, names: Sequence[str], to: str) -> Iterator[str]:
    """The statements that let layers, scopes and parameters learn, or keep them from it."""
    single = {key for key, _ in plan.storages()} | set(plan.tie)
    modules = [name for name in names if name not in single]
    if len(modules) > MOST:
        yield f"for name in [{', '.join(map(rendered, modules))}]:"
        yield f"    network.get_submodule(name).requires_grad_({to})"
        names = [name for name in names if name in single]
    if len(names) > MOST:
        yield f"for name in [{', '.join(map(rendered, names))}]:"
        yield f"    network.get_parameter(name).requires_grad_({to})"
        return
    for name in names:
        yield f"{tensor(name, 'network')}.requires_grad_({to})"


def rested(plan: Plan) -> Iterator[str]:
    """The statements that keep frozen normalizations to their statistics, once the network is in training mode."""
    names = resting(plan)
    if not names:
        return
    kinds = {step.type for step in plan.layers() if STATISTIC in outcome_of(step).buffers}
    affine = all(outcome_of(step).parameters for step in plan.layers() if step.name in names)
    if len(names) > MOST and affine:
        tests = ", ".join(f"nn.{kind}" for kind in sorted(kinds))
        kind = tests if len(kinds) == 1 else f"({tests})"
        yield "for module in network.modules():"
        yield f"    if isinstance(module, {kind}) and module.weight is not None:"
        yield "        module.train(any(p.requires_grad for p in module.parameters()))"
    elif len(names) > MOST:
        yield f"for name in [{', '.join(map(rendered, names))}]:"
        yield "    network.get_submodule(name).eval()"
    else:
        yield from (f"{tensor(name, 'network')}.eval()" for name in names)


def optimizer_of(spec: Spec, plan: Plan) -> str:
    """The optimizer of the parameters that learn."""
    entry: Any = spec.optimizer
    if entry.plugged:
        raise inexpressible(spec, f"the optimizer {entry.type}", ("optimizer",))
    arguments = {name: value for name, value in entry.given().items() if name != "groups"}
    text = rendered(Call(f"torch.optim.{entry.type}", arguments, defaults(entry), frozenset()))
    inner = text.partition("(")[2][:-1]
    if set(arguments) and inner and "=" not in inner:  # its only argument, which is not the first here
        inner = f"{next(iter(arguments))}={inner}"
    taken = "network.parameters()"
    if entry.parts:
        taken = "groups_of(network)"
    elif plan.frozen:
        taken = "[p for p in network.parameters() if p.requires_grad]"
    return f"torch.optim.{entry.type}({taken}{', ' + inner if inner else ''})"


def groups(spec: Spec, plan: Plan) -> Iterator[str]:
    """The function that puts the parameters into the optimizer's groups."""
    entry: Any = spec.optimizer
    if not entry.parts:
        return
    numbers = assignment(entry, plan)
    written = {id(group): conditions(group, plan) for group in entry.parts}
    named = plan.tie or any(text is None for text in written.values())
    tests: list[str] = []
    for number, group in enumerate(entry.parts, start=1):
        keys = [key for key, found in numbers.items() if found == number]
        text = written[id(group)]
        tests.append(f"name in [{', '.join(map(rendered, keys))}]" if named or text is None else text)
    changes = [", ".join(f"{rendered(n)}: {rendered(v)}" for n, v in group.changes().items()) for group in entry.parts]
    rest = 0 in numbers.values()
    made = ['{"params": []}'] * rest + [
        f'{{"params": [], {change}}}' if change else '{"params": []}' for change in changes
    ]
    lines = [
        '"""The parameters, each in the first group that takes it."""',
        f"groups: list[dict[str, Any]] = [{', '.join(made)}]",
    ]
    if not rest and len(tests) > 1:
        tests[-1] = ""
    owned = any("(owner, " in test for test in tests)
    if owned:
        lines += [
            "owners = {", "    id(parameter): module for module in network.modules()",
            "    for parameter in module.parameters(recurse=False)", "}",
        ]  # fmt: skip
    lines.append("for name, parameter in network.named_parameters():")
    body = ["if not parameter.requires_grad:", "    continue"] if plan.frozen else []
    if owned:
        body.append("owner = owners[id(parameter)]")
    for index, test in enumerate(tests):
        body.append(f"{'el' if index else ''}if {test}:" if test else "else:")
        body.append(f'    groups[{index + rest}]["params"].append(parameter)')
    if rest:
        body += ["else:", '    groups[0]["params"].append(parameter)']
    lines += [f"    {line}" for line in body]
    lines.append("return groups")
    head = "def groups_of(network: nn.Module) -> list[dict[str, Any]]:\n"
    yield head + "\n".join(f"    {line}" for line in lines)


def conditions(group: Group, plan: Plan) -> str | None:
    """What is asked of a parameter's `name` and its `owner`; None where that does not say it."""
    parts: list[str] = []
    if group.patterns is not None:
        parts.append(" or ".join(matching(pattern) for pattern in group.patterns))
        if len(group.patterns) > 1 and group.layer_types is not None:
            parts[-1] = f"({parts[-1]})"
    if group.layer_types is not None:
        composite = any(step.type.startswith(WITHIN) for step in plan.layers())
        own = all(
            name and "." not in name
            for step in plan.layers()
            if step.type in group.layer_types
            for name in outcome_of(step).parameters
        )
        if composite or not own:
            return None
        tests = ", ".join(f"nn.{type}" for type in group.layer_types)
        parts.append(f"isinstance(owner, {tests if len(group.layer_types) == 1 else f'({tests})'})")
    return " and ".join(parts)


def matching(pattern: str) -> str:
    """The test of a name against a pattern."""
    inner = pattern.strip("*")
    if not any(sign in inner for sign in "*?["):
        if pattern == inner:
            return f"name == {rendered(pattern)}"
        if pattern == f"{inner}*" and inner:
            return f"name.startswith({rendered(inner)})"
        if pattern == f"*{inner}" and inner:
            return f"name.endswith({rendered(inner)})"
    return f"fnmatchcase(name, {rendered(pattern)})"


def scheduler_of(spec: Spec, total: str, steps: str) -> str:
    """The scheduler. total: how often it goes on in the training; steps: how often in an epoch."""
    return part_of(spec, cast(Scheduler, spec.scheduler), total, steps)


def part_of(spec: Spec, entry: Any, total: str, steps: str) -> str:
    """A scheduler, or one that another is made of."""
    if entry.plugged:
        raise inexpressible(spec, f"the scheduler {entry.type}", ("scheduler",))
    name = f"torch.optim.lr_scheduler.{entry.type}"
    if entry.type == "SequentialLR":
        ends = [0, *entry.milestones]
        lengths = [str(end - begin) for begin, end in pairwise(ends)] + [f"{total} - {ends[-1]}"]
        parts = [part_of(spec, part, own, steps) for part, own in zip(entry.schedulers, lengths, strict=True)]
        return f"{name}(optimizer, [{', '.join(parts)}], milestones={listed(entry.milestones)})"
    if entry.type == "ChainedScheduler":
        parts = [part_of(spec, part, total, steps) for part in entry.schedulers]
        return f"{name}([{', '.join(parts)}])"
    arguments = {name: value for name, value in entry.given().items() if name not in ("interval", "metric")}
    if entry.type == "OneCycleLR" and entry.total_steps is None:
        if entry.epochs is None and entry.steps_per_epoch is None:
            arguments["total_steps"] = Formula(total)
        else:
            arguments["epochs"] = Formula(str(entry.epochs or "epochs"))
            arguments["steps_per_epoch"] = Formula(str(entry.steps_per_epoch or steps))
    elif arguments.get("T_max", 0) is None:
        arguments["T_max"] = Formula(total)
    known = defaults(entry)
    parts = [f"{key}={listed(value)}" for key, value in arguments.items() if key not in known or value != known[key]]
    return f"{name}({', '.join(['optimizer', *parts])})"
