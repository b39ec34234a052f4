"""The `state_dict` of a plan, and which of its entries another network takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from specbuild.catalogue.rules import Storage
from specbuild.network.plan import Plan, Step, outcome_of


class Weights(NamedTuple):
    """Which entries of an old `state_dict` a new network takes, by key and shape."""

    fit: tuple[str, ...]
    missing: tuple[str, ...]
    """Keys that only the new one has."""
    unexpected: tuple[str, ...]
    """Keys that only the old one has."""
    reshaped: Mapping[str, tuple[Storage, Storage]]
    """Keys of both, whose tensors have other shapes."""
    renamed: Mapping[str, str]
    """Old keys that do not fit, but would under this new one: those of layers that have another name."""

    @property
    def total(self) -> int:
        """The entries of the new `state_dict`."""
        return len(self.fit) + len(self.missing) + len(self.reshaped)

    @property
    def all_fit(self) -> bool:
        """Whether each network takes the other's `state_dict` whole."""
        return not (self.missing or self.unexpected or self.reshaped)


def states_of(step: Step) -> Iterator[tuple[str, Storage]]:
    """The entries of a layer, or of all layers in a scope, by their keys: parameters, tied ones too, and buffers."""
    if step.layer is None:
        for inner in step.steps:
            yield from states_of(inner)
        return
    outcome = outcome_of(step)
    for name, storage in (*outcome.parameters.items(), *outcome.buffers.items()):
        if storage.persistent:
            yield f"{step.name}.{name}" if name else step.name, storage


def weights_of(old: Plan, new: Plan, names: Mapping[str, str]) -> Weights:
    """What of the old network's weights the new one takes; names: a layer's new name by its old one."""
    before = {key: storage for step in old.steps for key, storage in states_of(step)}
    after = {key: storage for step in new.steps for key, storage in states_of(step)}
    fit = {key for key, storage in after.items() if key in before and before[key].shape == storage.shape}
    moved = {}
    for key, storage in before.items():
        other = renamed(key, names)
        free = key != other and key not in fit and other not in fit
        if free and other in after and after[other].shape == storage.shape:
            moved[key] = other
    return Weights(
        tuple(key for key in after if key in fit),
        tuple(key for key in after if key not in before),
        tuple(key for key in before if key not in after),
        {key: (before[key], after[key]) for key in after if key in before and key not in fit},
        moved,
    )


def renamed(key: str, names: Mapping[str, str]) -> str:
    """A key with the new name of its layer."""
    end = len(key)
    while end > 0:
        if key[:end] in names:
            return names[key[:end]] + key[end:]
        end = key.rfind(".", 0, end)
    return key
