"""`freeze` against the network: which parameters stay as they begin, and which layers rest."""

from __future__ import annotations

from collections.abc import Iterator

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.diagnostics.suggest import renaming
from specbuild.language.transferring import Freeze, Pattern
from specbuild.network.grouping import listed
from specbuild.network.patterns import Matcher, meant_by, names_of
from specbuild.network.plan import Plan, outcome_of

STATISTIC = "running_mean"
"""The buffer by which a layer is known to normalize by what it saw in training."""


def frozen(plan: Plan, freeze: Freeze) -> tuple[frozenset[str], list[Diagnostic]]:
    """The keys that are frozen, of tied parameters every one; and what is wrong.

    Of a normalization without parameters its statistics may be meant: they are among the keys then.
    """
    keys = list(freezable(plan))
    about, learn = Matcher(freeze.parameters), Matcher(freeze.learn)
    held = {key for key in keys if about.takes(key)}
    held = {key for key in keys if key in held and not learn.takes(key)}
    groups: dict[str, list[str]] = {}
    for tied, kept in plan.tie.items():
        groups.setdefault(kept, [kept]).append(tied)
    for names in groups.values():
        if held.intersection(names):
            held.update(names)
    problems = [unmatched(plan, pattern, keys, SB417) for pattern in about.idle()]
    problems += [without_effect(plan, pattern, keys) for pattern in learn.idle()]
    if not problems and freeze.parameters and not held:
        message = "`except` takes all of it out: nothing is frozen"
        problems.append(Diagnostic(SB417, message, ("freeze", "except"), fix="except only what learns, or no `freeze`"))
    if not problems and all(key in held for key, _ in plan.storages()):
        last = [key.rpartition(".")[0] or key for key, _ in plan.storages()][-1:]
        fix = f"leave out of it what learns: freeze: {{parameters: ..., except: {last[0]}}}" if last else "leave it out"
        problems.append(Diagnostic(SB417, "every parameter is frozen: there is nothing to learn", ("freeze",), fix=fix))
    return frozenset(held), problems


SB417 = "SB417"


def freezable(plan: Plan) -> Iterator[str]:
    """The keys of all parameters, and of the statistics of layers that have no others."""
    for step in plan.layers():
        outcome = outcome_of(step)
        for name in outcome.parameters:
            yield f"{step.name}.{name}" if name else step.name
        if not outcome.parameters and STATISTIC in outcome.buffers:
            yield f"{step.name}.{STATISTIC}"


def resting(plan: Plan) -> list[str]:
    """The normalization layers all of whose parameters are frozen: in training, too, they go by their statistics."""
    found = []
    for step in plan.layers() if plan.frozen else ():
        outcome = outcome_of(step)
        if STATISTIC in outcome.buffers:
            keys = [f"{step.name}.{name}" for name in outcome.parameters or (STATISTIC,)]
            if all(key in plan.frozen for key in keys):
                found.append(step.name)
    return found


def without_effect(plan: Plan, pattern: Pattern, keys: list[str]) -> Diagnostic:
    """A pattern under `except` that takes nothing out."""
    if any(Matcher([pattern]).takes(key) for key in keys):
        message = f"`{pattern.text}` is not frozen: `parameters` does not name it"
        return Diagnostic(SB417, message, pattern.path, fix="leave it out: it learns")
    return unmatched(plan, pattern, keys, SB417)


def unmatched(plan: Plan, pattern: Pattern, keys: list[str], code: str) -> Diagnostic:
    """A pattern that is about nothing, with the name that was probably meant."""
    message, meant = meant_by(plan, pattern.text, keys)
    fix = f"did you mean `{meant}`?" if meant else f"names with parameters are {listed(names_of(plan, keys))}"
    fix = "leave it out" if meant is None and message.endswith("has no parameters") else fix
    edit = renaming(pattern.path, pattern.text, meant, names_of(plan, keys)) if meant else None
    return Diagnostic(code, message, pattern.path, fix=fix, edit=edit)
