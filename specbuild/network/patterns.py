"""Patterns over the keys of a `state_dict`: one is about a key that it matches, or that is in a layer it matches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import translate

from specbuild.diagnostics.suggest import nearest
from specbuild.language.transferring import Pattern
from specbuild.network.plan import Plan, Step


class Matcher:
    """Patterns, and which of them were about something."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.patterns = patterns
        self.compiled = [re.compile(translate(pattern.text)) for pattern in patterns]
        self.used: set[int] = set()
        self.about: dict[str, tuple[int, ...]] = {}
        """The patterns that are about a key, or a part of it."""

    def of(self, name: str) -> tuple[int, ...]:
        """The patterns that are about a name, or about what it is in."""
        found = self.about.get(name)
        if found is None:
            outer = name.rpartition(".")[0]
            own = [index for index, pattern in enumerate(self.compiled) if pattern.match(name)]
            found = self.about[name] = tuple({*own, *(self.of(outer) if outer else ())})
        return found

    def takes(self, name: str) -> bool:
        """Whether a pattern is about a key; those that are count as used."""
        found = self.of(name)
        self.used.update(found)
        return bool(found)

    def idle(self) -> Iterator[Pattern]:
        """The patterns that were about nothing."""
        return (pattern for index, pattern in enumerate(self.patterns) if index not in self.used)


def names_of(plan: Plan, keys: Iterable[str]) -> list[str]:
    """The layers and scopes that keys are in, the keys themselves last."""
    keys = list(keys)
    outer: dict[str, None] = {}
    for key in keys:
        parts = key.split(".")
        outer.update((".".join(parts[:end]), None) for end in range(1, len(parts)))
    return [*outer, *keys]


def step_called(plan: Plan, name: str) -> Step | None:
    """The layer or the scope of a qualified name."""
    steps, found, prefix = plan.steps, None, ""
    for part in name.split("."):
        prefix = f"{prefix}.{part}" if prefix else part
        found = next((step for step in steps if step.name == prefix), None)
        if found is None:
            return None
        steps = found.steps
    return found


def meant_by(plan: Plan, text: str, keys: Iterable[str]) -> tuple[str, str | None]:
    """Why a pattern is about nothing, and the name that was probably meant."""
    known = names_of(plan, keys)
    step = step_called(plan, text.removesuffix(".*"))
    if step is not None:
        return f"`{step.name}` has no parameters", None
    kind = next((step for step in plan.layers() if step.type == text), None)
    if kind is not None:
        return f"{text} is a type, and patterns go by names", kind.name
    scope, _, rest = text.rpartition(".")
    if rest == "*" and (near := nearest(scope, known)) is not None:
        return f"nothing in the network is called `{text}`", f"{near}.*"
    inner = next((name for name in known if name.endswith(f".{text}")), None)
    return f"nothing in the network is called `{text}`", inner or nearest(text, known)
