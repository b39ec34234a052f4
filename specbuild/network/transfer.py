"""`weights` against the network, and against what a source holds: which tensor goes where. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from specbuild.catalogue.rules import Storage
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.diagnostics.suggest import nearest, renaming
from specbuild.language.transferring import Weights
from specbuild.network.freezing import unmatched
from specbuild.network.patterns import Matcher, names_of, step_called
from specbuild.network.plan import Plan
from specbuild.network.states import states_of

MOST_TOLD = 20
"""How many tensors that do not fit are told."""
ROOM = 900
"""The characters that they are told in."""
COUNTER = "num_batches_tracked"
"""What weights of old lack: torch takes them without it, and so is it here; it begins at 0."""


class Fit(NamedTuple):
    """What a network takes of a source."""

    taken: Mapping[str, str]
    """The key in the source, by the key in the network."""
    left: tuple[str, ...]
    """Keys of the source that are of layers the network does not have."""


class Target(NamedTuple):
    """The part of a network that takes weights."""

    wanted: Mapping[str, Storage]
    """What has to be found, by its key in the network."""
    others: frozenset[str]
    """Keys of the same part that may be found, and are not taken: of what begins as torch does, and of ties."""
    prefix: str
    """What all the keys begin with."""


def target_of(plan: Plan, weights: Weights) -> Target:
    """The part of the network that a source is for."""
    into = weights.into
    states = {key: storage for step in plan.steps for key, storage in states_of(step) if inside(key, into)}
    begin = Matcher(weights.begin)
    wanted = {key: storage for key, storage in states.items() if not begin.takes(key) and key not in plan.tie}
    return Target(wanted, frozenset(states.keys() - wanted.keys()), into or "")


def inside(key: str, scope: str | None) -> bool:
    """Whether a key is of a scope, or of a layer."""
    return not scope or key == scope or key.startswith(f"{scope}.")


def check_weights(plan: Plan, weights: Sequence[Weights]) -> Iterator[Diagnostic]:
    """What of `weights` cannot be, whatever the sources hold."""
    everything = [key for step in plan.steps for key, _ in states_of(step)]
    for one in weights:
        if one.kind == "torchvision" and not published(one.name):
            yield Diagnostic(
                "SB416", f"`{one.name}` is no name of torchvision's weights", one.at("torchvision"),
                fix="ResNet18_Weights.IMAGENET1K_V1: the model's weights in torchvision.models, and which of them",
            )  # fmt: skip
        keys = [key for key in everything if inside(key, one.into)]
        if not keys:
            yield nowhere(plan, one, everything)
            continue
        begin = Matcher(one.begin)
        left = [key for key in keys if not begin.takes(key)]
        idle = list(begin.idle())
        yield from (unmatched(plan, pattern, keys, "SB416") for pattern in idle)
        if not left and not idle:
            message = "all of it begins as torch does: no weights are taken"
            yield Diagnostic("SB416", message, one.at("except"), fix="except only what is new")


def published(name: str) -> bool:
    """Whether a text has the form of a name of torchvision's weights."""
    models, dot, which = name.partition(".")
    return bool(dot) and models.endswith("_Weights") and models.isidentifier() and which.isidentifier()


def nowhere(plan: Plan, one: Weights, keys: Sequence[str]) -> Diagnostic:
    """SB416 for an `into` that nothing is called, or that takes no weights."""
    into = one.into or ""
    path = one.at("into") if one.into is not None else one.path
    if not into:
        return Diagnostic("SB416", "the network has no parameters: there is nothing to take weights", path)
    if step_called(plan, into) is not None:
        message = f"`{into}` has no parameters: there is nothing to take weights"
        return Diagnostic("SB416", message, path, fix="leave it out")
    known = names_of(plan, keys)
    meant = nearest(into, known)
    fix = f"did you mean `{meant}`?" if meant else "`into` is the name of a layer or of a scope: body, stem.conv1"
    return Diagnostic("SB416", f"no layer is called `{into}`", path, fix=fix, edit=renaming(path, into, meant, known))


