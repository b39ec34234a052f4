"""`init` against the network: which scheme fills which parameter."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from fnmatch import translate
from typing import TYPE_CHECKING, NamedTuple

from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.types import Shape
from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Path
from specbuild.diagnostics.suggest import nearest, renaming
from specbuild.language.initializing import Rule
from specbuild.language.items import SCOPE
from specbuild.network.grouping import listed
from specbuild.network.plan import Plan, Step, outcome_of

if TYPE_CHECKING:
    from specbuild.catalogue.initialization import Initialization

OWN = "Parameter"
"""The layer that has an `init` of its own."""


def initialized(plan: Plan, rules: Sequence[Rule]) -> tuple[dict[str, Initialization], list[Diagnostic]]:
    """The scheme of each parameter that a rule is about, by its key in the `state_dict`; and what is wrong.

    Of the rules about a parameter the last one counts. A tied parameter is the one that it is tied to, and is
    filled as that one is.
    """
    matching = Matching(plan, rules)
    problems = [*matching.unmatched(), *matching.unsuited()]
    return {key: rules[filled.rule].scheme for key, filled in matching.chosen.items()}, problems


class Filled(NamedTuple):
    """A parameter that a rule fills."""

    rule: int
    """The rule's number."""
    type: str
    """The type of the layer."""
    parameter: str
    """The name in the layer."""
    shape: Shape
    dtype: str


