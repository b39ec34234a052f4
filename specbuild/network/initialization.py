"""`init` against the network: which scheme fills which parameter."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from fnmatch import translate
from typing import TYPE_CHECKING

from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.types import Shape
from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Path
from specbuild.diagnostics.suggest import nearest, renaming
from specbuild.language.initializing import Rule
from specbuild.language.items import SCOPE
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
    return {key: rules[index].scheme for key, (index, _) in matching.chosen.items()}, problems


class Matching:
    """The rules on the parameters of a plan."""

    def __init__(self, plan: Plan, rules: Sequence[Rule]) -> None:
        self.plan, self.rules = plan, rules
        self.chosen: dict[str, tuple[int, Shape]] = {}
        """The rule that fills a parameter, and the parameter's shape; in the order of the parameters."""
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
                self.chosen[key] = (found[-1], storage.shape)

    def unmatched(self) -> Iterator[Diagnostic]:
        """Rules that are about no parameter; of a key that is about no layer, one report."""
        for key, steps in self.layers.items():
            if not steps:
                yield self.without_layer(key)
        for index, rule in enumerate(self.rules):
            if index not in self.used and self.layers[rule.layers]:
                yield self.without_parameter(index, rule)

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
        names = [step.name for step in (*self.plan.layers(), *scopes)]
        known = [*types, *names]
        meant = nearest(key, known)
        fix = f"did you mean `{meant}`?" if meant else "a type, or a pattern of names as in the state_dict: stem.*"
        edit = renaming(path, key, meant, known, "key")
        return Diagnostic("SB218", f"no layer is called `{key}`", path, "key", fix=fix, edit=edit)

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
        written = {other.parameters for other in self.rules if other.layers == rule.layers}
        free = [name for name in known if name not in written]
        meant = nearest(rule.parameters, free)
        fix = f"did you mean `{meant}`?" if meant else f"the parameters are {', '.join(known)}"
        edit = renaming(path, rule.parameters, meant, free, "key")
        return Diagnostic("SB218", message, path, "key", fix=fix if known else "leave it out", edit=edit)

    def unsuited(self) -> Iterator[Diagnostic]:
        """Schemes that cannot fill a parameter; of each rule the first one."""
        told: set[int] = set()
        for key, (index, shape) in self.chosen.items():
            if index in told:
                continue
            rule = self.rules[index]
            try:
                rule.scheme.suits(shape)
            except Violation as violation:
                told.add(index)
                yield Diagnostic(
                    "SB218", f"`{key}` is {list(shape)}: {violation.message}",
                    ("init", rule.layers, rule.parameters), fix=violation.fix,
                )  # fmt: skip


def scopes_of(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps that are scopes, the inner ones too."""
    for step in steps:
        if step.scope is not None:
            yield step
            yield from scopes_of(step.steps)