def fitted(plan: Plan, weights: Weights, header: Mapping[str, Storage]) -> Fit | Diagnostic:
    """What the network takes of a source with these tensors, or SB416 with all that does not fit."""
    target = target_of(plan, weights)
    prefix = settled_prefix(weights, header)
    if prefix and not any(inside(key, prefix) for key in header):
        return no_such_prefix(weights, prefix, target, header)
    taken: dict[str, str] = {}
    missing: list[str] = []
    other: list[str] = []
    for key, storage in target.wanted.items():
        source = moved(key, target.prefix, prefix)
        found = header.get(source)
        if found == storage:
            taken[key] = source
        elif found is not None:
            other.append(f"{key} is {described(storage)}, but {described(found)} there")
        elif not source.endswith(COUNTER) or f"{source.removesuffix(COUNTER)}running_mean" not in header:
            missing.append(key)
    left: list[str] = []
    extra: list[str] = []
    layers = {key.rpartition(".")[0] for key in taken}
    ours = {moved(key, target.prefix, prefix) for key in (*target.wanted, *target.others)}
    for key in header:
        if inside(key, prefix) and key not in ours:
            inner = moved(key, prefix, target.prefix).rpartition(".")[0]
            (extra if inner in layers else left).append(key)
    if not (missing or other or extra):
        return Fit(taken, tuple(left))
    wrong = [*other, *(f"{key} is not there" for key in missing)]
    wrong += [f"{key} is of a layer that has none such" for key in extra]
    counts = [(len(missing), "missing"), (len(other), "of another shape or dtype"), (len(extra), "too many")]
    words = ", ".join(f"{count} {'is' if count == 1 else 'are'} {what}" for count, what in counts if count)
    of = f"tensor{'' if len(target.wanted) == 1 else 's'}"
    message = f"{weights.name} does not fit: of {len(target.wanted)} {of} {words}"
    bad = [*missing, *(line.partition(" ")[0] for line in other)]
    fix = other_place(plan, weights, target, header, len(taken)) or without(bad, taken)
    return Diagnostic("SB416", message, weights.path, because=in_room(wrong), fix=fix)


def settled_prefix(weights: Weights, header: Mapping[str, Storage]) -> str:
    """What the keys in the source begin with: `from`, or else `into` where some do, or nothing."""
    if weights.prefix is not None:
        return weights.prefix
    into = weights.into or ""
    return into if any(inside(key, into) for key in header) else ""


def moved(key: str, old: str, new: str) -> str:
    """A key with another beginning; a whole key may be one."""
    rest = key.removeprefix(old).removeprefix(".") if old else key
    return f"{new}.{rest}" if new and rest else new or rest


def no_such_prefix(weights: Weights, prefix: str, target: Target, header: Mapping[str, Storage]) -> Diagnostic:
    """SB416 for a `from` that no key begins with."""
    known = list(dict.fromkeys(part for key in header for part in outer_names(key)))
    meant = fitting_prefix(target, header)
    if meant == "":
        fix = 'from: ""'
    else:
        meant = meant or nearest(prefix, known)
        fix = f"did you mean `{meant}`?" if meant else f"they begin with {', '.join(known[:3]) or 'nothing'}"
    return Diagnostic("SB416", f"no tensor of {weights.name} is in `{prefix}`", weights.at("from"), fix=fix)


def outer_names(key: str) -> Iterator[str]:
    """What a key is in, the outermost first."""
    parts = key.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts)))


def fitting_prefix(target: Target, header: Mapping[str, Storage]) -> str | None:
    """The prefix under which all that is wanted stands in a source; `` is none, None that there is no such."""
    if not target.wanted:
        return None
    key, _ = next(iter(target.wanted.items()))
    rest = moved(key, target.prefix, "")
    for source in header:
        if source == rest or source.endswith(f".{rest}"):
            prefix = source.removesuffix(rest).removesuffix(".")
            if all(
                header.get(moved(key, target.prefix, prefix)) == storage
                for key, storage in target.wanted.items()
                if not key.endswith(f".{COUNTER}")
            ):
                return prefix
    return None


def other_place(plan: Plan, weights: Weights, target: Target, header: Mapping[str, Storage], fit: int) -> str | None:
    """The `from`, or the `into`, by which all would fit, where less than half does now."""
    if fit * 2 > len(target.wanted):
        return None
    prefix = fitting_prefix(target, header)
    if prefix is not None:
        return f"from: {prefix or chr(34) * 2}"
    if weights.into is None:
        for step in plan.steps:
            if step.scope is not None:
                inner = target_of(plan, weights._replace(into=step.name))
                prefix = fitting_prefix(inner, header)
                if prefix is not None:
                    return f"into: {step.name}" + (f", from: {prefix}" if prefix else "")
    return None


def without(bad: Sequence[str], taken: Mapping[str, str]) -> str | None:
    """The `except` that leaves out what does not fit, where something is taken still."""
    layers = list(dict.fromkeys(key.rpartition(".")[0] or key for key in bad))
    if not taken or not layers:
        return None
    if len(layers) > 3:
        layers = list(dict.fromkeys(layer.partition(".")[0] for layer in layers))
    if len(layers) > 3 or any(inside(key, layer) for key in taken for layer in layers):
        return None
    patterns = ", ".join(f'"{layer}.*"' if any(key != layer for key in bad) else layer for layer in layers)
    return f"except: [{patterns}], to begin with those as torch does"


def in_room(words: Sequence[str]) -> str:
    """The first of some facts, as many as there is room for."""
    told: list[str] = []
    for one in words:
        if len(told) == MOST_TOLD or sum(map(len, told)) + len(one) > ROOM:
            return "; ".join([*told, f"and {len(words) - len(told):,} more"])
        told.append(one)
    return "; ".join(told)


def described(storage: Storage) -> str:
    """A tensor's shape, and its dtype where that is unusual."""
    return f"{list(storage.shape)}" + ("" if storage.dtype == "float32" else f" {storage.dtype}")