class Matching:
    """The rules on the parameters of a plan."""

    def __init__(self, plan: Plan, rules: Sequence[Rule]) -> None:
        self.plan, self.rules = plan, rules
        self.chosen: dict[str, Filled] = {}
        """What is filled, by its key; in the order of the parameters."""
        self.layers: dict[str, list[Step]] = {rule.layers: [] for rule in rules}
        """The layers that each key is about."""
        self.own: dict[str, Step] = {}
        """The first layer with an `init` of its own that a key would be about."""
        self.used: set[int] = set()
        """The rules that are about some parameter."""
        self.tied: dict[int, str] = {}
        """A tied parameter that a rule would be about."""
        patterns = {key: re.compile(translate(key)) for key in self.layers if key not in LAYERS}
        parameters = [re.compile(translate(rule.parameters)) for rule in rules]
        for step in plan.layers():
            assert step.layer is not None
            kind = step.layer.type
            keys = {key for key in self.layers if (patterns[key].match(step.name) if key in patterns else key == kind)}
            if kind == OWN:
                self.own.update({key: step for key in keys if key not in self.own})
                continue
            for key in keys:
                self.layers[key].append(step)
            if keys:
                self.fill(step, [(k, parameters[k]) for k, rule in enumerate(rules) if rule.layers in keys])

    def fill(self, step: Step, about: Sequence[tuple[int, re.Pattern[str]]]) -> None:
        """Choose the rules of the parameters of one layer; about: those that are about the layer."""
        for name, storage in outcome_of(step).parameters.items():
            found = [index for index, pattern in about if pattern.match(name)]
            key = f"{step.name}.{name}"
            if key in self.plan.tie:
                self.tied.update({index: key for index in found if index not in self.tied})
            elif found:
                self.used.update(found)
                self.chosen[key] = Filled(found[-1], step.type, name, storage.shape, storage.dtype)

    def unmatched(self) -> Iterator[Diagnostic]:
        """Rules that are about no parameter; of a key that is about no layer, one report."""
        for key, steps in self.layers.items():
            if not steps:
                yield self.without_layer(key)
        told: dict[str, Diagnostic] = {}
        for index, rule in enumerate(self.rules):
            if index in self.used or not self.layers[rule.layers]:
                continue
            found = self.without_parameter(index, rule)
            if found.edit is not None:
                yield found
            elif rule.layers not in told:
                told[rule.layers] = found
            else:  # one mistake: the layers that the key was for are gone
                told[rule.layers] = replace(told[rule.layers], because=f"there is none for `{rule.parameters}` either")
        yield from told.values()

    def without_layer(self, key: str) -> Diagnostic:
        """A key that is about no layer."""
        path: Path = ("init", key)
        if key in self.own:
            message = f"`{self.own[key].name}` is a {OWN}, and says itself how it begins"
            return Diagnostic("SB218", message, path, "key", fix="`init` in the layer")
        scopes = list(scopes_of(self.plan.steps))
        scope = next((step for step in scopes if key in (step.name, step.type)), None)
        if scope is not None:
            what = "a scope, not a layer" if key in (scope.name, SCOPE) else "a block, not a type of a layer"
            edit = Edit(path, f"{key}.*", "key") if key == scope.name else None
            return Diagnostic(
                "SB218", f"`{key}` is {what}", path, "key", fix=f"`{scope.name}.*`, for the layers in it", edit=edit
            )
        types = {step.type: None for step in self.plan.layers() if step.type != OWN and outcome_of(step).parameters}
        if key in LAYERS:
            fix = f"leave it out; there are {', '.join(types)}" if types else "leave it out"
            return Diagnostic("SB218", f"there is no {key} in the network", path, "key", fix=fix)
        message = f"no layer is called `{key}`"
        if "${" in key:
            return Diagnostic("SB218", message, path, "key", fix="write it out: keys take no expressions")
        inside = self.inside(key)
        if inside is not None:
            return Diagnostic("SB218", message, path, "key", fix=inside)
        names = [step.name for step in self.plan.layers()]
        known = [*types, *names, *(f"{step.name}.*" for step in scopes)]
        meant = nearest(key, known)
        fix = f"did you mean `{meant}`?" if meant else "a type, or a pattern of names as in the state_dict: stem.*"
        edit = renaming(path, key, meant, known, "key")
        return Diagnostic("SB218", message, path, "key", fix=fix, edit=edit)

    def inside(self, key: str) -> str | None:
        """The mend for a key of a parameter, or of a module, that is in a layer."""
        for step in self.plan.layers():
            names = outcome_of(step).parameters
            part = key.removeprefix(f"{step.name}.")
            if part == key or step.type == OWN:
                continue
            if part in names:
                return f"{step.name}: {{{part}: ...}}"
            if any(name.startswith(f"{part}.") for name in names):
                return f'{step.name}: {{"{part}.*": ...}}'
        return None

    def without_parameter(self, index: int, rule: Rule) -> Diagnostic:
        """A rule about a parameter that none of its layers has."""
        path: Path = ("init", rule.layers, rule.parameters)
        if index in self.tied:
            key = self.tied[index]
            kept = self.plan.tie[key]
            layer, _, name = kept.rpartition(".")
            fix = f"{layer}: {{{name}: ...}}" if layer else f"`init` in the {OWN} `{kept}`"
            return Diagnostic("SB218", f"`{key}` is tied to `{kept}`, and begins as that does", path, "key", fix=fix)
        steps = self.layers[rule.layers]
        known: Collection[str] = dict.fromkeys(name for step in steps for name in outcome_of(step).parameters)
        owner = f"no {rule.layers}" if rule.layers in LAYERS else f"no layer that `{rule.layers}` matches"
        message = f"{owner} has a parameter `{rule.parameters}`"
        if len(steps) == 1:
            message = f"`{steps[0].name}` has no parameter `{rule.parameters}`"
        if not known:
            message = f"`{steps[0].name}` has no parameters" if len(steps) == 1 else f"{owner} has parameters"
            return Diagnostic("SB218", message, path, "key", fix="leave it out")
        written = {other.parameters for other in self.rules if other.layers == rule.layers}
        begun = [name for name in known if name.startswith(rule.parameters)]
        meant = f"{rule.parameters}*" if len(begun) > 1 else None
        free = [name for name in known if name not in written]
        meant = meant or nearest(rule.parameters, free)
        fix = f"the parameters are {listed(known)}" if len(known) > 1 else f"its one parameter is {listed(known)}"
        edit = renaming(path, rule.parameters, meant, free, "key")
        return Diagnostic("SB218", message, path, "key", fix=f"did you mean `{meant}`?" if meant else fix, edit=edit)

    def unsuited(self) -> Iterator[Diagnostic]:
        """Schemes that cannot fill a parameter; of each rule the first one."""
        suited: dict[int, list[Filled]] = {}
        wrong: dict[int, list[tuple[str, Filled, Violation]]] = {}
        for key, filled in self.chosen.items():
            try:
                self.rules[filled.rule].scheme.suits(filled.shape)
                self.rules[filled.rule].scheme.suits_dtype(filled.dtype)
            except Violation as violation:
                wrong.setdefault(filled.rule, []).append((key, filled, violation))
            else:
                suited.setdefault(filled.rule, []).append(filled)
        for index, found in wrong.items():
            rule = self.rules[index]
            key, first, why = found[0]
            fix = narrower(suited.get(index, ()), [filled for _, filled, _ in found]) or why.fix
            message = f"`{key}` is {list(first.shape)}: {why.message}"
            yield Diagnostic("SB218", message, ("init", rule.layers, rule.parameters), fix=fix)


def narrower(suited: Collection[Filled], unsuited: Collection[Filled]) -> str | None:
    """The mend that says a scheme of the parameters, or of the types, that it suits throughout."""
    names = {filled.parameter for filled in unsuited}
    types = {filled.type for filled in unsuited}
    good = dict.fromkeys(filled.parameter for filled in suited if filled.parameter not in names)
    good = good or dict.fromkeys(filled.type for filled in suited if filled.type not in types)
    return f"say it of {listed(good)}, which it suits" if good else None


def scopes_of(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps that are scopes, the inner ones too."""
    for step in steps:
        if step.scope is not None:
            yield step
            yield from scopes_of(step.steps)
